# SPDX-License-Identifier: MIT
"""--parent-death: a signal for when usher's parent dies."""
import contextlib
import os
import re
import subprocess
import time

from harness import (CONFIG, DEADLINE, both, equal, holds_for, peer, scratch, start, test, tool,
                     wait_for, witness)
from signals import expect, got


@contextlib.contextmanager
def child_of_a_parent(*words, program=("catch",), wrap=()):
    """usher as a child of a process that can be killed: (parent, usher's pid)."""
    command = ["parent", *wrap, CONFIG.usher, *words, "--", *witness(*program)]
    with start(*command, binary=tool("witness")) as parent:
        parent.leaves = True
        # Not expect(): the program may be ready before its parent's parent has told of the child.
        yield parent, int(wait_for(lambda: parent.out.find(r"^child (\d+)$"), "the child")[0])


def end_of(pid, deadline=DEADLINE):
    """The exit status of a process that came to us when its parent died."""
    end = time.monotonic() + deadline
    while True:
        with contextlib.suppress(ChildProcessError):
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                return os.waitstatus_to_exitcode(status)
        assert time.monotonic() < end, "the init has not ended"
        time.sleep(0.002)


def comm_of(pid):
    with open(f"/proc/{pid}/comm", encoding="ascii") as file:
        return file.read()[:-1]


@test("a stop signal as --parent-death shuts down when the parent dies")
def _():
    for words in (["-p", "TERM"], ["--parent-death=SIGTERM"], ["-p15"]):
        with child_of_a_parent(*words, program=("catch", "--exit", "15:6")) as (parent, usher):
            parent.ready()
            wait_for(lambda p=usher: comm_of(p) == "usher:running", "usher is running")
            parent.kill(9)
            expect(parent, 15)
            equal(end_of(usher), 6, f"status with {words}")
            equal(got(parent), [15])


@test("any other signal as --parent-death is forwarded when the parent dies")
def _():
    with child_of_a_parent("-p", "USR1", program=("catch", "--exit", "10:6")) as (parent, usher):
        parent.ready()
        wait_for(lambda: comm_of(usher) == "usher:running", "usher is running")
        parent.kill(9)
        expect(parent, 10)
        equal(end_of(usher), 6)
        equal(got(parent), [10])


@test("a drain and a grace follow the parent's death, too")
def _():
    with child_of_a_parent("-p", "TERM", "-d", "0.1", "-t", "0.2") as (parent, usher):
        parent.ready()
        wait_for(lambda: comm_of(usher) == "usher:running", "usher is running")
        parent.kill(9)
        equal(end_of(usher), 137)


@test("without --parent-death usher lives on when its parent dies")
def _():
    with child_of_a_parent() as (parent, usher):
        parent.ready()
        wait_for(lambda: comm_of(usher) == "usher:running", "usher is running")
        parent.kill(9)
        parent.wait()
        holds_for(lambda: comm_of(usher) == "usher:running", 0.3, "usher goes on")
        os.kill(usher, 50)
        expect(parent, 50)
        equal(got(parent), [50])


def dies_before_it_is_told(binary, *words, deadline=DEADLINE):
    """The parent dies just before the init asks for its death signal: the init's exit status.

    strace holds the init for 0.3 s before each prctl, and its parent is killed meanwhile. None: the
    init has not ended.
    """
    strace = peer("strace")
    trace = scratch("trace")
    command = ["parent", strace, "-D", "-o", trace, "-e", "trace=prctl,getppid", "-e",
               "inject=prctl:delay_enter=300000", binary, *words, "--",
               *witness("catch", "--exit", "15:6")]
    with start(*command, binary=tool("witness")) as parent:
        parent.leaves = True
        init = int(parent.out.expect(r"^child (\d+)$").group(1))

        wait_for(lambda: asking(trace), "the init is about to ask")
        parent.kill(9)
        try:
            return end_of(init, deadline)
        except AssertionError:
            return None


def asking(trace):
    """True when a trace tells the last call before the request, or the request itself."""
    if not os.path.exists(trace):
        return False
    with open(trace, encoding="ascii") as file:
        return re.search(r"getppid\(|PR_SET_PDEATHSIG", file.read())


@test("a parent that died before usher could ask for the signal counts as dead")
def _():
    # Fails on a usher that does not look at getppid again after prctl: it would run for ever.
    status = dies_before_it_is_told(CONFIG.usher, "-p", "TERM")
    assert status in (6, 143), f"status {status}"


@test("the scenario shows the bug on tini: a parent that died early is never noticed",
      group="peers")
def _():
    status = dies_before_it_is_told(peer("tini"), "-p", "SIGTERM", deadline=2)
    equal(status, None)


@both("a parent outside the PID namespace cannot be told from a dead one: usher goes on")
def _(pid1):
    with start("-p", "TERM", "--", *witness("catch", "--exit", "50:3"), pid1=pid1) as init:
        init.ready().wait_state("running")
        init.kill(50)
        equal(init.wait(), 3)
        equal(got(init), [50])


def prctl_has_five_arguments():
    """Those without meaning are 0, as the kernel may ask one day."""
    strace = peer("strace")
    subprocess.run([strace, "-o", scratch("trace"), "-e", "raw=prctl", "-e", "trace=prctl",
                    CONFIG.usher, "-p", "TERM", "--", "/bin/true"], check=True, timeout=20,
                   stdin=subprocess.DEVNULL)
    with open(scratch("trace"), encoding="ascii") as file:
        calls = [line[6:line.index(")")].split(", ") for line in file if line.startswith("prctl(")]
    assert len(calls) >= 3, calls
    for call in calls:
        equal(len(call), 5, f"arguments of {call}")
        equal([int(word, 16) for word in call[2:]], [0, 0, 0], f"the last of {call}")
