'use strict';
// A request or its response is destroyed by the program, early or late, with or without a reason: what is told of it, in which order.
const http = require('http');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = http.createServer((q, r) => {
  if (q.url.startsWith('/end')) return r.end('all');
  r.writeHead(200);
  r.write('some');
});
const mine = () => new Error('mine');
const CASES = {
  '/now': (r) => r.destroy(),
  '/nowerr': (r) => r.destroy(mine()),
  '/socket': (r) => r.on('socket', () => r.destroy()),
  '/socketerr': (r) => r.on('socket', () => r.destroy(mine())),
  '/response': (r) => r.on('response', () => r.destroy()),
  '/responseerr': (r) => r.on('response', () => r.destroy(mine())),
  '/data': (r) => r.on('response', (x) => x.on('data', () => r.destroy())),
  '/dataerr': (r) => r.on('response', (x) => x.on('data', () => r.destroy(mine()))),
  '/res': (r) => r.on('response', (x) => x.on('data', () => x.destroy())),
  '/reserr': (r) => r.on('response', (x) => x.on('data', () => x.destroy(mine()))),
  '/researly': (r) => r.on('response', (x) => x.destroy()),
  '/restwice': (r) => r.on('response', (x) => x.on('data', () => { x.destroy(); x.destroy(mine()); r.destroy(mine()); })),
  '/reqres': (r) => r.on('response', (x) => x.on('data', () => { r.destroy(); x.destroy(); })),
  '/end': (r) => r.on('response', (x) => x.on('end', () => r.destroy(mine()))),
  '/endres': (r) => r.on('response', (x) => x.on('end', () => x.destroy(mine()))),
};
const todo = Object.keys(CASES);
server.listen(0, '127.0.0.1', function next() {
  const path = todo.shift();
  if (!path) return kept();
  log(path);
  const r = http.get({ port: server.address().port, host: '127.0.0.1', path, agent: false });
  r.on('error', (e) => log(`  error ${e.code || e.message}`));
  r.on('close', () => { log(`  close destroyed=${r.destroyed}`); setTimeout(next, 20); });
  r.on('response', (x) => {
    log('  response');
    x.on('aborted', () => log('  res aborted'));
    x.on('error', (e) => log(`  res error ${e.code || e.message}`));
    x.on('end', () => log('  res end'));
    x.on('close', () => log(`  res close complete=${x.complete}`));
    x.on('data', (d) => log(`  res data ${d}`));
  });
  CASES[path](r);
});
// On a connection that is kept: destroyed in its 'end' a request is over already; before it had the connection, the next one gets it.
function kept() {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (path, next) => {
    const r = http.get({ port: server.address().port, host: '127.0.0.1', path, agent });
    r.on('error', (e) => log(`${path} error ${e.code || e.message}`));
    r.on('socket', () => log(`${path} socket reused=${r.reusedSocket}`));
    r.on('close', () => { log(`${path} close`); if (next) setTimeout(next, 20); });
    r.on('response', (x) => {
      x.on('aborted', () => log(`${path} aborted`));
      x.on('end', () => {
        log(`${path} end`);
        if (path === '/end1') { r.destroy(mine()); x.destroy(); }
      });
      x.on('close', () => log(`${path} res close`));
      x.resume();
    });
    return r;
  };
  ask('/end1', () => ask('/end2', () => {
    ask('/end3').destroy();
    ask('/end4').destroy(mine());
    ask('/end5', () => { agent.destroy(); server.close(); });
  }));
}
