'use strict';
// A reset while a write is blocked: the socket is read before it is written to, so the error is the read's, and the write's callback gets none.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const big = Buffer.alloc(16 * 1024 * 1024);
let conn;
const server = net.createServer({ pauseOnConnect: true }, (s) => { conn = s; server.close(); });
server.listen(0, '127.0.0.1', () => {
  const c = net.connect({ port: server.address().port, host: '127.0.0.1', allowHalfOpen: true });
  c.on('connect', () => {
    c.write(big, (e) => log(`callback ${e}`));
    setTimeout(() => conn.resetAndDestroy(), 300);
  });
  c.on('drain', () => log('drain'));
  c.on('error', (e) => { log(`error ${e.code} ${e.syscall}`); setImmediate(() => log('immediate')); });
  c.on('end', () => log('end'));
  c.on('close', (e) => log(`close ${e}`));
});
