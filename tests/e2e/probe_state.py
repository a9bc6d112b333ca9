# SPDX-License-Identifier: MIT
"""Checks of ready: and live:: what the container's init is doing."""
import os

from harness import (CONFIG, TERM, add, background, cgroup, children, equal, inside, peer, run, start, test,
                     wait_for, witness)
from signals import catcher


def asked(init, *checks, user=None):
    return inside(init, CONFIG.usher, "probe", *checks, user=user)


for user in (None, 65534):
    who = "root" if user is None else f"uid {user}"

    def running(user=user):
        with catcher(pid1=True) as init:
            init.wait_state("running")
            equal(asked(init, "ready:", "live:", user=user),
                  (0, "healthy ready: running\nhealthy live: running\n", ""))
    add(f"running is ready and live, for {who}", running, __name__)

    def draining(user=user):
        with catcher("-d", "60", pid1=True) as init:
            init.wait_state("running")
            init.kill(TERM)
            init.wait_state("draining")
            equal(asked(init, "-v", "ready:", "live:", user=user),
                  (1, "unhealthy ready: draining\nhealthy live: draining\n", ""))
            equal(init.out.find("got"), [], "signals that the program has heard of")
    add(f"draining is not ready, but live, before the program hears of it, for {who}", draining,
        __name__)

    def stopping(user=user):
        with catcher("-t", "60", pid1=True) as init:
            init.wait_state("running")
            init.kill(TERM)
            init.wait_state("stopping")
            equal(asked(init, "-v", "ready:", "live:", user=user),
                  (1, "unhealthy ready: stopping\nhealthy live: stopping\n", ""))
    add(f"stopping is not ready, but live, for {who}", stopping, __name__)


@test("an usher that runs as another user is seen by every user")
def _():
    with catcher(pid1=True, namespace=("--user", "65534")) as init:
        init.wait_state("running")
        for user in (None, 65534, 1234):
            equal(asked(init, "ready:", user=user), (0, "healthy ready: running\n", ""))


@test("the supervised program itself may ask")
def _():
    script = 'until "$0" probe ready: | grep ^healthy; do :; done'
    code, out, _ = run("--", "sh", "-c", script, CONFIG.usher, pid1=True)
    equal((code, out.splitlines()[-1]), (0, "healthy ready: running"))


@test("in a shared PID namespace each container asks its own usher, the oldest of its cgroup")
def _():
    with cgroup("one") as one, cgroup("two") as two:
        init = start("--", *witness("forever"), binary=peer("tini"), pid1=True)
        with init:
            init.ready()
            ushers = []
            for folder, delay in ((one, "60"), (two, "0")):
                ushers.append(background("nsenter", "-t", str(init.pid), "-p", "-m",
                                         *witness("with", "--cgroup", folder), "--", CONFIG.usher,
                                         "-d", delay, "--", *witness("catch")))
                ushers[-1].lines.expect("^ready$")
            first = wait_for(lambda: children(ushers[0].pid), "the first usher")[0]
            os.kill(first, TERM)
            wait_for(lambda: ask_from(init, one)[1] == "unhealthy ready: draining\n",
                     "the first is draining")
            equal(ask_from(init, one), (1, "unhealthy ready: draining\n", ""))
            equal(ask_from(init, two), (0, "healthy ready: running\n", ""))


def ask_from(init, folder):
    return inside(init, *witness("with", "--cgroup", folder), "--", CONFIG.usher, "probe", "ready:")


@test("behind another init usher is found, as under docker --init")
def _():
    with start("--", CONFIG.usher, "--", *witness("catch"), binary=peer("tini"),
               pid1=True) as init:
        init.ready()
        wait_for(lambda: asked(init, "ready:") == (0, "healthy ready: running\n", ""), "ready")


@test("without any usher both fail, with the reason")
def _():
    with start("--", *witness("forever"), binary=peer("tini"), pid1=True) as init:
        init.ready()
        why = "no usher is the init of this container"
        equal(asked(init, "-v", "ready:", "live:"),
              (1, f"unhealthy ready: {why}\nunhealthy live: {why}\n", ""))


@test("without /proc both fail, with the reason")
def _():
    with start("--", *witness("forever"), pid1=True, namespace=("--no-proc",)) as init:
        init.ready()
        why = "/proc is not mounted here, or not this container's"
        equal(asked(init, "-v", "ready:", "live:"),
              (1, f"unhealthy ready: {why}\nunhealthy live: {why}\n", ""))


@test("a program that calls itself usher:running is not taken for PID 1's word")
def _():
    with start("-d", "60", "--", *witness("with", "--name", "usher:running"), "--",
               *witness("catch"), pid1=True) as init:
        init.ready().wait_state("running")
        init.kill(TERM)
        init.wait_state("draining")
        equal(asked(init, "ready:"), (1, "unhealthy ready: draining\n", ""))


@test("ready: fails while lingering")
def _():
    with catcher("--linger", "60", program=("--exit", "15:0", "--member", "ignore"),
                 pid1=True) as init:
        init.wait_state("running")
        init.kill(TERM)
        init.wait_state("lingering")
        equal(asked(init, "-v", "ready:", "live:"),
              (1, "unhealthy ready: lingering\nhealthy live: lingering\n", ""))


@test("wait ready: holds a sidecar back until the other container's usher runs")
def _():
    with catcher(pid1=True) as init:
        code, out, err = inside(init, CONFIG.usher, "wait", "-t", "5s", "ready:")
        equal((code, out), (0, "healthy ready: running\n"), err)
