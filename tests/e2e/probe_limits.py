# SPDX-License-Identifier: MIT
"""What a probe costs: system calls, memory, file descriptors. The bounds are today's numbers."""
import os
import re
import subprocess
import time

from harness import (CONFIG, add, base_environment, children, equal, need, peer, scratch,
                     start, test, wait_for)
from limits import more_on_i386
from probe_lab import Peer, http, network, probe, replies, silent

LOCAL = "http://127.0.0.1:8080/"
COUNTED = re.compile(r"^(?:\d+ +)?(\w+)\(")


def calls(*args, follow=False):
    """The names of the system calls of `usher ARGS`, from execve to exit, stdout being a pipe."""
    log = scratch("strace")
    done = subprocess.run([peer("strace"), *(["-f"] if follow else []), "-o", log, CONFIG.usher,
                           *args], capture_output=True, env=base_environment(), timeout=20,
                          check=False)
    with open(log, encoding="utf-8") as file:
        names = [m[1] for m in map(COUNTED.match, file) if m]
    need(names, "strace cannot trace here")
    return done.returncode, names


def answered(connection, server):
    replies(http(), hold=True)(connection, server)


for what, words, code, most in (
        ("tcp, refused", ("tcp://127.0.0.1:1",), 1, 24),
        ("tcp, accepted", ("tcp://127.0.0.1:8080",), 0, 24),
        ("http", (LOCAL,), 0, 31),
        ("http over a unix socket", ("http://unix:@limits:/",), 0, 24),
        ("unix", ("unix:@limits",), 0, 17),
        ("file", (f"file:{os.path.abspath(__file__)}",), 0, 16),
        ("pid", ("pid:1",), 0, 20)):
    def bounded(words=words, code=code, most=most):
        network()
        Peer(answered)
        Peer(answered, b"\0limits")
        got, names = calls("probe", *words)
        equal(got, code)
        record = os.environ.get("USHER_RECORD")
        if record:
            with open(record, "a", encoding="ascii") as file:
                file.write(f"{words}: {len(names)} calls: {' '.join(names)}\n")
        assert len(names) <= most, f"{len(names)} calls: {' '.join(names)}"
    add(f"probe {what}: at most {most} system calls, execve and exit included", bounded, __name__)


@test("a probe allocates nothing: no brk, and no mmap")
def _():
    network()
    Peer(answered)
    _, names = calls("probe", LOCAL, "tcp://localhost:1", "ready:", f"file:{__file__}")
    equal([n for n in names if n in ("brk", "mmap", "mremap")], [])


@test("a probe makes no thread and no process")
def _():
    network()
    Peer(answered)
    _, names = calls("probe", LOCAL, "tcp://localhost:1", "ready:", follow=True)
    equal([n for n in names if n in ("clone", "clone3", "fork", "vfork")], [])


@test("a check of loopback opens no file: not hosts, not resolv.conf")
def _():
    network()
    Peer(answered)
    _, names = calls("probe", LOCAL, "tcp://localhost:8080", "tcp://:8080")
    equal([n for n in names if n.startswith("open")], [])


def rss(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return {m[1]: int(m[2]) for m in re.finditer(r"^(\w+):\s+(\d+) kB", file.read(), re.M)}


@test("memory of a probe that is waiting for its reply: Rss at most 208 KiB, dirty at most 52")
def _():
    network()
    server = Peer(silent)
    worst = {"Rss": 0, "Private_Dirty": 0}
    for _ in range(10):
        before = server.accepted
        with start("probe", "-t", "30s", LOCAL, bare=True) as init:
            wait_for(lambda: server.accepted > before, "a connection")
            memory = rss(init.pid)
            worst = {k: max(v, memory[k]) for k, v in worst.items()}
    record = os.environ.get("USHER_RECORD")
    if record:
        with open(record, "a", encoding="ascii") as file:
            file.write(f"memory: {worst}\n")
    assert worst["Rss"] <= 208 + more_on_i386(16) and worst["Private_Dirty"] <= 52, worst


@test("a probe of 16 checks holds one descriptor each, one for signals, and 0, 1 and 2")
def _():
    network()
    server = Peer(silent, backlog=32)
    with start("probe", "-t", "30s", *[LOCAL] * 16) as init:
        wait_for(lambda: server.accepted == 16, "all connections")
        equal(len(os.listdir(f"/proc/{init.pid}/fd")), 3 + 1 + 16)


@test("inherited descriptors are passed to nobody's harm: a probe keeps working at a low limit")
def _():
    network()
    Peer(answered)
    equal(probe(LOCAL, before=("--nofile", 8))[0], 0)


@test("without a free descriptor the reason is told")
def _():
    network()
    Peer(answered)
    code, out, err = probe(LOCAL, before=("--nofile", 3))
    assert code in (1, 125) and "oo many open files" in out + err, (code, out, err)


@test("a thousand probes leave no process, and no socket in this network")
def _():
    network()
    server = Peer(answered, backlog=64)
    for _ in range(60):
        equal(probe(*[LOCAL] * 16)[0], 0)
    wait_for(lambda: server.ended == 960, "each connection is closed")
    equal([p for p in children(os.getpid())], [])
    with open("/proc/net/tcp", encoding="ascii") as file:
        states = [line.split()[3] for line in file.readlines()[1:]]
    equal([s for s in states if s in ("01", "02", "08")], [], "open connections")


@test("poll is not called again and again while a probe waits")
def _():
    network()
    server = Peer(silent)
    with start("probe", "-t", "30s", LOCAL, "tcp://localhost:1") as init:
        wait_for(lambda: server.accepted == 1, "a connection")
        def switches():
            with open(f"/proc/{init.pid}/status", encoding="ascii") as file:
                return re.search(r"^voluntary_ctxt_switches:\s+(\d+)", file.read(), re.M)[1]
        end = time.monotonic() + 0.1
        wait_for(lambda: time.monotonic() > end, "it has settled")
        before = switches()
        end = time.monotonic() + 0.4
        wait_for(lambda: time.monotonic() > end, "a while")
        equal(switches(), before)


@test("descendants of a program that is out of time are killed by pidfd: a pid may be a stranger's by then")
def _():
    code, names = calls("probe", "-t", "200ms", "--", "sh", "-c", "setsid sleep 1000 & wait")
    equal(code, 1)
    assert "pidfd_send_signal" in names, names
