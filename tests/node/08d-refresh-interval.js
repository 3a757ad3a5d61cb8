'use strict';
// refresh() in an interval's own callback changes nothing: the period still counts from the start of the callback.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const busy = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
let n = 0;
const iv = setInterval(() => {
  log(`interval ${++n}`);
  if (n === 2) return clearInterval(iv);
  setTimeout(() => log('timeout 60 ms: after the 2nd interval (40), not before (90)'), 60);
  busy(50);
  iv.refresh();
  busy(60);
}, 40);
