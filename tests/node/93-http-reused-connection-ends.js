'use strict';
// The second request on a kept connection fails: the server ends, resets, or sends a part of an answer. Its error comes, once, before its close.
const http = require('http'); const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const server = net.createServer((s) => {
  let asked = 0;
  s.on('error', () => {});
  s.on('data', (d) => {
    asked += 1;
    const url = String(d).split(' ')[1];
    if (asked === 1) s.write(ANSWER);
    else if (url === '/end') s.end();
    else if (url === '/reset') s.resetAndDestroy();
    else if (url === '/head') s.end('HTTP/1.1 200 O');
    else if (url === '/body') s.end('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab');
    else s.write('nonsense\r\n\r\n');
  });
});
const TODO = ['/end', '/reset', '/head', '/body', '/nonsense', '/destroy', '/destroy-with'];
function ask(agent, path, n, next) {
  const req = http.get({ port: server.address().port, host: '127.0.0.1', path: path, agent });
  const name = `${path} ${n}`;
  req.on('error', (e) => log(`${name} error ${e.code} "${e.message.replace(/^Parse Error.*/, 'Parse Error')}" reused=${req.reusedSocket}`));
  req.on('response', (res) => {
    log(`${name} response`);
    res.on('data', (d) => log(`${name} data ${d}`));
    res.on('end', () => log(`${name} end`));
    res.on('aborted', () => log(`${name} aborted`));
    res.on('error', (e) => log(`${name} res error ${e.code}`));
  });
  req.on('close', () => { log(`${name} close`); setImmediate(next); });
  if (n === 2 && path === '/destroy') req.on('finish', () => req.destroy());
  if (n === 2 && path === '/destroy-with') req.on('finish', () => req.destroy(new Error('mine')));
}
server.listen(0, '127.0.0.1', function step() {
  const path = TODO.shift();
  if (!path) return server.close(() => log('server close'));
  const agent = new http.Agent({ keepAlive: true });
  ask(agent, path, 1, () => ask(agent, path, 2, () => { agent.destroy(); step(); }));
});
