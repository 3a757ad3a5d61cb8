'use strict';
// IPC: destroying a socket with unread data resets, the peer gets ECONNRESET; writing to a peer that is gone is EPIPE at the first write.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const path = require('path').join(require('os').tmpdir(), `parity-52-${process.pid}.sock`);
let n = 0;
const server = net.createServer({ pauseOnConnect: true }, (s) => { setTimeout(() => s.destroy(), 200); if (++n === 2) server.close(); });
const unread = (next) => {
  const c = net.connect(path);
  c.write('never read');
  for (const ev of ['data', 'end', 'finish']) c.on(ev, () => log(`unread ${ev}`));
  c.on('error', (e) => log(`unread error ${e.code} ${e.syscall}`));
  c.on('close', (e) => { log(`unread close ${e}`); next(); });
};
const gone = () => {
  const c = net.connect({ path, allowHalfOpen: true });
  c.resume();
  c.on('end', () => {
    log(`gone end [${c.readyState}]`);
    log(`gone write ${c.write('a', (e) => log(`gone callback ${e.code} ${e.syscall}`))} [${c.readyState}] destroyed=${c.destroyed}`);
    log(`gone write ${c.write('b', (e) => log(`gone callback b ${e.code}`))} queued=${c.writableLength}`);
    c.end((e) => log(`gone end callback ${e.code}`));
    process.nextTick(() => log(`gone tick destroyed=${c.destroyed}`));
    setImmediate(() => log('gone immediate'));
  });
  c.on('error', (e) => log(`gone error ${e.code} "${e.message}"`));
  c.on('close', (e) => log(`gone close ${e}`));
};
server.listen(path, () => unread(gone));
