#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""http_python.py ADDRESS PORT: http.server, HTTP/1.0, with a folder of one file called `healthz`."""
import os
import sys
import tempfile
from http.server import SimpleHTTPRequestHandler
import socket
from http.server import ThreadingHTTPServer

folder = tempfile.mkdtemp(dir=sys.argv[3])
os.chdir(folder)
with open("healthz", "w", encoding="ascii") as file:
    file.write("all is well\n")


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET


Server((sys.argv[1], int(sys.argv[2])), SimpleHTTPRequestHandler).serve_forever()
