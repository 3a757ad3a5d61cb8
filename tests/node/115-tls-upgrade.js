'use strict';
// A connection that begins in the clear and goes over to TLS at both ends, on the sockets that are there.
const fs = require('fs'); const net = require('net'); const tls = require('tls');
const key = (name) => fs.readFileSync(`${__dirname}/keys/${name}`);
const lanes = { server: [], client: [] }; const log = (lane, s) => lanes[lane].push(`${lane} ${s}`);
process.on('exit', () => fs.writeSync(1, Object.entries(lanes).map(([k, v]) => [`== ${k}`, ...v].join('\n')).join('\n') + '\n'));
const context = tls.createSecureContext({ key: key('localhost.key'), cert: key('localhost.pem') });
const server = net.createServer((raw) => {
  raw.once('data', (d) => {
    log('server', `plain ${JSON.stringify(String(d))}`);
    raw.write('go ahead\n');
    const s = new tls.TLSSocket(raw, { isServer: true, secureContext: context });
    s.on('secure', () => log('server', `secure ${s.getProtocol()}`));
    s.on('data', (b) => { log('server', `data ${b}`); s.end(`${b}!`); });
    s.on('end', () => log('server', 'end'));
    s.on('close', (e) => { log('server', `close ${e}`); server.close(); });
  });
});
server.listen(0, '127.0.0.1', () => {
  const raw = net.connect(server.address().port, '127.0.0.1', () => raw.write('STARTTLS\n'));
  raw.once('data', (d) => {
    log('client', `plain ${JSON.stringify(String(d))}`);
    const c = tls.connect({ socket: raw, servername: 'localhost', ca: key('authority.pem') });
    c.on('secureConnect', () => { log('client', `secureConnect ${c.authorized}`); c.write('in cipher'); });
    c.on('data', (b) => log('client', `data ${b}`));
    c.on('end', () => log('client', 'end'));
    c.on('close', (e) => log('client', `close ${e}`));
  });
});
