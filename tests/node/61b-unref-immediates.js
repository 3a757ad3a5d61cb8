'use strict';
// An unref'd immediate runs if the check phase comes anyway, in its place among the others; ref() makes it hold the loop.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
setImmediate(() => {
  log('a');
  setImmediate(() => { log('b'); setImmediate(() => log('c (must not run)')).unref(); });
  setImmediate(() => log('unref between')).unref();
  setImmediate(() => log('d'));
});
const back = setImmediate(() => log('unref then ref')).unref();
log(`hasRef ${back.hasRef()}`);
back.ref();
log(`hasRef ${back.hasRef()}`);
