'use strict';
// A response that the program gives up: what it says of itself at once, and what writes and ends behind that are told.
const http = require('http'); const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const show = (res) => `destroyed=${res.destroyed} ended=${res.writableEnded} sent=${res.headersSent}`;
const server = http.createServer((req, res) => {
  const told = (name) => (e) => log(`${name} ${e ? e.code : 'fine'}`);
  res.on('error', (e) => log(`error ${e.code}`));
  res.on('finish', () => log('finish'));
  res.on('close', () => {
    log(`close ${show(res)}`);
    log(`late ${res.write('late', told('late told'))}`);
    setTimeout(next, 20);
  });
  log(`request ${req.url} ${show(res)}`);
  switch (req.url) {
    case '/written':
      res.write('a');
      res.destroy();
      log(show(res));
      log(`write ${res.write('b', told('b told'))}`);
      res.end('c', told('c told'));
      log(show(res));
      log(`write ${res.write('d', told('d told'))}`);
      break;
    case '/nothing':
      res.destroy();
      log(`${show(res)} write ${res.write('x')}`);
      res.destroy();
      break;
    case '/ended':
      res.end('all', told('all told'));
      res.destroy();
      log(`${show(res)} write ${res.write('x', told('x told'))}`);
      break;
    case '/later':
      res.write('a', told('a told'));
      setTimeout(() => { log(show(res)); res.destroy(); log(show(res)); }, 20);
      break;
  }
});
const TODO = ['/written', '/nothing', '/ended', '/later'];
function next() {
  const path = TODO.shift();
  if (!path) return server.close(() => log('server close'));
  log(`-- ${path}`);
  const c = net.connect(server.address().port, '127.0.0.1', () => c.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`));
  c.on('error', () => {});
  c.resume();
}
server.listen(0, '127.0.0.1', next);
