'use strict';
// Clearing the last timer of a duration forgets the list and its place in the queue; clearing the last one that is unref'd does
// not, so the next timer of this duration comes earlier than its turn.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const busy = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
clearTimeout(setTimeout(() => log('cleared (must not run)'), 40));
clearTimeout(setTimeout(() => log('cleared (must not run)'), 41).unref());
setTimeout(() => log('b, due at 60'), 60);
busy(30);
setTimeout(() => log('c, due at 70'), 40);
setTimeout(() => log('d, due at 71'), 41);
busy(60);
log('main end');
