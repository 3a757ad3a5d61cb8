'use strict';
// The life of an IPC connection, half-open: the states, a large write with its 'drain', and what IPC does not know (a reset, Nagle).
const net = require('net'); const fs = require('fs'); const path = require('path'); const os = require('os');
const lanes = { server: [], client: [] }; const log = (l, s) => lanes[l].push(`${l} ${s}`);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'np-')); const sock = path.join(dir, 's');
process.on('exit', () => {
  fs.rmSync(dir, { recursive: true });
  fs.writeSync(1, Object.entries(lanes).map(([l, a]) => [`== ${l}`, ...a].join('\n')).join('\n') + '\n');
});
const size = 4 * 1024 * 1024;
const server = net.createServer({ allowHalfOpen: true }, (s) => {
  log('server', `connection [${s.readyState}] connecting=${s.connecting} pending=${s.pending}`);
  s.resume();
  s.on('end', () => { log('server', `end [${s.readyState}] read=${s.bytesRead === size}`); s.write('late '); s.end('answer'); });
  s.on('finish', () => log('server', `finish [${s.readyState}]`));
  s.on('close', (e) => { log('server', `close ${e} [${s.readyState}]`); server.close(); });
});
server.listen(sock, () => {
  const c = new net.Socket();
  log('client', `new [${c.readyState}] pending=${c.pending}`);
  c.connect(sock);
  log('client', `connecting=${c.connecting} [${c.readyState}] pending=${c.pending}`);
  c.on('connect', () => {
    log('client', `connect [${c.readyState}] pending=${c.pending}`);
    try { c.resetAndDestroy(); } catch (e) { log('client', `reset ${e.code} destroyed=${c.destroyed}`); }
    log('client', `write ${c.write(Buffer.alloc(size), (e) => log('client', `callback ${e}`))} needDrain=${c.writableNeedDrain}`);
  });
  c.on('ready', () => log('client', 'ready'));
  c.on('drain', () => { log('client', `drain queued=${c.writableLength}`); c.end(() => log('client', `end callback [${c.readyState}]`)); });
  c.on('finish', () => log('client', 'finish'));
  let got = '';
  c.on('data', (d) => { got += d; });
  c.on('end', () => log('client', `end "${got}" [${c.readyState}]`));
  c.on('close', (e) => log('client', `close ${e} [${c.readyState}]`));
});
