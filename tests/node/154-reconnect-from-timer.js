'use strict';
// A client that tries again from a timer until its server is there, with a new socket each time; the errors come in between.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
let port; let tries = 0;
const server = net.createServer((s) => { s.end('welcome'); server.close(); });
server.on('close', () => log('server close'));
function dial() {
  const c = new net.Socket();
  const n = ++tries;
  c.on('connect', () => log(`${n} connect`));
  c.on('data', (d) => log(`${n} data "${d}"`));
  c.on('end', () => log(`${n} end`));
  c.on('error', (e) => { log(`${n} error ${e.code} destroyed=${c.destroyed}`); });
  c.on('close', (e) => {
    log(`${n} close ${e}`);
    if (!e) return;
    if (n === 2) server.listen(port, '127.0.0.77', () => log('listening'));
    setTimeout(dial, 500);
  });
  c.connect(port, '127.0.0.77', () => log(`${n} callback`));
}
const tmp = net.createServer().listen(0, '127.0.0.77', () => { port = tmp.address().port; tmp.close(dial); });
