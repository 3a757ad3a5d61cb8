'use strict';
// A socket without a connection: write() fails with ERR_SOCKET_CLOSED, end() does nothing yet and holds nothing open.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const a = new net.Socket();
log(`new [${a.readyState}] pending=${a.pending} connecting=${a.connecting} readable=${a.readable} writable=${a.writable}`);
log(`write ${a.write('x', (e) => log(`callback x ${e.code}`))} writable=${a.writable} destroyed=${a.destroyed} queued=${a.writableLength}`);
log(`write ${a.write('y', (e) => log(`callback y ${e.code}`))} queued=${a.writableLength} bytesWritten=${a.bytesWritten}`);
a.end((e) => log(`end callback ${e.code}`));
process.nextTick(() => log(`tick destroyed=${a.destroyed} [${a.readyState}]`));
a.on('error', (e) => log(`error ${e.code} "${e.message}"`));
a.on('close', (e) => log(`a close ${!!e}`));
const b = new net.Socket();
for (const ev of ['end', 'finish', 'close']) b.on(ev, () => log(`b ${ev}`));
b.resume();
b.end(() => log('b end callback'));
log(`b [${b.readyState}] ended=${b.writableEnded}`);
setTimeout(() => log(`later [${b.readyState}] finished=${b.writableFinished} destroyed=${b.destroyed}`), 200);
