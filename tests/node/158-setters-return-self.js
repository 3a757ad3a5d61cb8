'use strict';
// setNoDelay, setKeepAlive, setTimeout, ref, unref, pause and resume return the socket, at any time of its life, also over IPC.
const net = require('net'); const fs = require('fs'); const path = require('path'); const os = require('os');
const out = []; const log = (s) => out.push(s);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'np-')); const p = (n) => path.join(dir, n);
process.on('exit', (c) => { fs.rmSync(dir, { recursive: true }); fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'); });
const all = (name, c) => {
  const same = [c.setNoDelay(), c.setNoDelay(false), c.setKeepAlive(true, 2500), c.setKeepAlive(false), c.setTimeout(1000), c.setTimeout(0), c.unref(), c.ref(), c.pause(), c.resume()];
  log(`${name} ${same.every((x) => x === c)}`);
};
const dial = (name, at, next) => {
  const c = new net.Socket();
  all(`${name} new`, c);
  c.connect(at);
  all(`${name} connecting`, c);
  c.on('connect', () => { all(`${name} connected`, c); c.write('hi'); });
  c.on('data', (d) => log(`${name} data "${d}"`));
  c.on('close', (e) => { log(`${name} close ${e}`); all(`${name} closed`, c); next(); });
};
const server = net.createServer((s) => s.on('data', (d) => { all('accepted', s); s.end(d); }));
server.listen(0, '127.0.0.1', () => {
  dial('tcp', { port: server.address().port, host: '127.0.0.1' }, () => {
    server.close(() => server.listen(p('s'), () => dial('ipc', { path: p('s') }, () => server.close())));
  });
});
