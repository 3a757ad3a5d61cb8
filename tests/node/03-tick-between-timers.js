'use strict';
// The tick queue is drained after EACH timer callback, not once per timers phase.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const busy = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
let doomed;
setTimeout(() => {
  log('timer 1');
  process.nextTick(() => { log('tick of 1 clears timer 2'); clearTimeout(doomed); });
}, 1);
doomed = setTimeout(() => log('timer 2 (must not run)'), 1);
setTimeout(() => { log('timer 3'); process.nextTick(() => log('tick of 3')); }, 1);
setTimeout(() => log('timer 4, other list'), 2);
busy(20);
log('main end');
