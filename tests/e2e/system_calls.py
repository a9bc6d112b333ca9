# SPDX-License-Identifier: MIT
"""SECURITY.md names the system calls that usher makes, and when: for seccomp profiles that kill.

Each life cycle here runs under strace and names the rows of that table that it may use: a call of none of
them is a failure. So is a row with a call that no cycle makes, but for the last row, which has what is seldom;
that no call is missing there is read from the source.
"""
import fcntl
import glob
import http.server
import os
import re
import shutil
import socket
import subprocess
import tempfile
import termios
import threading

from harness import CONFIG, base_environment, need, peer, scratch, test, tool
from limits import EM_X86_64, Elf
from probe_lab import network, replace_file

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
EVERY, START, CHILD, LOOP = "every command", "run: start", "run: child", "run: loop"
HEAL, WATCHER, USER = "--heal", "--heal: the watcher", "--user, --own"
LOG, STOP, TERMINAL, PROBE, SELDOM = "log line", "stop", "terminal", "probe, wait", "seldom"
# Those of other architectures.
OTHER_NAMES = {"clock_gettime64", "clock_gettime32", "rt_sigtimedwait_time64", "ppoll_time64", "fcntl64", "mmap2",
               "_llseek", "getresuid32", "getresgid32", "setresuid32", "setresgid32", "getgroups32", "setgroups32"}


def table():
    """{row: the calls of its second column}."""
    with open(os.path.join(TOP, "SECURITY.md"), encoding="utf-8") as file:
        text = file.read().partition("## System calls")[2].partition("\n## ")[0]
    rows = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| ")]
    return {when.partition("(")[0].replace("`", "").strip(): set(re.findall(r"`([a-z_0-9]+)`", calls))
            for when, calls in rows[1:]}


def names(lines):
    return {x.group(1) for x in (re.match(r"([a-z_0-9]+)\(", line) for line in lines) if x}


def traces(*words, before=(), status=(0,), stderr=subprocess.PIPE):
    """What trace() says, with `stderr` as a descriptor, or as the terminal of usher's session."""
    if stderr != "terminal":
        return trace(words, before, status, stderr=stderr, stdin=subprocess.DEVNULL)
    ours, theirs = os.openpty()
    threading.Thread(target=drain, args=(ours,), daemon=True).start()
    try:
        return trace(words, before, status, stdin=theirs, stderr=theirs, start_new_session=True,
                     preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    finally:
        os.close(theirs)


def drain(fd):
    try:
        while os.read(fd, 4096):
            pass
    except OSError:
        os.close(fd)


def trace(words, before, status, **streams):
    """(the calls before usher's first child, its child's before the exec, the calls of usher after that, those of
    its second child, the watcher)."""
    strace = peer("strace")
    folder = tempfile.mkdtemp(dir=scratch())
    need(subprocess.run([strace, "-o", "/dev/null", "true"], check=False, capture_output=True).returncode == 0,
         "strace cannot trace here")
    command = [strace, "-ff", "-o", os.path.join(folder, "trace"), *before, CONFIG.usher, *words]
    done = subprocess.run(command, env=base_environment(), check=False, stdout=subprocess.PIPE, timeout=30, **streams)
    assert done.returncode in status, f"{done.returncode}: {done.stderr}"
    files = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), encoding="utf-8", errors="replace") as file:
            files[int(name.rpartition(".")[2])] = file.read().splitlines()
    for lines in files.values():
        first = next((i for i, x in enumerate(lines) if x.startswith(f'execve("{CONFIG.usher}"')), None)
        if first is None:
            continue
        own = lines[first:]
        execs = [i for i, x in enumerate(own) if x.startswith("execve(") and x.endswith("= 0")]
        own = own[:execs[1] + 1] if len(execs) > 1 else own      # `wait` becomes its program
        clone = next((i for i, x in enumerate(own) if x.startswith("clone(")), len(own))
        # As PID 1, a child's number here is none of usher's.
        number = int((re.search(r"= (\d+)$", own[clone]) if clone < len(own) else None or [0, 0])[1])
        child = files.get(number, []) if not before else []
        execs = [i for i, x in enumerate(child) if x.startswith("execve(") and x.endswith("= 0")]
        second = next((x for x in own[clone + 1:] if x.startswith("clone(")), "= 0")
        watcher = files.get(int(re.search(r"= (\d+)$", second)[1]), [])
        return (names(own[:clone + 1]), names(child[:execs[0] + 1] if execs else child), names(own[clone + 1:]),
                names(watcher))
    raise AssertionError("no trace of usher")


# A program that ignores TERM, and one that its stop signal does not reach. $PPID is usher.
STUBBORN = "trap '' TERM; setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' & sleep 0.1; kill -TERM $PPID; " \
           "while :; do sleep 1; done"
LEAVES = "trap '' USR2; setsid sleep 60 & sleep 0.1; kill -USR2 $PPID; kill -TERM $PPID; sleep 60"
STOPS_WAITING = ("/bin/sh", "-c", "{ until grep -q waiting /proc/$$/comm; do sleep 0.02; done; kill $$; } & exec \"$@\"", "sh")
PID1 = ("pidns", "--setsid", "--")


def cycles():
    """(words, what stands before them, standard error, the rows, the exit codes)."""
    pipe, run_rows, network_rows = subprocess.PIPE, (START, CHILD, LOOP), (PROBE, LOG)
    yield ("--", shutil.which("true")), (), pipe, run_rows, (0,)
    yield ("--", "true"), (), pipe, run_rows, (0,)
    yield ("-p", "TERM", "--", "true"), (), pipe, run_rows, (0,)
    yield ("--", "true"), PID1, pipe, run_rows, (0,)
    with open(scratch("log"), "w", encoding="utf-8") as file:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            for stderr in (pipe, file, theirs, "terminal"):
                uses = (*run_rows, LOG, STOP, *([TERMINAL] if stderr == "terminal" else []))
                for before in ((), PID1):
                    yield ("-vv", "-t", "300ms", "--", "/bin/sh", "-c", STUBBORN), before, stderr, uses, (137,)
                    yield ("-v", "-d", "50ms", "--", "/bin/sh", "-c", LEAVES), before, stderr, uses, (143,)
    yield ("--heal", "file:/no/such", "--heal-start-period", "0", "--heal-interval", "10ms", "--", "sleep", "60"), \
        (), pipe, (*run_rows, LOG, STOP, HEAL, WATCHER), (69,)
    # The first child is the one that makes the checks.
    waiting = (START, "--wait-for", LOOP, LOG)
    yield ("--wait-for", "file:/etc/hosts", "--", "true"), (), pipe, waiting, (0,)
    yield ("--wait-for", "file:/no/such", "--wait-timeout", "100ms", "--", "true"), (), pipe, waiting, (124,)
    yield ("--wait-for", "file:/no/such", "--", "true"), STOPS_WAITING, pipe, waiting, (143,)
    os.makedirs(scratch("tree", "folder"))
    for i in range(100):
        os.mkdir(scratch("tree", str(i)))
    yield ("--user", "nobody", "--own", scratch("tree"), "--", "true"), (), pipe, (*run_rows, USER), (0,)
    yield ("--", "/no/such/program"), (), pipe, (*run_rows, LOG), (127,)
    yield ("--graze",), (), pipe, (LOG,), (125,)
    yield ("--help",), (), pipe, ("--help",), (0,)
    for checks, status in ((("file:/etc/hosts", "pid:1"), 0), (("ready:",), 1), (("tcp://127.0.0.1:1",), 1),
                           ((":8080/",), 0), (("http://10.1.2.3:1/", "unix:/no/such"), 125),
                           (("-v", "--", "true"), 0), (("-t", "200ms", "--", "sleep", "60"), 1)):
        uses = (*network_rows, *((CHILD, "probe of -- PROGRAM") if "--" in checks else ()))
        yield ("probe", *checks), (), pipe, uses, (status,)
    yield ("wait", "-t", "1s", "tcp://127.0.0.1:1"), (), pipe, network_rows, (124,)
    yield ("wait", "-t", "1s", "tcp://db.test:1"), (), pipe, network_rows, (124,)
    yield ("wait", "file:/etc/hosts", "--", "true"), (), pipe, (*network_rows, "wait with -- PROGRAM"), (0,)
    yield ("sleep", "0.1"), (), pipe, ("sleep",), (0,)
    for words, code in ((("install", scratch("copy")), 0), (("install", scratch()), 125)):
        yield words, (), pipe, ("install", LOG), (code,)
    for words in (("status",), ("status", "--json")):
        yield words, (), pipe, ("status", LOG), (1,)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def serve():
    """An HTTP server, and a name server that knows no name."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 8080), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    names_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names_socket.bind(("127.0.0.1", 53))

    def answer():
        while True:
            query, client = names_socket.recvfrom(2000)
            names_socket.sendto(query[:2] + b"\x81\x83" + query[4:], client)
    threading.Thread(target=answer, daemon=True).start()
    replace_file("/etc/resolv.conf", "nameserver 127.0.0.1\n")


@test("SECURITY.md names every system call that usher makes, and none that it does not make", timeout=120)
def _():
    need(Elf(CONFIG.usher).machine == EM_X86_64, "the table is that of x86-64")
    network()
    serve()
    rows = table()
    made = {}
    for words, before, stderr, uses, status in cycles():
        before = (tool(before[0]), *before[1:]) if before else ()
        start, child, later, watcher = traces(*words, before=before, status=status, stderr=stderr)
        for row in (EVERY, *uses):
            calls = {CHILD: child, START: start, WATCHER: watcher}.get(row, start | later)
            made.setdefault(row, set()).update(calls)
        allowed = set().union(*(rows[x] for x in (EVERY, *uses) if x not in (CHILD, WATCHER)))
        watcher_may = set().union(*(rows[x] for x in (EVERY, WATCHER, PROBE, LOG)))
        child_may = rows[CHILD] | rows[EVERY] | (rows[TERMINAL] if TERMINAL in uses else set())
        extra = (start | later) - allowed | (child - child_may if CHILD in uses else set()) | \
            (watcher - watcher_may if WATCHER in uses else set())
        assert not extra, f"usher {' '.join(words)}, {stderr}: not in the rows {uses}: {sorted(extra)}"
    for row, calls in made.items():
        unmade = rows[row] - calls
        assert not unmade, f"nothing made {sorted(unmade)}, row {row}"
    assert set(rows) == {*made, SELDOM}, f"rows that nothing here is for: {set(rows) - set(made)}"


@test("SECURITY.md names every system call of the source")
def _():
    found = set()
    for path in glob.glob(os.path.join(TOP, "src", "**", "*.cpp"), recursive=True):
        with open(path, encoding="utf-8") as file:
            found.update(re.findall(r"\bSYS_(\w+)", file.read()))
    missing = found - OTHER_NAMES - set().union(*table().values())
    assert found and not missing, f"not named: {sorted(missing)}"
