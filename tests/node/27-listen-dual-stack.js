'use strict';
// listen(port) without a host takes IPv6 and IPv4; a port that is taken is an error that names '::'; a free port (0) is not named
// in an error.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => {
  log(`connection ${s.remoteFamily} ${s.remoteAddress}`);
  s.end();
});
server.listen(0, () => {
  const { address, family, port } = server.address();
  log(`${address} ${family}`);
  const other = net.createServer();
  other.on('error', (e) => {
    log(`other ${e.code} ${e.address} samePort=${e.port === port}`);
    log(e.message.replace(port, 'PORT'));
    const third = net.createServer();
    third.on('error', (e) => {
      log(`third ${e.code} ${e.syscall} ${e.address} ${e.port}`);
      log(e.message);
      const four = net.connect(port, '127.0.0.1');
      four.resume().on('close', () => {
        const six = net.connect(port, '::1');
        six.resume().on('close', () => server.close(() => log('close')));
      });
    });
    third.listen(0, '203.0.113.1');
  });
  other.listen(port);
});
