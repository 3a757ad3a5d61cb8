'use strict';
// unref() before the connection stands is remembered; ref() makes a socket hold the loop again; both return the socket.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => {
  s.unref();
  s.on('data', (d) => { log(`data ${d}`); s.end(); });
});
server.unref();
const hold = setTimeout(() => log('hold (must not run)'), 5000);
server.listen(0, '127.0.0.1', () => {
  const c = new net.Socket();
  log(`unref returns self ${c.unref() === c} ref returns self ${c.ref() === c}`);
  c.unref();
  c.connect(server.address().port, '127.0.0.1', () => {
    log('connect');
    c.ref();
    c.write('x');
    clearTimeout(hold);
  });
  c.on('close', () => log('close: ref held the loop'));
  c.resume();
});
