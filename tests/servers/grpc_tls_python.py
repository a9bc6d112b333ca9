#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""grpc_tls_python.py ADDRESS CERTIFICATE KEY [AUTHORITY]: grpc.health.v1 of C-core through TLS, without protobuf.

With an authority only clients that it has signed are let in.
"""
import sys
from concurrent import futures

import grpc


def read(path):
    with open(path, "rb") as file:
        return file.read()


address, certificate, key, *authority = sys.argv[1:]
server = grpc.server(futures.ThreadPoolExecutor(2))
handler = grpc.unary_unary_rpc_method_handler(lambda request, context: b"\x08\x01")
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler}),))
server.add_secure_port(address, grpc.ssl_server_credentials(
    [(read(key), read(certificate))], *map(read, authority), require_client_auth=bool(authority)))
server.start()
server.wait_for_termination()
