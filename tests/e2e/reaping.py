# SPDX-License-Identifier: MIT
"""Orphans are reaped, and never taken for the program."""
import os

from harness import (CONFIG, CONT, STOP, TERM, both, children, equal, proc_state, processes, start,
                      wait_for, witness)


def zombies(init):
    return [p for p in children(init.pid) if proc_state(p) == "Z"]


@both("5,000 orphans are reaped, and the program goes on", group="long")
def _(pid1):
    with start("--", *witness("orphans", 5000), pid1=pid1) as init:
        init.out.expect(r"^spawned 5000$", 60)
        wait_for(lambda: len(children(init.pid)) == 1, "only the program is left")
        init.kill(TERM)
        equal(init.wait(), 0)


@both("2,000 orphans that die together are reaped, and the program's own end is reported",
      group="long")
def _(pid1):
    with start("--", *witness("orphans", 2000, "--live"), pid1=pid1) as init:
        init.out.expect(r"^spawned 2000$", 60)
        program = children(init.pid)[0]
        for pid in children(init.pid):
            if pid != program:
                os.kill(pid, 9)
        wait_for(lambda: len(children(init.pid)) == 1, "only the program is left")
        init.kill(TERM)
        equal(init.wait(), 0)


def many_ends_behind_one_signal(pid1):
    """The program and 50 other children end while usher is stopped.

    The others are usher's from before its own exec, so that the kernel tells of them first.
    """
    shell = 'n=0; while [ $n -lt 50 ]; do "$@" & n=$((n+1)); done; exec "$USHER" -- "$@"'
    with start("-c", shell, "sh", *witness("forever"), binary="/bin/sh", pid1=pid1,
               env={"USHER": CONFIG.usher}) as init:
        for _ in range(51):
            init.ready()
        init.wait_state("running")
        members = children(init.pid)
        equal(len(members), 51)
        init.kill(STOP)
        wait_for(lambda: proc_state(init.pid) == "T", "usher is stopped")
        for pid in members:
            os.kill(pid, 9)
        wait_for(lambda: len(zombies(init)) == 51, "all are zombies")
        init.kill(CONT)
        equal(init.wait(), 137)


@both("many ends behind one SIGCHLD are all reaped while the program goes on")
def _(pid1):
    with start("--", *witness("orphans", 50, "--live"), pid1=pid1) as init:
        init.out.expect(r"^spawned 50$")
        program = children(init.pid)[0]
        init.kill(STOP)
        wait_for(lambda: proc_state(init.pid) == "T", "usher is stopped")
        orphans = [p for p in children(init.pid) if p != program]
        for pid in orphans:
            os.kill(pid, 9)
        wait_for(lambda: len(zombies(init)) == 50, "all are zombies")
        init.kill(CONT)
        wait_for(lambda: children(init.pid) == [program], "no zombie is left")
        init.kill(TERM)
        equal(init.wait(), 0)


def stranger_ends(pid1):
    """An orphan ends, and only the program's own end is usher's."""
    with start("--", *witness("catch", "--exit", "15:42", "--member", "orphan"),
               pid1=pid1) as init:
        init.ready()
        program, orphan = children(init.pid)
        os.kill(orphan, 9)
        wait_for(lambda: orphan not in processes(), "the orphan is reaped")
        equal((init.state(), children(init.pid)), ("running", [program]))
        init.kill(TERM)
        equal(init.wait(), 42)


@both("an orphan's exit status is not the program's")
def _(pid1):
    with start("--", "sh", "-c", "(sleep 0 & exit 9) & wait; (exit 8) & exit 3",
               pid1=pid1) as init:
        equal(init.wait(), 3)
