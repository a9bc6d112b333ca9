// SPDX-License-Identifier: MIT
// GET / and GET /healthz at once, POST /work when all of the request is there, as an upload. On TERM
// it takes no new connection, answers what it has begun, closes the rest, and ends with 0.
'use strict';
const http = require('http');

const known = { '/': 'hello\n', '/healthz': 'ok\n', '/work': 'done\n' };
let stopping = false;

const server = http.createServer((request, response) => {
  const body = known[request.url];
  const answer = () => {
    // Without it a client that keeps its connection goes on asking, and close() never ends.
    if (stopping) response.setHeader('Connection', 'close');
    response.writeHead(body ? 200 : 404, { 'Content-Type': 'text/plain' });
    response.end(body || 'not found\n');
  };
  request.resume().on('end', answer);
});
server.listen(Number(process.env.PORT || 8080));

process.on('SIGTERM', () => {
  stopping = true;
  server.close();                 // nothing new; the process ends with the last connection
  server.closeIdleConnections();  // those on which nothing is asked any more
  // A client that has connected and asked nothing is not idle for Node. Less than USHER_GRACE.
  setTimeout(() => server.closeAllConnections(), 3000).unref();
});
