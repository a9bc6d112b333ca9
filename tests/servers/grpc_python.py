#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""grpc_python.py ADDRESS: grpc.health.v1 of C-core, without protobuf. See grpc_services in probe_grpc.py."""
import sys
import time
from concurrent import futures

import grpc

STATUS = {b"": b"\x08\x01", b"up": b"\x08\x01", b"down": b"\x08\x02", b"unknown": b"",
          b"future": b"\x08\x07"}


def check(request, context):
    service = request[2:] if request[:1] == b"\x0a" else b""
    if service == b"slow":
        while context.is_active():
            time.sleep(0.01)
    if service == b"denied":
        context.abort(grpc.StatusCode.PERMISSION_DENIED, "not\nfor you: \N{SNOWMAN}")
    if service not in STATUS:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    if service == b"up":
        # What usher sent, for the test that looks at it.
        print(sorted((k, v) for k, v in context.invocation_metadata()),
              round(context.time_remaining() or -1, 1), flush=True)
    return STATUS[service]


server = grpc.server(futures.ThreadPoolExecutor(4))
if len(sys.argv) < 3:
    handler = grpc.unary_unary_rpc_method_handler(check)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler}),))
server.add_insecure_port(sys.argv[1])
server.start()
server.wait_for_termination()
