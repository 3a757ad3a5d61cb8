'use strict';
// The fields of a request until it is sent, and after; those that it has by itself, and without them.
const http = require('http'); const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => {
  s.once('data', (d) => {
    for (const l of String(d).replace(/127.0.0.1:\d+/, 'HOST').split('\r\n')) log(`  < ${l}`);
    s.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  });
});
const tried = (name, f) => { try { f(); log(`  ${name} done`); } catch (e) { log(`  ${name} throws ${e.code}`); } };
const CASES = {
  getters(r) {
    r.setHeader('X-ONE', 'new');
    r.setHeader('X-Three', '3');
    r.removeHeader('x-TWO');
    r.removeHeader('nope');
    log(`  ${r.getHeader('x-one')} ${r.getHeader('nope')} ${r.hasHeader('X-THREE')} ${r.hasHeader('x-two')}`);
    log(`  ${r.getHeaderNames().join()} sent=${r.headersSent}`);
    r.end();
    log(`  ${r.getHeader('x-one')} ${r.getHeaderNames().join()} sent=${r.headersSent}`);
    tried('set', () => r.setHeader('A', 'b'));
    tried('append', () => r.appendHeader('A', 'b'));
    tried('remove', () => r.removeHeader('X-One'));
    tried('flush', () => r.flushHeaders());
  },
  nohost(r) { r.removeHeader('Host'); r.end(); },
  otherhost(r) { r.setHeader('HOST', 'other'); r.end(); },
  append(r) { r.appendHeader('A', '1'); r.setHeader('B', '3'); r.appendHeader('a', '2'); r.end(); },
  setagain(r) { r.appendHeader('A', '1'); r.appendHeader('A', '2'); r.setHeader('A', '3'); r.end(); },
  flush(r) { r.flushHeaders(); log(`  sent=${r.headersSent}`); r.end(); },
  write(r) { r.write('x'); log(`  sent=${r.headersSent}`); tried('set', () => r.setHeader('A', 'b')); r.end('y'); },
  expect(r) { r.end(); },
  noconnection(r) { r.removeHeader('Connection'); r.end(); },
  noconnectionkept(r) { r.removeHeader('Connection'); r.end(); },
  kept(r) { r.end(); },
  keptclose(r) { r.setHeader('Connection', 'close'); r.end(); },
  keepalive(r) { r.setHeader('Connection', 'keep-alive'); r.end(); },
  nolength(r) { r.removeHeader('Content-Length'); r.end('ab'); },
  neither(r) { r.removeHeader('Content-Length'); r.removeHeader('Transfer-Encoding'); r.end('ab'); },
  ownlength(r) { r.setHeader('Content-Length', '2'); r.write('a'); r.end('b'); },
  ownchunks(r) { r.setHeader('Transfer-Encoding', 'chunked'); r.end('ab'); },
  empty(r) { r.end(); },
  emptyput(r) { r.end(''); },
  head(r) { r.end(); },
  delete(r) { r.end(); },
  trailers(r) { r.setHeader('Trailer', 'T'); r.write('a'); r.addTrailers({ T: 'v' }); r.end(); },
  bad(r) {
    tried('name', () => r.setHeader('bad name', 'x'));
    tried('value', () => r.setHeader('a', 'b\nc'));
    tried('append', () => r.appendHeader('bad name', 'x'));
    r.end();
  },
};
const METHODS = { nolength: 'POST', neither: 'POST', ownlength: 'POST', ownchunks: 'POST', empty: 'POST', emptyput: 'PUT', write: 'POST', trailers: 'POST', head: 'HEAD', delete: 'DELETE' };
const todo = Object.keys(CASES);
server.listen(0, '127.0.0.1', function next() {
  const name = todo.shift();
  if (!name) return server.close();
  log(name);
  const headers = { 'X-One': '1', 'x-two': '2' };
  if (name === 'expect') headers.Expect = '100-continue';
  const agent = /kept/.test(name) ? new http.Agent({ keepAlive: true }) : false;
  const r = http.request({ port: server.address().port, host: '127.0.0.1', agent, method: METHODS[name], headers });
  if (name === 'expect') { log(`  sent=${r.headersSent}`); tried('set', () => r.setHeader('A', 'b')); }
  r.on('response', (x) => x.resume());
  r.on('error', (e) => log(`  error ${e.code}`));
  r.on('close', () => setImmediate(next));
  CASES[name](r);
});
