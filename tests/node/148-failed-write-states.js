'use strict';
// A write the kernel refuses: false at once and writable=false, but destroyed only a tick later; callback, then 'error', then 'close' true.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const path = require('path').join(require('os').tmpdir(), `parity-148-${process.pid}.sock`);
const server = net.createServer((s) => { s.destroy(); server.close(); });
server.listen(path, () => {
  const c = net.connect({ path, allowHalfOpen: true });
  c.resume();
  const state = () => `[${c.readyState}] writable=${c.writable} readable=${c.readable} destroyed=${c.destroyed} errored=${c.errored && c.errored.code} queued=${c.writableLength}`;
  c.on('end', () => setImmediate(() => {
    log(`before ${state()}`);
    c.cork(); c.write('a', (e) => log(`callback a ${e.code}`)); c.write('b', (e) => log(`callback b ${e.code}`)); c.uncork();
    log(`after ${state()}`);
    c.write('c', (e) => log(`callback c ${e.code}`));
    log(`queued ${state()}`);
    c.end('d', (e) => log(`end callback ${e.code}`));
    process.nextTick(() => { log(`tick ${state()}`); process.nextTick(() => log('tick of tick')); });
    setImmediate(() => log('immediate'));
  }));
  for (const ev of ['finish', 'drain']) c.on(ev, () => log(ev));
  c.on('error', (e) => log(`error ${e.code} ${state()}`));
  c.on('close', (e) => log(`close ${e}`));
});
