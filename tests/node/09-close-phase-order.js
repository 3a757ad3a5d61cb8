'use strict';
// From an I/O callback: ticks, check phase, then the socket's 'close' (close phase), then timers.
// A server's 'close' is a nextTick instead, so it comes long before the socket's.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const busy = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
const idle = net.createServer().listen(0, '127.0.0.1');
idle.on('close', () => log('idle server close'));
const server = net.createServer((s) => s.resume().write('x'));
server.listen(0, '127.0.0.1', () => {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.on('close', (e) => { log(`client close ${e}`); server.close(); });
  c.once('data', () => {
    log('client data');
    setTimeout(() => log('timeout'), 0);
    setImmediate(() => log('immediate'));
    c.destroy();
    idle.close();
    process.nextTick(() => log('tick'));
    busy(5);
    log('data handler end');
  });
});
