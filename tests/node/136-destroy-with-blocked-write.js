'use strict';
// destroy() while a write is blocked: its callback comes without an error in the close phase, those queued behind it after that with one.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const big = Buffer.alloc(16 * 1024 * 1024);
const server = net.createServer({ pauseOnConnect: true }, (s) => { conns.push(s); });
const conns = [];
function run(n, err, next) {
  const c = net.connect(server.address().port, '127.0.0.1');
  const told = (w) => (e) => log(`${n} callback ${w} ${e ? e.code || e.message : e}`);
  c.on('connect', () => {
    c.write(big, told('big'));
    c.write('a', told('a'));
    c.write('b', told('b'));
    c.end(told('end'));
    c.destroy(err);
    log(`${n} queued=${c.writableLength} bytesWritten=${c.bytesWritten}`);
    process.nextTick(() => log(`${n} tick queued=${c.writableLength}`));
    setImmediate(() => log(`${n} immediate queued=${c.writableLength}`));
  });
  for (const ev of ['drain', 'finish', 'end']) c.on(ev, () => log(`${n} ${ev}`));
  c.on('error', (e) => log(`${n} error ${e.message}`));
  c.on('close', (e) => { log(`${n} close ${e} queued=${c.writableLength} bytesWritten=${c.bytesWritten}`); next(); });
}
server.listen(0, '127.0.0.1', () => run('plain', undefined, () => run('witherr', new Error('boom'), () => { server.close(); for (const s of conns) s.destroy(); })));
