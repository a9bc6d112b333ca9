# SPDX-License-Identifier: MIT
"""--linger: what is left when the program has ended may finish its work."""
import os
import re
import time

from harness import (TERM, alive, background, both, equal, proc_state, start, test,
                     wait_for, witness)
from signals import INT, USR1, catcher, expect, got, member_got, member_pid, outer


def ended(*words, members=(), pid1=False, code=7, **options):
    """An usher whose program starts the members and then ends with `code`."""
    words_of_members = [w for spec in members for w in ("--member", spec)]
    return start(*words, "--", *witness("catch", *words_of_members, "--exit-now", code), pid1=pid1,
                 **options)


MEMBERS = {
    "a child in the program's group": "save=0.5",
    "a child in another group": "pgrp,save=0.5",
    "a child in another session": "setsid,save=0.5",
    "an orphan": "orphan,save=0.5",
    "an orphan in another session": "orphan,setsid,save=0.5",
}


def check_saves(spec, pid1):
    with ended(members=[spec], pid1=pid1) as init:
        equal(init.wait(), 7)
        assert init.out.find(r"^member 1 saved$"), init.out.text


for _who, _spec in MEMBERS.items():
    both(f"a worker that needs 0.5 s to save its work finishes: {_who}")(
        lambda pid1, spec=_spec: check_saves(spec, pid1))


@both("a worker finishes after a TERM that ended the program at once")
def _(pid1):
    with catcher(program=("--exit", "15:0", "--member", "save=0.5,setsid"), pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 0)
        assert init.out.find(r"^member 1 saved$"), init.out.text


@both("who is left is told TERM, once, when the program has ended")
def _(pid1):
    with ended(members=["ignore", "setsid,ignore"], pid1=pid1) as init:
        for index in (1, 2):
            wait_for(lambda i=index: member_got(init, i), f"member {index} is told")
        equal(init.wait(), 7)
        equal([member_got(init, 1), member_got(init, 2)], [[TERM], [TERM]])


@both("--linger-signal tells another signal")
def _(pid1):
    with ended("--linger-signal", "USR1", "--linger", "0.3", members=["ignore"], pid1=pid1) as init:
        equal(init.wait(), 7)
        equal(member_got(init, 1), [USR1])


@both("--linger-signal 0 tells nothing, and waits")
def _(pid1):
    with ended("--linger-signal", "0", "--linger", "0.3", members=["ignore"], pid1=pid1) as init:
        began = time.monotonic()
        equal(init.wait(), 7)
        equal(member_got(init, 1), [])
        assert time.monotonic() - began >= 0.2


@both("who stays longer than --linger is killed, and the status is the program's own")
def _(pid1):
    began = time.monotonic()
    with ended("--linger", "300ms", members=["ignore", "setsid,ignore,orphan"], pid1=pid1) as init:
        equal(init.wait(), 7)
        assert time.monotonic() - began >= 0.3


@both("who is killed after --linger is named")
def _(pid1):
    with ended("--linger", "0.2", members=["ignore,name=stubborn"], pid1=pid1) as init:
        equal(init.wait(), 7)
        pid = member_pid(init, 1)
        text = init.err.finish()
        assert re.search(rf"\b{pid}\b\W+stubborn|stubborn\W+{pid}\b", text), text


@both("--linger is 3 s when not given")
def _(pid1):
    began = time.monotonic()
    with ended(members=["ignore"], pid1=pid1) as init:
        equal(init.wait(), 7)
        took = time.monotonic() - began
        assert 3 <= took < 8, f"left after {took:.3f} s"


@both("usher leaves early when all are gone")
def _(pid1):
    with ended("--linger", "60", members=["save=0.2", "setsid,save=0.1"], pid1=pid1) as init:
        equal(init.wait(), 7)


@both("--linger inf waits as long as it takes")
def _(pid1):
    with ended("--linger", "inf", members=["ignore"], pid1=pid1) as init:
        member = outer(init, member_pid(init, 1)) if pid1 else member_pid(init, 1)
        init.wait_state("lingering")
        wait_for(lambda: member_got(init, 1), "the member is told")
        assert init.running()
        os.kill(member, 9)
        equal(init.wait(), 7)


@test("--linger 0 leaves at once, not as PID 1 without a signal to who is left")
def _():
    with ended("--linger", "0", members=["ignore,closed"]) as init:
        equal(init.wait(), 7)
        init.leaves = True
        assert alive(member_pid(init, 1))


@test("--linger 0 leaves at once as PID 1")
def _():
    with ended("--linger", "0", members=["ignore"], pid1=True) as init:
        equal(init.wait(3), 7)
        equal(member_got(init, 1), [])


@both("without anybody left there is no lingering")
def _(pid1):
    with ended("--linger", "inf", pid1=pid1) as init:
        equal(init.wait(), 7)
        equal(init.err.finish(), "")


@both("lingering never lasts past the grace")
def _(pid1):
    with catcher("-t", "0.5", "--linger", "60", program=("--exit", "15:3", "--member", "ignore"),
                 pid1=pid1) as init:
        sent = time.monotonic()
        init.kill(TERM)
        equal(init.wait(), 3)
        took = time.monotonic() - sent
        assert took >= 0.5, f"killed after {took:.3f} s"


@both("the grace that ran out while lingering reports the program's own status, not 137")
def _(pid1):
    with catcher("-t", "0.3", "--linger", "inf", program=("--die", "15", "--member", "ignore"),
                 pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 143)


@both("--forward main is 'the program first, the rest after'")
def _(pid1):
    with catcher("-f", "main", program=("--exit", "10:0", "--member", "save=0"),
                 pid1=pid1) as init:
        init.kill(TERM)
        expect(init, TERM)
        equal(member_got(init, 1), [])
        init.kill(USR1)
        equal(init.wait(), 0)
        equal(got(init), [TERM, USR1])
        equal(member_got(init, 1), [TERM])


@test("a process that an engine exec'ed into the container is told and not waited for")
def _():
    with catcher("--linger", "60", program=("--exit", "10:4"), pid1=True) as init:
        guest = background("nsenter", "-t", str(init.pid), "-p", "-m", "--", *witness("catch"))
        guest.lines.expect("^ready$")
        init.kill(USR1)
        equal(init.wait(), 4)


@test("with another child left, a process that an engine exec'ed hears the linger signal")
def _():
    with catcher("--linger", "inf", program=("--exit", "10:4", "--member", "ignore"),
                 pid1=True) as init:
        guest = background("nsenter", "-t", str(init.pid), "-p", "-m", "--", *witness("catch"))
        guest.lines.expect("^ready$")
        init.kill(USR1)
        guest.lines.expect("^got 15 ")
        init.wait_state("lingering")


@both("a stopped process that is left gets the linger signal and ends")
def _(pid1):
    with catcher("--linger", "60", program=("--exit", "10:4", "--member", "default"),
                 pid1=pid1) as init:
        member = outer(init, member_pid(init, 1)) if pid1 else member_pid(init, 1)
        os.kill(member, 19)
        wait_for(lambda: proc_state(member) == "T", "the member is stopped")
        init.kill(USR1)
        equal(init.wait(), 4)


@both("INT while lingering does not end the lingering")
def _(pid1):
    with ended("--linger", "inf", "--linger-signal", "0", members=["ignore"], pid1=pid1) as init:
        init.wait_state("lingering")
        init.kill(INT)
        wait_for(lambda: INT in member_got(init, 1), "the member got INT")
        equal(init.state(), "lingering")


@both("a stop signal while lingering begins the grace")
def _(pid1):
    with ended("--linger", "inf", "-t", "0.3", members=["ignore"], pid1=pid1) as init:
        init.wait_state("lingering")
        init.kill(TERM)
        equal(init.wait(), 7)
