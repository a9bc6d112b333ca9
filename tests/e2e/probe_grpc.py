# SPDX-License-Identifier: MIT
"""Checks of grpc: against a server in each language, nginx in front of one, and scripted peers.

The servers (tests/servers) agree on their services: the whole server and `up` serve, `down` does
not, every other is unknown.
"""
import os
import signal
import socket
import subprocess
import time

from harness import CONFIG, add, equal, need, peer, run, scratch, test, wait_for
from probe_lab import (Peer, SERVERS, TLS_ALERT, built, closing, expect, healthy, http, network,
                       nginx, probe, read_to_end, replies, serve, serve_tls, silent, timed,
                       unhealthy)

PORT = ("127.0.0.1", 50051)
CHECK = "grpc://127.0.0.1:50051"


# --- a server in each language ------------------------------------------------------------------

def python_command():
    done = subprocess.run(["/usr/bin/python3", "-c", "import grpc"], capture_output=True,
                          check=False)
    need(done.returncode == 0, "python3-grpcio is not installed")
    return ["/usr/bin/python3", os.path.join(SERVERS, "grpc_python.py")]


def cpp_command():
    found = subprocess.run([peer("pkg-config"), "--cflags", "--libs", "grpc++"], text=True,
                           capture_output=True, check=False)
    need(found.returncode == 0, "libgrpc++-dev is not installed")
    return [built("grpc-cpp", peer("c++"), "-std=c++17", "{servers}/grpc_cpp.cpp", "-o", "{output}",
                  *found.stdout.split())]


def go_command():
    need(os.path.isdir("/usr/share/gocode/src/google.golang.org/grpc/health"),
         "golang-google-grpc-dev is not installed")
    settings = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
                "GOCACHE": os.path.join(CONFIG.tools, "go-cache"), "GOFLAGS": ""}
    return [built("grpc-go", peer("go"), "build", "-o", "{output}", "{servers}/grpc_go/main.go",
                  env=settings)]


def node_command():
    folder = next((f for f in os.environ.get("TEST_NODE_PATH", "").split(":") + [
        os.path.join(SERVERS, "node_modules"), "/usr/local/lib/node_modules"]
        if os.path.isdir(os.path.join(f, "grpc-health-check"))), None)
    need(folder, "grpc-js and grpc-health-check are not installed (npm; TEST_NODE_PATH)")
    return [peer("env"), f"NODE_PATH={folder}", peer("node"), os.path.join(SERVERS, "grpc_node.js")]


SERVER_KINDS = {"python": (python_command, None), "C++": (cpp_command, "grpc-cpp"),
                "Go": (go_command, "grpc-go"), "Node": (node_command, "grpc-node")}


def serve_kind(kind, command, where, address):
    server = serve([*command, where], address)
    if kind == "C++":   # it can be told of its services only once it listens
        server.lines.expect("^ready$")
    return server


def serving(server, says):
    assert server.poll() is None, server.lines.text
    expect(probe(CHECK), 0, f"healthy {CHECK} SERVING in Nms\n")


def gone(server, says):
    server.kill()
    server.wait()
    unhealthy(probe(CHECK), f"{CHECK}: connect: Connection refused")


def slow(server, says):
    os.kill(server.pid, signal.SIGSTOP)
    seconds, result = timed(probe, "-t", "300ms", CHECK)
    unhealthy(result, f"{CHECK}: reply: timed out")
    assert 0.3 <= seconds < 0.8, f"{seconds} s"


def many(server, says):
    for _ in range(20):
        code, out, _ = probe("-v", CHECK, CHECK + "/up", CHECK + "/down")
        expect((code, out, ""), 1,
               f"unhealthy {CHECK}/down: NOT_SERVING in Nms\n"
               f"healthy {CHECK} SERVING in Nms\nhealthy {CHECK}/up SERVING in Nms\n")


BEHAVIOURS = {
    "the server as a whole is SERVING": serving,
    "a service that is SERVING is healthy":
        lambda server, _: healthy(probe(CHECK + "/up"), f"{CHECK}/up SERVING in Nms"),
    "a service that is NOT_SERVING is unhealthy":
        lambda server, _: unhealthy(probe(CHECK + "/down"), f"{CHECK}/down: NOT_SERVING"),
    "a service it does not know is NOT_FOUND":
        lambda server, says: unhealthy(probe(CHECK + "/nobody"), f"{CHECK}/nobody: reply: the call "
                                       f"failed: 5 NOT_FOUND{says}"),
    "once it is gone the connection is refused": gone,
    "while it is stopped the deadline holds": slow,
    "twenty times three checks at once give the same lines": many,
}
MESSAGES = {"python": ": unknown service", "C++": ": service name unknown", "Go": ": unknown service",
            "Node": ": Health status unknown for service nobody"}

for kind, (make_command, group) in SERVER_KINDS.items():
    for name, behaviour in BEHAVIOURS.items():
        def real(make_command=make_command, behaviour=behaviour, kind=kind):
            command = make_command()
            network()
            behaviour(serve_kind(kind, command, "%s:%d" % PORT, PORT), MESSAGES[kind])
        add(f"a {kind} server: {name}", real, __name__, group, timeout=150)

    def over_unix(make_command=make_command, kind=kind):
        command = make_command()
        network()
        path = scratch("grpc.sock")
        serve_kind(kind, command, "unix:" + path, path)
        healthy(probe(f"grpc://unix:{path}"), f"grpc://unix:{path} SERVING in Nms")
        expect(probe(f"grpc://unix:{path}", f"grpc://unix:{path}:/down"), 1,
               f"unhealthy grpc://unix:{path}:/down: NOT_SERVING\n")
    add(f"a {kind} server: over its unix socket, with and without a service", over_unix, __name__,
        group, timeout=150)


# --- what only one server can show --------------------------------------------------------------

def with_python(*options):
    command = python_command()
    network()
    return serve([*command, "%s:%d" % PORT, *options], PORT)


@test("a server without the health service is UNIMPLEMENTED")
def _():
    with_python("--without-health")
    code, out, _ = probe(CHECK)
    equal(code, 1)
    assert "12 UNIMPLEMENTED" in out, out


@test("the server gets usher's agent, the deadline and nothing else of note")
def _():
    server = with_python()
    equal(probe("-t", "7s", CHECK + "/up")[0], 0)
    line = server.lines.expect("user-agent")
    version = run("--version")[1].split()[1]
    assert f"('user-agent', 'usher/{version}')" in line.string, line.string
    assert 6 < float(line.string.split()[-1]) <= 7.1, line.string


@test("the server gets -H as metadata")
def _():
    server = with_python()
    equal(probe("-H", "X-Token: ${TOKEN}", "-H", "Plain: a: b", CHECK + "/up", env={"TOKEN": "s3cret"})[0], 0)
    line = server.lines.expect("user-agent").string
    assert "('x-token', 's3cret')" in line and "('plain', 'a: b')" in line, line


@test("-H that is no metadata is refused, by its name")
def _():
    network()
    for header in ("grpc-timeout: 1S", "Connection: close", "Content-Type: x", "Token: s3cr\u00e9t"):
        code, out, err = probe("-H", header, CHECK)
        name, _, value = header.partition(":")
        equal(code, 125)
        assert name in out + err and value not in out + err, (out, err)


@test("a status from the future and an empty message are UNKNOWN, unhealthy")
def _():
    with_python()
    for service in ("unknown", "future"):
        unhealthy(probe(f"{CHECK}/{service}"), f"{CHECK}/{service}: UNKNOWN")


@test("a failed call's message is decoded, and its control characters are replaced")
def _():
    with_python()
    unhealthy(probe(CHECK + "/denied"), f"{CHECK}/denied: reply: the call failed: 7 "
              "PERMISSION_DENIED: not?for you: ???")


@test("a slow handler is cut off at the deadline")
def _():
    with_python()
    seconds, (code, out, _) = timed(probe, "-t", "300ms", CHECK + "/slow")
    equal(code, 1)
    assert "timed out" in out or "DEADLINE_EXCEEDED" in out, out
    assert 0.25 <= seconds < 0.8, f"{seconds} s"


@test("--host is the :authority")
def _():
    network()
    got = []
    def talk(connection, _server):
        got.append(connection.recv(65536))
        read_to_end(connection)
    Peer(talk, PORT)
    probe("-t", "100ms", "--host", "backend.example", CHECK)
    assert b"backend.example" in got[0] and b"127.0.0.1" not in got[0], got


# --- nginx in front -----------------------------------------------------------------------------

FRONT = """server {{ listen 127.0.0.1:8080 http2;
  location / {{ grpc_pass grpc://127.0.0.1:50051; }} }}
server {{ listen 127.0.0.1:8081 http2; location / {{ return 200 hello; }} }}
server {{ listen 127.0.0.1:8082 http2; location / {{ return 503; }} }}"""
FRONT_CHECK = "grpc://127.0.0.1:8080"


def with_front():
    server = with_python()
    serve(nginx(FRONT.format()), ("127.0.0.1", 8080))
    return server


@test("nginx's grpc_pass: serving, not serving and unknown come through")
def _():
    with_front()
    healthy(probe(FRONT_CHECK), f"{FRONT_CHECK} SERVING in Nms")
    expect(probe(FRONT_CHECK, FRONT_CHECK + "/down", FRONT_CHECK + "/nobody"), 1,
           f"unhealthy {FRONT_CHECK}/down: NOT_SERVING\n"
           f"unhealthy {FRONT_CHECK}/nobody: reply: the call failed: 5 NOT_FOUND: unknown service\n")


@test("nginx's grpc_pass: a dead backend is an HTTP status, 502")
def _():
    server = with_front()
    server.kill()
    server.wait()
    code, out, _ = probe(FRONT_CHECK)
    equal(code, 1)
    assert "HTTP status 502" in out, out


@test("plain HTTP/2 where gRPC was meant is told with its HTTP status")
def _():
    with_front()
    for port, status in ((8081, 200), (8082, 503)):
        code, out, _ = probe(f"grpc://127.0.0.1:{port}")
        equal(code, 1)
        assert f"HTTP status {status}" in out, out


# --- peers that speak something else --------------------------------------------------------------

@test("an HTTP/1 server is named where gRPC was meant")
def _():
    network()
    Peer(replies(http("400 Bad Request"), hold=True), PORT)
    unhealthy(probe(CHECK), f"{CHECK}: reply: the peer speaks HTTP/1, not gRPC")


@test("Python's http.server is named as HTTP/1")
def _():
    network()
    serve(["/usr/bin/python3", os.path.join(SERVERS, "http_python.py"), *map(str, PORT),
           CONFIG.scratch], PORT)
    code, out, _ = probe(CHECK)
    equal(code, 1)
    assert "HTTP/1" in out or "http" in out.split("reply:")[1], out


@test("a TLS alert is named where plaintext gRPC was meant")
def _():
    network()
    Peer(replies(TLS_ALERT, hold=True), PORT)
    unhealthy(probe(CHECK), f"{CHECK}: reply: the peer speaks TLS, not plaintext")


@test("a TLS server that only hangs up, as OpenSSL does, is guessed")
def _():
    network()
    serve_tls(PORT[1])
    code, out, _ = probe(CHECK)
    equal(code, 1)
    assert "closed without a reply" in out and "TLS" in out, out


@test("a server that closes at once, without a word")
def _():
    network()
    Peer(closing, PORT)
    code, out, err = probe(CHECK)
    equal((code, err), (1, ""))
    assert f"unhealthy {CHECK}: reply: closed without a reply" in out, out


@test("a server that never says a word is cut off at the deadline")
def _():
    network()
    Peer(silent, PORT)
    unhealthy(probe("-t", "200ms", CHECK), f"{CHECK}: reply: timed out")


def frame(kind, flags, stream, payload=b""):
    return (len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") +
            payload)


SETTINGS = frame(4, 0, 0)
OK_HEADERS = frame(1, 4, 1, b"\x88\x0f\x10\x10application/grpc")
MESSAGE = frame(0, 0, 1, b"\0\0\0\0\x02\x08\x01")
TRAILERS = frame(1, 5, 1, b"\x00\x0bgrpc-status\x010")

for name, parts, want in (
        ("a whole reply byte by byte", [bytes([b]) for b in
                                        SETTINGS + OK_HEADERS + MESSAGE + TRAILERS], "SERVING"),
        ("GOAWAY that still serves us", [SETTINGS + frame(7, 0, 0, b"\0\0\0\1\0\0\0\0"),
                                         OK_HEADERS + MESSAGE + TRAILERS], "SERVING"),
        ("GOAWAY before our stream", [SETTINGS + frame(7, 0, 0, bytes(8))], "GOAWAY"),
        ("RST_STREAM", [SETTINGS + frame(3, 0, 1, b"\0\0\0\7")], "code 7"),
        ("SERVING with a bad status", [SETTINGS + OK_HEADERS + MESSAGE +
                                       frame(1, 5, 1, b"\x00\x0bgrpc-status\x0213")], "13 INTERNAL"),
        ("no trailers", [SETTINGS + OK_HEADERS + frame(0, 1, 1, b"\0\0\0\0\x02\x08\x01")], ""),
        ("a frame of 16 MB", [SETTINGS + b"\xff\xff\xff\0\0\0\0\0\1"], ""),
        ("a bad HPACK integer", [SETTINGS + frame(1, 4, 1, b"\xff" * 20)], ""),
        ("half a frame, then the end", [SETTINGS[:5]], ""),
        ("noise", [bytes(range(200, 256)) * 10], "")):
    def scripted(parts=parts, want=want):
        network()
        def talk(connection, _server):
            connection.recv(65536)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for part in parts:
                connection.sendall(part)
                time.sleep(0.0005)
            connection.shutdown(socket.SHUT_WR)
            read_to_end(connection)
        Peer(talk, PORT)
        code, out, err = probe(CHECK)
        equal((code, err), (0 if want == "SERVING" else 1, ""), out)
        assert want in out and out.count("\n") == 1 and len(out) <= 256, out
        assert out[:-1].isprintable(), out
    add(f"a scripted server: {name} is {'healthy' if want == 'SERVING' else 'unhealthy'}", scripted,
        __name__)


@test("usher answers PING and SETTINGS while it waits")
def _():
    network()
    got = []
    def talk(connection, _server):
        connection.recv(65536)
        connection.sendall(SETTINGS + frame(6, 0, 0, b"12345678"))
        while len(got) == 0 or len(b"".join(got)) < 26:
            got.append(connection.recv(65536))
        connection.sendall(OK_HEADERS + MESSAGE + TRAILERS)
    Peer(talk, PORT)
    healthy(probe(CHECK), f"{CHECK} SERVING in Nms")
    equal(b"".join(got), frame(4, 1, 0) + frame(6, 1, 0, b"12345678"))
