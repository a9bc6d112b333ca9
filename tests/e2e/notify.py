# SPDX-License-Identifier: MIT
"""--notify: what a service manager is told (sd_notify(3))."""
import contextlib
import os
import socket

from harness import TERM, both, equal, run, scratch, start, test, witness
from heal import FAST, mark, watcher


@contextlib.contextmanager
def manager(name=None):
    """A service manager's socket, and the environment that names it."""
    path = name or scratch("notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + path[1:] if path[0] == "@" else path)
        listener.settimeout(5)
        yield listener, {"NOTIFY_SOCKET": path}


def told(listener):
    return listener.recv(4096).decode("ascii").splitlines()


@both("the start and each phase of the stop are told")
def _(pid1):
    with manager() as (listener, env):
        with start("--notify", "--pre-stop", "60", "--", *witness("catch", "--exit", "15:0"), env=env,
                   pid1=pid1) as init:
            init.ready()
            equal(told(listener), ["READY=1", "STATUS=running"])
            init.kill(TERM)
            equal(told(listener), ["STOPPING=1", "STATUS=draining"])
            init.kill(TERM)
            equal(told(listener), ["STOPPING=1", "STATUS=stopping"])
            equal(init.wait(), 0)


@test("an abstract socket will do, and USHER_NOTIFY asks for it as well")
def _():
    with manager(f"@usher-test-{os.getpid()}") as (listener, env):
        equal(run("--", "true", env={**env, "USHER_NOTIFY": "1"}), (0, "", ""))
        equal(told(listener)[0], "READY=1")


@test("with --heal it is ready when the checks pass for the first time, once")
def _():
    with manager() as (listener, env):
        path = mark(False)
        with start("--notify", "--heal", f"file:{path}", *FAST, "--heal-retries", "1000", "--",
                   *witness("catch", "--exit", "15:0"), env=env, pid1=True) as init:
            init.ready()
            equal(told(listener), ["STATUS=running"])
            mark()
            equal(told(listener), ["READY=1", "STATUS=healthy"])
            mark(False)
            equal(told(listener), ["STATUS=failing"])
            mark()
            equal(told(listener), ["STATUS=healthy"])
            init.kill(TERM)
            equal(told(listener)[0], "STOPPING=1")
            equal(init.wait(), 0)


@test("a watcher that takes another's place tells of the readiness that was never told")
def _():
    with manager() as (listener, env):
        path = mark(False)
        with start("--notify", "--heal", f"file:{path}", *FAST, "--heal-retries", "1000", "--heal-start-period", "0",
                   "--", *witness("catch", "--exit", "15:0"), env=env, pid1=True) as init:
            init.ready()
            equal(told(listener), ["STATUS=running"])
            equal(told(listener), ["STATUS=failing"])
            os.kill(watcher(init), 9)
            equal(told(listener), ["STATUS=failing"])
            mark()
            equal(told(listener), ["READY=1", "STATUS=healthy"])


@test("the program gets the variable only without --notify")
def _():
    with manager() as (_, env):
        script = ("--", "sh", "-c", "echo ${NOTIFY_SOCKET-unset}")
        equal(run("--notify", *script, env=env)[1], "unset\n")
        equal(run(*script, env=env)[1], env["NOTIFY_SOCKET"] + "\n")


@both("a manager that is gone, or does not read, is told of in the log and disturbs nothing")
def _(pid1):
    for path in (scratch("nobody"), "relative", "/" + "x" * 200):
        status, out, err = run("--notify", "--", "echo", "ran", env={"NOTIFY_SOCKET": path}, pid1=pid1)
        equal((status, out), (0, "ran\n"))
        assert "usher: warning: cannot tell NOTIFY_SOCKET: " in err, err
    with manager() as (listener, env):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filler:
            filler.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    filler.sendto(b"x", env["NOTIFY_SOCKET"])
            status, out, err = run("--notify", "--", "echo", "ran", env=env, pid1=pid1)
            equal((status, out), (0, "ran\n"))
            assert "temporarily unavailable" in err, err
        assert listener


@test("without NOTIFY_SOCKET there is nobody to tell")
def _():
    equal(run("--notify", "--", "true"), (0, "", ""))
