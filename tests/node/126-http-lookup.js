'use strict';
// A request that looks its host up in its own way: what it is asked for, an address, none, and a connection that is used again.
const http = require('http');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = http.createServer((q, r) => r.end(q.headers.host.replace(/\d+$/, 'PORT')));
const agent = new http.Agent({ keepAlive: true });
const found = (host, o, f) => { log(`asked for ${host}`); process.nextTick(f, null, [{ address: '127.0.0.1', family: 4 }]); };
const none = (host, o, f) => { log(`asked in vain for ${host}`); process.nextTick(f, Object.assign(new Error('nobody knows'), { code: 'ENOTFOUND' })); };
const ask = (name, lookup, own, then) => {
  const c = http.get({ host: name, port: server.address().port, lookup, agent: own }, (r) => {
    r.on('data', (d) => log(`${name} ${r.statusCode} ${d} reused ${c.reusedSocket}`));
    r.on('close', () => setImmediate(then));
  });
  c.on('error', (e) => { log(`${name} error ${e.code}`); then(); });
};
server.listen(0, '127.0.0.1', () => ask('a.test', found, agent, () => ask('a.test', none, agent, () => ask('b.test', none, false, () => {
  agent.destroy(); server.close(() => log('server close'));
}))));
