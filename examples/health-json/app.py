# SPDX-License-Identifier: MIT
"""A server that answers 200 whatever is wrong, and says in the body what is: as many frameworks do.

/set/NAME/on and /set/NAME/off play a database and a cache that come and go.
"""
import http.server
import json
import signal
import threading

PARTS = {"database": True, "cache": True}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        words = self.path.strip("/").split("/")
        if words[0] == "set" and len(words) == 3 and words[1] in PARTS:
            PARTS[words[1]] = words[2] == "on"
        body = json.dumps({"status": "UP" if all(PARTS.values()) else "DEGRADED",
                           **{name: {"connected": value} for name, value in PARTS.items()}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("", 8080), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
