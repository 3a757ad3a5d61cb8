'use strict';
// A closed listener is a closing handle for one more turn: what waits for the check phase of it still runs.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer().listen(0, () => {
  log('listening');
  server.close(() => log('close'));
  setImmediate(() => log('unref immediate runs: the listener is closing')).unref();
});
server.unref();
