'use strict';
// Recursive nextTick runs to exhaustion before the loop moves on to any phase.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const busy = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
setTimeout(() => log('timeout'), 0);
let n = 0;
function tick() {
  log(`tick ${++n}`);
  busy(3);
  if (n < 4) process.nextTick(tick);
  else process.nextTick(() => { log('last tick'); setImmediate(() => log('immediate')); });
}
process.nextTick(tick);
