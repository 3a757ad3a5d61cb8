'use strict';
// end(callback): before 'finish'; called twice both are told; after 'finish' and after destroy() they get an error.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const told = (n) => (e) => log(`${n} ${e ? e.code || e.message : e}`);
const server = net.createServer((s) => { s.resume(); s.on('end', () => {}); });
function twice(next) {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.resume();
  c.on('connect', () => {
    c.end('x', told('twice first'));
    c.end(told('twice second'));
    process.nextTick(() => log('twice tick'));
  });
  c.on('finish', () => {
    log(`twice finish writableFinished=${c.writableFinished}`);
    c.end(told('twice in finish'));
    process.nextTick(() => log('twice finish tick'));
  });
  c.on('close', (e) => { log(`twice close ${e}`); c.end(told('twice after close')); c.end('x', told('twice data after close')); setImmediate(next); });
  c.on('error', (e) => log(`twice error ${e.code}`));
}
function destroyed(next) {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.on('connect', () => {
    c.destroy();
    c.end('data', told('destroyed data'));
    c.end(told('destroyed end'));
    c.end(told('destroyed second end'));
    log(`destroyed writableEnded=${c.writableEnded}`);
    process.nextTick(() => log('destroyed tick'));
  });
  c.on('finish', () => log('destroyed finish'));
  c.on('close', (e) => { log(`destroyed close ${e}`); setImmediate(next); });
}
function errored(next) {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.on('connect', () => {
    c.end(told('errored first'));
    c.destroy(new Error('boom'));
    c.end(told('errored second'));
    c.write('x', told('errored write'));
    process.nextTick(() => log('errored tick'));
  });
  c.on('error', (e) => log(`errored error ${e.message}`));
  c.on('close', (e) => { log(`errored close ${e}`); setImmediate(next); });
}
server.listen(0, '127.0.0.1', () => twice(() => destroyed(() => errored(() => server.close()))));
