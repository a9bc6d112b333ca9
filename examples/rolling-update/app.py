# SPDX-License-Identifier: MIT
"""GET / takes a while; GET /healthz and GET /readyz do not. It has no handler for TERM: it ends at once,
with requests in flight."""
import http.server
import os
import time

WORK = 0.1


def ready():
    """False as soon as the container is asked to stop: usher shows its state as the name of PID 1."""
    with open("/proc/1/comm", encoding="ascii") as file:
        return file.read() == "usher:running\n"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = 200, b"ok\n"
        if self.path == "/":
            time.sleep(WORK)
            body = os.environ.get("RELEASE", "1").encode() + b"\n"
        elif self.path == "/readyz" and not ready():
            status, body = 503, b"draining\n"
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code="-", size="-"):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
