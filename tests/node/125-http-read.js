'use strict';
// Bodies that are read by hand, a request's and a response's: 'readable', then read() or read(n); the end.
const http = require('http'); const fs = require('fs'); const path = require('path'); const os = require('os');
const out = []; const log = (s) => out.push(s);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'np-')); const p = (n) => path.join(dir, n);
process.on('exit', (c) => { fs.rmSync(dir, { recursive: true }); fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'); });
const text = (d) => (d === null ? 'null' : `"${d}"`);
const server = http.createServer((q, r) => {
  const n = q.url === '/4' ? 4 : undefined;
  q.once('readable', () => log(`request readable, paused ${q.isPaused()}`));
  q.on('readable', () => {
    let d; while ((d = q.read(n)) !== null) log(`request read ${text(d)}`);
  });
  q.on('end', () => { log(`request end ${q.complete}`); r.write('hello'); setTimeout(() => r.end('world!'), 40); });
  q.on('close', () => log('request close'));
});
const ask = (url, pieces, then) => {
  const c = http.request({ socketPath: p('s.sock'), path: url, method: 'POST', agent: false, headers: { 'Content-Length': pieces.join('').length } }, (r) => {
    r.on('readable', () => { let d; while ((d = r.read(3)) !== null) log(`response read ${text(d)}`); });
    r.on('end', () => log('response end'));
    r.on('close', () => { log('response close'); then(); });
  });
  const next = () => { const piece = pieces.shift(); if (piece === undefined) c.end(); else { c.write(piece); setTimeout(next, 40); } };
  next();
};
server.listen(p('s.sock'), () => ask('/', ['one', 'two'], () => ask('/4', ['abcde', 'fgh', 'ij'], () => ask('/', [], () => server.close(() => log('server close'))))));
