# SPDX-License-Identifier: MIT
"""Runs each test in a PID and mount namespace of its own, several at a time.

runner -> keeper (makes the namespaces) -> PID 1 of the sandbox -> the test. Each dies with the one
before it, so a test that fails, hangs or is interrupted leaves no process and no mount behind.
"""
import ctypes
import json
import os
import selectors
import signal
import time

import harness

CLONE_NEWNS, CLONE_NEWPID = 0x00020000, 0x20000000
MS_NOSUID_NODEV_NOEXEC, MS_REC_PRIVATE = 2 | 4 | 8, 0x4000 | 0x40000
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)


def call(name, *args):
    if getattr(LIBC, name)(*args) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def die_with_parent():
    call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def can_sandbox():
    """None, or why no sandbox can be made here."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            call("unshare", CLONE_NEWPID | CLONE_NEWNS)
            status = 0
        finally:
            os._exit(status)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0:
        return None
    return "a PID namespace cannot be made here: run this as root, in a privileged container"


def tell(fd, result):
    data = json.dumps(result).encode()
    while data:
        data = data[os.write(fd, data):]


def live_in_sandbox(test, result_fd):
    """PID 1 of the sandbox: one child is the test, the others are orphans to reap."""
    die_with_parent()
    call("mount", None, b"/", None, MS_REC_PRIVATE, None)
    call("mount", b"proc", b"/proc", b"proc", MS_NOSUID_NODEV_NOEXEC, None)
    test_pid = os.fork()
    if test_pid == 0:
        os.setsid()
        tell(result_fd, harness.perform(test))
        os._exit(0)
    while True:
        pid, status = os.wait()
        if pid == test_pid:
            break
    if status != 0:
        tell(result_fd, ("failed", f"the test itself ended with wait status {status}"))
    os._exit(0)


def keep(test, result_fd):
    die_with_parent()
    call("unshare", CLONE_NEWPID | CLONE_NEWNS)
    pid = os.fork()
    if pid == 0:
        try:
            live_in_sandbox(test, result_fd)
        finally:
            os._exit(1)
    os.waitpid(pid, 0)
    os._exit(0)


class Job:
    """A test that is running, in a process that keep(test, result_fd) is called in."""

    def __init__(self, test, keep):
        self.test = test
        self.data = b""
        self.started = time.monotonic()
        self.fd, write_end = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                keep(test, write_end)
            finally:
                os._exit(1)
        os.close(write_end)

    def late(self):
        return time.monotonic() - self.started > self.test.timeout

    def read(self):
        """False at the end."""
        part = os.read(self.fd, 65536)
        self.data += part
        return bool(part)

    def finish(self):
        late = self.late()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
        seconds = time.monotonic() - self.started
        try:
            kind, message = json.loads(self.data)
        except ValueError:
            kind = "failed"
            message = f"no end after {self.test.timeout:.0f} s" if late else "the sandbox failed"
        return kind, message, seconds


def perform_all(tests, jobs, keep=keep):
    """Yields (test, kind, message, seconds) as the tests end."""
    waiting = list(reversed(tests))
    running = {}
    with selectors.DefaultSelector() as selector:
        while waiting or running:
            while waiting and len(running) < jobs:
                job = Job(waiting.pop(), keep)
                running[job.fd] = job
                selector.register(job.fd, selectors.EVENT_READ)
            ready = {key.fd for key, _ in selector.select(0.2)}
            for job in list(running.values()):
                if (job.fd in ready and not job.read()) or job.late():
                    selector.unregister(job.fd)
                    del running[job.fd]
                    yield (job.test, *job.finish())
