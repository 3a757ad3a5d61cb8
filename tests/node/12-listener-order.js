'use strict';
// Listeners are called in the order in which they were added, 'on' and 'once' alike; one added while the event is told waits for
// the next; the same function twice is called twice.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer();
const twice = () => log('twice');
server.on('listening', () => log('on 1'));
server.once('listening', () => { log('once 2'); server.once('listening', () => log('added while it was told')); });
server.on('listening', twice);
server.on('listening', twice);
server.on('close', () => log('close'));
server.listen(0, () => log('listen callback'));
setImmediate(() => {
  server.close(() => {
    log('close callback');
    server.listen(0, () => server.close());
  });
});
