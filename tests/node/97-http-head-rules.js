'use strict';
// How fields that are set, appended, listed and removed come out; which of its own the server adds, and when it ends the connection.
const http = require('http'); const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const DO = {
  '/append': (res) => { res.setHeader('X-A', '1'); res.appendHeader('X-C', '3'); res.setHeader('X-B', '2'); res.appendHeader('x-c', '4'); res.appendHeader('X-b', '5'); log(res.getHeaderNames().join()); },
  '/list': (res) => { res.setHeader('Set-Cookie', ['a=1', 'b=2']); res.appendHeader('set-cookie', 'c=3'); res.setHeader('x-n', 7); log(`${res.getHeaderNames()} ${res.hasHeader('X-N')}`); },
  '/head': (res) => { res.setHeader('X-A', '1'); res.setHeader('X-B', '2'); res.writeHead(201, 'Made So', { 'x-a': 'new', 'X-D': '5', 'Content-Length': '1' }); },
  '/plain': () => {},
  '/mine': (res) => res.setHeader('Keep-Alive', 'timeout=9'),
  '/rm': (res) => res.removeHeader('Connection'),
  '/rm-length': (res) => res.removeHeader('Content-Length'),
  '/close': (res) => res.setHeader('Connection', 'close'),
  '/keep': (res) => res.setHeader('Connection', 'keep-alive'),
  '/upper': (res) => res.setHeader('CONNECTION', 'Close'),
};
const server = http.createServer((req, res) => {
  res.sendDate = false;
  DO[req.url](res);
  res.end('x');
});
server.keepAliveTimeout = 12010;
const TODO = Object.keys(DO);
function next() {
  const path = TODO.shift();
  if (!path) return server.close(() => log('server close'));
  const c = net.connect(server.address().port, '127.0.0.1', () => c.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`));
  let text = ''; let ended = false;
  c.on('data', (d) => { text += d; });
  c.on('end', () => { ended = true; });
  setTimeout(() => {
    log(`-- ${path} ended ${ended}`);
    for (const line of text.split('\r\n')) log(`< ${line}`);
    c.destroy();
    next();
  }, 40);
}
server.listen(0, '127.0.0.1', next);
