# SPDX-License-Identifier: MIT
"""What a hostile review broke: probe and wait under full pipes, poor limits and peers that flood."""
import contextlib
import fcntl
import json
import os
import pty
import shlex
import signal
import subprocess

from harness import (CONFIG, TERM, alive, equal, processes, run, scratch, start, test,
                     wait_for)
from probe_lab import Peer, http, network, probe, replies, timed, unhealthy

GENEROUS = 3.0  # seconds that a probe with a timeout of 0.5 s may take on a busy machine


def shell(script, **options):
    """Runs a shell script in which $usher is the binary, not longer than a while."""
    return subprocess.run(["bash", "-c", script], env={**os.environ, "usher": CONFIG.usher},
                          capture_output=True, text=True, timeout=10, check=False, **options)


def full_pipe():
    """The write end of a pipe with no room at all, and its read end, which nobody reads."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    for size in (4096, 1):
        try:
            while True:
                os.write(writer, b"x" * size)
        except BlockingIOError:
            pass
    fcntl.fcntl(writer, fcntl.F_SETFL, 0)
    return reader, writer


@test("more names to look up than poll may watch: the deadline still holds")
def _():
    network()
    names = " ".join(f"http://name{i}.invalid" for i in range(4))
    result = shell(f"ulimit -n 10; exec timeout -s KILL 5 $usher probe -t 500ms --allow-remote {names}")
    equal(result.returncode, 1, "status")


@test("a pid file that is a FIFO without a writer does not hold the probe")
def _():
    path = scratch("fifo")
    os.mkfifo(path)
    unhealthy(probe("-t", "500ms", f"pid:{path}"), f"pid:{path}: pid file: not a pid")


@test("a probe whose stdout is a full pipe ends in time, with its exit code")
def _():
    reader, writer = full_pipe()
    with start("probe", "-t", "500ms", "pid:999999", stdout=writer) as probing:
        equal(probing.wait(GENEROUS), 1, "status")
    os.close(reader)
    os.close(writer)


@test("wait with a full stderr ends in time, as PID 1 too")
def _():
    for pid1 in (False, True):
        reader, writer = full_pipe()
        with start("wait", "-t", "500ms", "pid:999999", pid1=pid1, stderr=writer) as waiting:
            equal(waiting.wait(GENEROUS), 124, "status")
        os.close(reader)
        os.close(writer)


@test("a gRPC peer that sends unknown frames without a pause does not outrun the deadline")
def _():
    network()

    def flood(connection, _server):
        connection.sendall(b"\0\0\0\4\0\0\0\0\0")
        frame = b"\0\x40\0\xee\0\0\0\0\0" + b"x" * 16384
        try:
            while True:
                connection.sendall(frame)
        except OSError:
            pass
    peer = Peer(flood)
    seconds, result = timed(probe, "-t", "500ms", "grpc://127.0.0.1:8080")
    peer.close()
    equal(result[0], 1, "status")
    assert seconds < GENEROUS, seconds


@test("a TERM that comes before wait as PID 1 has looked is not lost to the exec")
def _():
    beat = scratch("beat")
    with open(beat, "w", encoding="ascii"):
        pass
    # The check takes a while, because the kernel does: TERM comes meanwhile.
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "inject=statx:delay_enter=1000000",
               "unshare", "--pid", "--fork", "--kill-child", "--mount-proc",
               CONFIG.usher, "wait", f"file:{beat}", "--", "sleep", "1000"]
    with subprocess.Popen(command, start_new_session=True) as traced:
        try:
            def waiting():
                for pid in processes():
                    try:
                        with open(f"/proc/{pid}/cmdline", "rb") as file:
                            words = file.read().split(b"\0")
                        with open(f"/proc/{pid}/status", encoding="ascii") as file:
                            masked = next(line for line in file if line.startswith("SigBlk"))
                    except (OSError, StopIteration):
                        continue
                    if words[:2] == [CONFIG.usher.encode(), b"wait"] and int(masked.split()[1], 16):
                        return pid
                return None
            os.kill(wait_for(waiting, "wait runs with TERM blocked"), TERM)
            equal(traced.wait(10), 143, "status")
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(traced.pid, signal.SIGKILL)


def on_anothers_terminal(*words):
    """Runs usher as nobody on a terminal that is root's: (status, what the terminal shows)."""
    pid, master = pty.fork()
    if pid == 0:
        os.setuid(65534)
        os.execve(CONFIG.usher, ["usher", *words], {})
    shown = b""
    try:
        while data := os.read(master, 4096):
            shown += data
    except OSError:
        pass  # the end of a pty
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode().replace("\r", "")


@test("after su, on a terminal that belongs to another user, errors are seen")
def _():
    equal(on_anothers_terminal("/no/such"), (127, "usher: exec /no/such: No such file or directory\n"))
    equal(on_anothers_terminal("probe", "pid:999999"), (1, "unhealthy pid:999999: no process 999999\n"))


@test("what a program check leaves in its group is killed when the program failed")
def _():
    path = scratch("pid")
    equal(probe("--", "sh", "-c", f"sleep 1000 & echo $! > {shlex.quote(path)}; exit 1")[0], 1)
    with open(path, encoding="ascii") as file:
        left = int(file.read())
    wait_for(lambda: not alive(left), "it is killed")


@test("a small stack is enough for sixteen checks")
def _():
    checks = " ".join(["pid:1"] * 16)
    result = shell(f"ulimit -s 256; exec $usher probe {checks}")
    equal((result.returncode, result.stdout), (0, "healthy pid:1 process 1\n" * 16))


@test("with stdout and stderr closed nothing but the request reaches the server")
def _():
    network()
    peer = Peer(replies(http()))
    result = shell("exec $usher probe -v http://127.0.0.1:8080/ >&- 2>&-")
    equal(result.returncode, 0, "status")
    assert peer.request().startswith(b"GET / HTTP/1.1\r\n"), peer.requests
    peer.close()


@test("a check longer than the line still says what is wrong")
def _():
    status, out, _ = probe("file:/" + "x" * 300)
    equal(status, 1)
    assert out.endswith(": file: File name too long\n"), out
    assert len(out) <= 256, len(out)


@test("a JSON log line stays JSON however long the program's name is")
def _():
    _, _, err = run("--log-format", "json", "/" + "d/" * 1500)
    for line in err.splitlines():
        json.loads(line)
    assert err, "there is a line"
