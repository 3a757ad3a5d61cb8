'use strict';
// Several services on several ports in one process: each its own protocol, all closed by the last client.
const net = require('net');
const lanes = { echo: [], upper: [], hint: [], main: [] }; const log = (l, s) => lanes[l].push(`${l} ${s}`);
process.on('exit', () => require('fs').writeSync(1, Object.entries(lanes).map(([l, a]) => [`== ${l}`, ...a].join('\n')).join('\n') + '\n'));
const services = {
  echo: (s) => s.pipe(s),
  upper: (s) => s.on('data', (d) => s.write(String(d).toUpperCase())),
  hint: (s) => { s.resume(); s.end('no service here'); },
};
const servers = {}; let open = 0;
for (const name of Object.keys(services)) {
  servers[name] = net.createServer(services[name]).listen(0, '127.0.0.1', () => { if (++open === 3) ready(); });
  servers[name].on('close', () => log('main', `${name} closed`));
}
function ready() {
  const ports = Object.values(servers).map((s) => s.address().port);
  log('main', `ports differ ${new Set(ports).size}`);
  let left = 3;
  for (const name of Object.keys(services)) {
    const c = net.connect(servers[name].address().port, '127.0.0.1', () => c.write('Hello'));
    c.on('data', (d) => { log(name, `data "${d}"`); c.end(); });
    c.on('end', () => log(name, 'end'));
    c.on('error', (e) => log(name, `error ${e.code}`));
    c.on('close', () => { log(name, 'close'); if (--left === 0) for (const s of Object.values(servers)) s.close(); });
  }
}
