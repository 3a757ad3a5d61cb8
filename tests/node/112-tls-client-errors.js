'use strict';
// Handshakes that fail: a server hears of them by tlsClientError, and its sockets are nobody's.
const fs = require('fs'); const net = require('net'); const tls = require('tls');
const key = (name) => fs.readFileSync(`${__dirname}/keys/${name}`);
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const said = [['http', 'GET / HTTP/1.1\r\n\r\n'], ['post', 'POST / HTTP/1.1\r\n\r\n'], ['proxy', 'CONNECT a:1 HTTP/1.1\r\n\r\n'], ['text', 'hello, is anybody there?\n'], ['nothing', null], ['half', Buffer.from([22, 3, 1, 1, 0, 1, 0])]];
const server = tls.createServer({ key: key('localhost.key'), cert: key('localhost.pem') });
server.on('secureConnection', () => log('secureConnection'));
let name;
server.on('tlsClientError', (e, s) => log(`${name}: tlsClientError ${e.code} ${s.encrypted}`));
server.on('close', () => log('closed'));
const next = () => {
  const one = said.shift();
  if (!one) return server.close();
  name = one[0];
  const c = net.connect(server.address().port, '127.0.0.1', () => { if (one[1] === null) c.end(); else if (name === 'half') c.end(one[1]); else c.write(one[1]); });
  c.on('error', () => {});
  c.on('data', () => {});
  c.on('close', () => next());
};
server.listen(0, '127.0.0.1', next);
