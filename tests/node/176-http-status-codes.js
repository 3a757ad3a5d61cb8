'use strict';
// The words that go with each status, and which statuses have none.
const http = require('http');
const out = [];
for (let code = 0; code < 1000; code += 1) {
  if (http.STATUS_CODES[code]) out.push(`${code} ${http.STATUS_CODES[code]}`);
}
process.on('exit', (c) => require('fs').writeSync(1, out.concat(`exit ${c}`).join('\n') + '\n'));
