'use strict';
// Data and FIN that come together: a socket that has ended its own side gets 'data' and 'end' in one callback; one that has not, in two turns.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer({ allowHalfOpen: true }, (s) => { s.resume(); if (half) s.on('end', () => s.end('answer')); else s.end('greeting'); });
let half = true;
function run(n, next) {
  const c = net.connect(server.address().port, '127.0.0.1');
  c.on('data', (d) => { log(`${n} data "${d}"`); process.nextTick(() => log(`${n} tick`)); setImmediate(() => log(`${n} immediate`)); });
  c.on('end', () => log(`${n} end`));
  c.on('finish', () => log(`${n} finish`));
  c.on('close', (e) => { log(`${n} close ${e}`); next(); });
  if (half) c.end('question');
}
server.listen(0, '127.0.0.1', () => run('ended', () => { half = false; setTimeout(() => run('open', () => server.close()), 200); }));
