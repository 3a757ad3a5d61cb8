'use strict';
// close() of a server that does not listen emits 'close' all the same, and its callback gets ERR_SERVER_NOT_RUNNING; a second
// close() emits a second 'close'.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer();
server.on('close', () => log('close event'));
server.on('error', (e) => log(`error ${e.code} (must not run)`));
log(`returns self ${server.close((e) => log(`first callback ${e.code} ${e.message}`)) === server}`);
server.close((e) => log(`second callback ${e.code}`));
process.nextTick(() => log('tick'));
setImmediate(() => {
  log('immediate');
  server.listen(0, () => {
    log('listening');
    server.close((e) => log(`third callback ${e}`));
    server.close((e) => log(`fourth callback ${e.code}`));
  });
});
log('main end');
