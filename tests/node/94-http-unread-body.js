'use strict';
// A body that the handler does not read: the client's end is heard all the same, a request that has come in time is no late one, and a paused body is thrown away once the answer has gone.
const http = require('http'); const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const HEAD = 'Host: x\r\n';
const GONE = [
  ['part', `POST /part HTTP/1.1\r\n${HEAD}Content-Length: 10\r\n\r\nabc`],
  ['full', `POST /full HTTP/1.1\r\n${HEAD}Content-Length: 3\r\n\r\nabc`],
  ['chunk', `POST /chunk HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`],
  ['none', `GET /none HTTP/1.1\r\n${HEAD}\r\n`],
];
const cases = [];
for (const [name, text] of GONE) for (const reset of [false, true]) cases.push([name, text, reset]);
let client; let next;
const server = http.createServer((req, res) => {
  log(`request ${req.method} ${req.url}`);
  if (req.url.startsWith('/paused')) {
    let n = 0;
    if (req.url !== '/paused-alone') req.on('data', (d) => { n += d.length; });
    req.on('end', () => log(`end ${n}`));
    req.pause();
    setTimeout(() => { log(`resume at ${n}`); req.resume(); }, 60);
    return res.end('paused');
  }
  if (req.url === '/behind') return res.end('behind');
  if (req.url === '/late') { req.on('data', (d) => log(`data ${d}`)); req.pause(); setTimeout(() => { req.resume(); req.on('end', () => { log('late end'); res.end('late'); }); }, 400); return; }
  req.on('aborted', () => log('aborted'));
  req.on('error', (e) => log(`error ${e.code}`));
  req.on('close', () => { log('close'); setImmediate(next); });
  res.on('close', () => log('res close'));
  res.on('finish', () => log('finish'));
  if (client.reset) client.resetAndDestroy(); else client.destroy();
});
server.requestTimeout = 100; server.headersTimeout = 100; server.connectionsCheckingInterval = 20;
function ask(text, done) {
  const c = net.connect(server.address().port, '127.0.0.1', () => c.write(text));
  if (!text.includes('close')) setTimeout(() => c.end(), 100);
  let all = '';
  c.setEncoding('latin1');
  c.on('data', (d) => { all += d; });
  c.on('close', () => { log(all.replace(/\r\n[^]*?\r\n\r\n/g, ' ').replace(/\r\n/g, '|')); done(); });
}
const PAUSED = [['/paused-small', 'abc'], ['/paused-large', 'b'.repeat(100000)], ['/paused-alone', 'abc']];
function last() {
  const one = PAUSED.shift();
  if (!one) return server.close(() => log('server close'));
  const [path, body] = one;
  ask(`POST ${path} HTTP/1.1\r\n${HEAD}Content-Length: ${body.length}\r\n\r\n${body}GET /behind HTTP/1.1\r\n${HEAD}\r\n`, () => setTimeout(last, 100));
}
next = () => {
  const one = cases.shift();
  if (!one) return ask(`POST /late HTTP/1.1\r\n${HEAD}Connection: close\r\nContent-Length: 3\r\n\r\nabc`, last);
  log(`-- ${one[0]} ${one[2] ? 'reset' : 'end'}`);
  client = net.connect(server.address().port, '127.0.0.1', () => client.write(one[1]));
  client.reset = one[2];
  client.on('error', () => {});
};
server.listen(0, '127.0.0.1', next);
