'use strict';
// Who is told that a connection of a server was idle: the time is set on the request, the response, their socket or the server; without a listener it closes; the next request on the connection is not told of it.
const http = require('http'); const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const handler = (req, res) => {
  log(`request ${req.url}`);
  const [, by, ms] = req.url.split('/');
  if (by === 'behind') { res.on('timeout', () => log('behind timeout')); return setTimeout(() => res.end('behind'), 300); }
  if (by !== 'nobody') {
    req.on('timeout', () => log('req timeout'));
    res.on('timeout', () => log('res timeout'));
  }
  if (by !== 'nobody') res.on('close', () => log('res close'));
  if (by === 'req' || by === 'nobody') req.setTimeout(+ms);
  if (by === 'res') res.setTimeout(+ms);
  if (by === 'socket') req.socket.setTimeout(+ms);
  req.resume();
  if (by === 'once') {
    req.setTimeout(+ms);
    return res.end('once');
  }
  setTimeout(() => {
    req.socket.setTimeout(0);
    res.end(by);
  }, 150);
};
const server = http.createServer(handler);
const quiet = http.createServer(handler);
server.on('timeout', () => log('server timeout'));
server.keepAliveTimeout = 5000;
const CASES = [
  ['req', 'GET /req/100'], ['res', 'GET /res/100'], ['socket', 'GET /socket/100'], ['body', 'POST /req/100', 'Connection: close\r\nContent-Length: 5\r\n'],
  ['nobody', 'GET /nobody/100'], ['two', 'GET /once/2000', '', 'GET /behind'], ['server', 'GET /server/0'],
];
function next() {
  const one = CASES.shift();
  if (!one) { quiet.close(); return server.close(() => log('server close')); }
  const [name, first, fields, second] = one;
  log(`-- ${name}`);
  if (name === 'server') server.setTimeout(100);
  const to = name === 'nobody' ? quiet : server;
  const c = net.connect(to.address().port, '127.0.0.1', () => c.write(`${first} HTTP/1.1\r\nHost: x\r\n${fields || ''}\r\n`));
  let bodies = 0;
  c.on('data', (d) => {
    bodies += 1;
    log(`answer ${String(d).split('\r\n\r\n')[1]}`);
    if (second && bodies === 1) setTimeout(() => c.write(`${second} HTTP/1.1\r\nHost: x\r\n\r\n`), 20);
    else if (name !== 'body') c.end();
  });
  c.on('close', () => { log('closed'); setTimeout(next, 20); });
}
quiet.listen(0, '127.0.0.1', () => server.listen(0, '127.0.0.1', next));
