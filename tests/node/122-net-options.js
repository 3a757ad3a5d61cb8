'use strict';
// What connect() and listen() are told: the own end of a connection, a timeout, one address or all of them; whom the file of a server is
// open to, and IPv6 alone.
const net = require('net'); const fs = require('fs'); const path = require('path'); const os = require('os');
const out = []; const log = (s) => out.push(s);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'np-')); const p = (n) => path.join(dir, n);
process.on('exit', (c) => { fs.rmSync(dir, { recursive: true }); fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'); });
const server = net.createServer((s) => { s.resume(); });
const at = (options) => net.connect({ host: '127.0.0.1', port: server.address().port, ...options });
const watch = (name, c, next) => {
  c.on('lookup', (e, ip) => log(`${name} lookup ${ip}`));
  c.on('connectionAttempt', (ip) => log(`${name} attempt ${ip}`));
  c.on('timeout', () => { log(`${name} timeout`); c.destroy(); });
  c.on('error', (e) => log(`${name} ${e.code} ${e.syscall} ${e.message.replace(/:\d+$/, ':PORT')}`));
  c.on('close', (e) => { log(`${name} close ${e}`); next(); });
};
function localPort(next) {
  const free = net.createServer().listen(0, '127.0.0.1', () => {
    const port = free.address().port;
    const taken = at({ localPort: port, localAddress: '127.0.0.1' });
    watch('taken', taken, () => free.close(() => {
      const c = at({ localPort: port });
      c.on('connect', () => { log(`local port ${c.localPort === port} ${c.localAddress}`); c.end(); });
      watch('port', c, next);
    }));
  });
}
function localAddress(next) {
  const c = at({ localAddress: '127.0.0.1' });
  c.on('connect', () => { log(`local address ${c.localAddress}`); c.end(); });
  watch('address', c, () => watch('foreign', at({ localAddress: '192.0.2.1' }), next));
}
function timeout(next) {
  const c = at({ timeout: 50 });
  log(`timeout ${c.timeout}`);
  watch('idle', c, next);
}
function families(next) {
  const lookup = (host, options, callback) => {
    log(`all=${options.all === true}`);
    const found = options.all ? [[{ address: '127.0.0.1', family: 4 }, { address: '127.0.0.2', family: 4 }]] : ['127.0.0.1', 4];
    setImmediate(callback, null, ...found);
  };
  const dial = (name, options, then) => {
    const c = at({ host: 'a.test', lookup, ...options });
    c.on('connect', () => c.end());
    watch(name, c, then);
  };
  dial('any', {}, () => dial('first', { autoSelectFamily: false }, () => dial('bound', { localAddress: '127.0.0.1' }, next)));
}
function modes(next) {
  const options = [{}, { readableAll: true }, { writableAll: true }, { readableAll: true, writableAll: true }];
  (function one() {
    const o = options.shift();
    if (!o) return next();
    const s = net.createServer().listen({ path: p('s'), ...o }, () => {
      const { mode } = fs.statSync(p('s'));
      const readable = o.readableAll ? (mode & 0o044).toString(8) : '-';
      log(`mode readable=${readable} writable=${(mode & 0o022).toString(8)}`);
      s.close(one);
    });
  })();
}
server.listen(0, '127.0.0.1', () => localPort(() => localAddress(() => timeout(() => families(() => modes(() => server.close()))))));
