'use strict';
// URLs are read as a browser reads them, and what a request says of one; options that cannot be sent are errors.
const http = require('http'); const net = require('net');
const out = []; const log = (s) => out.push(s);
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
let port;
const plain = (s) => s.replaceAll(String(port), 'PORT');
const server = net.createServer((s) => {
  s.on('data', (d) => {
    const [first, ...lines] = plain(String(d)).split('\r\n');
    log(`  ${[first, ...lines.filter((l) => /^(Host|Authorization): /.test(l))].join(' | ')}`);
    s.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
  });
});
const AT = 'http://127.0.0.1:PORT';
const URLS = [
  AT, `${AT}/`, `${AT}?q`, `${AT}#f`, `${AT}/a?`, `${AT}/a?b#c`, `${AT}/a#c?d`,
  `${AT}/a b`, `${AT}/\u00e4?q=\u00e4#\u00e4`, `${AT}/\u20ac/\u{1f600}`, `${AT}/%`, `${AT}/%41%zz`,
  `${AT}/a"b<c>d\`e{f}g|h^i[j]k'l`, `${AT}/?a"b<c>d\`e{f}g|h^i[j]k'l`, `${AT}/\u0001\u007f`,
  `${AT}/a\\b`, `${AT}\\a?b\\c`, `${AT}/a/./b/../c`, `${AT}/a/..`, `${AT}/a/.`, `${AT}/../../a`, `${AT}/a/%2e%2E/b/%2e/c`, `${AT}/a/...`,
  `${AT}//a//b/`, `${AT}/?a/../b`, ` ${AT}/a `, 'ht\ttp://127.0\n.0.1:PORT/a\rb',
  'HTTP://127.0.0.1:PORT/A', 'http:127.0.0.1:PORT/a', 'http:/127.0.0.1:PORT/a', 'http:////127.0.0.1:PORT/a', 'http:\\\\127.0.0.1:PORT\\a',
  'http://127.1:PORT/', 'http://0x7f.0.0.1:PORT/', 'http://2130706433:PORT/', 'http://0177.0.0.01.:PORT/', 'http://LOCALHOST:PORT/', 'http://%31%32%37.0.0.1:PORT/',
  'http://a:b@127.0.0.1:PORT/', 'http://a@127.0.0.1:PORT/', 'http://a%3ab:c%20d@e@127.0.0.1:PORT/', 'http://@127.0.0.1:PORT/', 'http://:@127.0.0.1:PORT/', 'http://:b@127.0.0.1:PORT/',
  'https://a/', 'ftp://a/', 'mailto:a', 'localhost:80', 'a/b', '/a', '', '://a', '1http://a/', 'http://', 'http:', 'http:///', 'https://', 'http://?a', 'http://#a',
  'http://:80/', 'http://a:b/', 'http://a:65536/', 'http://a:-1/', 'http://a b/', 'http://a<b/', 'http://a%/', 'http://a%20b/', 'http://a|b/', 'http://a^b/',
  'http://[::1/', 'http://[::g]/', 'http://[::1]a/', 'http://1.2.3.4.5/', 'http://256.1.1.1/', 'http://1.2.3.09/', 'http://a.1/', 'http://4294967296/', 'http://a@/', 'http://1..2/',
];
const OPTIONS = [
  { path: '/a b' }, { path: '/a\r\nX: y' }, { path: '' }, { path: 'a' }, { path: '/a?b#c' }, { path: '/\u20ac' }, { path: '*', method: 'OPTIONS' },
  { method: 'BAD METHOD' }, { method: 'GET\r\n' }, { method: '' }, { method: 'get' }, { method: 'm-x' }, { method: 'G\u00e4' },
  { headers: { 'bad name': 'x' } }, { headers: { '': 'x' } }, { headers: { a: 'b\r\nc: d' } }, { headers: { a: '\u0001' } }, { headers: { Host: 'h' } }, { headers: { host: 'h:1' } },
  { path: '/a b', method: 'BAD METHOD', headers: { 'bad name': 'x' } }, { method: 'BAD METHOD', headers: { 'bad name': 'x' } },
  { auth: 'a:b' }, { auth: 'a:b', headers: { authorization: 'mine' } },
];
const todo = [...URLS, ...OPTIONS];
server.listen(0, '127.0.0.1', function next() {
  port = server.address().port;
  const what = todo.shift();
  if (what === undefined) return server.close();
  log(JSON.stringify(what).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`));
  let r;
  try {
    if (typeof what === 'string') r = http.get(what.replace('PORT', port), { agent: false });
    else r = http.get({ port, host: '127.0.0.1', agent: false, ...what });
  } catch (e) { log(`  ${e.code}`); return setImmediate(next); }
  r.on('response', (x) => x.resume());
  r.on('error', (e) => log(`  error ${e.code}`));
  r.on('close', next);
});
