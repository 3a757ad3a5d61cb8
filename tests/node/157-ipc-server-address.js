'use strict';
// address() of an IPC server: null before listen(), the path from then on, also after close() and after another listen().
const net = require('net'); const fs = require('fs'); const path = require('path'); const os = require('os');
const out = []; const log = (s) => out.push(s);
const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'np-')); const p = (n) => path.join(dir, n);
process.on('exit', (c) => { fs.rmSync(dir, { recursive: true }); fs.writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'); });
const show = (name) => log(`${name} listening=${server.listening} address=${String(server.address()).replace(dir, 'DIR')} a=${fs.existsSync(p('a'))} b=${fs.existsSync(p('b'))}`);
const server = net.createServer();
server.on('close', () => show('close'));
server.on('error', (e) => { log(`error ${e.code} ${e.syscall} port=${e.port}`); show('error'); server.listen(p('b'), () => {}); show('listen again'); });
show('new');
server.listen(p('a'));
show('listen');
server.once('listening', () => {
  show('listening');
  server.close(() => {
    fs.writeFileSync(p('a'), 'in use');
    server.listen(p('a'));
    show('listen in use');
    server.once('listening', () => { show('listening'); server.close(); show('closing'); });
  });
});
