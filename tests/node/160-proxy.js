'use strict';
// A proxy: each connection is piped to a connection of its own and back; ends travel both ways, a refused upstream is reported.
const net = require('net');
const lanes = { proxy: [], client: [], refused: [] }; const log = (l, s) => lanes[l].push(`${l} ${s}`);
process.on('exit', () => require('fs').writeSync(1, Object.entries(lanes).map(([l, a]) => [`== ${l}`, ...a].join('\n')).join('\n') + '\n'));
const upstream = net.createServer({ allowHalfOpen: true }, (s) => {
  let got = '';
  s.on('data', (d) => { got += d; });
  s.on('end', () => s.end(`upstream got "${got}"`));
});
let target; // later 1: nobody listens there, nor is it given to anybody
const proxy = net.createServer({ allowHalfOpen: true }, (s) => {
  const up = net.connect({ port: target, host: '127.0.0.1', allowHalfOpen: true });
  s.pipe(up);
  up.pipe(s);
  up.on('connect', () => log('proxy', 'upstream connect'));
  up.on('error', (e) => { log('proxy', `upstream error ${e.code}`); s.end('no upstream'); s.resume(); });
  up.on('close', (e) => log('proxy', `upstream close ${e}${e ? '' : ` read=${up.bytesRead} written=${up.bytesWritten}`}`));
});
function dial(name, next) {
  const c = net.connect({ port: proxy.address().port, host: '127.0.0.1', allowHalfOpen: true });
  c.write('one ');
  setTimeout(() => c.end('two'), 200);
  c.on('data', (d) => log(name, `data ${d}`));
  c.on('end', () => log(name, 'end'));
  c.on('close', (e) => { log(name, `close ${e}`); next(); });
}
upstream.listen(0, '127.0.0.1', () => {
  target = upstream.address().port;
  proxy.listen(0, '127.0.0.1', () => dial('client', () => upstream.close(() => { target = 1; dial('refused', () => proxy.close(() => log('proxy', 'closed'))); })));
});
