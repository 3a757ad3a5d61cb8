'use strict';
// A loop that is about to end tells so, and goes on with what is begun then; each time anew.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
let times = 0;
process.on('beforeExit', () => {
  times += 1;
  log(`first ${times}`);
  process.nextTick(() => log('tick'));
  if (times === 1) setTimeout(() => log('timeout'), 1);
  if (times === 2) setImmediate(() => { log('immediate'); setImmediate(() => log('and another')); });
  if (times === 3) {
    const server = net.createServer((s) => { log('connection'); s.end(); server.close(); });
    server.listen(0, '127.0.0.1', () => net.connect(server.address().port, '127.0.0.1').resume());
  }
  if (times === 4) setTimeout(() => log('never'), 1).unref();
});
process.on('beforeExit', () => {
  log(`second ${times}`);
  if (times === 1) process.on('beforeExit', () => log(`third ${times}`));
});
setTimeout(() => log('main'), 1);
log('begun');
