'use strict';
// Only a write that is handed to the kernel is activity: one that waits for the connection or is corked does not push the idle timer back.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => s.resume());
server.listen(0, '127.0.0.1', () => {
  const lookup = (host, o, cb) => setTimeout(cb, 2100, null, '127.0.0.1', 4);
  const c = net.connect({ port: server.address().port, host: 'slow.example', family: 4, lookup });
  c.setTimeout(900);
  setTimeout(() => { c.write('waits'); log('write while connecting'); }, 450);
  setTimeout(() => log('1200 ms'), 1200);
  c.on('timeout', () => log(`timeout connecting=${c.connecting} queued=${c.writableLength}`));
  c.on('connect', () => {
    log('connect');
    c.cork();
    setTimeout(() => { c.write('corked'); log('write while corked'); }, 450);
    setTimeout(() => log('1200 ms'), 1200);
    setTimeout(() => { c.destroy(); server.close(); }, 1650);
  });
});
