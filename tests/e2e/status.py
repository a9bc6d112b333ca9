# SPDX-License-Identifier: MIT
"""`usher status`: what the init of this container is doing, for every user."""
import json

from harness import (CONFIG, TERM, background, both, cgroup, children, equal, inner_pid, inside,
                     one_line, peer, run, start, test, tool, wait_for, witness)
from signals import catcher


def status(*words, **options):
    return run("status", *words, **options)


def status_in(init, *words, user=None):
    return inside(init, CONFIG.usher, "status", *words, user=user)


@test("status tells the state of PID 1, for every user")
def _():
    with catcher(pid1=True) as init:
        for user in (None, 65534):
            code, out, err = status_in(init, user=user)
            equal((code, err), (0, ""))
            assert "running" in one_line(out), out


@test("status --json is one object: pid and state")
def _():
    with catcher(pid1=True) as init:
        for user in (None, 65534):
            code, out, err = status_in(init, "--json", user=user)
            equal((code, err), (0, ""))
            equal(out, '{"pid":1,"state":"running"}\n')


@test("status tells each phase of a shutdown")
def _():
    # The linger's own TERM would reach a status that was executed just before it.
    with catcher("-d", "60", "--linger", "inf", "--linger-signal", "0",
                 program=("--exit", "15:0", "--member", "ignore"), pid1=True) as init:
        for state in ("running", "draining", "lingering"):
            init.wait_state(state)
            equal(json.loads(status_in(init, "--json")[1]), {"pid": 1, "state": state})
            init.kill(TERM)


@test("status tells stopping, of an usher that runs as another user")
def _():
    with catcher("-t", "60", pid1=True, namespace=("--user", "65534")) as init:
        init.kill(TERM)
        init.wait_state("stopping")
        for user in (None, 65534, 1234):
            equal(status_in(init, "--json", user=user)[1], '{"pid":1,"state":"stopping"}\n')


@test("status called by the supervised program itself works")
def _():
    # It may ask before usher, that made it, has gone on from starting to running.
    script = 'until "$0" status --json | grep running; do :; done'
    equal(run("--", "sh", "-c", script, CONFIG.usher, pid1=True),
          (0, '{"pid":1,"state":"running"}\n', ""))


@test("status finds usher behind another init, as under docker --init")
def _():
    with start("--", CONFIG.usher, "--", *witness("catch"), binary=peer("tini"),
               pid1=True) as init:
        init.ready()
        usher = children(init.pid)[0]
        wait_for(lambda: status_in(init, "--json")[1]
                 == f'{{"pid":{inner_pid(usher)},"state":"running"}}\n', "status of usher")


@test("status tells of the outermost of nested ushers")
def _():
    with start("-d", "60", "--", CONFIG.usher, "--", *witness("catch"), pid1=True) as init:
        init.ready().wait_state("running")
        init.kill(TERM)
        init.wait_state("draining")
        equal(status_in(init, "--json")[1], '{"pid":1,"state":"draining"}\n')


@test("status of a shared PID namespace tells of the usher of its own cgroup")
def _():
    with cgroup("a") as first, cgroup("b") as second:
        with catcher(before=("--cgroup", first)) as one, \
                catcher("-d", "60", before=("--cgroup", second)) as two:
            two.kill(TERM)
            two.wait_state("draining")
            for folder, init, state in ((first, one, "running"), (second, two, "draining")):
                code, out, err = status("--json", before=("--cgroup", folder))
                equal((code, err), (0, ""))
                equal(out, f'{{"pid":{init.pid},"state":"{state}"}}\n')


@test("status finds none where only other cgroups have an usher")
def _():
    with cgroup("a") as first, cgroup("b") as second, catcher(before=("--cgroup", first)):
        code, out, err = status(before=("--cgroup", second))
        equal((code, out), (1, ""))
        one_line(err)


@test("status finds the oldest usher of its cgroup")
def _():
    with cgroup("a") as folder:
        with catcher(before=("--cgroup", folder)) as first, \
                catcher(before=("--cgroup", folder)) as second:
            assert first.pid < second.pid
            code, out, _ = status("--json", before=("--cgroup", folder))
            equal((code, out), (0, f'{{"pid":{first.pid},"state":"running"}}\n'))


@test("where there is no usher, status ends with 1 and one line that says so")
def _():
    code, out, err = status()
    equal((code, out), (1, ""))
    assert one_line(err).startswith("usher: "), err


@test("where there is no usher, status --json ends with 1, too")
def _():
    code, out, err = status("--json")
    equal((code, out), (1, ""))
    one_line(err)


@test("without /proc, status ends with 1 and the reason")
def _():
    code, out, err = run("--", CONFIG.usher, "status", pid1=True, namespace=("--no-proc",))
    equal((code, out), (1, ""))
    assert "/proc" in one_line(err), err


@test("status does not take itself, nor usher processes that are no init, for the init")
def _():
    other = background(CONFIG.usher, "status", "--json")
    other.wait(10)
    equal(status()[0], 1)


@test("a closed stdout makes status fail")
def _():
    with catcher(pid1=True) as init:
        code, _, _ = inside(init, "sh", "-c", 'exec "$0" status >/dev/full', CONFIG.usher)
        assert code != 0, code


@test("the state is starting until the program has been executed")
def _():
    # strace holds usher for a second before it makes its child.
    command = ["-D", "-o", "/dev/null", "-e", "trace=clone,clone3,vfork,fork", "-e",
               "inject=clone,clone3,vfork,fork:delay_enter=1000000", CONFIG.usher, "--",
               *witness("catch", "--exit", "50:3")]
    with start(*command, binary=peer("strace")) as init:
        init.wait_state("starting")
        equal(init.out.text, "")
        init.ready().wait_state("running")
        init.kill(50)
        equal(init.wait(), 3)


@both("the state is in comm: usher:STATE, for every user")
def _(pid1):
    with catcher(pid1=pid1) as init:
        equal(init.comm(), "usher:running")
        code, out, _ = run("with", "--uid", "65534", "--", "/bin/cat", f"/proc/{init.pid}/comm",
                           binary=tool("witness"))
        equal((code, out), (0, "usher:running\n"))
