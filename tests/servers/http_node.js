// SPDX-License-Identifier: MIT
// http_node.js: an HTTP server at 127.0.0.1:8080, and at [::1]:8081 with a keep-alive that never ends.
const http = require("http");

function answer(request, response) {
  const status = Number(request.url.slice(1)) || 200;
  if (status === 103) response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
  response.statusCode = status === 103 ? 200 : status;
  response.write("first part, ");     // chunked: no length was told
  response.end("second part\n");
}
http.createServer(answer).listen(8080, "127.0.0.1");
const second = http.createServer(answer);
second.keepAliveTimeout = 0;
second.listen(8081, "::1");
