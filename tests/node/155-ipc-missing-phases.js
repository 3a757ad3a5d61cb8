'use strict';
// A failed IPC connect comes in the pending queue: after the ticks and before setImmediate of the same iteration; begun in the check
// phase or in a timer, before the next poll.
const net = require('net'); const fs = require('fs'); const path = require('path'); const os = require('os');
const out = []; const log = (s) => out.push(s);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'np-')); const p = (n) => path.join(dir, n);
process.on('exit', (c) => { fs.rmSync(dir, { recursive: true }); fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'); });
function dial(name, next) {
  const c = net.connect(p('nope'));
  log(`${name} connecting=${c.connecting}`);
  setImmediate(() => log(`${name} immediate`));
  process.nextTick(() => log(`${name} tick`));
  c.on('error', (e) => { log(`${name} error ${e.code}`); process.nextTick(() => log(`${name} tick of error`)); });
  c.on('close', (e) => { log(`${name} close ${e}`); setTimeout(next, 100); });
}
const io = (f) => fs.stat(dir, f);
io(() => { dial('poll', () => setImmediate(() => dial('check', () => setTimeout(() => dial('timer', () => log('done')), 1)))); setTimeout(() => log('poll timeout'), 0); });
