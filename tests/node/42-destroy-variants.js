'use strict';
// destroy() before connect, while connecting, and twice; what pending write and end callbacks are told.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const watch = (n, s, next) => {
  for (const ev of ['lookup', 'connect', 'ready', 'end', 'finish', 'drain']) s.on(ev, () => log(`${n} ${ev}`));
  s.on('error', (e) => log(`${n} error ${e.message}`));
  s.on('close', (e) => { log(`${n} close ${!!e} [${s.readyState}]`); next(); });
  process.nextTick(() => log(`${n} tick`));
  setImmediate(() => log(`${n} immediate`));
};
const server = net.createServer();
const never = (next) => {
  const s = new net.Socket();
  watch('never', s, next);
  log(`never pending=${s.pending} [${s.readyState}]`);
  s.destroy();
  log(`never destroyed=${s.destroyed} [${s.readyState}] pending=${s.pending}`);
};
const failed = (next) => {
  const s = new net.Socket();
  watch('failed', s, next);
  s.destroy(new Error('early'));
};
const dialling = (n, err) => (next) => {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.write('a', (e) => log(`${n} callback a ${e.code || e.message}`));
  c.write('b', (e) => log(`${n} callback b ${e.code || e.message}`));
  c.end((e) => log(`${n} end callback ${e.code || e.message}`));
  watch(n, c, next);
  log(`${n} [${c.readyState}] bytesWritten=${c.bytesWritten}`);
  c.destroy(err);
  c.destroy(new Error('second'));
  log(`${n} connecting=${c.connecting} pending=${c.pending} [${c.readyState}]`);
};
server.listen(0, '127.0.0.1', () => never(() => failed(() => dialling('plain')(() => dialling('witherr', new Error('boom'))(() => server.close())))));
