'use strict';
// Bytes and a reset that come together: the bytes are handed out, and what follows is 'end', not ECONNRESET; a reset that comes alone is the error.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
let n = 'together';
const server = net.createServer((s) => {
  const l = n;
  s.on('data', (d) => { log(`${l} data "${d}"`); setImmediate(() => log(`${l} immediate`)); });
  for (const ev of ['end', 'finish']) s.on(ev, () => log(`${l} ${ev}`));
  s.on('error', (e) => log(`${l} error ${e.code}`));
  s.on('close', (e) => { log(`${l} close ${e}`); if (l === 'together') { n = 'later'; dial(); } else server.close(); });
});
const dial = () => {
  const c = net.connect(server.address().port, '127.0.0.1', () => {
    c.write('bytes');
    if (n === 'together') c.resetAndDestroy();
    else setTimeout(() => c.resetAndDestroy(), 200);
  });
};
server.listen(0, '127.0.0.1', dial);
