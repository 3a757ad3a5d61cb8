'use strict';
// An interval goes behind its siblings after each run; timers clear each other within one pass, an interval itself in its
// callback or in a tick of it.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const busy = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
let n = 0;
const a = setInterval(() => {
  log(`interval a ${++n}`);
  if (n === 2) clearInterval(a);
  busy(30);
}, 20);
setTimeout(() => { log('timeout clears'); clearTimeout(doomed); clearTimeout(c); }, 20);
const doomed = setTimeout(() => log('doomed (must not run)'), 20);
const b = setInterval(() => {
  log('interval b');
  process.nextTick(() => { log('tick clears b'); clearInterval(b); });
}, 20);
const c = setInterval(() => log('interval c (must not run)'), 20);
busy(30);
log('main end');
