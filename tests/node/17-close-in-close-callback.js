'use strict';
// A socket destroyed in a 'close' callback waits for the next iteration; ticks run between two 'close' callbacks.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => s.resume());
server.listen(0, '127.0.0.1', () => {
  let n = 0;
  const ready = () => { if (++n === 3) setImmediate(go); };
  const [a, b, c] = ['a', 'b', 'c'].map((id) => {
    const s = net.connect(server.address().port, '127.0.0.1', ready);
    s.on('close', () => { log(`close ${id}`); process.nextTick(() => log(`tick of close ${id}`)); });
    return s;
  });
  function go() {
    log('destroy a, b');
    a.destroy();
    b.destroy();
    b.on('close', () => {
      log('destroy c');
      c.destroy();
      setImmediate(() => log('immediate'));
      server.close(() => log('server close'));
    });
  }
});
