// SPDX-License-Identifier: MIT
// tls_node.js https|grpc PORT CERTIFICATE KEY [AUTHORITY]: node:https or the health service of grpc-js at 127.0.0.1.
// With an authority only clients that it has signed are let in.
const fs = require("fs");

const [kind, port, cert, key, authority] = process.argv.slice(2);
const read = (path) => fs.readFileSync(path);
const ca = authority ? read(authority) : undefined;
if (kind === "https") {
  const settings = { cert: read(cert), key: read(key), ca, requestCert: Boolean(ca), rejectUnauthorized: Boolean(ca) };
  require("https").createServer(settings, (request, response) => response.end("ok")).listen(port, "127.0.0.1");
} else {
  const grpc = require("@grpc/grpc-js");
  const { HealthImplementation } = require("grpc-health-check");
  const server = new grpc.Server();
  new HealthImplementation({ "": "SERVING" }).addToServer(server);
  const pair = { cert_chain: read(cert), private_key: read(key) };
  server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createSsl(ca ?? null, [pair], Boolean(ca)), (error) => {
    if (error) throw error;
  });
}
