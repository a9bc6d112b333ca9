// SPDX-License-Identifier: MIT
// GET / and GET /healthz at once, GET /work after three seconds. On TERM it takes no new
// connection, answers what it has begun, and ends with 0.
'use strict';
const http = require('http');

const known = { '/': 'hello\n', '/healthz': 'ok\n', '/work': 'done\n' };

const server = http.createServer((request, response) => {
  const body = known[request.url];
  const answer = () => {
    response.writeHead(body ? 200 : 404, { 'Content-Type': 'text/plain' });
    response.end(body || 'not found\n');
  };
  if (request.url === '/work') setTimeout(answer, 3000);
  else answer();
});
server.listen(Number(process.env.PORT || 8080));

process.on('SIGTERM', () => {
  server.close();                 // nothing new; the process ends when the last answer is out
  server.closeIdleConnections();  // kept alive by clients that ask nothing
});
