'use strict';
// A response that is paused, or not listened to yet, while its server ends: what has come of it is there later, and what was cut short is told at once.
const http = require('http'); const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const body = (n) => 'x'.repeat(n);
const answer = (n) => `HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${n}\r\n\r\n`;
const ANSWERS = {
  small: answer(5) + body(5),
  empty: answer(0),
  middle: answer(20000) + body(20000),
  chunked: `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n`,
  eof: `HTTP/1.0 200 OK\r\n\r\n${body(7)}`,
  cut: answer(10) + body(5),
  cutchunk: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab',
  large: answer(200000) + body(200000),
  late: answer(5) + body(5),
  dropped: answer(5) + body(5),
};
const server = net.createServer((s) => {
  s.on('error', () => {});
  s.once('data', (d) => s.end(ANSWERS[String(d).split(' ')[1].slice(1)]));
});
const todo = Object.keys(ANSWERS);
server.listen(0, '127.0.0.1', function next() {
  const name = todo.shift();
  if (!name) return server.close();
  let open = 2;
  const over = () => { if (--open === 0) setImmediate(next); };
  log(name);
  const r = http.get({ port: server.address().port, host: '127.0.0.1', path: '/' + name, agent: false });
  r.on('error', (e) => log(`  error ${e.code}`));
  r.on('close', () => { log('  close'); over(); });
  r.on('response', (x) => {
    let n = 0;
    const listen = () => x.on('data', (d) => { n += d.length; });
    log('  response');
    x.on('aborted', () => log('  aborted'));
    x.on('end', () => log(`  end ${n} complete=${x.complete} t=${x.trailers.t}`));
    x.on('error', (e) => log(`  res error ${e.code}`));
    x.on('close', () => { log(`  res close ${n} complete=${x.complete} aborted=${x.aborted}`); over(); });
    if (name !== 'late') { x.pause(); listen(); }
    const later = setTimeout(() => {
      log(`  goes on at ${n} complete=${x.complete}`);
      if (name === 'dropped') x.destroy();
      else if (name === 'late') listen();
      else x.resume();
    }, 100);
    x.on('close', () => clearTimeout(later));
  });
});
