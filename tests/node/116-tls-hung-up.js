'use strict';
// A server that hangs up during the handshake.
const fs = require('fs'); const net = require('net'); const tls = require('tls');
const key = (name) => fs.readFileSync(`${__dirname}/keys/${name}`);
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => s.resume().end());
server.listen(0, '127.0.0.1', () => {
  const c = tls.connect({ port: server.address().port, host: '127.0.0.1', servername: 'localhost', ca: key('authority.pem') });
  for (const e of ['connect', 'ready', 'secureConnect']) c.on(e, () => log(e));
  c.on('error', (e) => log(`error ${e.code} ${e.message}`));
  c.on('close', (e) => { log(`close ${e}`); server.close(); });
});
