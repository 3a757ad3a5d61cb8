'use strict';
// A socket that is read by hand: 'readable', then read() or read(n); what is left at the end of the stream, and 'end' behind it.
const net = require('net'); const fs = require('fs'); const path = require('path'); const os = require('os');
const out = []; const log = (s) => out.push(s);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'np-')); const p = (n) => path.join(dir, n);
process.on('exit', (c) => { fs.rmSync(dir, { recursive: true }); fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'); });
const text = (d) => (d === null ? 'null' : `"${d}"`);
const server = net.createServer();
const once = (name, handle, then) => {
  server.removeAllListeners('connection');
  server.on('connection', (s) => {
    s.on('end', () => log(`${name} end, ${s.readableLength} left`));
    s.on('close', () => { log(`${name} close`); then(); });
    handle(s);
  });
};
const say = (pieces) => {
  const c = net.connect(p('s.sock'));
  const next = () => { const piece = pieces.shift(); if (piece === undefined) c.end(); else { c.write(piece); setTimeout(next, 40); } };
  c.on('connect', next);
  c.resume();
};
function all(then) {
  once('all', (s) => {
    log(`flowing ${s.readableFlowing} ${text(s.read())}`);
    s.on('readable', () => {
      log(`all readable, ${s.readableLength} there, flowing ${s.readableFlowing} paused ${s.isPaused()}`);
      let d; while ((d = s.read()) !== null) log(`all read ${text(d)}, ${s.readableLength} left`);
    });
  }, then);
  say(['one', 'two']);
}
function fixed(then) {
  once('fixed', (s) => {
    s.on('readable', () => {
      let d; while ((d = s.read(4)) !== null) log(`fixed read ${text(d)}, ${s.readableLength} left`);
    });
  }, then);
  say(['abcde', 'fgh', 'ij']);
}
function paused(then) {
  once('paused', (s) => {
    s.pause();
    setTimeout(() => {
      log(`paused ${text(s.read(2))} ${text(s.read(2))} ${text(s.read(3))} ${text(s.read())} ${text(s.read())}`);
    }, 100);
  }, then);
  say(['abcde']);
}
function resumed(then) {
  once('resumed', (s) => {
    s.on('readable', () => log(`resumed readable ${text(s.read())}`));
    s.on('data', () => {});
    s.resume();
    log(`resumed flowing ${s.readableFlowing}`);
  }, then);
  say(['abc']);
}
function gone(then) {
  once('gone', (s) => {
    s.on('readable', () => { log(`gone ${text(s.read(1))}`); s.destroy(); });
  }, then);
  say(['abc']);
}
server.listen(p('s.sock'), () => all(() => fixed(() => paused(() => resumed(() => gone(() => server.close(() => log('server close'))))))));
