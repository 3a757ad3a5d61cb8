'use strict';
// IPv6 in addresses and messages: no brackets, a colon before the port. The families take turns, beginning with that of the first address.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
let port;
const clean = (s) => String(s).replaceAll(port, 'PORT');
const lookup = (host, o, cb) => process.nextTick(cb, null, ['::1', '::1', '127.0.0.2', '127.0.0.3'].map((address) => ({ address, family: net.isIP(address) })));
const server = net.createServer((s) => s.end());
server.listen(0, '::1', () => {
  port = server.address().port;
  log(`${server.address().address} ${server.address().family}`);
  const other = net.createServer();
  other.on('error', (e) => {
    log(clean(e.message));
    server.close(() => {
      const c = net.connect({ port, host: 'both.example', lookup });
      for (const ev of ['lookup', 'connectionAttempt', 'connectionAttemptFailed']) c.on(ev, (...a) => log(`${ev} ${clean(a.filter((x) => typeof x === 'string'))}`));
      c.on('error', (e) => { for (const x of e.errors) log(clean(x.message)); });
      c.on('close', () => net.connect(port, '::1').on('error', (x) => log(`${clean(x.message)} ${x.address}`)));
    });
  });
  other.listen(port, '::1');
});
