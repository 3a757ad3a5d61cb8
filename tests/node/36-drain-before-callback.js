'use strict';
// 'drain' comes before the callback of the write that caused it, and does not come once end() was called.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const chunk = Buffer.alloc(20000);
const server = net.createServer((s) => { s.resume(); });
function run(name, ending, next) {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.on('connect', () => log(`${name} connect queued=${c.writableLength}`));
  c.on('ready', () => log(`${name} ready queued=${c.writableLength}`));
  c.on('drain', () => { log(`${name} drain queued=${c.writableLength} needDrain=${c.writableNeedDrain}`); setImmediate(() => c.end()); });
  c.on('finish', () => log(`${name} finish`));
  c.on('close', () => { log(`${name} close`); next(); });
  log(`${name} write 1 ${c.write(chunk, () => log(`${name} callback 1`))} queued=${c.writableLength}`);
  log(`${name} write 2 ${c.write('x', () => log(`${name} callback 2`))} queued=${c.writableLength}`);
  log(`${name} needDrain=${c.writableNeedDrain}`);
  if (ending) { c.end(() => log(`${name} end callback`)); log(`${name} needDrain=${c.writableNeedDrain}`); }
}
server.listen(0, '127.0.0.1', () => run('open', false, () => run('ended', true, () => server.close())));
