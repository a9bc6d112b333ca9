# SPDX-License-Identifier: MIT
"""probe, wait, sleep and status: their system calls fail, and they say so or do what they should.

A check of what is healthy may fail for it, with one line that says why; a check of what is not
healthy must never pass; nothing outlasts its time.
"""
import contextlib
import filecmp
import os
import socket
import threading
import time

from harness import (CONFIG, KNOWN, TERM, add, background, both, comm, descendants, equal, scratch,
                     signal_mask, test, tool, wait_for, witness)
from lab import GOES_ON, NO_POINT, explore
from probe_databases import greeting, packet
from probe_grpc import MESSAGE, OK_HEADERS, SETTINGS, TRAILERS
from probe_lab import Peer, http, network, replace_file, replies, silent
from supervise import BEFORE_MAIN, LOGGING

TELLING = {*LOGGING, "openat", "ppoll", "ioctl.TIOCGPGRP"}  # what a result line may need
# Without one of these a check cannot be answered; any other may fail and the answer is still right.
NEEDED = {"clock_gettime", "clone", "connect", "getdents64", "getsockopt", "openat", "ppoll", "read",
          "readlinkat", "recvfrom", "rt_sigtimedwait", "sendto", "socket", "statx", "wait4"}
CLOCK = ("clock_gettime",)     # without a clock there is no time: see supervise.py
FAILS = "fails, and says so"
REFUSES = "is fatal"


def limit(point, short):
    """The time that a call gets. What nothing disturbs must succeed, however busy the machine is; of
    what a failing call holds up, there are many."""
    return "20s" if point is NO_POINT else short


def deaf_to_signals(point):
    """Where signals cannot be waited for, what should end by TERM ends with its time."""
    return point.call == "rt_sigtimedwait" and point.later


def until_told(point):
    """The time of a call that TERM is to end: no busy machine shall let it run out before."""
    return "1s" if deaf_to_signals(point) else "20s"


def outcome(seen, point, good):
    """What came of a probe: its exit code and its one line."""
    status = seen.finish()
    if point.call in BEFORE_MAIN:
        equal(status, 139, "status")
        return "crashes in the C library's start"
    assert status in (0, 1, 125), f"status {status}"
    text = seen.out + seen.err
    assert text.count("\n") == 1 or point.call in TELLING, f"not one line: {text!r}"
    if status == 0:
        assert good, "healthy"
        return GOES_ON
    if status == 125:
        return REFUSES
    assert not good or point.call in NEEDED, f"unhealthy, {text!r}"
    return FAILS if good else GOES_ON


def probing(name, good, *words, timeout="500ms", prepare=None, skipped=(), baseline=GOES_ON):
    """`usher probe` with each of its calls failing."""
    def check():
        network()
        made = prepare() if prepare is not None else None

        def play(scene, point):
            time_limit = limit(point, timeout) if good else timeout
            return outcome(scene.attempt(point, ["probe", "-t", time_limit, *words]), point, good)
        explore(f"probe {name}", play, skipped=skipped, baseline=baseline)
        del made
    add(f"probe {name}", check, __name__, timeout=600)


def grpc(connection, _server):
    connection.recv(65536)
    connection.sendall(SETTINGS + OK_HEADERS + MESSAGE + TRAILERS)
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


def redis(connection, _server):
    connection.recv(100)
    connection.sendall(b"+PONG\r\n")


def loading(connection, _server):
    connection.recv(100)
    connection.sendall(b"-LOADING\r\n")


def postgres(connection, _server):
    connection.recv(100)
    connection.sendall(b"R\0\0\0\x08\0\0\0\0")
    connection.recv(100)


def mysql(connection, _server):
    connection.sendall(greeting())
    connection.recv(1000)
    connection.sendall(packet(2, b"\0\0\0\2\0\0\0"))
    connection.recv(100)


def name_server():
    """Answers every A with 127.0.0.1, every other question with nothing."""
    replace_file("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def serve():
        while True:
            query, who = server.recvfrom(512)
            is_a = query[-4:] == b"\0\1\0\1"
            answer = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1" if is_a else b""
            head = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_a else b"\0\0") + bytes(4)
            server.sendto(head + query[12:] + answer, who)
    threading.Thread(target=serve, daemon=True).start()
    return Peer(silent)


def running_usher():
    """An init of this sandbox's cgroup to ask."""
    init = background(CONFIG.usher, "--", tool("witness"), "forever")
    init.lines.expect("^ready$")
    wait_for(lambda: comm(init.pid) == "usher:running", "usher supervises")
    KNOWN.update(descendants(init.pid))


probing("http", True, "http://127.0.0.1:8080/",
        prepare=lambda: Peer(replies(http())))
probing("http that says 503", False, "http://127.0.0.1:8080/",
        prepare=lambda: Peer(replies(http("503 Busy"))))
probing("http that says nothing", False, "http://127.0.0.1:8080/", timeout="50ms",
        prepare=lambda: Peer(silent), skipped=CLOCK)
probing("tcp", True, "tcp://127.0.0.1:8080", prepare=lambda: Peer(silent))
probing("tcp that nobody listens to", False, "tcp://localhost:8080")
probing("unix", True, "unix:@usher-faults", prepare=lambda: Peer(silent, "\0usher-faults"))
probing("grpc", True, "grpc://127.0.0.1:50051", prepare=lambda: Peer(grpc, ("127.0.0.1", 50051)))
probing("json", True, "--json-field", "a=1", "http://127.0.0.1:8080/",
        prepare=lambda: Peer(replies(http(body=b'{"a":1}'))))
probing("redis", True, "redis://127.0.0.1:8080", prepare=lambda: Peer(redis))
probing("redis that loads", False, "redis://127.0.0.1:8080", prepare=lambda: Peer(loading))
probing("postgres", True, "postgres://127.0.0.1:8080", prepare=lambda: Peer(postgres))
probing("mysql", True, "mysql://127.0.0.1:8080", prepare=lambda: Peer(mysql))
probing("a name", True, "tcp://some.name:8080", timeout="200ms", prepare=name_server)
probing("an address that is not this container's", False, "tcp://192.0.2.1:8080",
        baseline=REFUSES)
probing("a file that is not there", False, "file:/nonexistent/beat")
probing("a process", True, "pid:1")
probing("a process that is not there", False, "pid:999999")
probing("ready", True, "ready:", prepare=running_usher)
probing("ready, where nobody is", False, "ready:")


@test("probe a file", timeout=600)
def _():
    beat = scratch("beat")
    with open(beat, "w", encoding="ascii") as file:
        file.write("beat")
    explore("probe file", lambda scene, point: outcome(
        scene.attempt(point, ["probe", f"file:{beat}?max-age=1h&min-size=1"]), point, True))


@test("probe a program that ends", timeout=600)
def _():
    explore("probe program", lambda scene, point: outcome(
        scene.attempt(point, ["probe", "-t", limit(point, "300ms"), "--", *witness("exit", 0)]),
        point, True))


@test("probe a program that does not end", timeout=600)
def _():
    words = ["probe", "-t", "30ms", "--", *witness("forever")]
    explore("probe program that stays", lambda scene, point: program_that_stays(scene, point, words),
            skipped=CLOCK)


def program_that_stays(scene, point, words):
    seen = scene.attempt(point, words)
    status = seen.finish()
    if point.call in BEFORE_MAIN:
        return "crashes in the C library's start"
    assert status in (1, 125), f"status {status}"
    return GOES_ON if status == 1 else REFUSES


@test("wait, and become the program", timeout=600)
def _():
    network()
    peer = Peer(silent)

    def play(scene, point):
        status = scene.attempt(point, ["wait", "-t", limit(point, "300ms"), "--interval", "20ms",
                                       "tcp://127.0.0.1:8080", "--", *witness("exit", 7)]).finish()
        if point.call in BEFORE_MAIN:
            return "crashes in the C library's start"
        if status in (124, 125, 126, 127):
            return REFUSES
        equal(status, 7, "status")
        return GOES_ON
    explore("wait", play)
    peer.close()


@test("wait for what does not come", timeout=600)
def _():
    network()
    words = ["wait", "-t", "60ms", "--interval", "20ms", "tcp://127.0.0.1:8080"]

    def play(scene, point):
        status = scene.attempt(point, words).finish()
        if point.call in BEFORE_MAIN:
            return "crashes in the C library's start"
        assert status in (124, 125), f"status {status}"
        return GOES_ON if status == 124 else REFUSES
    explore("wait in vain", play, skipped=CLOCK)


@both("wait is ended by TERM", timeout=600)
def _(pid1):
    network()

    def play(scene, point):
        seen = scene.attempt(point, ["wait", "-t", until_told(point), "--interval", "500ms",
                                     "tcp://127.0.0.1:8080"], inject=["--pid1"] if pid1 else [])
        seen.until(lambda: "waiting:" in seen.err or seen.over() or point.call in TELLING and
                   signal_mask(seen.pid, "SigBlk") & 1 << TERM - 1, "waits")
        seen.kill(TERM)
        status = seen.finish()
        if point.call in BEFORE_MAIN:
            return "crashes in the C library's start"
        assert status in (143, 125) or deaf_to_signals(point) and status == 124, f"status {status}"
        return GOES_ON if status == 143 else REFUSES
    explore(f"wait and TERM, pid1={pid1}", play, skipped=CLOCK)


@both("--wait-for, and the program", timeout=600)
def _(pid1):
    network()
    peer = Peer(silent)

    def play(scene, point):
        status = scene.attempt(point, ["--wait-timeout", limit(point, "300ms"), "--wait-for", "tcp://127.0.0.1:8080",
                                       "--", *witness("exit", 7)], inject=["--pid1"] if pid1 else []).finish()
        if point.call in BEFORE_MAIN:
            return "crashes in the C library's start"
        if status in (124, 125, 126, 127):
            return REFUSES
        equal(status, 7, "status")
        return GOES_ON
    explore(f"--wait-for, pid1={pid1}", play)
    peer.close()


@both("--wait-for is ended by TERM", timeout=600)
def _(pid1):
    def play(scene, point):
        seen = scene.attempt(point, ["--wait-timeout", until_told(point), "--wait-for", "file:/no/such", "--",
                                     *witness("exit", 7)], inject=["--pid1"] if pid1 else [])
        seen.until(lambda: comm(seen.pid) == "usher:waiting" or "waiting:" in seen.err or seen.over(), "waits")
        seen.until(lambda: seen.kill(TERM) or seen.over(), "it ends")
        status = seen.finish()
        if point.call in BEFORE_MAIN:
            return "crashes in the C library's start"
        assert status in (143, 125, 124), f"status {status}"
        return GOES_ON if status == 143 else REFUSES
    explore(f"--wait-for and TERM, pid1={pid1}", play, skipped=CLOCK)


@test("install", timeout=600)
def _():
    folder = scratch("shared")
    os.mkdir(folder)
    path = os.path.join(folder, "usher")

    def play(scene, point):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        seen = scene.attempt(point, ["install", path])
        status = seen.finish()
        if point.call in BEFORE_MAIN:
            return "crashes in the C library's start"
        assert status in (0, 125), f"status {status}"
        # All of it under its name, or nothing; what could not be removed again is not its fault.
        whole = os.path.exists(path) and filecmp.cmp(path, CONFIG.usher, shallow=False)
        equal(whole, status == 0, "a copy")
        left = [name for name in os.listdir(folder) if name != "usher"]
        assert not left or point.call == "unlinkat", left
        for name in left:
            os.unlink(os.path.join(folder, name))
        assert status == 0 or seen.err.count("\n") == 1 or point.call in LOGGING, seen.err
        return GOES_ON if status == 0 else REFUSES
    explore("install", play)


@test("sleep", timeout=600)
def _():
    def play(scene, point):
        began = time.monotonic()
        seen = scene.attempt(point, ["sleep", "0.02"])
        status = seen.finish()
        if point.call in BEFORE_MAIN:
            return "crashes in the C library's start"
        if status == 125:
            assert seen.err.count("\n") == 1, seen.err
            return REFUSES
        equal(status, 0, "status")
        assert time.monotonic() - began >= 0.02, "not long enough"
        return GOES_ON
    explore("sleep", play, skipped=CLOCK)


@both("sleep is ended by TERM", timeout=600)
def _(pid1):
    def play(scene, point):
        seen = scene.attempt(point, ["sleep", until_told(point)], inject=["--pid1"] if pid1 else [])
        seen.until(lambda: comm(seen.pid) == "usher" or seen.over(), "it runs")
        # Until it has blocked it, PID 1 does not hear it; and what is waited for does not show as blocked.
        seen.until(lambda: seen.kill(TERM) or seen.over(), "it ends")
        status = seen.finish()
        if point.call in BEFORE_MAIN:
            return "crashes in the C library's start"
        assert status in (143, 125) or deaf_to_signals(point) and status == 0, f"status {status}"
        return GOES_ON if status in (143, 0) else REFUSES
    explore(f"sleep and TERM, pid1={pid1}", play, skipped=CLOCK)


@test("status", timeout=600)
def _():
    running_usher()

    def play(scene, point):
        seen = scene.attempt(point, ["status", "--json"])
        status = seen.finish()
        if point.call in BEFORE_MAIN:
            return "crashes in the C library's start"
        if status == 0:
            assert '"state":"running"' in seen.out, seen.out
            return GOES_ON
        assert status in (1, 125) and seen.out == "", seen.out
        assert seen.err.count("\n") == 1 or point.call == "write", seen.err
        return FAILS
    explore("status", play)
