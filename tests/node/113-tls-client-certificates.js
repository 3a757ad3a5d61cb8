'use strict';
// A server that asks who its clients are: one that is known, a stranger, one who does not say; whether it minds, or not.
const fs = require('fs'); const tls = require('tls');
const key = (name) => fs.readFileSync(`${__dirname}/keys/${name}`);
const lanes = { server: [], client: [] }; const log = (lane, s) => lanes[lane].push(`${lane} ${s}`);
process.on('exit', () => fs.writeSync(1, Object.entries(lanes).map(([k, v]) => [`== ${k}`, ...v].join('\n')).join('\n') + '\n'));
const cases = [['ann', true], ['unknown', true], ['unknown', false], [null, true], [null, false]];
const next = () => {
  const one = cases.shift();
  if (!one) return;
  const [who, rejectUnauthorized] = one;
  const server = tls.createServer({ key: key('localhost.key'), cert: key('localhost.pem'), ca: key('authority.pem'), requestCert: true, rejectUnauthorized });
  server.on('secureConnection', (s) => {
    const cert = s.getPeerCertificate();
    log('server', `${who}: secureConnection ${s.authorized} ${s.authorizationError} ${cert && cert.subject && cert.subject.CN}`);
    s.on('error', () => {});
    s.end('welcome');
  });
  server.on('tlsClientError', (e) => log('server', `${who}: tlsClientError ${e.code}`));
  server.listen(0, '127.0.0.1', () => {
    const own = who ? { key: key(`${who}.key`), cert: key(`${who}.pem`) } : {};
    const c = tls.connect({ port: server.address().port, host: '127.0.0.1', servername: 'localhost', ca: key('authority.pem'), ...own });
    c.on('secureConnect', () => log('client', `${who}: secureConnect ${c.authorized}`));
    c.on('data', (d) => log('client', `${who}: data ${d}`));
    c.on('error', () => {});
    c.on('close', () => server.close(next));
  });
};
next();
