'use strict';
// allowHalfOpen on both sides: each direction ends by itself, and 'close' comes when both have.
const net = require('net');
const lanes = { server: [], client: [] }; const log = (l, s) => lanes[l].push(`${l} ${s}`);
process.on('exit', () => require('fs').writeSync(1, Object.entries(lanes).map(([l, a]) => [`== ${l}`, ...a].join('\n')).join('\n') + '\n'));
let s;
const server = net.createServer({ allowHalfOpen: true }, (conn) => {
  s = conn;
  watch('server', s);
  s.on('end', () => {
    setImmediate(() => { log('server', `writes [${s.readyState}]`); s.write('still '); setTimeout(() => { s.end('open'); log('server', `ended [${s.readyState}]`); }, 100); });
  });
  s.on('close', () => server.close());
});
function watch(n, c) {
  for (const ev of ['end', 'finish']) c.on(ev, () => log(n, `${ev} [${c.readyState}] destroyed=${c.destroyed}`));
  c.on('data', (d) => log(n, `data "${d}"`));
  c.on('close', (e) => log(n, `close ${e}`));
}
server.listen(0, '127.0.0.1', () => {
  const c = net.connect({ port: server.address().port, host: '127.0.0.1', allowHalfOpen: true });
  watch('client', c);
  c.on('connect', () => { log('client', `allowHalfOpen=${c.allowHalfOpen}`); c.end('bye'); });
});
