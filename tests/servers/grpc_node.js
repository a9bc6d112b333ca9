// SPDX-License-Identifier: MIT
// grpc_node.js ADDRESS: the health service of grpc-js.
const grpc = require("@grpc/grpc-js");
const { HealthImplementation } = require("grpc-health-check");

const health = new HealthImplementation({ "": "SERVING", up: "SERVING", down: "NOT_SERVING" });
const server = new grpc.Server();
health.addToServer(server);
server.bindAsync(process.argv[2], grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
