# SPDX-License-Identifier: MIT
"""--grace: from the first forwarded stop signal until SIGKILL for everything left."""
import contextlib
import os
import re
import time

from harness import (TERM, background, both, comm, descendants, equal, holds_for, proc_state,
                     test, traced, wait_for, witness)
from signals import INT, USR1, catcher, expect, got, member_pid


@both("a program that does not stop is killed when the grace ends: 137")
def _(pid1):
    with catcher("--grace", "300ms", pid1=pid1) as init:
        sent = time.monotonic()
        init.kill(TERM)
        equal(init.wait(), 137)
        took = time.monotonic() - sent
        assert took >= 0.3, f"killed after {took:.3f} s"
        equal(got(init), [TERM])


@both("a program that stops within the grace gives its own status, and nothing is said")
def _(pid1):
    with catcher("-t", "60", program=("--exit", "15:0"), pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 0)
        equal(init.err.finish(), "")


@both("the grace does not restart with more stop signals")
def _(pid1):
    # Fails on a usher that sets its deadline anew: it would never end here.
    with catcher("-t", "0.5", pid1=pid1) as init:
        end = time.monotonic() + 10
        while init.running():
            assert time.monotonic() < end, "still running after 10 s"
            with contextlib.suppress(ProcessLookupError):
                init.kill(TERM)
                init.kill(INT)
            time.sleep(0.02)
        equal(init.wait(), 137)


@both("a flood of signals does not delay the kill")
def _(pid1):
    with catcher("-t", "0.3", "-r", "USR1:0", "-r", "64:0", pid1=pid1) as init:
        init.kill(TERM)
        end = time.monotonic() + 10
        while proc_state(init.pid) not in (None, "Z"):
            assert time.monotonic() < end, "still running after 10 s"
            with contextlib.suppress(ProcessLookupError):
                init.kill(USR1)
                init.kill(64)
        equal(init.wait(), 137)


@both("a very long grace or drain is not an overflow")
def _(pid1):
    for words, state in ((["-t", "100000d"], "stopping"), (["-d", "100000d"], "draining")):
        with catcher(*words, pid1=pid1) as init:
            init.kill(TERM)
            init.wait_state(state)
            holds_for(lambda i=init, s=state: i.state() == s, 0.3, state)


@both("the grace counts from the forwarded signal, after the drain")
def _(pid1):
    with catcher("-d", "0.3", "-t", "0.3", pid1=pid1) as init:
        sent = time.monotonic()
        init.kill(TERM)
        equal(init.wait(), 137)
        took = time.monotonic() - sent
        assert took >= 0.6, f"killed after {took:.3f} s"
        equal(got(init), [TERM])


@both("--grace 0 kills at once")
def _(pid1):
    with catcher("-t", "0", pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 137)


@both("without --grace nobody is killed")
def _(pid1):
    with catcher(pid1=pid1) as init:
        init.kill(TERM)
        expect(init, TERM)
        holds_for(init.running, 0.5, "usher waits for its program")
        equal(init.state(), "stopping")


@both("a signal that asks for no shutdown starts no grace")
def _(pid1):
    with catcher("-t", "0.1", pid1=pid1) as init:
        init.kill(USR1)
        expect(init, USR1)
        holds_for(init.running, 0.5, "nobody is killed")
        equal(init.state(), "running")


@both("the kill reaches every process: other groups, other sessions, orphans")
def _(pid1):
    with catcher("-t", "0.2", program=("--member", "ignore", "--member", "pgrp,ignore", "--member",
                                       "setsid,ignore", "--member", "orphan,setsid,ignore"),
                 pid1=pid1) as init:
        everybody = descendants(init.pid)
        equal(len(everybody), 5)
        init.kill(TERM)
        equal(init.wait(), 137)
        wait_for(lambda: not [p for p in everybody if comm(p)], "all are gone")


@both("before the kill usher names who did not stop, with pid and comm")
def _(pid1):
    with catcher("-t", "0.2", program=("--member", "ignore,setsid,name=stubborn"),
                 pid1=pid1) as init:
        program = 2 if pid1 else init.program()
        member = member_pid(init, 1)
        init.kill(TERM)
        equal(init.wait(), 137)
        text = init.err.finish()
        for pid, name in ((program, "witness"), (member, "stubborn")):
            assert re.search(rf"\b{pid}\b\W+{name}|{name}\W+{pid}\b", text), (pid, name, text)


@both("sixteen who did not stop are named, and how many more there are")
def _(pid1):
    members = [w for n in range(19) for w in ("--member", f"ignore,name=stubborn{n}")]
    with catcher("-t", "0.2", program=members, pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 137)
        text = init.err.finish()
        named = re.findall(r"\b(?:stubborn\d+|witness)\b", text)
        equal(len(named), 16, f"named in {text!r}")
        assert re.search(r"\b4 (?:more|others)\b", text), text


@both("exactly sixteen who did not stop are all named, and no more are told")
def _(pid1):
    members = [w for n in range(15) for w in ("--member", f"ignore,name=stubborn{n}")]
    with catcher("-t", "0.2", program=members, pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 137)
        text = init.err.finish()
        equal(len(re.findall(r"\b(?:stubborn\d+|witness)\b", text)), 16, f"named in {text!r}")
        assert "more" not in text, text


@both("control characters in the name of who did not stop are replaced")
def _(pid1):
    with catcher("-t", "0.2", program=("--member", "ignore,name=a\x1b[31m\nb\x7f"),
                 pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 137)
        text = init.err.finish()
        assert "[31m" in text, text
        bad = [c for c in text.replace("\n", "") if ord(c) < 32 or ord(c) == 127]
        assert not bad, repr(text)
        assert all(line.startswith("usher: ") for line in text.splitlines()), repr(text)


@both("only who is still there is named")
def _(pid1):
    with catcher("-t", "0.5", program=("--member", "name=obedient", "--member",
                                       "ignore,name=stubborn"), pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 137)
        text = init.err.finish()
        assert "stubborn" in text and "obedient" not in text, text


@both("--remap-exit applies to 137 after the grace, too")
def _(pid1):
    with catcher("-t", "0.1", "-e", "137:9", pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 9)


@test("in a container without /proc everything is killed all the same: kill(-1) as PID 1")
def _():
    with catcher("-t", "0.2", program=("--member", "ignore,setsid"), pid1=True,
                 namespace=("--no-proc",)) as init:
        everybody = descendants(init.pid)
        equal(len(everybody), 2)
        init.kill(TERM)
        equal(init.wait(), 137)
        wait_for(lambda: not [p for p in everybody if comm(p)], "all are gone")


@test("a process that an engine exec'ed into the container is killed, too")
def _():
    with catcher("-t", "0.3", pid1=True) as init:
        guest = background("nsenter", "-t", str(init.pid), "-p", "-m", "--", *witness("catch"))
        guest.lines.expect("^ready$")
        init.kill(TERM)
        equal(init.wait(), 137)
        wait_for(lambda: guest.poll() is not None, "the guest is gone")


@test("after the kill usher waits about a second for who cannot die, telling its state")
def _():
    # Who is traced stays for its parent until the tracer lets go; so no SIGKILL makes it go away,
    # as in a hung NFS mount. Not as PID 1: there the kernel waits for every process itself.
    with catcher("-t", "0.1") as init:
        with traced(init.program()):
            init.kill(TERM)
            init.wait_state("killing")
            killed = time.monotonic()
            equal(init.wait(), 137)
            took = time.monotonic() - killed
            assert took >= 0.8, f"left {took:.3f} s after the kill"
            init.leaves = True


@test("usher's own state is readable in every phase of a shutdown")
def _():
    with catcher("-d", "60", "-t", "60", "--linger", "inf",
                 program=("--exit", "15:3", "--member", "ignore"), pid1=True) as init:
        seen = [init.state()]
        init.kill(TERM)
        init.wait_state("draining")
        seen.append(init.state())
        init.kill(INT)
        init.wait_state("stopping")
        seen.append(init.state())
        os.kill(init.program(), TERM)
        init.wait_state("lingering")
        seen.append(init.state())
        equal(seen, ["running", "draining", "stopping", "lingering"])
