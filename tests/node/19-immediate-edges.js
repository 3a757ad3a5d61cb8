'use strict';
// clearImmediate in its own callback, twice or after it has run is no error; hasRef() is false once it runs; an immediate set by a
// tick of the check phase waits for the next iteration.
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const a = setImmediate(() => {
  log(`a hasRef=${a.hasRef()}`);
  clearImmediate(a);
  process.nextTick(() => {
    log('tick of a');
    setImmediate(() => log('set by the tick of a'));
  });
});
const b = setImmediate(() => { log('b'); clearImmediate(a); clearImmediate(c); clearImmediate(c); });
const c = setImmediate(() => log('c (must not run)'));
log(`hasRef ${b.hasRef()} unref ${b.unref().hasRef()} ref ${b.ref().hasRef()}`);
setImmediate(() => {
  log('d');
  setImmediate(() => {
    log('e');
    setImmediate(() => log('f'));
  });
  setImmediate(() => log('g'));
});
