'use strict';
// Writes before 'connect' are queued: they count in bytesWritten at once, their callbacks run after 'connect' and 'ready', in order.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const server = net.createServer((s) => {
  let got = '';
  s.on('data', (d) => { got += d; });
  s.on('end', () => { log(`server got "${got}" bytesRead=${s.bytesRead}`); server.close(); });
});
server.listen(0, '127.0.0.1', () => {
  const c = net.connect(server.address().port, '127.0.0.1');
  for (const ev of ['connect', 'ready', 'drain', 'finish']) c.on(ev, () => log(`${ev} bytesWritten=${c.bytesWritten} queued=${c.writableLength}`));
  c.on('close', () => log(`close bytesWritten=${c.bytesWritten}`));
  log(`write a ${c.write('a', () => log('callback a'))}`);
  log(`write bcd ${c.write('bcd', () => log('callback bcd'))}`);
  log(`write é ${c.write(Buffer.from('é'), () => log('callback é'))}`);
  log(`queued=${c.writableLength} bytesWritten=${c.bytesWritten} connecting=${c.connecting}`);
  c.end('!', () => log('end callback'));
  log(`writable=${c.writable} queued=${c.writableLength} bytesWritten=${c.bytesWritten}`);
});
