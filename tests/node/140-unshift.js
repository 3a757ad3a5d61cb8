'use strict';
// unshift() puts bytes back in front; what was put back while paused comes first after resume(), and holds 'end' back.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => s.end('abcdef'));
server.listen(0, '127.0.0.1', () => {
  const c = net.connect(server.address().port, '127.0.0.1');
  let n = 0;
  c.on('data', (d) => {
    log(`data "${d}" length=${c.readableLength}`);
    if (n++ > 0) return;
    c.pause();
    c.unshift(d.subarray(3));
    c.unshift(Buffer.from('12'));
    c.unshift(Buffer.alloc(0));
    log(`unshifted length=${c.readableLength} bytesRead=${c.bytesRead}`);
    setTimeout(() => {
      log(`later length=${c.readableLength} ended=${c.readableEnded}`);
      c.resume();
      c.unshift(Buffer.from('0'));
      log(`resumed length=${c.readableLength}`);
      process.nextTick(() => log('tick'));
    }, 200);
  });
  c.on('end', () => { log('end'); c.unshift(Buffer.from('late')); log(`destroyed=${c.destroyed}`); });
  c.on('error', (e) => log(`error ${e.code}`));
  c.on('close', (e) => { log(`close ${e}`); server.close(); });
});
