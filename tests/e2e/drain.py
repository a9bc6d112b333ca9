# SPDX-License-Identifier: MIT
"""--pre-stop: the program keeps serving for a while before it hears of the stop."""
import re
import time

from harness import (CONFIG, TERM, alive, both, children, comm, equal, peer, processes, scratch, start, test,
                     wait_for, witness)
from signals import INT, MARK, QUIT, USR1, catcher, expect, got


@both("the stop signal is forwarded when the delay has ended, not before")
def _(pid1):
    with catcher("--pre-stop", "400ms", program=("--exit", "15:7"), pid1=pid1) as init:
        sent = time.monotonic()
        init.kill(TERM)
        init.wait_state("draining")
        expect(init, TERM)
        took = time.monotonic() - sent
        assert took >= 0.4, f"forwarded after {took:.3f} s"
        equal(init.wait(), 7)
        equal(got(init), [TERM])


@both("the state tells drain and stop before the program hears of them")
def _(pid1):
    with catcher("-d", "60", pid1=pid1) as init:
        equal(init.state(), "running")
        init.kill(TERM)
        init.wait_state("draining")
        equal(got(init), [])
        init.kill(TERM)
        expect(init, TERM)
        equal(init.state(), "stopping")


@test("the new state can be read before the signal is sent")
def _():
    trace = scratch("trace")
    command = ["-D", "-o", trace, "-e", "trace=prctl,kill", CONFIG.usher, "--",
               *witness("catch", "--exit", "15:0")]
    with start(*command, binary=peer("strace")) as init:
        init.ready().wait_state("running")
        init.kill(TERM)
        equal(init.wait(), 0)
        # -D: strace is no parent of usher, so usher's end is not its own.
        wait_for(lambda: not any(alive(p) and comm(p) == "strace" for p in processes()), "strace ends")

    def calls():
        with open(trace, encoding="ascii") as file:
            return re.findall(r"usher:\w+|SIGTERM(?=\))", file.read())
    wait_for(lambda: "SIGTERM" in calls(), "the trace is written")
    equal(calls()[:4], ["usher:starting", "usher:running", "usher:stopping", "SIGTERM"])


@both("other signals are forwarded at once while it drains")
def _(pid1):
    with catcher("-d", "60", pid1=pid1) as init:
        init.kill(TERM)
        init.wait_state("draining")
        init.kill(USR1)
        expect(init, USR1)
        equal(init.state(), "draining")
        equal(got(init), [USR1])


@both("a second stop signal ends the delay, and only the latest is forwarded, once")
def _(pid1):
    with catcher("-d", "60", pid1=pid1) as init:
        init.kill(TERM)
        init.wait_state("draining")
        init.kill(INT)
        expect(init, INT)
        init.wait_state("stopping")
        init.kill(MARK)
        expect(init, MARK)
        equal(got(init), [INT, MARK])


@both("two TERMs reach the program as one")
def _(pid1):
    with catcher("-d", "60", pid1=pid1) as init:
        init.kill(TERM)
        init.wait_state("draining")
        init.kill(TERM)
        expect(init, TERM)
        init.kill(MARK)
        expect(init, MARK)
        equal(got(init), [TERM, MARK])


@both("a third stop signal is forwarded again")
def _(pid1):
    with catcher("-d", "60", pid1=pid1) as init:
        init.kill(TERM)
        init.wait_state("draining")
        init.kill(TERM)
        expect(init, TERM)
        init.kill(TERM)
        expect(init, TERM)
        init.kill(INT)
        expect(init, INT)


@both("a program that ends while usher drains ends the drain")
def _(pid1):
    with catcher("-d", "60", program=("--exit", "10:5"), pid1=pid1) as init:
        init.kill(TERM)
        init.wait_state("draining")
        init.kill(USR1)
        equal(init.wait(), 5)


@both("without --pre-stop the stop signal is forwarded at once")
def _(pid1):
    with catcher(program=("--exit", "15:5"), pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 5)
        equal(got(init), [TERM])


@both("a rewritten stop signal is delayed and rewritten")
def _(pid1):
    with catcher("-d", "0.2", "-r", "TERM:QUIT", program=("--exit", "3:5"), pid1=pid1) as init:
        init.kill(TERM)
        init.wait_state("draining")
        equal(init.wait(), 5)
        equal(got(init), [QUIT])


@both("what is no stop signal does not begin a drain")
def _(pid1):
    with catcher("-d", "60", "--stop-signal", "QUIT", pid1=pid1) as init:
        init.kill(TERM)
        expect(init, TERM)
        equal(init.state(), "running")
        init.kill(QUIT)
        init.wait_state("draining")


@test("a nested usher drains once: its --pre-stop from the environment counts in the outer one")
def _():
    for pid1 in (True, False):
        with start("--", CONFIG.usher, "--", *witness("catch", "--exit", "15:6"), pid1=pid1,
                   env={"USHER_PRE_STOP": "60s"}) as init:
            init.ready()
            nested = children(init.pid)[0]
            init.kill(TERM)
            init.wait_state("draining")
            equal(comm(nested), "usher:running")
            init.kill(TERM)
            equal(init.wait(), 6)


@test("a nested usher keeps the --pre-stop of its own command line")
def _():
    with start("--", CONFIG.usher, "-d", "60", "--", *witness("catch", "--exit", "15:6"),
               env={"USHER_PRE_STOP": "100ms"}) as init:
        init.ready()
        nested = children(init.pid)[0]
        init.kill(TERM)
        wait_for(lambda: comm(nested) == "usher:draining", "the nested one drains")
        init.kill(TERM)
        equal(init.wait(), 6)
