'use strict';
// A refreshed timer that is alone in its list leaves the list where it was in the queue of lists: overdue, it
// still comes before a list that is due earlier than the timer now is.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const busy = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
const a = setTimeout(() => log('a, refreshed at 30: due at 70'), 40);
setTimeout(() => log('b, due at 60'), 60);
busy(30);
a.refresh();
busy(60);
log('main end');
