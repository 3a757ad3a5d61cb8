'use strict';
// Inside an I/O callback setImmediate always beats setTimeout(0), even when the timer is already overdue.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const busy = (ms) => { const t = Date.now(); while (Date.now() - t < ms); };
const server = net.createServer((s) => { s.end('x'); server.close(); });
server.listen(0, '127.0.0.1', () => {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.once('data', () => {
    log('data');
    setTimeout(() => log('timeout 0'), 0);
    setImmediate(() => log('immediate'));
    process.nextTick(() => log('tick'));
    busy(10);
    log('data handler end');
  });
});
