'use strict';
// close() before 'listening' suppresses it, whether it is bound already or still to be looked up; the callback of listen() waits
// for a later listen.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const a = net.createServer();
a.on('close', () => log('a close'));
a.listen(0, () => log('a listen callback (must not run)'));
a.close((e) => log(`a close callback ${e}`));
log(`a listening=${a.listening} address=${a.address()}`);
const b = net.createServer();
b.on('close', () => log('b close'));
b.listen(0, '127.0.0.1', () => log('b first listen callback'));
b.close((e) => log(`b close callback ${e.code}`));
setImmediate(() => {
  log(`immediate, b listening=${b.listening}`);
  b.listen(0, '127.0.0.1', () => { log('b second listen callback'); b.close(); });
});
