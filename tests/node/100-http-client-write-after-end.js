'use strict';
// What is written after the end of a request is an error, told behind its callback, and the request goes on; end() again is none. After a destroy only callbacks tell.
const http = require('http');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const code = (e) => (e ? e.code : 'undefined');
const server = http.createServer((q, r) => {
  let b = '';
  q.on('data', (d) => { b += d; });
  q.on('end', () => { log(`  got "${b}"`); r.end(); });
});
const CASES = {
  write(r) {
    r.write('a', (e) => log(`  a ${code(e)}`));
    r.end('b');
    log(`  ended=${r.writableEnded} write=${r.write('c', (e) => log(`  c ${code(e)}`))}`);
    r.end();
  },
  writes(r) {
    r.end('a', () => log('  end callback'));
    log(`  write=${r.write('b')}`);
    r.write('c', (e) => log(`  c ${code(e)}`));
  },
  ends(r) { r.end('a'); r.end('b'); r.end(); r.end(''); },
  late(r) {
    r.end('a');
    r.on('finish', () => r.write('b', (e) => log(`  b ${code(e)}`)));
    r.on('response', () => r.write('c', (e) => log(`  c ${code(e)}`)));
  },
  destroyed(r) {
    r.write('a');
    r.destroy();
    log(`  write=${r.write('b', (e) => log(`  b ${code(e)}`))}`);
    r.end('c');
    log(`  ended=${r.writableEnded}`);
  },
  both(r) {
    r.end('a');
    r.destroy();
    r.write('b', (e) => log(`  b ${code(e)}`));
  },
  callbacks(r) {
    r.end('a', (e) => log(`  end a ${code(e)}`));
    r.end('', (e) => log(`  end again ${code(e)}`));
    r.end('b', (e) => log(`  end b ${code(e)}`));
    r.on('finish', () => r.end('', (e) => log(`  end finished ${code(e)}`)));
    r.on('response', () => {
      r.end('', (e) => log(`  end late ${code(e)}`));
      r.end('c', (e) => log(`  end c ${code(e)}`));
    });
  },
};
const todo = Object.keys(CASES);
server.listen(0, '127.0.0.1', function next() {
  const name = todo.shift();
  if (!name) return server.close();
  log(name);
  const r = http.request({ port: server.address().port, host: '127.0.0.1', method: 'POST', agent: false });
  r.on('response', (x) => { log('  response'); x.resume(); });
  r.on('error', (e) => log(`  error ${e.code}`));
  r.on('finish', () => log('  finish'));
  r.on('close', () => { log('  close'); setImmediate(next); });
  CASES[name](r);
});
