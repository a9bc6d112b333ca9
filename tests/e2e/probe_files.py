# SPDX-License-Identifier: MIT
"""Checks of file: and pid:."""
import os
import platform
import subprocess
import sys
import threading
import time

from harness import (add, background, equal, inner_pid, inside, need, proc_state, scratch, skip, start,
                     test, wait_for, witness, CONFIG)
from probe_lab import expect, healthy, probe, unhealthy


def beat(age=0.0, size=5):
    """A heartbeat file that was written `age` seconds ago; its path."""
    path = scratch("beat")
    with open(path, "w", encoding="ascii") as file:
        file.write("x" * size)
    os.utime(path, (0, time.time() - age))
    return path


for name, age, size, condition, passes, detail in (
        ("a file that is there", 10.1, 5, "", True, "modified 10s ago"),
        ("a fresh file within max-age", 0, 5, "?max-age=30s", True, "modified 0s ago"),
        ("a file of 29 s within max-age=30s", 28.1, 5, "?max-age=30s", True, "modified 28s ago"),
        ("a file older than max-age", 31.1, 5, "?max-age=30s", False,
         "file: 31s old, want at most 30s"),
        ("a file older than a compound max-age", 95.1, 5, "?max-age=1m30s", False,
         "file: 95s old, want at most 90s"),
        ("a file as large as min-size", 10.1, 5, "?min-size=5", True, "modified 10s ago"),
        ("a file smaller than min-size", 0, 5, "?min-size=6", False,
         "file: 5 bytes, want at least 6"),
        ("an empty file with min-size=1", 0, 0, "?min-size=1", False,
         "file: 0 bytes, want at least 1"),
        ("a file that meets both", 10.1, 5, "?max-age=30s&min-size=1", True, "modified 10s ago"),
        ("a file that meets one of two", 40.1, 5, "?min-size=1&max-age=30s", False,
         "file: 40s old, want at most 30s"),
        ("an mtime 3 s in the future", -3, 5, "?max-age=30s", True, "modified 0s ago"),
        ("an mtime 60 s in the future", -60.9, 5, "?max-age=30s", False,
         "file: modified 60s in the future"),
        ("an mtime 60 s in the future without max-age", -60.9, 5, "", True, "modified 0s ago")):
    def judged(age=age, size=size, condition=condition, passes=passes, detail=detail):
        check = f"file:{beat(age, size)}{condition}"
        if passes:
            healthy(probe(check), f"{check} {detail}")
        else:
            unhealthy(probe(check), f"{check}: {detail}")
    add(f"file: {name} is {'healthy' if passes else 'unhealthy'}", judged, __name__)


@test("file: no file, a file that may not be reached: each has its reason")
def _():
    unhealthy(probe("file:/no/such"), "file:/no/such: file: No such file or directory")
    folder = scratch("closed")
    os.mkdir(folder, 0o700)
    unhealthy(probe(f"file:{folder}/x", before=("--uid", 65534)),
              f"file:{folder}/x: file: Permission denied")


@test("file: a file that may be seen and not read is enough")
def _():
    os.chmod(beat(10.1), 0)
    healthy(probe(f"file:{scratch('beat')}", before=("--uid", 65534)),
            f"file:{scratch('beat')} modified 10s ago")


# --- pid ----------------------------------------------------------------------------------------

def pid_file(text):
    with open(scratch("app.pid"), "w", encoding="ascii") as file:
        file.write(str(text))
    return f"pid:{scratch('app.pid')}"


@test("pid: a living process by number and by file")
def _():
    me = os.getpid()
    healthy(probe(f"pid:{me}"), f"pid:{me} process {me}")
    for begin, ending in (("", ""), ("", "\n"), ("", "\n\n"), ("  ", "\n"), ("\t\n ", " \r\n"),
                          ("", "\n/var/lib/postgresql/data\n5432\n"), ("", " \nmore")):
        check = pid_file(f"{begin}{me}{ending}")
        healthy(probe(check), f"{check} process {me}")


@test("pid: a living process of another user, seen by a stranger")
def _():
    me = os.getpid()
    healthy(probe(f"pid:{me}", before=("--uid", 65534)), f"pid:{me} process {me}")


@test("pid: a process that is gone")
def _():
    done = subprocess.Popen(["true"])
    done.wait()
    unhealthy(probe(f"pid:{done.pid}"), f"pid:{done.pid}: no process {done.pid}")
    check = pid_file(done.pid)
    unhealthy(probe(check), f"{check}: no process {done.pid}")


@test("pid: a zombie is unhealthy")
def _():
    done = subprocess.Popen(["true"])
    wait_for(lambda: proc_state(done.pid) == "Z", "a zombie")
    unhealthy(probe(f"pid:{done.pid}"), f"pid:{done.pid}: process {done.pid} is a zombie")
    done.wait()


for text in ("", "\n", " " * 61 + "12345", "hunter2 secret", "abc", "12x", "-5", "0", "99999999999", "1 2", "\x1b[2J"):
    def wrong(text=text):
        check = pid_file(text)
        code, out, err = probe(check)
        equal((code, err), (1, ""))
        equal(out, f"unhealthy {check}: pid file: not a pid\n")
    add(f"pid: a file with {text!r} is unhealthy", wrong, __name__)


@test("file: an absurd mtime is old or new, and overflows nothing")
def _():
    for when, code in ((-2 ** 31, 1), (2 ** 33, 0)):
        path = scratch("odd")
        with open(path, "w", encoding="ascii"):
            os.utime(path, (0, when))
        equal(probe(f"file:{path}")[0], 0)
        if when < 0:
            equal(probe(f"file:{path}?max-age=1d")[0], code)
        else:
            assert "in the future" in probe(f"file:{path}?max-age=1d")[1]


@test("pid: a thread is told apart from its process")
def _():
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    tid = thread.native_id
    unhealthy(probe(f"pid:{tid}"), f"pid:{tid}: {tid} is a thread of process {os.getpid()}")
    stop.set()
    thread.join()


@test("pid: a process whose first thread has ended is alive while another lives")
def _():
    code = ("import ctypes, threading, time\n"
            "threading.Thread(target=lambda: time.sleep(1000)).start()\n"
            "print('up', flush=True)\n"
            "ctypes.CDLL(None).pthread_exit(None)\n")
    program = background(sys.executable, "-c", code)
    program.lines.expect("^up$")
    wait_for(lambda: proc_state(program.pid) == "Z", "the first thread has ended")
    healthy(probe(f"pid:{program.pid}"), f"pid:{program.pid} process {program.pid}")
    program.kill()
    wait_for(lambda: "zombie" in probe(f"pid:{program.pid}")[1], "all of it has ended")


@test("pid: no pid file, and one that may not be read")
def _():
    unhealthy(probe("pid:/no/such"), "pid:/no/such: pid file: No such file or directory")
    check = pid_file("1")
    os.chmod(scratch("app.pid"), 0)
    unhealthy(probe(check, before=("--uid", 65534)), f"{check}: pid file: Permission denied")


@test("pid: without /proc the process is found all the same")
def _():
    with start("--", *witness("forever"), pid1=True, namespace=("--no-proc",)) as init:
        init.ready()
        pid = inner_pid(init.program())
        equal(inside(init, CONFIG.usher, "probe", f"pid:{pid}"),
              (0, f"healthy pid:{pid} process {pid}\n", ""))
        equal(inside(init, CONFIG.usher, "probe", "pid:4000")[0], 1)


@test("pid: several files and pids at once")
def _():
    me = os.getpid()
    check = pid_file(me)
    expect(probe(f"pid:{me}", check, f"file:{beat(10.1)}"), 0,
           f"healthy pid:{me} process {me}\nhealthy {check} process {me}\n"
           f"healthy file:{scratch('beat')} modified 10s ago\n")


@test("file: where statx is refused, the file is looked at in another way")
def _():
    need(platform.machine() == "x86_64", "the number of the call is x86-64's")
    path = beat(31.1, 5)
    for error in (1, 38):
        refused = ("--seccomp", f"{error}:332")
        healthy(probe(f"file:{path}?min-size=5", before=refused), f"file:{path}?min-size=5 modified 31s ago")
        unhealthy(probe(f"file:{path}?max-age=30s", before=refused),
                  f"file:{path}?max-age=30s: file: 31s old, want at most 30s")
        unhealthy(probe("file:/no/such", before=refused), "file:/no/such: file: No such file or directory")


@test("file: a time in the year 2400 is in the future")
def _():
    path = beat()
    os.utime(path, (0, 430 * 366 * 86400))
    if os.stat(path).st_mtime < 400 * 366 * 86400:
        skip("the file system has no such time")
    code, out, _ = probe(f"file:{path}?max-age=30s")
    assert code == 1 and "in the future" in out, out
