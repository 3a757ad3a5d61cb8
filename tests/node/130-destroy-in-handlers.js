'use strict';
// destroy() inside each handler: what still comes after it.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => {
  s.on('error', () => {});
  s.on('data', (d) => { if (String(d) === 'end?') s.end('!'); else s.write('more'); });
});
const events = ['lookup', 'connect', 'ready', 'data', 'end', 'finish', 'drain'];
const runs = ['connect', 'ready', 'data', 'end', 'finish', 'drain', 'error', 'close'];
function run() {
  const at = runs.shift();
  if (!at) return server.close();
  const c = net.connect(server.address().port, '127.0.0.1');
  const seen = (ev) => {
    log(`${at}: ${ev}`);
    if (ev === at) { c.destroy(); process.nextTick(() => log(`${at}: tick`)); setImmediate(() => log(`${at}: immediate`)); }
    else if (at === 'error' && ev === 'data') c.destroy(new Error('own'));
    else if (at === 'close' && ev === 'data') c.destroy();
  };
  for (const ev of events) c.on(ev, () => seen(ev));
  c.on('error', (e) => seen('error'));
  c.on('close', (e) => { seen('close'); log(`${at}: hadError=${e}`); setImmediate(run); });
  if (at === 'drain') c.write(Buffer.alloc(20000, 'x'), () => log('drain: callback'));
  if (at === 'finish') c.end(() => log('finish: end callback'));
  else c.write(at === 'end' ? 'end?' : 'x', () => log(`${at}: callback x`));
}
server.listen(0, '127.0.0.1', run);
