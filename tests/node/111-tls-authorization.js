'use strict';
// Whose certificate is not good, and what a client is told of it: as an error, or if it does not mind.
const fs = require('fs'); const tls = require('tls');
const key = (name) => fs.readFileSync(`${__dirname}/keys/${name}`);
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const cases = [
  ['localhost', 'localhost', 'authority'], ['unknown', 'localhost', 'authority'], ['own', 'localhost', 'authority'],
  ['own', 'localhost', 'own'], ['chain', 'localhost', 'authority'], ['expired', 'localhost', 'authority'],
  ['example', 'localhost', 'authority'], ['example', 'a.example.org', 'authority'], ['example', 'a.b.example.org', 'authority'],
  ['localhost', '127.0.0.1', 'authority'], ['example', '127.0.0.1', 'authority'],
];
const next = () => {
  const one = cases.shift();
  if (!one) return;
  const [cert, name, ca] = one;
  const keyOf = cert === 'chain' ? 'unknown' : cert;
  const server = tls.createServer({ key: key(`${keyOf}.key`), cert: key(`${cert}.pem`) }, (s) => s.on('error', () => {}).resume());
  server.listen(0, '127.0.0.1', () => {
    const connect = (rejectUnauthorized, then) => {
      const c = tls.connect({ port: server.address().port, host: '127.0.0.1', servername: name === '127.0.0.1' ? '' : name, ca: key(`${ca}.pem`), rejectUnauthorized,
        checkServerIdentity: (host, cert) => tls.checkServerIdentity(name, cert) });
      c.on('secureConnect', () => { log(`${cert} ${name}: secureConnect ${c.authorized} ${c.authorizationError}`); c.end(); });
      c.on('error', (e) => log(`${cert} ${name}: error ${e.code} ${e.message}`));
      c.on('close', (e) => { log(`${cert} ${name}: close ${e}`); then(); });
      c.resume();
    };
    connect(true, () => connect(false, () => server.close(next)));
  });
};
next();
