# SPDX-License-Identifier: MIT
"""The one total deadline, against peers that do their worst.

Asserted is a bound that a loaded machine keeps; the median of several is printed by run.py -v only
when a test fails, and is within 50 ms on an idle one (see LATE).
"""
import contextlib
import os
import socket
import statistics
import struct
import threading
import time

from harness import add, equal, run, scratch, start, test, wait_for
from probe_lab import (Peer, closing, dripping, full_backlog, http, network, probe,
                       replace_file, replies, resetting, silent, timed, unhealthy)

LOCAL = "http://127.0.0.1:8080/"
GRPC = "grpc://127.0.0.1:8080"
LIMIT = 0.3
GENEROUS = 0.5       # how late one may be when two cores are shared with others
MEDIAN = 0.05        # the contract's 50 ms, for the middle one of TRIES
TRIES = 5


def holds(check, reason, *options, command="probe", code=1):
    """Asserts the deadline, its line, and how late usher was in the middle of several tries."""
    late = []
    for _ in range(TRIES):
        seconds, (got, out, err) = timed(run, command, "-t", f"{LIMIT}s", *options, check)
        equal(got, code, f"exit code ({out!r}, {err!r})")
        assert f"unhealthy {check}: {reason}" in out, f"{out!r}: no {reason!r}"
        late.append(seconds - LIMIT)
    assert min(late) >= 0, f"too early: {late}"
    assert max(late) < GENEROUS, f"late by {late}"
    # The start of the process and of Python's side is in it.
    record = os.environ.get("USHER_RECORD")
    if record:
        with open(record, "a", encoding="ascii") as file:
            file.write(f"{check} {reason}: late by {statistics.median(late) * 1000:.1f} ms\n")
    assert statistics.median(late) < MEDIAN or os.getloadavg()[0] > os.cpu_count(), f"median {late}"


def ssh_like(connection, server):
    """Greets, then says nothing."""
    connection.sendall(b"HTTP/1.1 ")
    silent(connection, server)


def settings_only(connection, server):
    connection.sendall(b"\0\0\0\4\0\0\0\0\0")
    silent(connection, server)


def pings(connection, _server):
    connection.sendall(b"\0\0\0\4\0\0\0\0\0")
    for _ in range(100_000):
        connection.sendall(b"\0\0\x08\6\0\0\0\0\0" + bytes(8))
        connection.recv(4096)
        time.sleep(0.01)


for what, check, talk, reason, options in (
        ("a silent HTTP server", LOCAL, silent, "reply: timed out", ()),
        ("an HTTP server that begins a status line", LOCAL, ssh_like, "reply: timed out", ()),
        ("an HTTP server that drips a status line", LOCAL,
         dripping(b"HTTP/1.1 200 " + b"x" * 5000), "reply: timed out", ()),
        ("an HTTP server that drips headers", LOCAL,
         dripping(b"HTTP/1.1 100 x\r\n" + b"A: b\r\n" * 1000), "reply: timed out", ()),
        ("an HTTP server that drips a body", LOCAL,
         dripping(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000), "reply: timed out",
         ("--contains", "needle")),
        ("an HTTP server that drips chunks", LOCAL,
         dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1000),
         "reply: timed out", ("--contains", "needle")),
        ("a silent gRPC server", GRPC, silent, "reply: timed out", ()),
        ("a gRPC server that stops after its SETTINGS", GRPC, settings_only, "reply: timed out", ()),
        ("a gRPC server that drips frames", GRPC,
         dripping(b"\0\0\0\4\0\0\0\0\0" + b"\0\0\4\x63\0\0\0\0\1abcd" * 500), "reply: timed out", ()),
        ("a gRPC server that pings for ever", GRPC, pings, "reply: timed out", ()),
        ("a server whose JSON drips", LOCAL, dripping(b"HTTP/1.1 200 OK\r\n\r\n{\"a\":[" + b"1," * 3000),
         "reply: timed out", ("--json-field", "a")),
        ("a silent Redis server", "redis://127.0.0.1:8080", silent, "reply: timed out", ()),
        ("a Redis server that drips a line", "redis://127.0.0.1:8080", dripping(b"-LOADING " + b"x" * 5000),
         "reply: timed out", ()),
        ("a silent PostgreSQL server", "postgres://127.0.0.1:8080", silent, "reply: timed out", ()),
        ("a PostgreSQL server that drips notices", "postgres://127.0.0.1:8080",
         dripping(b"N\0\0\0\x08Mx\0\0" * 1000), "reply: timed out", ()),
        ("a silent MySQL server", "mysql://127.0.0.1:8080", silent, "reply: timed out", ()),
        ("a MySQL server that drips its greeting", "mysql://127.0.0.1:8080",
         dripping(b"\xff\x03\0\0\x0a" + b"x" * 1000), "reply: timed out", ())):
    def held(check=check, talk=talk, reason=reason, options=options):
        network()
        Peer(talk)
        holds(check, reason, *options)
    add(f"the deadline holds against {what}", held, __name__)


@test("the deadline holds against a TCP server whose backlog is full")
def _():
    network()
    with fill(("127.0.0.1", 8080)):
        holds("tcp://127.0.0.1:8080", "connect: timed out")


@test("the deadline holds against a unix socket whose backlog is full, and says so")
def _():
    with fill(scratch("s")):
        holds(f"unix:{scratch('s')}", "connect: backlog full, timed out")
        holds(f"http://unix:{scratch('s')}:/", "connect: backlog full, timed out")


@contextlib.contextmanager
def fill(address):
    held = full_backlog(address)
    try:
        yield held[0]
    finally:
        for each in held:
            each.close()


@test("a unix socket whose backlog gets room again is connected to")
def _():
    with fill(scratch("s")) as listener:
        with start("probe", "-v", "-t", "9s", f"unix:{scratch('s')}") as init:
            init.err.expect("connecting")
            held = [listener.accept()[0] for _ in range(2)]
            equal(init.wait(), 0)
            assert held


@test("the deadline holds where IPv4 of localhost is full and IPv6 refuses")
def _():
    network()
    with fill(("127.0.0.1", 8080)):
        seconds, (code, out, _) = timed(probe, "-t", "400ms", "tcp://localhost:8080")
        equal(code, 1)
        assert seconds < 0.4 + GENEROUS, f"{seconds} s"


@test("an IPv4 address that does not answer leaves time for the IPv6 one")
def _():
    network()
    Peer(silent, ("::1", 8080))
    with fill(("127.0.0.1", 8080)):
        seconds, (code, out, _) = timed(probe, "-t", "600ms", "tcp://localhost:8080")
        equal(code, 0, out)
        assert seconds < 0.6, f"{seconds} s"


@test("a peer that closes at once, and one that resets, end the check at once")
def _():
    network()
    Peer(closing)
    Peer(resetting, ("127.0.0.1", 8081))
    begin = time.monotonic()
    code, out, _ = probe("-t", "9", LOCAL)
    equal(code, 1)
    assert f"{LOCAL}: reply: closed without a reply" in out, out
    unhealthy(probe("-t", "9", "http://127.0.0.1:8081/"),
              "http://127.0.0.1:8081/: reply: Connection reset by peer")
    unhealthy(probe("-t", "9", "grpc://127.0.0.1:8081"),
              "grpc://127.0.0.1:8081: reply: Connection reset by peer")
    assert time.monotonic() - begin < 3


@test("a peer that closes before the request is sent ends the check at once")
def _():
    network()
    def slam(connection, _server):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    Peer(slam)
    begin = time.monotonic()
    equal(probe("-t", "9", LOCAL)[0], 1)
    assert time.monotonic() - begin < 3


# --- DNS that hangs -----------------------------------------------------------------------------

@contextlib.contextmanager
def name_server(answer=lambda query, source, sock: None, resolv="nameserver 127.0.0.1\n"):
    network()
    replace_file("/etc/resolv.conf", resolv)
    replace_file("/etc/hosts", "")
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 53))
    asked = []

    def loop():
        with contextlib.suppress(OSError):
            while True:
                query, source = sock.recvfrom(2000)
                asked.append(query)
                answer(query, source, sock)
    threading.Thread(target=loop, daemon=True).start()
    yield asked


@test("the deadline holds against a DNS server that is silent")
def _():
    with name_server() as asked:
        holds("tcp://db.example:5432", "resolve: timed out")
        assert asked


@test("the deadline holds against a DNS server that answers every query with garbage")
def _():
    def garbage(query, source, sock):
        for _ in range(50):
            sock.sendto(os.urandom(100), source)
            sock.sendto(query[:2] + os.urandom(60), source)
    with name_server(garbage):
        holds("tcp://db.example:5432", "resolve: timed out")


@test("the deadline holds against a DNS server that truncates and then hangs on TCP")
def _():
    def cut(query, source, sock):
        sock.sendto(query[:2] + b"\x83\x80" + query[4:], source)
    with name_server(cut):
        Peer(silent, ("127.0.0.1", 53))
        holds("tcp://db.example:5432", "resolve: timed out")


@test("the deadline holds against a DNS server that truncates and drips on TCP")
def _():
    def cut(query, source, sock):
        sock.sendto(query[:2] + b"\x83\x80" + query[4:], source)
    with name_server(cut):
        Peer(dripping(b"\xff\xff" + b"x" * 5000), ("127.0.0.1", 53))
        holds("tcp://db.example:5432", "resolve: timed out")


@test("the deadline holds against a DNS server that fails at once, over and over")
def _():
    def fail(query, source, sock):
        sock.sendto(query[:2] + b"\x81\x82" + query[4:], source)
    with name_server(fail, "nameserver 127.0.0.1\noptions timeout:30\n") as asked:
        holds("tcp://db.example:5432", "resolve: ")
        assert len(asked) < 100 * TRIES, f"{len(asked)} queries"


@test("a check that hangs in DNS does not hold the others")
def _():
    with name_server():
        Peer(replies(http()))
        code, out, _ = probe("-v", "-t", "300ms", "tcp://db.example:5432", LOCAL)
        equal(code, 1)
        assert f"healthy {LOCAL} 200 in" in out.splitlines()[1], out


# --- wait ---------------------------------------------------------------------------------------

@test("wait keeps its deadline against a silent server")
def _():
    network()
    Peer(silent)
    holds(LOCAL, "reply: timed out", command="wait", code=124)


@test("wait keeps its deadline against a DNS server that hangs")
def _():
    with name_server():
        holds("tcp://db.example:5432", "resolve: timed out", command="wait", code=124)


@test("a stdout that is full and that nobody reads does not hold a probe")
def _():
    network()
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(theirs, bytes(4096)):
            pass
    os.set_blocking(theirs, True)
    begin = time.monotonic()
    with start("probe", "-t", "300ms", LOCAL, stdout=theirs) as init:
        equal(init.wait(5), 1)
    assert time.monotonic() - begin < 0.3 + GENEROUS
    os.close(ours)
    os.close(theirs)


@test("time spent stopped counts: a probe that is continued late ends at once")
def _():
    network()
    Peer(silent)
    with start("probe", "-v", "-t", "300ms", LOCAL) as init:
        init.err.expect("sent at")
        init.kill(19)
        begin = time.monotonic()
        wait_for(lambda: time.monotonic() - begin > 0.4, "the deadline is over")
        init.kill(18)
        init.wait(1)
