'use strict';
// A write while connecting goes out as a 'connect' listener of its own: listeners added before it run before its callback, those added after it after. The same with 'close'.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => { s.resume(); });
server.listen(0, '127.0.0.1', () => {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.on('connect', () => log(`connect 1 queued=${c.writableLength}`));
  c.write('a', () => log('callback a'));
  c.on('connect', () => log(`connect 2 queued=${c.writableLength}`));
  c.write('b', () => log('callback b'));
  c.on('connect', () => { log('connect 3'); c.end(() => log('end callback')); });
  c.on('ready', () => log('ready'));
  c.on('finish', () => log('finish'));
  c.on('close', (e) => {
    log(`close ${e}`);
    const d = net.connect(server.address().port, '127.0.0.1');
    d.on('close', (e) => log(`close 1 ${e} queued=${d.writableLength} bytesWritten=${d.bytesWritten}`));
    d.write('a', (e) => log(`callback a ${e.code}`));
    d.on('close', (e) => { log(`close 2 ${e} queued=${d.writableLength}`); server.close(); });
    d.write('b', (e) => log(`callback b ${e.code}`));
    d.end((e) => log(`end callback ${e.code}`));
    process.nextTick(() => { d.destroy(); log('destroyed'); process.nextTick(() => log('tick')); });
  });
});
