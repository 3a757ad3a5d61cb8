'use strict';
// Listeners of servers, requests, responses and clients' requests that are added in front, called once and taken off.
const http = require('http');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = http.createServer();
const never = () => log('never');
server.on('request', (q, r) => {
  log(`request ${q.url}`);
  const piece = (name) => (d) => log(`${name} ${d}`);
  const last = piece('last');
  q.on('data', piece('data'));
  q.prependListener('data', piece('before'));
  q.once('data', (d) => { log(`once ${d}`); q.removeListener('data', last); });
  q.on('data', last);
  q.on('end', () => r.end('x'));
  r.on('finish', () => log('finish'));
  r.prependListener('finish', () => log('before finish'));
  r.on('close', never);
  r.off('close', never);
  r.once('close', () => log('response close'));
});
server.prependListener('request', () => log('before the request'));
server.prependOnceListener('request', () => log(`first request, ${server.listenerCount('request')} left`));
server.on('request', never);
server.off('request', never);
let n = 0;
function ask() {
  const q = http.request({ port: server.address().port, host: '127.0.0.1', method: 'POST', path: `/${++n}`, agent: false });
  q.on('response', (r) => { log('response'); r.resume(); });
  q.prependListener('response', () => log('before the response'));
  q.on('close', () => { log(`close, ${q.listenerCount('response')} listen`); setImmediate(() => (n < 2 ? ask() : server.close())); });
  q.write('a');
  q.once('finish', () => log('sent'));
  setTimeout(() => q.end('b'), 100);
}
server.listen(0, '127.0.0.1', ask);
