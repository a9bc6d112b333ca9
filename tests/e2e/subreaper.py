# SPDX-License-Identifier: MIT
"""Not PID 1: usher acts on its own descendants, and on nobody else.

A usher that calls kill(-1) here would end its neighbours, as s6-overlay did on hosts with a shared
PID namespace (359): each bystander below fails on that mutation.
"""
import contextlib
import os

from harness import (CONFIG, TERM, alive, background, children, comm, descendants, equal,
                     start, test, tool, wait_for, witness)
from signals import MARK, USR1, expect, got, member_got

# What each member hears while usher sees /proc, and while it can only act on the program's group.
MEMBERS = ("--member", "ignore", "--member", "setsid,ignore", "--member", "orphan,ignore",
           "--member", "orphan,setsid,ignore")


@contextlib.contextmanager
def bystander(user):
    """A process of the same user that is no descendant of usher; it must hear nothing at all."""
    popen = background(*witness("with", "--uid", user), "--", *witness("catch"))
    popen.lines.expect("^ready$")
    yield popen
    os.kill(popen.pid, MARK)
    popen.lines.expect(f"^got {MARK} ")
    equal(popen.lines.find(r"^got (\d+) "), [str(MARK)], "the bystander heard")


@contextlib.contextmanager
def plain(*words, user=0, program=()):
    """usher beside the test, /proc mounted: (usher, the Run whose streams are the program's)."""
    with start(*words, "--", *witness("catch", *program), before=("--uid", str(user))) as init:
        init.ready().wait_state("running")
        yield init.pid, init
        init.leaves = True


@contextlib.contextmanager
def without_proc(*words, user=0, program=()):
    """usher in a mount namespace whose /proc is empty; it is no PID 1."""
    hide = 'mount -t tmpfs none /proc && exec "$@"'
    command = ["--mount", "--propagation", "private", "sh", "-c", hide, "sh",
               *witness("with", "--uid", str(user)), "--", CONFIG.usher, *words, "--",
               *witness("catch", *program)]
    with start(*command, binary="/usr/bin/unshare") as init:
        init.ready().wait_state("running")
        yield init.pid, init
        init.leaves = True


@contextlib.contextmanager
def with_foreign_proc(*words, user=0, program=()):
    """usher in a PID namespace of its own, not as PID 1, that sees the /proc of the outer one."""
    command = ["parent", *witness("with", "--uid", str(user)), "--", CONFIG.usher, *words, "--",
               *witness("catch", *program)]
    with start(*command, binary=tool("witness"), pid1=True, namespace=("--host-proc",)) as outer:
        outer.ready()
        usher = children(outer.pid)[0]
        wait_for(lambda: comm(usher) == "usher:running", "usher is running")
        yield usher, outer


PLACES = {"with /proc": plain, "without /proc": without_proc,
          "with another namespace's /proc": with_foreign_proc}


def check_forward_all(place, user):
    with bystander(user), place("-f", "all", user=user, program=MEMBERS) as (usher, streams):
        os.kill(usher, USR1)
        expect(streams, USR1)
        hearing = (1, 2, 3, 4) if place is plain else (1, 3)
        for index in hearing:
            wait_for(lambda i=index: member_got(streams, i) == [USR1], f"member {index} hears")
        for index in {1, 2, 3, 4} - set(hearing):
            equal(member_got(streams, index), [], f"member {index}")


def check_linger(place, user):
    with bystander(user), place("-f", "main", "--linger", "0.3", user=user, program=(
            *MEMBERS, "--exit", "10:6")) as (usher, streams):
        everybody = descendants(usher)
        equal(len(everybody), 5)
        os.kill(usher, USR1)
        wait_for(lambda: not alive(usher), "usher is gone")
        hearing = (1, 2, 3, 4) if place is plain else (1, 3)
        for index in hearing:
            wait_for(lambda i=index: member_got(streams, i) == [TERM], f"member {index} hears")
        if place is plain:
            wait_for(lambda: not any(map(alive, everybody)), "all are gone")


def check_grace(place, user):
    with bystander(user), place("-t", "0.2", "-f", "main", user=user,
                                program=MEMBERS) as (usher, streams):
        everybody = descendants(usher)
        os.kill(usher, TERM)
        expect(streams, TERM)
        wait_for(lambda: not alive(usher), "usher is gone")
        equal(got(streams), [TERM])
        if place is plain:
            wait_for(lambda: not any(map(alive, everybody)), "all are gone")


for _where, _place in PLACES.items():
    for _user in (0, 65534):
        _who = f"as user {_user}" if _user else "as root"
        for _what, _check in (("--forward all", check_forward_all), ("lingering", check_linger),
                              ("the kill after the grace", check_grace)):
            test(f"{_what} touches no bystander, {_where}, {_who}")(
                lambda check=_check, place=_place, user=_user: check(place, user))


@test("a child that usher had before its own exec is not taken for its program")
def _():
    # A shell that starts a helper and then execs usher hands that child over to it.
    command = 'sh -c "exit 9" & exec "$0" -- sh -c "sleep 0.2; exit 4"'
    with start("-c", command, CONFIG.usher, binary="/bin/sh") as init:
        equal(init.wait(), 4)
