'use strict';
// pauseOnConnect: nothing is read of an accepted socket, not even its end, until resume().
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer({ pauseOnConnect: true }, (s) => {
  log(`connection paused=${s.isPaused()} flowing=${s.readableFlowing}`);
  s.on('data', (d) => log(`data ${d} bytesRead=${s.bytesRead}`));
  s.on('end', () => log('end'));
  s.on('close', () => { log('close'); server.close(); });
  setTimeout(() => { log(`resume bytesRead=${s.bytesRead} [${s.readyState}]`); s.resume(); }, 500);
});
server.listen(0, '127.0.0.1', () => net.connect(server.address().port, '127.0.0.1').resume().end('hello'));
