'use strict';
// When the requests and responses of a pipeline end, finish and close: answered later, in pieces, from the last to the first.
// Each request comes in a read of its own. And a CONNECT that nobody listens to.
const http = require('http'); const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const CASES = {
  later: (res, n, all) => { if (n === 2) setImmediate(() => all.forEach((one) => one.end('x'))); },
  pieces: (res) => { res.write('a'); setImmediate(() => res.end('b')); },
  firstlast: (res, n, all) => { if (n > 0) res.end('x'); if (n === 2) setImmediate(() => { log('  now'); all[0].end('x'); }); },
  afterend: (res, n) => { res.once('finish', () => log(`  answered ${n}`)); setImmediate(() => setImmediate(() => res.end('x'))); },
};
let name; let all = []; let client;
const server = http.createServer((req, res) => {
  const n = all.length;
  all.push(res);
  log(`  request ${n}`);
  req.on('data', (d) => log(`  data ${n} ${d}`));
  req.on('end', () => log(`  end ${n}`));
  req.on('close', () => log(`  request close ${n}`));
  res.on('finish', () => log(`  finish ${n}`));
  res.on('close', () => log(`  response close ${n}`));
  CASES[name](res, n, all);
  if (n < 2) setImmediate(() => client.write(post(n + 1, n === 1)));
});
const post = (n, last) => `POST /${n} HTTP/1.1\r\nHost: h\r\n${last ? 'Connection: close\r\n' : ''}Content-Length: 1\r\n\r\n${n}`;
const todo = Object.keys(CASES);
function next() {
  name = todo.shift();
  if (!name) return connect();
  all = [];
  log(name);
  const c = net.connect(server.address().port, '127.0.0.1');
  client = c;
  c.write(post(0));
  c.resume().on('close', () => setImmediate(() => setImmediate(next)));
}
function connect() {
  log('connect');
  const c = net.connect(server.address().port, '127.0.0.1');
  c.write('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n');
  c.on('data', (d) => log(`  ${d}`)).on('end', () => log('  end')).on('error', (e) => log(`  error ${e.code}`));
  c.on('close', () => { log('  close'); server.close(() => log('closed')); });
}
server.listen(0, '127.0.0.1', next);
