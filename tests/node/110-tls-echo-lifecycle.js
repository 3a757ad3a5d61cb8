'use strict';
// What either end of a TLS connection hears, in order: the handshake, data both ways, the end.
const fs = require('fs'); const tls = require('tls');
const key = (name) => fs.readFileSync(`${__dirname}/keys/${name}`);
const lanes = { server: [], client: [] }; const log = (lane, s) => lanes[lane].push(`${lane} ${s}`);
process.on('exit', () => fs.writeSync(1, Object.entries(lanes).map(([k, v]) => [`== ${k}`, ...v].join('\n')).join('\n') + '\n'));
const server = tls.createServer({ key: key('localhost.key'), cert: key('localhost.pem'), ALPNProtocols: ['chat', 'http/1.1'] });
server.on('connection', () => log('server', 'connection'));
server.on('secureConnection', (s) => {
  log('server', `secureConnection ${s.encrypted} ${s.authorized} ${s.getProtocol()} ${s.alpnProtocol} ${s.servername}`);
  s.on('data', (d) => { log('server', `data ${d} ${s.bytesRead}`); s.write(d); });
  s.on('end', () => log('server', 'end'));
  s.on('finish', () => log('server', 'finish'));
  s.on('close', (e) => { log('server', `close ${e}`); server.close(); });
});
server.on('close', () => log('server', 'closed'));
server.listen(0, '127.0.0.1', () => {
  const c = tls.connect({ port: server.address().port, host: '127.0.0.1', servername: 'localhost', ca: key('authority.pem'), ALPNProtocols: ['http/1.1', 'chat'] });
  log('client', `${c.encrypted} ${c.authorized} ${c.connecting}`);
  log('client', `write ${c.write('early ')}`);
  for (const e of ['connect', 'ready', 'secureConnect', 'end', 'finish']) c.on(e, () => log('client', e));
  c.on('secureConnect', () => {
    log('client', `${c.authorized} ${c.authorizationError} ${c.getProtocol()} ${c.getCipher().standardName} ${c.alpnProtocol}`);
    const cert = c.getPeerCertificate();
    log('client', `${cert.subject.CN} ${cert.issuer.CN} ${cert.subjectaltname}`);
  });
  let got = '';
  c.on('data', (d) => {
    got += d;
    if (got === 'early ') c.write('late');
    if (got === 'early late') { log('client', `data ${got} ${c.bytesWritten} ${c.bytesRead}`); c.end(); }
  });
  c.on('close', (e) => log('client', `close ${e}`));
});
