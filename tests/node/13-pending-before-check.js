'use strict';
// The pending queue runs right after poll: a finished shutdown ('finish') and a failed unix connect are told before setImmediate
// of the same iteration.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer({ allowHalfOpen: true }, (s) => { s.write('x'); s.resume().on('end', () => s.end()); });
server.listen(0, '127.0.0.1', () => {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.on('close', () => { log('close'); server.close(); });
  c.on('finish', () => { log('finish'); process.nextTick(() => log('tick of finish')); });
  c.once('data', () => {
    log('data');
    setImmediate(() => log('immediate'));
    process.nextTick(() => log('tick'));
    c.end(() => log('end callback'));
    const none = net.connect('/nonexistent/socket');
    none.on('error', (e) => { log(`error ${e.code}`); process.nextTick(() => log('tick of error')); });
    none.on('close', (e) => log(`close of the failed one ${e}`));
  });
});
