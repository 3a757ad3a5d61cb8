'use strict';
// 'error' of destroy(error) is a tick, 'close' comes in the close phase: after the immediates of that turn; seen from main, a timer, an immediate and I/O.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => { s.on('error', () => {}); s.write('x'); });
function die(n, c, next) {
  c.on('error', (e) => { log(`${n} error ${e.message}`); process.nextTick(() => log(`${n} tick in error`)); setImmediate(() => log(`${n} immediate in error`)); });
  c.on('close', (e) => { log(`${n} close ${e}`); setTimeout(next, 100); });
  process.nextTick(() => log(`${n} tick before`));
  setImmediate(() => log(`${n} immediate`));
  c.destroy(new Error('boom'));
  process.nextTick(() => log(`${n} tick after`));
  log(`${n} destroyed=${c.destroyed} errored=${c.errored.message} [${c.readyState}]`);
}
const dial = () => net.connect(server.address().port, '127.0.0.1');
const steps = [
  (next) => { const c = dial(); c.on('data', () => die('io', c, next)); },
  (next) => { const c = dial(); c.on('connect', () => setTimeout(() => die('timer', c, next), 200)); },
  (next) => { const c = dial(); c.on('connect', () => setImmediate(() => die('immediate', c, next))); },
  (next) => { const c = dial(); die('connecting', c, next); },
];
const run = () => { const step = steps.shift(); if (step) step(run); else server.close(); };
server.listen(0, '127.0.0.1', run);
