'use strict';
// clearTimeout and clearInterval are the same, also done twice or to one that has fired; refresh() moves a timer behind its
// siblings, re-arms it in its own callback and after it has fired, but does not revive a cleared one.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const busy = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
let m = 0;
const fired = setTimeout(() => {
  log(`fired ${++m}`);
  if (m === 2) setImmediate(() => { log('clear the fired one, then refresh'); clearTimeout(fired); fired.refresh(); });
}, 1);
const a = setTimeout(() => log('a'), 10);
setTimeout(() => log('b'), 10);
log(`refresh returns self ${a.refresh() === a}`);
const cleared = setTimeout(() => log('cleared (must not run)'), 5);
clearTimeout(cleared);
clearTimeout(cleared);
cleared.refresh();
clearTimeout(setInterval(() => log('interval (must not run)'), 5));
clearInterval(setTimeout(() => log('timeout (must not run)'), 5));
let n = 0;
const own = setTimeout(() => {
  log(`own ${++n}`);
  if (n < 3) return own.refresh();
  log('refresh the fired one');
  fired.refresh();
}, 20);
busy(15);
log('main end');
