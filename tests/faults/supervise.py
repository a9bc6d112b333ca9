# SPDX-License-Identifier: MIT
"""The run form: its system calls fail, and the program's signals, exit code and orphans are right."""
import contextlib
import fcntl
import json
import os
import pty
import socket
import termios
import time

from harness import (CONT, KILL, TERM, alive, both, children, comm, equal, proc_state, scratch, test,
                     tool, witness)
from lab import (FATAL, GOES_ON, NO_POINT, PATIENCE, Hang, assert_fatal, explore,
                 lines_are_usher_s)

USR1 = 10
CTRL_Z = b"\x1a"

# What cannot be done without: then there is one clear line, and no program.
VITAL = {"clone", "rt_sigprocmask"}
VITAL_IN_CHILD = {"setpgid", "execve", "rt_sigprocmask"}
LOGGING = ("write", "pwritev2", "sendto", "vmsplice", "lseek", "mmap")
# The C library's own start ends in a crash where this fails, before usher's first instruction.
BEFORE_MAIN = {"arch_prctl"}


def refuses(point, call, *, later=None):
    """Is this what the point takes away (with `later`: for good)?"""
    return point.call == call and (later is None or point.later == later)


def fatal(life, point, vital=frozenset(VITAL)):
    """The outcome of an usher that ended before the program ran."""
    status = life.finish()
    if point.call in BEFORE_MAIN:
        equal(status, 139, "status")
        return "crashes in the C library's start"
    assert point.call in vital, f"ended with status {status} before the program ran"
    assert_fatal(life, status)
    return FATAL


def named(pid, name):
    """The descendant of that name; waits for nobody."""
    layer = children(pid)
    while layer:
        for child in layer:
            if comm(child) == name:
                return child
        layer = [below for child in layer for below in children(child)]
    return None


def tell(life, number, name, answered):
    """Sends a signal to usher until the program has got it; again where usher said it could not."""
    for _ in range(4):
        refusals = life.err.count(f"cannot send {name}")
        life.kill(number)
        life.until(lambda before=refusals: answered() or life.over() or
                   life.err.count(f"cannot send {name}") > before, f"{name} reaches the program")
        if answered() or life.over():
            return True
    return False


def end_of_life(life, point, want):
    """usher's exit code, and that it left nobody and nothing behind."""
    program_s = life.finish()
    if point.call not in LOGGING:
        lines_are_usher_s(life.err)
    equal(program_s, want, f"status, stderr {life.err!r}")
    return GOES_ON


def supervised(name, args, pid1, *, program=(), at_ready=None, **options):
    """A life with every signal and an orphan of each kind: see play().

    at_ready(life, point) asserts more. options are Attempt's; a function among them is called for
    each life.
    """
    words = witness("catch", "--member", "orphan,setsid,name=living",
                    "--member", "orphan,name=dying", "--exit", "15:7", *program)

    def play(scene, point):
        life = begin(scene, point, [*args, "--", *words], pid1, options)
        life.until(lambda: "ready" in life.out or life.over(), "the program is ready")
        if "ready" not in life.out:
            return fatal(life, point)
        if refuses(point, "wait4", later=True):
            return deaf_to_ends(life)
        check_orphan(life, pid1)
        program = next(p for p in children(life.pid) if comm(p) == "witness")
        living = named(life.pid, "living")
        if at_ready is not None:
            at_ready(life, point)
        # A kernel that refuses to wait for signals leaves usher deaf to them, not to ends.
        deaf = refuses(point, "rt_sigtimedwait", later=True)
        if deaf:
            life.live_on()
        if deaf or not tell(life, USR1, "SIGUSR1", lambda: "got 10 " in life.out):
            assert deaf or refuses(point, "kill", later=True), "USR1 never came"
        if deaf or not tell(life, TERM, "SIGTERM", lambda: "got 15 " in life.out):
            assert deaf or refuses(point, "kill", later=True), "TERM never came"
            os.kill(program, TERM)
        outcome = end_of_life(life, point, 7)
        if living is not None and not pid1:
            check_living(life, point, living)
        return outcome
    explore(name, play)


def begin(scene, point, args, pid1, options):
    made = {key: value() if callable(value) else value for key, value in options.items()
            if key != "setup"}
    if "setup" in options:
        made["setup"] = options["setup"]
    inject = [*(["--pid1"] if pid1 else []), *made.pop("inject", ())]
    watched = made.pop("watched", ())
    life = scene.attempt(point, args, inject=inject, **made)
    for fd, stream in watched:
        life.watch(os.dup(fd), stream)
    for key in ("stdin", "stdout", "stderr"):
        if made.get(key, -1) >= 0:
            os.close(made[key])
    return life


def deaf_to_ends(life):
    """Nobody can be an init without wait4. It goes on forwarding, without spinning."""
    tell(life, USR1, "SIGUSR1", lambda: "got 10 " in life.out)
    life.live_on()
    life.kill(KILL)
    life.finish()
    return "goes on, deaf to ends"


def check_orphan(life, pid1):
    """An orphan that ends is reaped."""
    dying = named(life.pid, "dying")
    if dying is None:
        assert not pid1 and "no child subreaper" in life.err, "an orphan is not usher's"
        return
    os.kill(dying, KILL)
    life.until(lambda: proc_state(dying) is None, "the zombie is reaped")


def check_living(life, point, living):
    """The orphan was told to end; or, where /proc or kill would not let usher, the loss was told."""
    if not alive(living):
        return
    excused = ("kill", "readlinkat", "openat", "getdents64", "read", "prctl.SET_CHILD_SUBREAPER",
               "wait4")
    assert point.call in excused, f"left an orphan behind, stderr {life.err!r}"


@both("a life at its defaults", timeout=600)
def _(pid1):
    supervised(f"life, pid1={pid1}", ["--linger", "200ms", "-p", "TERM"], pid1)


@both("a life told in full, as JSON into a file", timeout=600)
def _(pid1):
    supervised(f"life into a file, pid1={pid1}",
               ["-vv", "--log-format", "json", "--linger", "200ms", "-f", "main"], pid1,
               log=scratch("log"))


@both("a life told in full, into a pipe", timeout=600)
def _(pid1):
    supervised(f"life into a pipe, pid1={pid1}", ["-vv", "--linger", "200ms", "-f", "all" if pid1 else "main"], pid1)


# --- killing ------------------------------------------------------------------------------------

@both("a program that does not stop is killed, not before its time", timeout=600)
def _(pid1):
    words = witness("catch", "--member", "orphan,setsid,ignore,name=living",
                    "--member", "pgrp,ignore")

    def play(scene, point):
        life = begin(scene, point, ["--pre-stop", "5ms", "--grace", "20ms", "--", *words], pid1, {})
        life.until(lambda: "ready" in life.out or life.over(), "the program is ready")
        if "ready" not in life.out:
            return fatal(life, point)
        living = named(life.pid, "living")
        program = next(p for p in children(life.pid) if comm(p) == "witness")
        began = time.monotonic()
        life.kill(TERM)
        if refuses(point, "rt_sigtimedwait", later=True):
            os.kill(program, KILL)
        status = life.finish()
        took = time.monotonic() - began
        equal(status, 137, f"status, stderr {life.err!r}")
        assert took >= 0.025 or refuses(point, "rt_sigtimedwait", later=True), \
            f"killed after {took * 1000:.0f} ms, want 25"
        told = "killing what did not stop:" in life.err
        assert told or point.call in LOGGING, f"nothing told: {life.err!r}"
        lines_are_usher_s(life.err)
        if not pid1 and living is not None:
            check_living(life, point, living)
        return GOES_ON
    # With these clocks and a pointer of its own the call has no error; without it there is no time.
    explore(f"killing, pid1={pid1}", play, skipped=("clock_gettime",))


# --- descriptors and terminals ------------------------------------------------------------------

def terminal():
    """A pty that changes and echoes nothing: (master, slave)."""
    master, slave = pty.openpty()
    modes = termios.tcgetattr(slave)
    modes[1] &= ~termios.OPOST
    modes[3] &= ~termios.ECHO
    termios.tcsetattr(slave, termios.TCSANOW, modes)
    return master, slave


class OnTerminal:
    """Lives on a terminal of their own each; the one of the last is `master`."""

    def __init__(self, *streams):
        self.streams = streams
        self.master = -1
        self.slave = -1

    def open(self):
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)
        self.master, self.slave = terminal()
        return self.slave

    def options(self):
        def setup():
            os.setsid()
            fcntl.ioctl(self.slave, termios.TIOCSCTTY, 1)
        # stdin comes first: it opens the terminal.
        options = {"stdin": lambda: os.dup(self.open()), "setup": setup}
        if "stderr" in self.streams:
            options["stderr"] = lambda: os.dup(self.slave)
            options["watched"] = lambda: [(self.master, "err")]
        return options

    def foreground(self):
        return os.tcgetpgrp(self.master)


class OnSocket:
    """Lives with a socket of their own each as stderr."""

    def __init__(self):
        self.ours, self.theirs = socket.socketpair()

    def open(self):
        self.ours.close()
        self.theirs.close()
        self.ours, self.theirs = socket.socketpair()
        return os.dup(self.theirs.fileno())

    def options(self):
        return {"stderr": self.open, "watched": lambda: [(self.ours.fileno(), "err")]}


@both("a life told in full, into a socket", timeout=600)
def _(pid1):
    supervised(f"life into a socket, pid1={pid1}", ["-vv", "--linger", "200ms"], pid1,
               **OnSocket().options())


TERMINAL_CALLS = ("ioctl.TIOCGPGRP", "ioctl.TIOCSPGRP", "openat", "fcntl", "getpgid", "read")


@both("a life on a terminal", timeout=600)
def _(pid1):
    on = OnTerminal("stderr")

    def at_ready(life, point):
        program = next(p for p in children(life.pid) if comm(p) == "witness")
        if point.call not in TERMINAL_CALLS:
            equal(on.foreground(), program, "the foreground")

    supervised(f"life on a terminal, pid1={pid1}", ["-v", "--linger", "200ms"], pid1,
               at_ready=at_ready, **on.options())


@test("a life whose terminal is no descriptor, with descriptors to close", timeout=600)
def _():
    master, slave = terminal()
    inherited = [os.open("/dev/null", os.O_RDONLY) for _ in range(4)]
    os.set_blocking(master, False)

    def setup():
        os.setsid()
        fcntl.ioctl(slave, termios.TIOCSCTTY, 1)

    def fds(life):
        found = set()
        for fd in os.listdir(f"/proc/{life.pid}/fd"):
            with contextlib.suppress(FileNotFoundError):   # just closed
                found |= {os.readlink(f"/proc/{life.pid}/fd/{fd}")} if int(fd) > 2 else set()
        return found

    def at_ready(life, point):
        if point.call != "close":
            life.until(lambda: not fds(life) - {"/dev/tty"}, "what was inherited is closed")
    supervised("life with /dev/tty", ["--linger", "200ms"], False, at_ready=at_ready, setup=setup,
               pass_fds=tuple(inherited))


@test("a job that is stopped and continued", timeout=600)
def _():
    on = OnTerminal()
    report = scratch("report")

    def told():
        with open(report, encoding="ascii") as file:
            return file.read()

    def play(scene, point):
        with open(report, "w", encoding="ascii"):
            pass
        words = [tool("onlooker"), report, "say:ready", "until:10", "exit:7"]
        life = begin(scene, point, ["--linger", "0", "--", *words], False,
                     {**on.options(), "inject": ["--job"]})
        life.until(lambda: "ready" in told() or life.over(), "the program is ready")
        if "ready" not in told():
            return fatal(life, point)
        if refuses(point, "wait4", later=True):
            life.kill(KILL)
            life.finish()
            return "goes on, deaf to ends"
        program = next(p for p in children(life.pid) if comm(p) == "onlooker")
        deaf = refuses(point, "rt_sigtimedwait", later=True)
        if on.foreground() == program:
            life.until(lambda: comm(life.pid) == "usher:running" or
                       refuses(point, "prctl.SET_NAME"), "usher supervises")
            os.write(on.master, CTRL_Z)
            if point.call != "kill":   # who may not stop itself continues it, sooner than this sees
                life.until(lambda: proc_state(program) == "T" or life.over(), "^Z stops the program")
            # Where usher could not see why, it stays; where it cannot stop, it continues the program.
            with contextlib.suppress(*([Hang] if point is not NO_POINT else [])):
                life.until(lambda: "stopped" in life.report, "usher stops",
                           PATIENCE if point is NO_POINT else 0.3)

            def continued():
                life.kill(CONT)
                return proc_state(program) != "T"
            if deaf or refuses(point, "kill", later=True):
                os.kill(program, CONT)
            life.until(continued, "the program is continued")
        else:
            assert point.call in TERMINAL_CALLS, "the program does not have the foreground"
        if deaf or not tell(life, USR1, "SIGUSR1", lambda: "got 10" in told()):
            os.kill(program, USR1)
        return end_of_life(life, point, 7)
    explore("job", play)


# --- the child before its exec --------------------------------------------------------------------

def in_child(name, args, *, want=0, same=True, env=None, vital=()):
    """The calls of usher's child before it has become the program, which tells what it got."""
    first = {}

    def play(scene, point):
        life = scene.attempt(point, args, inject=["--child"], env=env)
        status = life.finish()
        if not life.out:
            assert point.call in {*VITAL_IN_CHILD, *vital}, f"no program, stderr {life.err!r}"
            assert_fatal(life, status)
            return FATAL
        equal(status, want, "status")
        equal(life.err, "", "stderr")
        if same:
            got = {key: value for key, value in json.loads(life.out).items()
                   if key in ("blocked", "ignored", "caught", "cwd", "argv", "env", "uid")}
            first.setdefault("report", got)
            equal(got, first["report"], "what the program got")
        return GOES_ON
    explore(name, play)


@test("the child's calls on its way to a program in PATH", timeout=600)
def _():
    in_child("child, PATH", ["--", "witness", "report"],
             env={"PATH": f"/nonexistent:{os.path.dirname(tool('witness'))}"})


@test("the child's calls on its way to a script without a first line", timeout=600)
def _():
    script = scratch("script")
    with open(script, "w", encoding="ascii") as file:
        file.write("echo ran\nexit 7\n")
    os.chmod(script, 0o755)
    in_child("child, script", ["--", script], want=7, same=False,
             vital=("openat", "read"))
