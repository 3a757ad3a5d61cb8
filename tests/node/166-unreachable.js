'use strict';
// An address that cannot be reached at all fails in the connect(2) call: one address gives only 'error', without
// 'connectionAttemptFailed'; of several the next is tried in the same tick.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => s.end());
function dial(name, ips, next) {
  const lookup = (host, o, cb) => process.nextTick(cb, null, ips.map((address) => ({ address, family: 4 })));
  const c = net.connect({ port: server.address().port, host: 'some.example', lookup });
  const clean = (s) => s.replaceAll(server.address().port, 'PORT');
  c.on('connectionAttempt', (ip) => { log(`${name} connectionAttempt ${ip}`); process.nextTick(() => log(`${name} tick`)); });
  c.on('connectionAttemptFailed', (ip, port, family, e) => log(`${name} connectionAttemptFailed ${ip} ${e.code}`));
  c.on('connect', () => log(`${name} connect ${c.remoteAddress}`));
  c.on('error', (e) => log(`${name} error ${e.code} [${(e.errors || [e]).map((x) => clean(x.message))}]`));
  c.on('close', (e) => { log(`${name} close ${e}`); next(); });
  c.resume();
}
server.listen(0, '127.0.0.1', () =>
  dial('one', ['255.255.255.255'], () =>
    dial('two', ['255.255.255.255', '127.0.0.1'], () =>
      dial('none', ['127.0.0.2', '255.255.255.255'], () => server.close()))));
