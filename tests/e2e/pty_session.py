# SPDX-License-Identifier: MIT
"""Sessions on a pseudo-terminal for the end-to-end tests of the terminal.

A Session is a new session whose controlling terminal is a pty; the test has the master: it types,
reads the screen, presses ^C and ^Z, changes the window size, hangs up. shell() is a session whose
leader is an interactive bash; onlooker() is the command of a program that tells in a Report, a file
apart from the terminal, which signals it got and what it saw. place() starts an init with a program
in each of the ways in which it can meet a terminal.
"""
import contextlib
import fcntl
import os
import re
import select
import shlex
import signal
import struct
import subprocess
import termios
import threading
import time

import harness
from harness import (DEADLINE, comm, descendants, proc_state, scratch, shell_code, tool,
                     wait_for)

PROMPT = "shell> "
KEYS = {"^C": b"\x03", "^Z": b"\x1a", "^\\": b"\x1c", "^D": b"\x04", "ESC": b"\x1b", "ENTER": b"\r"}
HUP, INT, QUIT, USR1, USR2, TERM, CONT, WINCH = 1, 2, 3, 10, 12, 15, 18, 28
TSTP, TTIN, TTOU, STOP, KILL = 20, 21, 22, 19, 9
NAMES = {INT: "^C", QUIT: "^\\"}


class Session:
    """`command` leads a session of its own on a new pty. Ends it with everything in it."""

    def __init__(self, *command, env=None, rows=24, columns=80, leader=True, **streams):
        self.master, slave = os.openpty()
        fcntl.fcntl(self.master, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        self.resize(rows, columns)
        self.data = b""
        self.cursor = 0
        self.changed = threading.Condition()
        environment = {**harness.base_environment(), "PS1": PROMPT, "TERM": "xterm", "HISTFILE": "",
                       "LC_ALL": "C.UTF-8", "HOME": scratch(), **(env or {})}
        self.command = list(map(str, command))
        given = {name: streams.get(name, slave) for name in ("stdin", "stdout", "stderr")}

        def take_terminal():
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
        self.popen = subprocess.Popen(
            self.command, env=environment, **given, start_new_session=True,
            preexec_fn=take_terminal if leader else None)
        os.close(slave)
        self.leader = self.popen.pid
        self.pid = self.leader          # of the init, once it is known
        self.seen = set()               # processes that may outlive the leader
        self.stop_reading, self.stop = os.pipe()
        self.reader = threading.Thread(target=self._pump, daemon=True)
        self.reader.start()
        harness.RUNS.append(self)       # its story is told when the test fails

    def _pump(self):
        while True:
            # Never inside read(2) when nothing is there: that would hold the master open.
            ready = select.select([self.master, self.stop_reading], [], [])[0]
            if self.stop_reading in ready:
                return
            try:
                part = os.read(self.master, 65536)
            except OSError:   # EIO: nobody has the terminal open any more
                return
            with self.changed:
                self.data += part
                self.changed.notify_all()

    # --- the screen and the keyboard ---

    @property
    def text(self):
        with self.changed:
            return self.data.decode("utf-8", "replace")

    def type(self, text):
        os.write(self.master, text.encode())

    def line(self, text):
        self.type(text + "\n")

    def key(self, name):
        os.write(self.master, KEYS[name])

    def expect(self, pattern, deadline=DEADLINE):
        """Waits until `pattern` is on the screen, after what was expected before."""
        end = time.monotonic() + deadline
        compiled = re.compile(pattern.encode())
        with self.changed:
            while True:
                match = compiled.search(self.data, self.cursor)
                if match:
                    self.cursor = match.end()
                    return match
                left = end - time.monotonic()
                assert left > 0, f"not on the screen within {deadline} s: {pattern!r}"
                self.changed.wait(left)

    def prompt(self, deadline=DEADLINE):
        """Waits for the shell's next prompt; returns what came before it."""
        start = self.cursor
        match = self.expect(re.escape(PROMPT), deadline)
        with self.changed:
            return self.data[start:match.start()].decode("utf-8", "replace").replace("\r", "")

    def do(self, command, deadline=DEADLINE):
        """Types a command to the shell, waits for its end and returns what it wrote."""
        self.line(command)
        return self.prompt(deadline).partition("\n")[2]

    # --- the terminal ---

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def foreground(self):
        """The terminal's foreground group; 0 when it is of no process that is seen from here."""
        return os.tcgetpgrp(self.master)

    def modes(self):
        return termios.tcgetattr(self.master)

    def hang_up(self):
        """The terminal goes away, as when a window is closed or a connection lost."""
        os.write(self.stop, b".")
        self.reader.join(DEADLINE)
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, self.master, inheritable=False)   # closes the master, keeps its number taken
        os.close(null)

    # --- its processes ---

    def running(self):
        return self.popen.poll() is None

    def wait(self, deadline=DEADLINE):
        return shell_code(self.popen, deadline)

    def find(self, name):
        """The oldest living process of this test whose comm matches `name` wholly."""
        def look():
            return sorted(p for p in harness.processes()
                          if p not in harness.KNOWN and harness.alive(p) and
                          re.fullmatch(name, comm(p) or ""))
        pid = wait_for(look, f"a process called {name}")[0]
        self.seen.add(pid)
        return pid

    def members(self):
        return [p for p in [self.leader, *descendants(self.leader)] if harness.alive(p)]

    def end(self):
        victims = {self.leader, *descendants(self.leader), *self.seen}
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.popen.wait(DEADLINE)
        wait_for(lambda: not any(map(harness.alive, victims)), "what was killed is gone")

    def story(self):
        lines = [f"command: {shlex.join(self.command)}", f"status: {self.popen.poll()}"]
        lines += [f"screen: {line!r}" for line in self.text.splitlines()[-40:]]
        return "\n".join([*lines, *getattr(self, "told", [])])

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        table = [f"process: {p} {comm(p)} {proc_state(p)} group {group_of(p)}"
                 for p in [self.leader, *descendants(self.leader)]]
        self.told = [*table, f"foreground: {self.foreground_or_error()}",
                     *(f"report: {line}" for r in REPORTS for line in r.lines()[-40:])]
        self.end()

    def foreground_or_error(self):
        try:
            return self.foreground()
        except OSError as error:
            return error


def group_of(pid):
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


BASH = ("bash", "--norc", "--noprofile", "--noediting", "-i")


def shell(command=BASH, **options):
    """A session led by an interactive shell, at its first prompt."""
    session = Session(*command, **options)
    session.prompt()
    return session


# --- the program that tells what it sees ----------------------------------------------------

REPORTS = []


class Report:
    """What an onlooker told: lines of a file."""

    def __init__(self, name="report"):
        self.path = scratch(name)
        self.cursor = 0
        REPORTS.append(self)

    def lines(self):
        try:
            with open(self.path, encoding="utf-8") as file:
                return file.read().splitlines()
        except FileNotFoundError:
            return []

    def expect(self, pattern, deadline=DEADLINE):
        """Waits for the next line that matches wholly, after what was expected before."""
        found = []

        def look():
            for index, line in enumerate(self.lines()[self.cursor:], self.cursor):
                match = re.fullmatch(pattern, line)
                if match:
                    self.cursor = index + 1
                    found.append(match)
                    return True
            return False
        wait_for(look, f"the program tells {pattern!r}; it told {self.lines()[-40:]}", deadline)
        return found[0]

    def count(self, pattern):
        return sum(bool(re.fullmatch(pattern, line)) for line in self.lines())

    def got(self, sig):
        return self.count(rf"got {sig} .")


def onlooker(report, *steps):
    return [tool("onlooker"), report.path, *steps]


# --- where an init can meet a terminal ------------------------------------------------------

SHELL = "under an interactive shell"
LEADER = "as the leader of the session"
PID1 = "as PID 1 with the terminal"
PID1_OUTER = "as PID 1 in an outer shell's session"
PLACES = (SHELL, LEADER, PID1, PID1_OUTER)


@contextlib.contextmanager
def place(where, *words, report=None, init=None, env=None, **streams):
    """A session in which `init WORDS` runs at `where` in the foreground.

    `words` are the init's arguments with the program. With `report`, returns once the onlooker has
    started; session.pid is the init's pid and session.program the program's.
    """
    init = [init] if isinstance(init, str) else init if init is not None else [harness.CONFIG.usher]
    command = [*init, *map(str, words)]
    if where in (SHELL, PID1_OUTER):
        session = shell(env=env)
    elif where == LEADER:
        session = Session(*command, env=env, **streams)
    else:   # setsid(1) takes the terminal, then becomes the init
        session = Session(tool("pidns"), "--", "setsid", "-c", *command, env=env, leader=False,
                          **streams)
    with session:
        if where == SHELL:
            session.line(shlex.join(command))
        elif where == PID1_OUTER:
            session.line(shlex.join([tool("pidns"), "--", *command]))
        if report is not None:
            report.expect("started")
            session.program = session.find("onlooker")
            session.pid = harness.parent_of(session.program)
            if init != []:
                session.seen.add(session.pid)
        yield session


def state(pid):
    return (comm(pid) or "").removeprefix("usher:")


def is_stopped(pid):
    return proc_state(pid) == "T"


def marked(session, report):
    """All that the init had to forward so far has come: it keeps the order of what it forwards."""
    before = report.got(USR2)
    os.kill(session.pid, USR2)
    wait_for(lambda: report.got(USR2) > before, "the mark reaches the program")


def end_program(session):
    os.kill(session.program, KILL)
