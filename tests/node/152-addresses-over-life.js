'use strict';
// The address getters of one socket before connect, while connecting, connected, destroyed and closed; and of an IPC socket.
const net = require('net'); const fs = require('fs'); const path = require('path'); const os = require('os');
const out = []; const log = (s) => out.push(s);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'np-')); const p = (n) => path.join(dir, n);
process.on('exit', (c) => { fs.rmSync(dir, { recursive: true }); fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'); });
const show = (name, s) => log(`${name} remote ${s.remoteAddress} ${s.remoteFamily} ${typeof s.remotePort} local ${s.localAddress} ${s.localFamily} ${typeof s.localPort}`);
const server = net.createServer((s) => s.resume());
server.listen(0, '127.0.0.1', () => {
  const c = new net.Socket();
  show('new', c);
  c.connect(server.address().port, '127.0.0.1');
  show('connecting', c);
  c.on('connect', () => {
    show('connected', c);
    c.destroy();
    show('destroyed', c);
  });
  c.on('close', () => {
    show('closed', c);
    server.close();
    log(`server after close ${server.address()}`);
  });
});
server.on('close', () => {
  const ipc = net.createServer((s) => { show('ipc server side', s); s.end(); });
  ipc.listen(p('s'), () => {
    const c = net.connect(p('s')).resume();
    c.on('end', () => show('ipc end', c));
    c.on('close', () => { show('ipc closed', c); ipc.close(); });
  });
});
