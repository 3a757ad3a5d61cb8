'use strict';
// With nothing else to do even an overdue timer does not fire if it is unref'd: the loop is not entered.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const busy = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
setTimeout(() => log('overdue (must not run)'), 1).unref();
setTimeout(() => log('not due (must not run)'), 1000).unref();
setImmediate(() => log('immediate (must not run)')).unref();
busy(10);
log('main end');
