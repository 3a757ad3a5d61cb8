'use strict';
// pipe(): when the target closes, or was ended by someone else, the source is paused and forwards no more; a pause of the program's own
// is not undone by the target's 'drain'.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const sink = net.createServer((s) => { let n = 0; s.on('data', (d) => { n += d.length; }); s.on('end', () => log(`sink got ${n}`)); s.on('error', () => {}); });
const source = net.createServer((s) => { s.write('one'); s.on('data', () => s.write('two')); s.on('error', () => {}); });
const until = (met, next) => (met() ? next() : setTimeout(until, 100, met, next));
function both(next) {
  const from = net.connect(source.address().port, '127.0.0.1');
  const to = net.connect(sink.address().port, '127.0.0.1');
  until(() => from.bytesRead === 3 && !to.connecting, () => next(from, to, () => { from.destroy(); to.destroy(); }));
}
const show = (name, s) => log(`${name} flowing=${s.readableFlowing} read=${s.bytesRead}`);
function closed(next) {
  both((from, to, done) => {
    show('closed', from);
    log(`returns target ${from.pipe(to) === to}`);
    show('closed piped', from);
    setTimeout(() => to.destroy(), 600);
    to.on('close', () => {
      show('closed target', from);
      from.write('more');
      until(() => from.bytesRead === 6, () => { show('closed later', from); log(`kept ${from.readableLength}`); done(); next(); });
    });
  });
}
function ended(next) {
  both((from, to, done) => {
    from.pipe(to);
    setTimeout(() => to.end('bye'), 600);
    to.on('finish', () => {
      show('ended target', from);
      from.write('more');
      until(() => from.bytesRead === 6, () => { show('ended later', from); done(); next(); });
    });
  });
}
function paused(next) {
  both((from, to, done) => {
    from.pipe(to);
    from.pause();
    to.cork();
    to.write(Buffer.alloc(20000));
    to.uncork();
    to.on('drain', () => log('drain'));
    setTimeout(() => { show('paused', from); from.pipe(to); show('piped again', from); done(); next(); }, 600);
  });
}
sink.listen(0, '127.0.0.1', () => source.listen(0, '127.0.0.1', () => closed(() => ended(() => paused(() => { sink.close(); source.close(); })))));
