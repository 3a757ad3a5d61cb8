'use strict';
// Requests over TLS: on a connection that is used again, to a server that nobody vouches for, and what is no TLS.
const fs = require('fs'); const http = require('http'); const https = require('https');
const key = (name) => fs.readFileSync(`${__dirname}/keys/${name}`);
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
let connections = 0;
const server = https.createServer({ key: key('localhost.key'), cert: key('localhost.pem') });
server.on('secureConnection', (s) => { connections += 1; log(`secureConnection ${s.alpnProtocol}`); });
server.on('request', (req, res) => { log(`request ${req.method} ${req.url} ${req.socket.encrypted}`); req.resume(); res.end(`you asked for ${req.url}`); });
server.on('clientError', (e, s) => { log(`clientError ${e.code}`); s.destroy(); });
server.listen(0, '127.0.0.1', () => {
  const port = server.address().port;
  const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (path, ca, then) => {
    const req = https.get({ host: '127.0.0.1', port, path, agent, servername: 'localhost', ca: key(`${ca}.pem`) });
    req.on('response', (res) => {
      let body = '';
      res.on('data', (d) => { body += d; });
      res.on('end', () => log(`${res.statusCode} ${body}`));
    });
    req.on('error', (e) => log(`error ${e.code}`));
    req.on('close', () => setTimeout(then, 50));
  };
  ask('/one', 'authority', () => ask('/two', 'authority', () => ask('/three', 'stranger', () => {
    log(`${connections} connections`);
    agent.destroy();
    const plain = http.get({ host: '127.0.0.1', port });
    plain.on('error', (e) => log(`plain error ${e.code}`));
    plain.on('close', () => { server.close(); server.closeAllConnections(); });
  })));
});
