'use strict';
// Two listen(port, host) in one tick: the last wins, and the callbacks of both run. A listen that was overtaken by close() and
// another listen is forgotten, too.
const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
const a = net.createServer();
a.on('listening', () => log(`a listening ${a.address().address}`));
a.listen(0, '127.0.0.2', () => log('a first callback'));
a.listen(0, '127.0.0.1', () => { log('a second callback'); a.close(() => log('a close')); });
const b = net.createServer();
b.on('listening', () => log(`b listening ${b.address().address}`));
b.on('close', () => log('b close'));
b.listen(0, '127.0.0.2', () => log('b first callback'));
b.close();
b.listen(0, '127.0.0.1', () => { log('b second callback'); b.close(); });
