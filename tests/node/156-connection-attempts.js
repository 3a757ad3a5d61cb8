'use strict';
// 'connectionAttempt' comes directly before each connect(2): for an IP literal a tick after connect(); its failure before 'error'.
// A socket destroyed there tries no further address.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const watch = (name, c) => {
  for (const ev of ['lookup', 'connectionAttempt', 'connectionAttemptFailed']) c.on(ev, (...a) => log(`${name} ${ev} ${a.filter((x) => typeof x === 'string')}`));
  for (const ev of ['connect', 'ready', 'end']) c.on(ev, () => log(`${name} ${ev}`));
  c.on('error', (e) => log(`${name} error ${e.code}`));
  c.on('close', (e) => log(`${name} close ${e}`));
  return c;
};
const lookup = (host, o, cb) => process.nextTick(cb, null, [{ address: '127.0.0.2', family: 4 }, { address: '127.0.0.1', family: 4 }]);
const server = net.createServer((s) => s.end());
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const literal = watch('literal', net.connect(port, '127.0.0.1')).resume();
  log('literal returned');
  process.nextTick(() => log('tick'));
  literal.on('close', () => {
    const refused = watch('refused', net.connect(port, '127.0.0.2'));
    refused.on('close', () => {
      const halfway = watch('halfway', net.connect({ port, host: 'two.example', lookup }));
      halfway.on('connectionAttemptFailed', () => halfway.destroy());
      halfway.on('close', () => server.close());
    });
  });
});
