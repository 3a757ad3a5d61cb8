'use strict';
// readableFlowing: null, true with a 'data' listener or resume(), false after pause(); a listener does not undo a pause().
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => s.end('bye'));
const state = (c) => `flowing=${c.readableFlowing} paused=${c.isPaused()}`;
server.listen(0, '127.0.0.1', () => {
  const a = net.connect(server.address().port, '127.0.0.1');
  log(`new ${state(a)}`);
  a.pause(); log(`pause ${state(a)}`);
  a.on('data', (d) => log(`a data "${d}" ${state(a)}`));
  log(`listener ${state(a)}`);
  a.resume(); log(`resume ${state(a)}`);
  a.pause(); log(`pause ${state(a)}`);
  a.on('end', () => log(`a end ${state(a)}`));
  a.on('close', () => {
    log(`a close ${state(a)}`);
    const b = net.connect(server.address().port, '127.0.0.1');
    b.once('data', (d) => log(`b data "${d}" ${state(b)}`));
    log(`once ${state(b)}`);
    b.on('end', () => { log(`b end ${state(b)}`); server.close(); });
  });
  setTimeout(() => { log(`later ${state(a)} length=${a.readableLength} read=${a.bytesRead}`); a.resume(); }, 300);
});
