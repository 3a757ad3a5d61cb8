'use strict';
// The next overdue timer of a list is chosen before the ticks of the one before run: a tick can still clear it, but no longer
// put it off.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const busy = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
setTimeout(() => {
  log('a');
  process.nextTick(() => { log('tick of a refreshes b, clears c'); b.refresh(); clearTimeout(c); });
}, 5);
const b = setTimeout(() => log('b'), 5);
const c = setTimeout(() => log('c (must not run)'), 5);
setTimeout(() => { log('d'); e.refresh(); }, 5);
const e = setTimeout(() => log('e, put off by the callback itself'), 5);
setTimeout(() => log('f'), 6);
busy(20);
log('main end');
