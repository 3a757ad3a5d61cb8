'use strict';
// Over IPC: destroying with unread bytes is ECONNRESET for the peer; a peer that is gone is EPIPE for the first write already.
const net = require('net'); const fs = require('fs'); const path = require('path'); const os = require('os');
const out = []; const log = (s) => out.push(s);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'np-')); const p = (n) => path.join(dir, n);
process.on('exit', (c) => { fs.rmSync(dir, { recursive: true }); fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'); });
const dial = (name, server, options, next) => {
  server.listen(p(name), () => {
    const c = net.connect({ path: p(name), ...options });
    c.on('connect', () => log(`${name} connect`));
    c.on('end', () => log(`${name} end [${c.readyState}]`));
    c.on('error', (e) => log(`${name} error ${e.code} ${e.syscall} "${e.message}"`));
    c.on('close', (e) => { log(`${name} close ${e} [${c.readyState}]`); server.close(); });
    next(c);
  });
  return server;
};
let conn;
const unread = net.createServer({ pauseOnConnect: true }, (s) => { conn = s; });
dial('unread', unread, {}, (c) => {
  c.resume();
  c.write('nobody reads this', () => { log('unread written'); setTimeout(() => conn.destroy(), 200); });
});
unread.on('close', () => {
  const gone = net.createServer((s) => { s.resume(); s.destroy(); });
  dial('gone', gone, { allowHalfOpen: true }, (c) => {
    c.resume();
    c.on('end', () => setTimeout(() => log(`gone write ${c.write('x', (e) => log(`gone write callback ${e.code}`))}`), 200));
  });
});
