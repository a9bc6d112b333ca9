# SPDX-License-Identifier: MIT
"""Checks of http: against nginx, Node, Python's http.server, and scripted peers."""
import http.server as http_server
import os
import socket
import subprocess
import sys
import threading
import time

from harness import CONFIG, DEADLINE, add, equal, peer, run, scratch, test, wait_for
from probe_lab import (Peer, SERVERS, TLS_ALERT, expect, healthy, http, network, nginx, probe,
                       replies, serve, serve_tls, unhealthy)

LOCAL = "http://127.0.0.1:8080/healthz"
REDIRECT = "(a redirect, which is not followed)"


def version():
    return run("--version")[1].split()[1]


def answering(*parts, **options):
    """A peer at port 8080 of this test's own network, with these parts as its reply."""
    network()
    return Peer(replies(*parts, **options))


# --- the lines and exit codes -------------------------------------------------------------------

@test("http: a 200 is healthy, and the line tells the status and the time")
def _():
    answering(http())
    healthy(probe(LOCAL), f"{LOCAL} 200 in Nms")


@test("http: a 503 is unhealthy, and the line tells which statuses would pass")
def _():
    answering(http("503 Service Unavailable"))
    unhealthy(probe(LOCAL), f"{LOCAL}: status 503, want 200-399")


@test("http: a closed port is a refused connection")
def _():
    network()
    unhealthy(probe(LOCAL), f"{LOCAL}: connect: Connection refused")


@test("http: over IPv6, with the address in brackets")
def _():
    network()
    server = Peer(replies(http()), ("::1", 8080))
    healthy(probe("http://[::1]:8080/x"), "http://[::1]:8080/x 200 in Nms")
    assert b"\r\nHost: [::1]:8080\r\n" in server.request(), server.requests


@test("http: over a unix socket, the Host being localhost")
def _():
    network()
    server = Peer(replies(http()), scratch("app.sock"))
    check = f"http://unix:{scratch('app.sock')}:/health?full=1"
    healthy(probe(check), f"{check} 200 in Nms")
    assert server.request().startswith(b"GET /health?full=1 HTTP/1.1\r\nHost: localhost\r\n")


@test("http: over an abstract unix socket")
def _():
    network()
    Peer(replies(http()), b"\0usher-http")
    healthy(probe("http://unix:@usher-http:/"), "http://unix:@usher-http:/ 200 in Nms")


@test("http: a unix socket without a path asks for /")
def _():
    network()
    server = Peer(replies(http()), scratch("app.sock"))
    healthy(probe(f"http://unix:{scratch('app.sock')}"),
            f"http://unix:{scratch('app.sock')} 200 in Nms")
    assert server.request().startswith(b"GET / HTTP/1.1\r\n")


@test("http: a unix socket that is not there is named as such")
def _():
    network()
    unhealthy(probe("http://unix:/run/no.sock:/"),
              "http://unix:/run/no.sock:/: connect: No such file or directory")


@test("http: the port is 80 where none is given, and the path is /")
def _():
    network()
    server = Peer(replies(http()), ("127.0.0.1", 80))
    healthy(probe("http://127.0.0.1"), "http://127.0.0.1 200 in Nms")
    assert server.request().startswith(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"), server.requests


@test("http: :PORT/PATH means loopback, and the Host is localhost with the port")
def _():
    server = answering(http())
    healthy(probe(":8080/healthz"), ":8080/healthz 200 in Nms")
    assert server.request().startswith(b"GET /healthz HTTP/1.1\r\nHost: localhost:8080\r\n"), server.requests


@test("http: a query is sent and a fragment is not")
def _():
    server = answering(http())
    equal(probe("http://127.0.0.1:8080/a?b=c&d#e")[0], 0)
    assert server.request().startswith(b"GET /a?b=c&d HTTP/1.1\r\n"), server.requests


# --- what is sent -------------------------------------------------------------------------------

@test("http: the request is exactly the contract's five lines")
def _():
    server = answering(http())
    equal(probe(LOCAL)[0], 0)
    equal(server.request(), f"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: usher/"
          f"{version()}\r\nAccept: */*\r\nConnection: close\r\n\r\n".encode())


@test("http: --method changes the method, and a HEAD is not waited for a body")
def _():
    server = answering(http(body=b"x" * 100)[:-100], hold=True)
    healthy(probe("--method", "HEAD", LOCAL), f"{LOCAL} 200 in Nms")
    assert server.request().startswith(b"HEAD /healthz HTTP/1.1\r\n"), server.requests


@test("http: a POST tells that it has no content")
def _():
    server = answering(http())
    equal(probe("--method=POST", LOCAL)[0], 0)
    assert b"\r\nContent-Length: 0\r\n" in server.request(), server.requests


@test("http: -H adds a header, and may be given several times")
def _():
    server = answering(http())
    equal(probe("-H", "X-One: 1", "--header=X-Two: two words", LOCAL)[0], 0)
    assert b"\r\nX-One: 1\r\nX-Two: two words\r\n" in server.request(), server.requests


for header, default in (("Host: example.org", b"Host: 127.0.0.1:8080"),
                        ("User-Agent: mine", b"User-Agent: usher/"),
                        ("accept: text/html", b"Accept: */*"),
                        ("CONNECTION: keep-alive", b"Connection: close")):
    def replaced(header=header, default=default):
        server = answering(http())
        equal(probe("-H", header, LOCAL)[0], 0)
        request = server.request()
        equal(request.count(f"\r\n{header}\r\n".encode()), 1, f"the header in {request}")
        assert b"\r\n" + default not in request, request
        equal(request.lower().count(b"\r\n" + header.split(":")[0].lower().encode() + b":"), 1)
    add(f"http: -H replaces usher's own line: {header}", replaced, __name__)


@test("http: --host is the Host header, apart from the address")
def _():
    server = answering(http())
    healthy(probe("--host", "shop.example:443", LOCAL), f"{LOCAL} 200 in Nms")
    assert b"\r\nHost: shop.example:443\r\n" in server.request(), server.requests


@test("http: proxy variables are ignored")
def _():
    answering(http())
    names = ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
    healthy(probe(LOCAL, env={n: "http://127.0.0.1:1" for n in names}), f"{LOCAL} 200 in Nms")


# --- statuses -----------------------------------------------------------------------------------

for code, text, options, passes in (
        (201, "201 Created", (), True), (204, "204 No Content", (), True),
        (301, "301 Moved Permanently", (), True), (399, "399 ", (), True),
        (400, "400 Bad Request", (), False), (404, "404 Not Found", (), False),
        (599, "599 x", (), False), (500, "500", (), False),
        (404, "404 Not Found", ("--status", "200,404"), True),
        (200, "200 OK", ("--status", "204"), False),
        (405, "405 no", ("--status=200,400-410,500"), True),
        (411, "411 no", ("--status=200,400-410,500"), False)):
    options = (options,) if isinstance(options, str) else options
    def judged(code=code, text=text, options=options, passes=passes):
        answering(f"HTTP/1.1 {text}\r\n\r\n".encode())
        want = (options[-1].removeprefix("--status=") if options else "200-399")
        if passes:
            healthy(probe(*options, LOCAL), f"{LOCAL} {code} in Nms")
        else:
            unhealthy(probe(*options, LOCAL), f"{LOCAL}: status {code}, want {want}")
    add(f"http: status {text.strip()!r} with options {' '.join(options) or 'none'} "
        f"{'passes' if passes else 'fails'}", judged, __name__)


@test("http: a redirect is not followed, and passes")
def _():
    server = answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:8080/other\r\n\r\n")
    healthy(probe(LOCAL), f"{LOCAL} 302 in Nms")
    equal(server.accepted, 1, "connections")


@test("http: a redirect with --status 200-299 fails, and is named")
def _():
    answering(b"HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n")
    unhealthy(probe("--status", "200-299", LOCAL),
              f"{LOCAL}: status 302 {REDIRECT}, want 200-299")


@test("http: interim replies (100, 103) are passed over")
def _():
    answering(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
              http("503 x"))
    unhealthy(probe(LOCAL), f"{LOCAL}: status 503, want 200-399")


@test("http: HTTP/1.0 is understood")
def _():
    answering(http(version="1.0"))
    healthy(probe(LOCAL), f"{LOCAL} 200 in Nms")


@test("http: the reply need not end: usher leaves when it knows the status")
def _():
    answering(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", hold=True)
    begin = time.monotonic()
    healthy(probe("-t", "9s", LOCAL), f"{LOCAL} 200 in Nms")
    assert time.monotonic() - begin < 3


@test("http: a reply that comes byte by byte is understood")
def _():
    text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    answering(*(bytes([b]) for b in text), pause=0.001)
    healthy(probe("--contains", "hello", LOCAL), f"{LOCAL} 200 in Nms")


# --- --contains ---------------------------------------------------------------------------------

@test("contains: the text is found in a body of known length")
def _():
    answering(http(body=b'{"status":"ok"}'), hold=True)
    healthy(probe("--contains", '"ok"', LOCAL), f"{LOCAL} 200 in Nms")


@test("contains: a body without the text is unhealthy, and is not printed")
def _():
    answering(http(body=b"secret body"), hold=True)
    code, out, err = probe("--contains", "all is well", LOCAL)
    equal((code, err), (1, ""))
    assert "all is well" in out and "secret" not in out, out


@test("contains: a text cut in two by the segments is found")
def _():
    body = b"status: all is well"
    whole = http(body=body)
    answering(whole[:-12], whole[-12:-5], whole[-5:], pause=0.02, hold=True)
    healthy(probe("--contains", "all is well", LOCAL), f"{LOCAL} 200 in Nms")


@test("contains: a text cut in two by chunks is found")
def _():
    answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6;x=y\r\nall is\r\n"
              b"5\r\n well\r\n0\r\n\r\n", hold=True)
    healthy(probe("--contains", "all is well", LOCAL), f"{LOCAL} 200 in Nms")


@test("contains: chunk sizes are no part of the body")
def _():
    answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nabc\r\n" + b"x" * 0xabc +
              b"\r\n0\r\n\r\n", hold=True)
    equal(probe("--contains", "abc", LOCAL)[0], 1)


@test("contains: headers are no part of the body")
def _():
    answering(http(body=b"no", headers=["X-Needle: needle"]), hold=True)
    equal(probe("--contains", "needle", LOCAL)[0], 1)


@test("contains: the last bytes of the first 64 KiB count")
def _():
    answering(http(body=b"x" * (65536 - 6) + b"needle" + b"y" * 1000), hold=True)
    healthy(probe("--contains", "needle", LOCAL), f"{LOCAL} 200 in Nms")


@test("contains: what begins within the first 64 KiB and ends beyond does not count")
def _():
    answering(http(body=b"x" * (65536 - 5) + b"needle" + b"y" * 1000), hold=True)
    equal(probe("--contains", "needle", LOCAL)[0], 1)


@test("contains: beyond 64 KiB nothing is read: a body without end is no trap")
def _():
    answering(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200_000, hold=True)
    begin = time.monotonic()
    equal(probe("-t", "9", "--contains", "needle", LOCAL)[0], 1)
    assert time.monotonic() - begin < 3


@test("contains: a bad status fails though the text is there")
def _():
    answering(http("500 Oops", body=b"needle"))
    unhealthy(probe("--contains", "needle", LOCAL), f"{LOCAL}: status 500, want 200-399")


@test("contains: a 204 has no body to search")
def _():
    answering(b"HTTP/1.1 204 No Content\r\n\r\n", hold=True)
    begin = time.monotonic()
    equal(probe("-t", "9", "--contains", "x", LOCAL)[0], 1)
    assert time.monotonic() - begin < 3


@test("contains: a body that ends with the connection is searched to its end")
def _():
    answering(b"HTTP/1.1 200 OK\r\n\r\nfirst ", b"needle")
    healthy(probe("--contains", "needle", LOCAL), f"{LOCAL} 200 in Nms")


# --- after the verdict --------------------------------------------------------------------------

class Noting(http_server.ThreadingHTTPServer):
    """Python's own server; keeps what goes wrong while it answers, which it would log."""

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 8080), handler)
        self.wrong = []
        self.answered = 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def process_request_thread(self, request, client_address):
        super().process_request_thread(request, client_address)
        self.answered += 1

    def handle_error(self, request, client_address):
        self.wrong.append(repr(sys.exc_info()[1]))


def answers(write, status=200, headers=(("Content-Length", "307200"),)):
    """A handler that sends the headers first, in a segment of their own, then what write() does."""
    class Handler(http_server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            self.send_response(status)
            for header in headers:
                self.send_header(*header)
            self.end_headers()
            write(self.wfile)

        def log_message(self, *_):
            pass
    return Handler


def in_chunks(file):
    for _ in range(300):
        file.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
    file.write(b"0\r\n\r\n")


def slowly(file):
    for _ in range(30):
        file.write(b"x" * 10240)
        time.sleep(0.003)


for name, write, headers in (
        ("300 KiB", lambda file: file.write(b"x" * 307200), (("Content-Length", "307200"),)),
        ("300 KiB that come in 90 ms", slowly, (("Content-Length", "307200"),)),
        ("300 KiB in chunks", in_chunks, (("Transfer-Encoding", "chunked"),)),
        ("300 KiB until it closes", lambda file: file.write(b"x" * 307200), ())):
    for status, options in ((200, ()), (503, ()), (200, ("--contains", "x")), (200, ("-q",))):
        def read_on(write=write, headers=headers, status=status, options=options):
            network()
            server = Noting(answers(write, status, headers))
            for _ in range(3):
                equal(probe(*options, LOCAL)[0], 0 if status == 200 else 1)
            wait_for(lambda: server.answered == 3, "the end of the answers")
            equal(server.wrong, [])
        add(f"http: a server that answers {status} with {name} sees no connection break off, with "
            f"options {' '.join(options) or 'none'}", read_on, __name__)


@test("http: `wait` reads on, too, before it tries again and before the program starts")
def _():
    network()
    for status in (503, 200):
        server = Noting(answers(slowly, status))
        code, _, _ = run("wait", "-t", "300ms" if status == 503 else "9s", "--interval", "0.1", LOCAL,
                         "--", "true")
        equal(code, 0 if status == 200 else 124)
        server.shutdown()
        server.server_close()
        # The try that the time ends in may break off.
        assert len(server.wrong) <= (status == 503), server.wrong


@test("http: the result is printed before the rest of the reply is read")
def _():
    answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", hold=True)
    begin = time.monotonic()
    with subprocess.Popen([CONFIG.usher, "probe", LOCAL], stdout=subprocess.PIPE) as usher:
        line = usher.stdout.readline()
        seen = time.monotonic() - begin
        equal(usher.wait(DEADLINE), 0)
    assert line.startswith(f"healthy {LOCAL} 200 in ".encode()), line
    whole = time.monotonic() - begin
    assert seen < 0.2 < 0.25 <= whole < 1, (seen, whole)


# --- peers that speak something else ------------------------------------------------------------

@test("http: a server that speaks TLS is named when it sends an alert")
def _():
    answering(TLS_ALERT, hold=True)
    unhealthy(probe(LOCAL), f"{LOCAL}: reply: the peer speaks TLS, not plaintext")


@test("http: a server that speaks TLS and only hangs up, as OpenSSL does, is guessed")
def _():
    network()
    serve_tls()
    code, out, err = probe(LOCAL)
    equal((code, err), (1, ""))
    assert "closed without a reply" in out and "TLS" in out, out


@test("http: a server that speaks HTTP/2 is named")
def _():
    network()
    serve([peer("nghttpd"), "--no-tls", "-a", "127.0.0.1", "8080"], ("127.0.0.1", 8080))
    code, out, _ = probe(LOCAL)
    equal(code, 1)
    assert "HTTP/2" in out, out


for name, text in (("a greeting of another protocol", b"220 mail.example ESMTP\r\n"),
                   ("a page without a status line", b"<html>hello</html>"),
                   ("a status that is no number", b"HTTP/1.1 2x0 OK\r\n\r\n"),
                   ("a status beyond 599", b"HTTP/1.1 999 No\r\n\r\n"),
                   ("HTTP/3.0", b"HTTP/3.0 200 OK\r\n\r\n"),
                   ("a status line that never ends", b"HTTP/1.1 200 " + b"x" * 70_000),
                   ("control characters in the reason", b"HTTP/1.1 200 \x1b[31mred\r\n\r\n"),
                   ("half a status line", b"HTTP/1.1 20"),
                   ("nothing at all", b"")):
    def hostile(text=text):
        answering(text)
        code, out, err = probe(LOCAL)
        equal((code, err), (1, ""), f"status and stderr of {out!r}")
        assert out.startswith(f"unhealthy {LOCAL}: reply: ") and out.count("\n") == 1, out
        assert out[:-1].isprintable() and len(out) <= 256, out
    add(f"http: {name} is unhealthy, in one printable line", hostile, __name__)


@test("http: a server that resets the connection after its reply still counts as healthy")
def _():
    network()
    def talk(connection, _server):
        connection.recv(10)
        connection.sendall(http())   # closed with unread input: a reset follows the reply
    Peer(talk)
    healthy(probe("-H", "X-Filler: " + "x" * 3000, LOCAL), f"{LOCAL} 200 in Nms")


# --- real servers -------------------------------------------------------------------------------

NGINX = """
server {{ listen 127.0.0.1:8080; listen unix:{socket}; default_type text/plain;
  location = /healthz {{ return 200 "all is well"; }}
  location = /none {{ return 204; }}
  location = /login {{ return 302 /other; }}
  location = /agent {{ return 200 "agent $http_user_agent host $host"; }}
  location = /down {{ return 503; }}
  location = /post {{ if ($request_method != POST) {{ return 405; }} return 200; }}
}}"""


def with_nginx():
    network()
    serve(nginx(NGINX.format(socket=scratch("nginx.sock"))), ("127.0.0.1", 8080), scratch("nginx.sock"))


@test("nginx: healthy, 204, 302 and 503 over TCP")
def _():
    with_nginx()
    for path, status in (("healthz", 200), ("none", 204), ("login", 302)):
        healthy(probe(f":8080/{path}"), f":8080/{path} {status} in Nms")
    unhealthy(probe(":8080/down"), ":8080/down: status 503, want 200-399")


@test("nginx: over its unix socket")
def _():
    with_nginx()
    check = f"http://unix:{scratch('nginx.sock')}:/healthz"
    healthy(probe("--contains", "all is well", check), f"{check} 200 in Nms")


@test("nginx: it gets usher's agent and the --host")
def _():
    with_nginx()
    text = f"agent usher/{version()} host shop.example"
    healthy(probe("--host", "shop.example", "--contains", text, ":8080/agent"),
            ":8080/agent 200 in Nms")


@test("nginx: takes a POST without content")
def _():
    with_nginx()
    equal(probe(":8080/post")[0], 1)
    healthy(probe("--method", "POST", ":8080/post"), ":8080/post 200 in Nms")


@test("nginx: it leaves no error in its log")
def _():
    with_nginx()
    for check in (":8080/healthz", ":8080/none", ":8080/down"):
        probe(check)
    with open(scratch("nginx", "error"), encoding="utf-8") as file:
        equal([x for x in file if "[error]" in x or "[crit]" in x], [])


def with_node():
    network()
    serve([peer("node"), os.path.join(SERVERS, "http_node.js")], ("127.0.0.1", 8080), ("::1", 8081))


@test("node: 200, 404, 1xx first and chunked, over IPv4 and IPv6")
def _():
    with_node()
    healthy(probe("--contains", "part, second", ":8080/"), ":8080/ 200 in Nms")
    healthy(probe("http://[::1]:8081/"), "http://[::1]:8081/ 200 in Nms")
    healthy(probe("--contains", "second part", ":8080/103"), ":8080/103 200 in Nms")
    unhealthy(probe(":8080/404"), ":8080/404: status 404, want 200-399")


@test("python's http.server: a file is healthy, none is 404, a wrong method is 501")
def _():
    network()
    serve(["/usr/bin/python3", os.path.join(SERVERS, "http_python.py"), "127.0.0.1", "8080",
           CONFIG.scratch], ("127.0.0.1", 8080))
    healthy(probe("--contains", "all is well", LOCAL), f"{LOCAL} 200 in Nms")
    unhealthy(probe(":8080/none"), ":8080/none: status 404, want 200-399")
    unhealthy(probe("--method", "BREW", LOCAL), f"{LOCAL}: status 501, want 200-399")


@test("two checks against one server are two connections at once")
def _():
    with_node()
    code, out, _ = probe("-v", ":8080/", ":8080/404")
    expect((code, out, ""), 1, "unhealthy :8080/404: status 404, want 200-399, in Nms\n"
           "healthy :8080/ 200 in Nms\n")
