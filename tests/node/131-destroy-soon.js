'use strict';
// destroySoon(): ends, and destroys at 'finish' without waiting for the peer's end; a second one and a finished one destroy at once.
const net = require('net');
const lanes = { queued: [], empty: [], finished: [], connecting: [], peer: [] }; const log = (l, s) => lanes[l].push(`${l} ${s}`);
process.on('exit', () => require('fs').writeSync(1, Object.entries(lanes).map(([l, a]) => [`== ${l}`, ...a].join('\n')).join('\n') + '\n'));
let got = '';
const server = net.createServer({ allowHalfOpen: true }, (s) => {
  s.on('data', (d) => { got += d; });
  s.on('error', () => {});
  s.on('end', () => { log('peer', `end got "${got}"`); got = ''; s.end(); });
});
function run(l, go, next) {
  const c = net.connect({ port: server.address().port, host: '127.0.0.1', allowHalfOpen: true });
  for (const ev of ['connect', 'ready', 'end']) c.on(ev, () => log(l, ev));
  c.on('close', (e) => { log(l, `close ${e}`); setTimeout(next, 200); });
  go(l, c);
  c.on('finish', () => log(l, `finish destroyed=${c.destroyed}`));
}
const soon = (l, c) => {
  c.destroySoon();
  log(l, `destroySoon: destroyed=${c.destroyed} writable=${c.writable} ended=${c.writableEnded} [${c.readyState}]`);
  process.nextTick(() => log(l, 'tick'));
  setImmediate(() => log(l, 'immediate'));
};
const queued = (l, c) => c.on('connect', () => { c.write('que', () => log(l, 'callback')); c.cork(); c.write('ued'); soon(l, c); });
const empty = (l, c) => c.on('connect', () => soon(l, c));
const finished = (l, c) => c.on('connect', () => { c.end('fin'); c.on('finish', () => soon(l, c)); });
const connecting = (l, c) => { c.write('early', () => log(l, 'callback')); soon(l, c); };
server.listen(0, '127.0.0.1', () => run('queued', queued, () => run('empty', empty, () => run('finished', finished, () => run('connecting', connecting, () => server.close())))));
