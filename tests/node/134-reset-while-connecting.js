'use strict';
// resetAndDestroy() while connecting waits for 'connect'; on IPC it throws.
const net = require('net');
const lanes = { client: [], peer: [], ipc: [] }; const log = (l, s) => lanes[l].push(`${l} ${s}`);
process.on('exit', () => require('fs').writeSync(1, Object.entries(lanes).map(([l, a]) => [`== ${l}`, ...a].join('\n')).join('\n') + '\n'));
const path = require('path').join(require('os').tmpdir(), `parity-134-${process.pid}.sock`);
const server = net.createServer((s) => {
  for (const ev of ['data', 'end', 'finish']) s.on(ev, () => log('peer', ev));
  s.on('error', (e) => log('peer', `error ${e.code} ${e.syscall}`));
  s.on('close', (e) => { log('peer', `close ${e}`); server.close(); });
});
server.listen(0, '127.0.0.1', () => {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.on('connect', () => log('client', `connect first destroyed=${c.destroyed}`));
  c.resetAndDestroy();
  log('client', `connecting=${c.connecting} destroyed=${c.destroyed}`);
  for (const ev of ['connect', 'ready', 'end', 'finish', 'drain']) c.on(ev, () => log('client', `${ev} destroyed=${c.destroyed}`));
  c.on('error', (e) => log('client', `error ${e.code}`));
  c.on('close', (e) => log('client', `close ${e}`));
});
const ipc = net.createServer((s) => { s.resume(); });
ipc.listen(path, () => {
  const c = net.connect(path, () => {
    try { c.resetAndDestroy(); } catch (e) { log('ipc', `threw ${e.code} destroyed=${c.destroyed}`); }
    c.end();
  });
  c.resume();
  c.on('close', (e) => { log('ipc', `close ${e}`); ipc.close(); });
});
