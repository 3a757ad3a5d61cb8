'use strict';
// pause() while connecting keeps a socket from reading; but if resume() or a 'data' listener came before it, one read is under way.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => s.write('hello'));
server.listen(0, '127.0.0.1', () => {
  const a = net.connect(server.address().port, '127.0.0.1');
  a.pause();
  a.on('data', (d) => log(`a data "${d}"`));
  const b = net.connect(server.address().port, '127.0.0.1');
  b.on('data', (d) => log(`b data "${d}"`));
  b.pause();
  setTimeout(() => {
    log(`a read=${a.bytesRead} length=${a.readableLength} paused=${a.isPaused()}`);
    log(`b read=${b.bytesRead} length=${b.readableLength} paused=${b.isPaused()}`);
    a.resume();
    setTimeout(() => { log('b resumes'); b.resume(); setTimeout(() => { a.destroy(); b.destroy(); server.close(); }, 200); }, 200);
  }, 400);
});
