#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""grpc_client.py ADDRESS: a health probe as one writes it with grpcio; the message by hand."""
import sys

import grpc

with grpc.insecure_channel(sys.argv[1]) as channel:
    check = channel.unary_unary("/grpc.health.v1.Health/Check")
    sys.exit(0 if check(b"", timeout=3) == b"\x08\x01" else 1)
