# SPDX-License-Identifier: MIT
"""A server that speaks TLS alone, and wants a certificate of its clients: those of /tls/ca.crt.

The files are those of a Kubernetes secret of the type kubernetes.io/tls, with the authority in it as well.
"""
import http.server
import signal
import ssl
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def __init__(self, address, handler):
        super().__init__(address, handler)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain("/tls/tls.crt", "/tls/tls.key")
        self.context.load_verify_locations("/tls/ca.crt")
        self.context.verify_mode = ssl.CERT_REQUIRED

    def finish_request(self, request, client_address):
        """In the thread of that client: a slow handshake holds up nobody else."""
        with self.context.wrap_socket(request, server_side=True) as secured:
            self.RequestHandlerClass(secured, client_address, self)

    def handle_error(self, request, client_address):
        print("a client without a certificate was refused", flush=True)


server = Server(("", 8443), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever()
