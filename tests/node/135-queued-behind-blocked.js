'use strict';
// Writes queued behind one that the kernel did not take whole: callbacks in order, 'drain' once, before the last callbacks.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const big = Buffer.alloc(16 * 1024 * 1024);
let conn;
const server = net.createServer({ pauseOnConnect: true }, (s) => { conn = s; s.on('end', () => { log(`server end ${conn.bytesRead}`); server.close(); }); });
server.listen(0, '127.0.0.1', () => {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.on('connect', () => {
    log(`write big ${c.write(big, () => log(`callback big queued=${c.writableLength}`))} queued=${c.writableLength}`);
    log(`write a ${c.write('a', () => log(`callback a queued=${c.writableLength}`))}`);
    log(`write empty ${c.write('', () => log('callback empty'))}`);
    log(`write b ${c.write('b', () => log('callback b'))} queued=${c.writableLength} bytesWritten=${c.bytesWritten}`);
    process.nextTick(() => log('tick'));
    setTimeout(() => { log('resume'); conn.resume(); }, 300);
  });
  c.on('drain', () => {
    log(`drain queued=${c.writableLength} needDrain=${c.writableNeedDrain} bytesWritten=${c.bytesWritten}`);
    process.nextTick(() => log('tick after drain'));
    setImmediate(() => { log('immediate after drain'); c.end(); });
  });
  c.on('finish', () => log('finish'));
  c.on('close', (e) => log(`close ${e}`));
});
