# SPDX-License-Identifier: MIT
"""usher without the rights it would need: no fork, no kill."""
import os
import shutil

from harness import (CONFIG, TERM, both, cgroup, equal, inner_pid, need, one_line, peer,
                     proc_status, run, scratch, start, test, tool, wait_for, witness)
from signals import USR1

USER, OTHER = 54321, 54322


@both("where the pids limit forbids the fork, usher ends with 125 and one line")
def _(pid1):
    with cgroup("a", pids_max=1) as folder:
        status, out, err = run("--", *witness("exit", 0), pid1=pid1, before=("--cgroup", folder))
        equal((status, out), (125, ""), f"stderr {err!r}")
        assert "Resource temporarily unavailable" in one_line(err), err


@both("where RLIMIT_NPROC forbids the fork, usher ends with 125 and one line")
def _(pid1):
    status, out, err = run("--", *witness("exit", 0), pid1=pid1,
                           before=("--nproc", "1", "--uid", str(USER)))
    equal((status, out), (125, ""), f"stderr {err!r}")
    assert "Resource temporarily unavailable" in one_line(err), err


@both("a program that hits the pids limit is its own business")
def _(pid1):
    with cgroup("a", pids_max=5) as folder:
        status, out, _ = run("--", *witness("forks", 50), pid1=pid1, before=("--cgroup", folder))
        equal((status, out), (0, "forks 3 errno 11\n"))


def other_user(binary, *words, pid1=True):
    """An init of a user who may not signal its program: the program has become another user."""
    program = shutil.copy(tool("witness"), scratch("set-uid"))
    os.chmod(program, 0o4755)
    init = start(*words, "--", program, "with", "--uid", OTHER, "--",
                 *witness("catch", "--exit", "12:7"), binary=binary, pid1=pid1,
                 before=("--uid", str(USER)))
    init.out.expect("^ready$")
    uid = proc_status(init.program())["Uid"].split()[0]
    if uid != str(OTHER):
        init.end()
        need(False, "set-uid programs do not work in this place")
    return init


@both("a kill that is not permitted is logged, and is not the end")
def _(pid1):
    with other_user(None, pid1=pid1) as init:
        init.kill(USR1)
        wait_for(lambda: "not permitted" in init.err.text, "the line in the log")
        assert init.running()
        assert one_line(init.err.text).startswith("usher: "), init.err.text
        os.kill(init.program(), 12)
        equal(init.wait(), 7)


@both("a program that may not be signalled does not keep usher past its grace")
def _(pid1):
    with other_user(None, "-t", "0.2", pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 137)
        init.leaves = True


@test("the scenario shows the bug on tini: a kill that is not permitted ends it", group="peers")
def _():
    with other_user(peer("tini")) as init:
        init.kill(USR1)
        equal(init.wait(), 1)


@both("usher runs as any user")
def _(pid1):
    with start("--", *witness("catch", "--exit", "10:3"), pid1=pid1,
               before=("--uid", str(USER), "--gid", str(USER))) as init:
        init.ready().wait_state("running")
        equal(proc_status(init.program())["Uid"].split(), [str(USER)] * 4)
        assert inner_pid(init.program()) > 1
        init.kill(USR1)
        equal(init.wait(), 3)


@both("usher runs without any capability and with no_new_privs")
def _(pid1):
    setpriv = shutil.which("setpriv")
    need(setpriv, "setpriv is not installed")
    with start("--reuid", USER, "--regid", USER, "--clear-groups", "--bounding-set=-all",
               "--inh-caps=-all", "--no-new-privs", "--", CONFIG.usher, "-t", "0.2", "--",
               *witness("catch"), binary=setpriv, pid1=pid1) as init:
        init.ready().wait_state("running")
        init.kill(TERM)
        equal(init.wait(), 137)
