'use strict';
// pipe() pauses its source while the target takes no more, and resumes it at 'drain'; the source's 'end' ends the target.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const total = 24 * 1024 * 1024;
let slow;
const target = net.createServer({ pauseOnConnect: true }, (s) => {
  slow = s;
  s.on('data', () => {});
  s.on('end', () => { log(`slow end ${s.bytesRead}`); target.close(); });
  const wait = () => {
    if (!source.isPaused()) return setTimeout(wait, 100);
    log('source paused');
    slow.resume();
  };
  wait();
});
let source; let drained = 0;
const relay = net.createServer({ pauseOnConnect: true }, (s) => {
  source = s;
  const to = net.connect(target.address().port, '127.0.0.1');
  to.on('drain', () => { drained++; });
  to.on('finish', () => log('relay finish'));
  to.on('close', (e) => log(`relay close ${e} written=${to.bytesWritten}`));
  s.on('end', () => log(`source end drained=${drained > 0}`));
  log(`pipe returns target ${s.pipe(to) === to} flowing=${s.readableFlowing}`);
  relay.close();
});
target.listen(0, '127.0.0.1', () => relay.listen(0, '127.0.0.1', () => {
  const c = net.connect(relay.address().port, '127.0.0.1');
  c.end(Buffer.alloc(total));
}));
