'use strict';
// end() and destroy() in one turn: what the kernel has arrives and the peer sees 'end'; no 'finish', the end callback gets an error.
const net = require('net');
const lanes = { client: [], peer: [] }; const log = (l, s) => lanes[l].push(`${l} ${s}`);
process.on('exit', () => require('fs').writeSync(1, Object.entries(lanes).map(([l, a]) => [`== ${l}`, ...a].join('\n')).join('\n') + '\n'));
const server = net.createServer((s) => {
  let got = '';
  s.on('data', (d) => { got += d; });
  for (const ev of ['end', 'finish']) s.on(ev, () => log('peer', `${ev} got "${got}"`));
  s.on('close', (e) => { log('peer', `close ${e}`); server.close(); });
});
server.listen(0, '127.0.0.1', () => {
  const c = net.connect(server.address().port, '127.0.0.1');
  for (const ev of ['end', 'finish']) c.on(ev, () => log('client', ev));
  c.on('error', (e) => log('client', `error ${e.code}`));
  c.on('close', (e) => log('client', `close ${e}`));
  c.on('connect', () => {
    c.write('one ', (e) => log('client', `callback one ${e}`));
    c.end('two', (e) => log('client', `end callback ${e.code} "${e.message}"`));
    c.destroy();
    log('client', `ended=${c.writableEnded} finished=${c.writableFinished} queued=${c.writableLength}`);
    process.nextTick(() => log('client', 'tick'));
    setImmediate(() => log('client', 'immediate'));
  });
});
