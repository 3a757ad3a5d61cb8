'use strict';
// A large write that still gets on, though slowly, suppresses 'timeout'; once the reader has stopped it comes.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const size = 48 * 1024 * 1024; const piece = 1024 * 1024;
let client; let slow = true;
const server = net.createServer((s) => {
  let since = 0; let pieces = 0;
  s.on('data', (d) => {
    since += d.length;
    if (!slow || since < piece) return;
    since = 0;
    s.pause();
    if (++pieces === 20) log('reader stops'); else setTimeout(() => s.resume(), 40);
  });
  s.on('end', () => { log(`server end ${s.bytesRead === size}`); server.close(); });
  client.on('timeout', () => { log(`timeout after ${pieces} pieces`); client.setTimeout(0); slow = false; s.resume(); });
});
server.listen(0, '127.0.0.1', () => {
  client = net.connect(server.address().port, '127.0.0.1');
  client.setTimeout(600);
  client.end(Buffer.alloc(size), () => log('end callback'));
  client.on('close', (e) => log(`close ${e}`));
});
