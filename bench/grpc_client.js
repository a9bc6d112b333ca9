// SPDX-License-Identifier: MIT
// grpc_client.js ADDRESS: a health probe as one writes it with grpc-js; the message by hand.
const grpc = require("@grpc/grpc-js");

const same = (buffer) => buffer;
const client = new grpc.Client(process.argv[2], grpc.credentials.createInsecure());
const deadline = Date.now() + 3000;
client.makeUnaryRequest("/grpc.health.v1.Health/Check", same, same, Buffer.alloc(0), { deadline },
  (error, reply) => process.exit(!error && reply.equals(Buffer.from([8, 1])) ? 0 : 1));
