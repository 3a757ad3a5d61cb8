'use strict';
// What a client says of answers that are none: the code of the error, and when it comes.
const http = require('http'); const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const OK = 'HTTP/1.1 200 OK\r\n'; const L2 = 'Content-Length: 2\r\n'; const TE = 'Transfer-Encoding: chunked\r\n';
const fields = (f) => `${OK}${f}\r\n`;
const chunks = (c) => `${OK}${TE}\r\n${c}`;
const ANSWERS = {
  extra: fields(L2) + 'okEXTRA',
  extraline: fields(L2) + 'ok\r\n',
  extrapart: fields(L2) + 'okHT',
  extraclose: fields(L2 + 'Connection: close\r\n') + 'okEXTRA',
  extrachunk: chunks('2\r\nok\r\n0\r\n\r\nEXTRA'),
  extra204: 'HTTP/1.1 204 No Content\r\n\r\nEXTRA',
  two: fields(L2) + 'ok' + fields(L2) + 'no',
  twolen: fields(L2 + 'Content-Length: 3\r\n') + 'ok',
  twosame: fields(L2 + L2) + 'ok',
  lenthenchunks: fields(L2 + TE) + '2\r\nok\r\n0\r\n\r\n',
  chunksthenlen: fields(TE + L2) + '2\r\nok\r\n0\r\n\r\n',
  badlen: fields('Content-Length: 2x\r\n'),
  neglen: fields('Content-Length: -1\r\n'),
  nolen: fields('Content-Length: \r\n'),
  longlen: fields('Content-Length: 99999999999999999999\r\n'),
  barecr: fields('X: a\rb\r\n'),
  barecrname: fields('X\r: a\r\n'),
  crcr: fields('X: a\r\r\n'),
  nul: fields('X: a\0b\r\n'),
  control: fields('X: a\x01b\r\n'),
  del: fields('X: a\x7fb\r\n'),
  fold: fields('X: a\r\n b\r\nContent-Length: 0\r\n'),
  foldtab: fields('X: a\r\n\tb\r\n'),
  foldfirst: fields(' X: a\r\n'),
  blankname: fields('X y: a\r\n'),
  blankcolon: fields('X : a\r\n'),
  emptyname: fields(': a\r\n'),
  nocolon: fields('nocolon\r\n'),
  umlautname: fields('X\xe4: a\r\n'),
  umlaut: fields('X: \xe4\r\n' + L2) + 'ok',
  lf: 'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
  lffield: OK + 'X: a\nContent-Length: 0\r\n\r\n',
  lfend: OK + 'Content-Length: 0\r\n\n',
  crend: OK + 'Content-Length: 0\r\n\rx',
  junk: 'junk\r\n\r\n',
  request: 'GET / HTTP/1.1\r\n\r\n',
  lower: 'http/1.1 200 OK\r\n\r\n',
  emptylines: '\r\n\r\n' + fields(L2) + 'ok',
  blank: ' ' + fields(L2) + 'ok',
  http3: 'HTTP/3.1 200 OK\r\n\r\n',
  http12: 'HTTP/1.2 200 OK\r\n\r\n',
  httpx: 'HTTP/x.1 200 OK\r\n\r\n',
  http1: 'HTTP/1 200 OK\r\n\r\n',
  http11x: 'HTTP/1.1x 200 OK\r\n\r\n',
  nostatus: 'HTTP/1.1 OK\r\n\r\n',
  shortstatus: 'HTTP/1.1 20 OK\r\n\r\n',
  longstatus: 'HTTP/1.1 2000 OK\r\n\r\n',
  highstatus: 'HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n',
  twoblanks: 'HTTP/1.1  200 OK\r\n\r\n',
  noreason: 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n',
  blankreason: 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n',
  umlautreason: 'HTTP/1.1 200 \xe4\r\nContent-Length: 0\r\n\r\n',
  crreason: 'HTTP/1.1 200 O\rK\r\n\r\n',
  old: 'HTTP/1.0 200 OK\r\n\r\nbody',
  oldchunks: `HTTP/1.0 200 OK\r\n${TE}\r\n2\r\nok\r\n0\r\n\r\n`,
  gzip: fields('Transfer-Encoding: gzip\r\n') + 'body',
  gzipchunks: fields('Transfer-Encoding: gzip, chunked\r\n') + '2\r\nok\r\n0\r\n\r\n',
  chunksgzip: fields('Transfer-Encoding: chunked, gzip\r\n') + '2\r\nok\r\n0\r\n\r\n',
  chunk: chunks('zz\r\n'),
  chunkempty: chunks('\r\n'),
  chunklf: chunks('2\nok\r\n'),
  chunkcr: chunks('2\rok\r\n'),
  chunklong: chunks('2\r\nokk\r\n0\r\n\r\n'),
  chunkendlf: chunks('2\r\nok\n0\r\n\r\n'),
  chunkext: chunks('2;a=b\r\nok\r\n0\r\n\r\n'),
  chunkbadext: chunks('2;\x01\r\nok\r\n0\r\n\r\n'),
  chunkblank: chunks('2 \r\nok\r\n0\r\n\r\n'),
  chunkhuge: chunks('fffffffffffffffff\r\n'),
  trailer: chunks('2\r\nok\r\n0\r\nX y: z\r\n\r\n'),
  trailerlf: chunks('2\r\nok\r\n0\r\nX: y\n\r\n'),
  c204: 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
  c304: 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n',
  big: fields(`X: ${'x'.repeat(17000)}\r\n`),
  head: 'HTTP/1.1 200 O',
  nothing: '',
};
const todo = Object.keys(ANSWERS);
const server = net.createServer((s) => {
  s.on('error', () => {});
  s.once('data', (d) => s.end(ANSWERS[String(d).split(' ')[1].slice(1)], 'latin1'));
});
server.listen(0, '127.0.0.1', function next() {
  const name = todo.shift();
  if (!name) return server.close();
  let open = 1;
  const over = () => { if (--open === 0) setImmediate(next); };
  log(name);
  const r = http.get({ port: server.address().port, host: '127.0.0.1', path: '/' + name, agent: false });
  r.on('error', (e) => log(`  error ${e.code}`));
  r.on('close', () => { log('  close'); over(); });
  r.on('response', (x) => {
    let b = '';
    open += 1;
    log(`  response ${x.statusCode} ${x.httpVersion}`);
    x.on('data', (d) => { b += d; });
    x.on('end', () => log(`  end ${b}`));
    x.on('aborted', () => log('  aborted'));
    x.on('error', (e) => log(`  res error ${e.code}`));
    x.on('close', () => { log(`  res close complete=${x.complete}`); over(); });
  });
});
