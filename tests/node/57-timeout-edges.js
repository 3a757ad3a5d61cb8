'use strict';
// setTimeout: 0 disarms and forgets the callback, calling it again restarts the period, an unconnected socket has one too, a destroyed
// one takes none.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => s.resume());
server.listen(0, '127.0.0.1', () => {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.on('timeout', () => log(`timeout event timeout=${c.timeout}`));
  c.on('close', (e) => log(`close ${e} timeout=${c.timeout}`));
  c.on('connect', () => {
    c.setTimeout(150);
    c.setTimeout(0);
    log(`disarmed timeout=${c.timeout}`);
    const idle = new net.Socket();
    idle.setTimeout(250, () => log(`unconnected timeout pending=${idle.pending} [${idle.readyState}]`));
    setTimeout(() => {
      log('nothing came');
      c.setTimeout(600, () => {
        log('callback');
        c.destroy();
        log(`returns self ${c.setTimeout(100) === c} timeout=${c.timeout}`);
        setTimeout(() => server.close(), 300);
      });
      setTimeout(() => { c.setTimeout(600); log('restarted'); }, 400);
      setTimeout(() => log('past the first period'), 800);
    }, 500);
  });
});
