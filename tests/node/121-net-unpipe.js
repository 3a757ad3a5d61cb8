'use strict';
// pipe() that does not end its target; unpipe() of one and of all; a source piped to two targets, and to one after the other.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const sink = net.createServer((s) => {
  let all = '';
  s.on('data', (d) => { all += d; });
  s.on('end', () => { log(`sink got ${all}`); });
});
// Says what it is told to.
const source = net.createServer((s) => s.on('data', (d) => (String(d) === 'end' ? s.end() : s.write(d))));
const from = () => net.connect(source.address().port, '127.0.0.1');
const to = () => net.connect(sink.address().port, '127.0.0.1');
const until = (met, next) => (met() ? next() : setTimeout(until, 50, met, next));
function noEnd(next) {
  const [a, b, c] = [from(), from(), to()];
  a.pipe(c, { end: false });
  a.on('end', () => {
    log(`a ended, flowing=${a.readableFlowing} c writable=${c.writable} ended=${c.writableEnded}`);
    b.pipe(c);
    b.write('of b');
    until(() => b.bytesRead === 4, () => b.write('end'));
  });
  b.on('end', () => log('b ended'));
  c.on('finish', () => log('c finish'));
  sink.once('connection', (s) => s.on('end', () => next()));
  a.write('of a ');
  until(() => a.bytesRead === 5, () => a.write('end'));
}
function one(next) {
  const [a, b, c] = [from(), to(), to()];
  a.pipe(b); a.pipe(c);
  a.write('both ');
  until(() => a.bytesRead === 5, () => {
    log(`unpipe returns source ${a.unpipe(b) === a} flowing=${a.readableFlowing}`);
    a.unpipe(b);
    a.write('one');
    until(() => a.bytesRead === 8, () => {
      a.unpipe(c);
      log(`flowing=${a.readableFlowing} data=${a.listenerCount('data')} drain=${b.listenerCount('drain')}`);
      a.write('none');
      until(() => a.bytesRead === 12, () => {
        log(`kept ${a.readableLength}`);
        a.destroy();
        let n = 0;
        for (const s of [b, c]) { s.on('close', () => { if (++n === 2) next(); }); }
        b.end(); b.on('close', () => c.end());
      });
    });
  });
}
function all(next) {
  const [a, b, c] = [from(), to(), to()];
  a.pipe(b); a.pipe(c);
  a.unpipe();
  a.unpipe();
  log(`none: flowing=${a.readableFlowing} data=${a.listenerCount('data')}`);
  a.pipe(b);
  log(`again: flowing=${a.readableFlowing} data=${a.listenerCount('data')}`);
  a.write('again');
  until(() => a.bytesRead === 5, () => a.write('end'));
  b.on('close', () => { c.end(); });
  c.on('close', next);
}
sink.listen(0, '127.0.0.1', () => source.listen(0, '127.0.0.1', () => noEnd(() => one(() => all(() => { sink.close(); source.close(); })))));
