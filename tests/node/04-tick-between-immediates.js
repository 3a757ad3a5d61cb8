'use strict';
// Ticks drain between immediates; an immediate added while the check phase runs waits for the next iteration.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
setImmediate(() => {
  log('immediate 1');
  setImmediate(() => log('immediate nested (next iteration)'));
  process.nextTick(() => { log('tick of 1 clears 3'); clearImmediate(i3); });
});
setImmediate(() => { log('immediate 2'); clearImmediate(i5); });
const i3 = setImmediate(() => log('immediate 3 (must not run)'));
setImmediate(() => log('immediate 4'));
const i5 = setImmediate(() => log('immediate 5 (must not run)'));
setImmediate(() => log('immediate 6'));
log('main end');
