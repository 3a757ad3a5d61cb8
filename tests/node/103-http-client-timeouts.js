'use strict';
// Who is told of an idle connection: the request whose timeout it is, once, or whose agent has one; its response every time; never the next request on the connection.
const http = require('http');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = http.createServer((q, r) => {
  if (q.url === '/fast') return r.end('x');
  if (q.url === '/slow') return void setTimeout(() => r.end('x'), 400);
  r.write('a'); // '/bits'
  setTimeout(() => r.write('b'), 400);
  setTimeout(() => r.end('c'), 800);
});
server.listen(0, '127.0.0.1', () => {
  const { port } = server.address();
  const ask = (name, agent, path, timeout, next, more) => {
    const r = http.get({ port, host: '127.0.0.1', path, agent, timeout });
    r.on('timeout', () => log(`  ${name} timeout`));
    r.on('response', (x) => { x.on('timeout', () => log(`  ${name} res timeout`)); x.resume(); });
    r.on('error', (e) => log(`  ${name} error ${e.code}`));
    r.on('close', () => { log(`  ${name} close`); if (next) setTimeout(next, 50); });
    if (more) more(r);
  };
  const one = (timeout) => new http.Agent({ keepAlive: true, maxSockets: 1, timeout });
  const STEPS = [
    (next) => {
      log('the timeout of one is not the next one\'s');
      const agent = one();
      ask('1', agent, '/fast', 200);
      ask('queued', agent, '/slow', undefined, () => {
        ask('3', agent, '/fast', 200, () => ask('reused', agent, '/slow', undefined, () => { agent.destroy(); next(); }));
      });
    },
    (next) => { log('told once, and its response every time'); ask('bits', false, '/bits', 200, next); },
    (next) => { log('none is set'); ask('bits', false, '/bits', undefined, next); },
    (next) => { log('the agent has one'); const agent = one(200); ask('slow', agent, '/slow', undefined, () => { agent.destroy(); next(); }); },
    (next) => {
      log('the agent has one, and the connection is used again');
      const agent = one(200);
      ask('fast', agent, '/fast', undefined, () => ask('slow', agent, '/slow', undefined, () => { agent.destroy(); next(); }));
    },
    (next) => { log('the request has a longer one'); const agent = one(200); ask('slow', agent, '/slow', 2000, () => { agent.destroy(); next(); }); },
    (next) => {
      log('the agent closes what is idle');
      const agent = one(200);
      ask('fast', agent, '/fast', undefined, () => {
        setTimeout(() => { log(`  free ${Object.keys(agent.freeSockets).length}`); next(); }, 400);
      });
    },
    (next) => { log('setTimeout'); ask('slow', false, '/slow', undefined, next, (r) => r.setTimeout(200)); },
    (next) => { log('setTimeout to nothing'); ask('slow', false, '/slow', 200, next, (r) => r.setTimeout(0)); },
    (next) => { log('setTimeout again'); ask('slow', false, '/slow', undefined, next, (r) => { r.setTimeout(200); r.on('timeout', () => r.setTimeout(100)); }); },
    (next) => { log('setTimeout after the end'); ask('fast', false, '/fast', undefined, next, (r) => r.on('response', (x) => x.on('end', () => r.setTimeout(10)))); },
    (next) => { log('destroyed by it'); ask('slow', false, '/slow', 200, next, (r) => r.on('timeout', () => r.destroy())); },
  ];
  const step = () => { const s = STEPS.shift(); if (s) s(step); else server.close(); };
  step();
});
