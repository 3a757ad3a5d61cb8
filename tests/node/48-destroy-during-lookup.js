'use strict';
// A socket destroyed while its name is looked up: 'lookup' is still emitted, after 'close', when a single family was asked; in the
// all-addresses mode it is not. Nothing is connected either way.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
function dial(name, opts, next) {
  let answer;
  const lookup = (host, o, cb) => { answer = () => (o.all ? cb(null, [{ address: '127.0.0.1', family: 4 }]) : cb(null, '127.0.0.1', 4)); };
  const c = net.connect({ port: 9, host: 'slow.example', lookup, ...opts });
  c.on('lookup', (err, ip) => log(`${name} lookup ${err} ${ip} destroyed=${c.destroyed} connecting=${c.connecting}`));
  for (const ev of ['connectionAttempt', 'connect', 'ready', 'end', 'error']) c.on(ev, () => log(`${name} ${ev}`));
  c.on('close', (e) => {
    log(`${name} close ${e} [${c.readyState}]`);
    setTimeout(() => { log(`${name} answer`); answer(); setTimeout(next, 100); }, 100);
  });
  c.write('never sent', (e) => log(`${name} write callback ${e.code}`));
  setTimeout(() => { c.destroy(); log(`${name} destroyed connecting=${c.connecting}`); }, 50);
}
dial('one', { family: 4 }, () => dial('all', {}, () => log('done')));
