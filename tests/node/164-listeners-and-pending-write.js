'use strict';
// A write that waits for the connection is sent, or fails, in its place among the listeners: those of 'connect' or 'close' that were
// added before the write hear of it before the write's callback runs, later ones after.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
function dial(name, port, next) {
  const c = net.connect(port, '127.0.0.1');
  if (name === 'destroyed') c.on('connect', () => c.destroy());
  c.on('connect', () => log(`${name} connect before queued=${c.writableLength}`));
  c.on('close', () => log(`${name} close before`));
  c.write('x', (e) => log(`${name} callback ${e ? e.code : 'sent'}`));
  c.write('y', (e) => log(`${name} second callback ${e ? e.code : 'sent'}`));
  c.on('connect', () => log(`${name} connect after queued=${c.writableLength}`));
  c.on('ready', () => log(`${name} ready`));
  c.on('error', (e) => log(`${name} error ${e.code}`));
  c.on('close', (e) => { log(`${name} close after ${e}`); next(); });
}
const server = net.createServer((s) => s.resume().end());
// Nobody listens at port 1, nor is it given to anybody.
dial('refused', 1, () => server.listen(0, '127.0.0.1', () => {
  const at = server.address().port;
  dial('accepted', at, () => dial('destroyed', at, () => server.close()));
}));
