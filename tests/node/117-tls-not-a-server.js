'use strict';
// A client of TLS at a server that speaks none.
const fs = require('fs'); const net = require('net'); const tls = require('tls');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => { s.on('error', () => {}); s.end('welcome to a chat without TLS\n'); });
server.listen(0, '127.0.0.1', () => {
  const c = tls.connect({ port: server.address().port, host: '127.0.0.1', servername: 'localhost' });
  for (const e of ['connect', 'secureConnect', 'data', 'end']) c.on(e, () => log(e));
  c.on('error', (e) => log(`error ${e.code}`));
  c.on('close', (e) => { log(`close ${e}`); server.close(); });
});
