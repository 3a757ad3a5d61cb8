'use strict';
// A connection counts from before its 'connection' event to its destroy; getConnections() counts at the call and answers by a
// tick. A server with a backlog option listens as any.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => {
  server.getConnections((e, n) => log(`in the handler ${e} ${n}`));
  process.nextTick(() => log('tick'));
  s.destroy();
  server.getConnections((e, n) => log(`after destroy ${n}`));
  s.on('close', () => server.getConnections((e, n) => { log(`after close ${n}`); server.close(); }));
  log('handler end');
});
log(`returns self ${server.getConnections((e, n) => log(`not listening ${n}`)) === server}`);
server.on('close', () => log('close'));
server.listen({ port: 0, host: '127.0.0.1', backlog: 5 }, () => net.connect(server.address().port, '127.0.0.1').resume());
log('main end');
