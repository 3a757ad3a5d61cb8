'use strict';
// allowHalfOpen=false: in the 'end' handler and in the ticks it queues write() still works; two ticks later the socket has ended itself.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
let got = '';
const server = net.createServer({ allowHalfOpen: true }, (s) => {
  s.on('data', (d) => { got += d; });
  s.on('end', () => s.end());
  s.on('error', () => {});
  s.on('close', () => { log(`server got "${got}"`); server.close(); });
  s.end();
});
server.listen(0, '127.0.0.1', () => {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.resume();
  c.on('end', () => {
    log(`end [${c.readyState}] write ${c.write('a', () => log('callback a'))}`);
    process.nextTick(() => {
      log(`tick 1 [${c.readyState}] write ${c.write('b', () => log('callback b'))}`);
      process.nextTick(() => {
        log(`tick 2 [${c.readyState}] writableEnded=${c.writableEnded}`);
        const r = c.write('c', (e) => log(`callback c ${e.code} "${e.message}"`));
        log(`write ${r} destroyed=${c.destroyed} errored=${c.errored.code}`);
        process.nextTick(() => log('tick 3'));
        setImmediate(() => log('immediate'));
      });
    });
  });
  c.on('finish', () => log('finish'));
  c.on('error', (e) => log(`error ${e.code} errno=${e.errno} syscall=${e.syscall}`));
  c.on('close', (e) => log(`close ${e}`));
});
