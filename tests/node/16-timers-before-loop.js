'use strict';
// Before the loop is entered the timers run once; what is alive is counted before that, so one turn follows if anything was.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const busy = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
setTimeout(() => {
  log('timer');
  setImmediate(() => log('unref immediate runs: the loop was alive before the timer')).unref();
}, 1);
setTimeout(() => log('unref timer, overdue'), 2).unref();
setImmediate(() => log('unref immediate of main')).unref();
busy(10);
log('main end');
