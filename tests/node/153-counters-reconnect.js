'use strict';
// bytesRead and bytesWritten are kept through destroy() and close, and begin anew when the same socket connects again.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => { s.on('data', (d) => s.write(d)); s.on('error', () => {}); });
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const c = new net.Socket();
  const show = (name) => log(`${name} read=${c.bytesRead} written=${c.bytesWritten}`);
  let round = 0;
  c.on('connect', () => { show('connect'); c.write('hello'); show('wrote'); });
  c.on('data', () => {
    show('data');
    c.destroy();
    show('destroyed');
    log(`write ${c.write('lost', (e) => log(`write callback ${e.code}`))}`);
    show('refused');
  });
  c.on('close', (e) => {
    show(`close ${e}`);
    if (++round === 2) return server.close();
    setTimeout(() => {
      c.connect(port, '127.0.0.1');
      show('connecting again');
      c.write('ab');
      show('queued');
    }, 100);
  });
  c.connect(port, '127.0.0.1');
  show('connecting');
});
