'use strict';
// Listeners that are added in front, called once, taken off, and counted, also while the others are being called: each byte of the server's
// is an event, and so is each connection.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const said = (name) => (d) => log(`  ${name} ${d}`);
function data(server, c) {
  const count = () => c.listenerCount('data');
  const last = said('last');
  c.on('data', said('first'));
  c.prependListener('data', said('before'));
  c.prependOnceListener('data', (d) => log(`  very first ${d}, ${count()} left`));
  c.once('data', (d) => {
    log(`  once ${d}, ${count()} left`);
    c.off('data', last);
    c.off('data', last);
    log(`  without the last ${count()}`);
    c.on('data', said('added'));
    c.prependListener('data', said('added before'));
    log(`  with two more ${count()}`);
  });
  c.on('data', last);
  log(`  ${count()} listen to data, ${c.listenerCount('drain')} to drain`);
  const never = said('never');
  c.once('data', never);
  c.off('data', never);
  log(`  and still ${count()}`);
  let n = 0;
  c.write('more');
  c.on('data', () => { log('next'); if (++n === 3) c.end(); else c.write('more'); });
  c.on('close', () => server.close());
}
const server = net.createServer();
const off = () => log('off');
server.on('connection', () => log('connection'));
server.prependListener('connection', () => log('connection before'));
server.prependOnceListener('connection', () => log(`first connection, ${server.listenerCount('connection')} left`));
server.once('connection', () => { log('once'); server.off('connection', off); });
server.on('connection', off);
server.on('connection', (s) => { let n = 0; s.on('data', () => s.write(String(++n))); });
server.on('close', () => log(`close, ${server.listenerCount('connection')} listen`));
server.listen(0, '127.0.0.1', () => {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.on('connect', () => c.end());
  c.resume();
  c.on('close', () => data(server, net.connect(server.address().port, '127.0.0.1')));
});
