'use strict';
// Corked writes above the high-water mark answer false; uncork() sends them as one, 'drain' is a tick and comes before the callbacks.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => { s.on('data', (d) => log(`server data ${d.length}`)); s.on('end', () => server.close()); });
server.listen(0, '127.0.0.1', () => {
  const c = net.connect({ port: server.address().port, host: '127.0.0.1', highWaterMark: 10 });
  for (const ev of ['ready', 'finish']) c.on(ev, () => log(ev));
  c.on('drain', () => log(`drain queued=${c.writableLength} needDrain=${c.writableNeedDrain}`));
  c.on('close', (e) => log(`close ${e}`));
  c.on('connect', () => {
    log('connect');
    setImmediate(() => {
      c.cork();
      log(`a ${c.write('aaaa', () => log('callback a'))} b ${c.write('bbbb', () => log('callback b'))} c ${c.write('cc', () => log('callback c'))} d ${c.write('', () => log('callback d'))}`);
      log(`corked=${c.writableCorked} queued=${c.writableLength} needDrain=${c.writableNeedDrain} bytesWritten=${c.bytesWritten}`);
      c.uncork(); c.uncork();
      log(`corked=${c.writableCorked} queued=${c.writableLength} needDrain=${c.writableNeedDrain}`);
      log(`e ${c.write('eeee', () => log('callback e'))}`);
      process.nextTick(() => log('tick'));
      setTimeout(() => { c.cork(); c.write('corked '); c.end('end', () => log('end callback')); log(`corked=${c.writableCorked} queued=${c.writableLength}`); }, 200);
    });
  });
  c.cork();
  log(`early ${c.write('early', () => log('callback early'))} corked=${c.writableCorked}`);
  log(`early 2 ${c.write('early 2', () => log('callback early 2'))} queued=${c.writableLength}`);
  c.uncork();
  log(`uncorked queued=${c.writableLength}`);
});
