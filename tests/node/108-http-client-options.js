'use strict';
// What a request is made with, what it says of itself, and how many an agent has.
const http = require('http');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const count = (lists) => Object.values(lists).reduce((sum, list) => sum + list.length, 0);
const agents = () => `requests=${count(agent.requests)} sockets=${count(agent.sockets)} free=${count(agent.freeSockets)}`;
const state = (r) => `length=${r.writableLength} ended=${r.writableEnded} finished=${r.writableFinished}`;
const server = http.createServer((req, res) => {
  log(`  request ${req.url} host=${req.headers.host ? 'yes' : 'none'} from=${req.socket.remoteAddress}`);
  if (req.url === '/large') res.setHeader('Large', 'x'.repeat(500));
  req.resume().on('end', () => res.end('ok'));
});
const CASES = {
  fields() {
    const r = http.request({ port, path: '/fields', method: 'POST', headers: { A: '1' } });
    r.appendHeader('b', '2'); r.appendHeader('B', '3'); r.setNoDelay(true); r.setSocketKeepAlive(true, 5000);
    const all = Object.entries(r.getHeaders()).filter(([name]) => name !== 'host');
    log(`  ${all.map(([name, value]) => `${name}=${[].concat(value)}`).join(' ')}`);
    log(`  ${state(r)}`);
    r.on('finish', () => log(`  finish ${state(r)}`));
    r.end('body');
    return r;
  },
  nohost() { return http.get({ port, path: '/nohost', setHost: false, headers: { A: '1' } }); },
  family() { return http.get({ host: 'localhost', port, path: '/family', family: 4 }); },
  local() { return http.get({ port, host: '127.0.0.1', path: '/local', localAddress: '127.0.0.3' }); },
  large() { return http.get({ port, path: '/large', maxHeaderSize: 300 }); },
  fits() { return http.get({ port, path: '/large', maxHeaderSize: 3000 }); },
  queued() {
    const first = http.get({ port, path: '/1', agent });
    http.get({ port, path: '/2', agent }).on('response', (res) => { log(`  second ${agents()}`); res.resume(); })
      .on('close', () => { log(`  close ${agents()}`); setImmediate(() => { log(`  idle ${agents()}`); agent.destroy(); next(); }); });
    log(`  ${agents()}`);
    return first;
  },
};
let port; const todo = Object.keys(CASES);
function next() {
  const name = todo.shift();
  if (!name) return server.close(() => log('closed'));
  log(name);
  const r = CASES[name]();
  r.on('response', (res) => { log(`  response ${res.statusCode}`); res.resume().on('end', () => log('  end')); });
  r.on('error', (e) => log(`  error ${e.code}`));
  r.on('close', () => { log('  closed'); if (name !== 'queued') setImmediate(next); });
}
http.globalAgent = new http.Agent();
server.listen(0, '127.0.0.1', () => { port = server.address().port; next(); });
