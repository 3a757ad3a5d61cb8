'use strict';
// An unref'd server does not hold the loop, but a connection of it does, though the client's own end is unref'd. The last of
// unref and ref counts.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => {
  log('connection');
  s.on('data', (d) => { log(`data ${d}`); s.end('bye'); });
  s.on('close', () => log('conn close'));
});
server.on('close', () => log('server close (must not run)'));
server.unref();
server.ref();
server.unref();
server.listen(0, '127.0.0.1', () => {
  log('listening');
  const c = net.connect(server.address().port, '127.0.0.1', () => {
    c.unref();
    setTimeout(() => { log('timer'); c.write('x'); }, 30).unref();
  });
  c.resume();
});
setTimeout(() => log('late (must not run)'), 1000).unref();
