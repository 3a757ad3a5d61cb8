'use strict';
// The peer's FIN while data is kept by a pause(): 'end' waits for it, and own end() meanwhile makes 'close' follow 'end'.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
let conn;
const server = net.createServer({ pauseOnConnect: true }, (s) => {
  conn = s;
  s.on('data', (d) => { log(`data "${d}" ended=${s.readableEnded}`); s.destroy(); process.nextTick(() => log('tick')); });
  for (const ev of ['end', 'finish']) s.on(ev, () => log(`${ev} destroyed=${s.destroyed}`));
  s.on('close', (e) => { log(`close ${e}`); server.close(); });
  s.resume(); s.pause();
  s.end(() => log('end callback'));
  setTimeout(() => { log(`kept ${s.readableLength} finished=${s.writableFinished} [${s.readyState}]`); s.resume(); }, 400);
});
server.listen(0, '127.0.0.1', () => net.connect(server.address().port, '127.0.0.1').end('kept'));
