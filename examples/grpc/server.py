# SPDX-License-Identifier: MIT
"""A gRPC server: grpc.health.v1.Health/Check, for the service "" and the service "example".

grpcio-health-checking has this health service ready made; by hand it shows all there is to it.
"""
import concurrent.futures
import os
import signal
import threading

import grpc

SERVING, NOT_SERVING = b"\x08\x01", b"\x08\x02"   # HealthCheckResponse { status: ... }
KNOWN = (b"", b"\x0a\x07example")                 # HealthCheckRequest { service: ... }
stop = threading.Event()


def check(request, context):
    if request not in KNOWN:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    return NOT_SERVING if stop.is_set() else SERVING


def main():
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
    health = {"Check": grpc.unary_unary_rpc_method_handler(check)}
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("grpc.health.v1.Health", health),))
    server.add_insecure_port(f"[::]:{os.environ.get('PORT', '50051')}")
    server.start()
    stop.wait()
    server.stop(grace=5).wait()   # no new call; those that have begun get 5 s


if __name__ == "__main__":
    main()
