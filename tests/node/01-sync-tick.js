'use strict';
// Main script, then the whole nextTick queue, also what is queued meanwhile, and only then the loop.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
setImmediate(() => log('immediate'));
process.nextTick(() => {
  log('tick 1');
  process.nextTick(() => log('tick 1.1'));
});
process.nextTick(() => log('tick 2'));
log('main end');
