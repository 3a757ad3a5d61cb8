'use strict';
// Which certificate is shown depends on the name that is asked for; which protocol is spoken, on both ends. Then another certificate, at run time.
const fs = require('fs'); const tls = require('tls');
const key = (name) => fs.readFileSync(`${__dirname}/keys/${name}`);
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const pair = (name) => ({ key: key(`${name}.key`), cert: key(`${name}.pem`) });
const server = tls.createServer({ ...pair('localhost'), ALPNProtocols: ['chat', 'http/1.1'] }, (s) => s.end());
server.addContext('*.example.org', pair('example'));
server.on('tlsClientError', () => {});
const steps = [['localhost', ['chat']], ['a.example.org', ['http/1.1', 'chat']], ['other.org', []], ['localhost', ['irc']], ['new', ['chat']]];
const next = () => {
  const one = steps.shift();
  if (!one) return server.close();
  const [name, ALPNProtocols] = one;
  if (name === 'new') server.setSecureContext(pair('ann'));
  const c = tls.connect({ port: server.address().port, host: '127.0.0.1', servername: name, ca: key('authority.pem'), rejectUnauthorized: false, ALPNProtocols });
  c.on('secureConnect', () => log(`${name}: ${c.getPeerCertificate().subject.CN} ${c.alpnProtocol} ${c.authorized} ${c.authorizationError}`));
  c.on('error', (e) => log(`${name}: error ${e.code}`));
  c.on('close', () => next());
  c.resume();
};
server.listen(0, '127.0.0.1', next);
