'use strict';
// Text, bytes given back, a body as a whole; what a response says of itself; connections of a server.
const http = require('http'); const net = require('net');
const consumers = require('stream/consumers');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const state = (res) => `length=${res.writableLength} ended=${res.writableEnded} finished=${res.writableFinished} destroyed=${res.destroyed}`;
const HANDLERS = {
  '/text'(req, res) {
    req.setEncoding('utf8');
    req.on('data', (text) => { log(`  text ${text}`); res.write('x'); });
    req.on('end', () => { log('  end'); res.end(); });
  },
  '/unshift'(req, res) {
    const take = (bytes) => {
      log(`  data ${bytes}`);
      if (bytes.length < 3) return;
      req.pause();
      req.unshift(bytes.subarray(2));
      log(`  paused=${req.isPaused()}`);
      setImmediate(() => { log('  immediate'); req.resume(); });
    };
    req.on('data', take);
    req.on('end', () => { log('  end'); res.end(); });
  },
  '/whole'(req, res) {
    consumers.text(req).then((text) => { log(`  whole ${text}`); res.end(); });
  },
  '/cut'(req, res) {
    log(`  destroyed=${req.destroyed}`);
    req.on('close', () => log(`  request close destroyed=${req.destroyed}`));
    req.on('error', (error) => log(`  error ${error.code}`)).resume();
    res.on('close', () => { log('  response close'); setImmediate(() => setImmediate(next)); });
  },
  '/response'(req, res) {
    res.sendDate = false;
    res.setHeader('B', '1');
    res.setHeader('a', ['2', '3']);
    res.appendHeader('b', '4');
    const all = Object.entries(res.getHeaders());
    log(`  ${all.map(([name, value]) => `${name}=${[].concat(value)}`).join(' ')}`);
    log(`  ${state(res)}`);
    res.write('abc');
    log(`  written ${state(res)}`);
    res.on('finish', () => log(`  finish ${state(res)}`));
    res.on('close', () => log(`  close ${state(res)}`));
    res.end('de');
    log(`  ended=${res.writableEnded}`);
  },
};
const server = http.createServer((req, res) => {
  log(`  request ${req.url}`);
  HANDLERS[req.url](req, res);
});
server.on('connection', (socket) => log(`  connection ${socket.bytesRead}`));
const post = (path, length) => `POST ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`;
const euro = Buffer.from('a\u20ac!');
const CASES = [
  ['/text', [Buffer.concat([Buffer.from(post('/text', 5)), euro.subarray(0, 2)]), euro.subarray(2)]],
  ['/unshift', [post('/unshift', 6) + 'abcdef']],
  ['/whole', [post('/whole', 5) + 'whole']],
  ['/cut', [post('/cut', 5) + 'ab', null]],
  ['/response', [post('/response', 0)]],
];
function next() {
  const found = CASES.shift();
  if (!found) {
    return server.getConnections((error, count) => { log(`${error} ${count}`); server.close(() => log('closed')); });
  }
  const [name, pieces] = found;
  log(name);
  const c = net.connect(server.address().port, '127.0.0.1');
  const more = () => {
    const piece = pieces.shift();
    if (piece === null) return setImmediate(() => setImmediate(() => c.destroy()));
    if (piece) c.write(piece, () => { if (pieces[0] === null) more(); });
  };
  c.once('data', more);
  c.resume();
  if (name !== '/cut') c.on('close', () => setImmediate(next));
  more();
}
server.listen(0, '127.0.0.1', next);
