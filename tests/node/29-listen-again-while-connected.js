'use strict';
// A server may listen again while connections of before are open: then no 'close' comes for the first close(), and the callback
// of that close() waits for the next.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => { s.resume(); s.on('close', () => log('conn close')); });
server.on('close', () => log('close event'));
server.listen(0, '127.0.0.1', () => log('listening'));
server.once('connection', (conn) => setImmediate(() => {
  server.close((e) => log(`first close callback ${e}`));
  server.listen(0, '127.0.0.1', () => {
    log('listening again');
    server.getConnections((e, n) => log(`connections ${n}`));
    conn.destroy();
    setImmediate(() => {
      log('immediate');
      setImmediate(() => server.close((e) => log(`second close callback ${e}`)));
    });
  });
}));
server.once('listening', () => net.connect(server.address().port, '127.0.0.1').resume());
