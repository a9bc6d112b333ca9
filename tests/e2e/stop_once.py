# SPDX-License-Identifier: MIT
"""A stop: who hears of it, how often, and for how long it may take."""
import re
import time

from harness import (TERM, both, equal, proc_state, proc_status, run, start, test, wait_for,
                     witness)
from signals import HUP, INT, QUIT, USR1, catcher, expect, got, member_got, member_pid

SHELL = 'sh -c "trap \\"echo T\\" TERM; echo up; while :; do sleep 0.1; done"; true'


@both("a shell without a trap: what it runs hears TERM once, not again when the shell has gone")
def _(pid1):
    with start("--linger", "1", "--", "/bin/sh", "-c", SHELL, pid1=pid1) as init:
        init.out.expect(r"^up$")
        init.wait_state("running")
        init.kill(TERM)
        init.wait()
        equal(init.out.finish().split(), ["up", "T"])


MODES = ([], ["-f", "split"], ["-g"], ["-f", "all"], ["-c"])
for _words in MODES:
    @both(f"each process hears of a stop once: {' '.join(_words) or 'no option'}")
    def _(pid1, words=_words):
        with catcher(*words, "--linger", "0.5",
                     program=("--exit", f"{TERM}:3", "--member", "ignore", "--member", "setsid,ignore",
                              "--member", "orphan,ignore"), pid1=pid1) as init:
            init.kill(TERM)
            equal(init.wait(), 3)
            init.out.finish()
            equal([member_got(init, i) for i in (1, 2, 3)], [[TERM], [TERM], [TERM]])


@both("who ignores the forwarded signal has not heard of it, and is told by the linger")
def _(pid1):
    shell = 'trap "" QUIT; sh -c "trap \\"echo T\\" TERM; echo up; while :; do sleep 0.1; done" & trap - QUIT; wait'
    with start("-r", "TERM:QUIT", "--linger", "1", "--", "/bin/sh", "-c", shell, pid1=pid1) as init:
        init.out.expect(r"^up$")
        init.wait_state("running")
        init.kill(TERM)
        init.wait()
        equal(init.out.finish().split(), ["up", "T"])


@both("each of two stop signals goes out once, and the linger adds none")
def _(pid1):
    with catcher("--linger", "0.5", program=("--exit", f"{INT}:3", "--member", "ignore"), pid1=pid1) as init:
        init.kill(TERM)
        expect(init, TERM)
        wait_for(lambda: member_got(init, 1) == [TERM], "the member has heard of it")
        init.kill(INT)
        equal(init.wait(), 3)
        init.out.finish()
        equal(member_got(init, 1), [TERM, INT])


@test("without /proc nobody is told a second time, and a warning says so")
def _():
    with catcher("--linger", "0.5", program=("--exit", f"{TERM}:3", "--member", "ignore",
                                             "--member", "setsid,ignore"),
                 pid1=True, namespace=("--no-proc",)) as init:
        init.kill(TERM)
        equal(init.wait(), 3)
        init.out.finish()
        equal(member_got(init, 1), [TERM])
        assert "nobody is sent SIGTERM: without /proc" in init.err.finish()


@test("without /proc everybody is told when the program's group is gone")
def _():
    with catcher("--linger", "0.5", program=("--exit", f"{TERM}:3", "--member", "setsid,ignore"),
                 pid1=True, namespace=("--no-proc",)) as init:
        init.kill(TERM)
        equal(init.wait(), 3)
        init.out.finish()
        equal(member_got(init, 1), [TERM])


@both("HUP, USR1 and their like go to the main process alone, a stop and job control to the group")
def _(pid1):
    with catcher(program=("--member", "ignore"), pid1=pid1) as init:
        for sig in (HUP, USR1, QUIT, 28, 40):
            init.kill(sig)
            expect(init, sig)
        equal(member_got(init, 1), [])
        init.kill(18)
        wait_for(lambda: member_got(init, 1) == [18], "CONT reaches the group")
        init.kill(TERM)
        wait_for(lambda: member_got(init, 1) == [18, TERM], "TERM reaches the group")


# --- how long it may take ---------------------------------------------------------------------

@both("the grace begins when the main process ends while draining")
def _(pid1):
    with catcher("-d", "60", "-t", "0.5", "--linger", "inf",
                 program=("--exit", f"{USR1}:0", "--member", "ignore"), pid1=pid1) as init:
        init.kill(TERM)
        init.wait_state("draining")
        init.kill(USR1)
        equal(init.wait(), 0)


@both("what is behind a shell without exec has the whole grace, not 3 s")
def _(pid1):
    with catcher("-t", "60", program=("--exit", f"{TERM}:0", "--member", "save=4"), pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(deadline=30), 0)
        assert init.out.find(r"^member 1 saved$"), init.out.text


@both("--escalate sends its signals as they are, each at its time, before the kill")
def _(pid1):
    with catcher("-t", "1.2", "--escalate", "0.6:USR1,0.3:QUIT", "-r", "QUIT:HUP", pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 137)
        init.out.finish()
        equal(got(init), [TERM, QUIT, USR1])


@both("--escalate while lingering goes to who is left")
def _(pid1):
    with catcher("--linger", "2", "--escalate", "0.5:QUIT",
                 program=("--exit", f"{TERM}:0", "--member", "ignore", "--member", "setsid,ignore"),
                 pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 0)
        init.out.finish()
        equal([member_got(init, 1), member_got(init, 2)], [[TERM, QUIT], [TERM, QUIT]])


@test("--escalate at or behind the end of the grace, and what is none, is refused")
def _():
    for words, text in (
            (("-t", "5", "--escalate", "5s:QUIT"),
             "--escalate: does not come before the end of --grace: '5s:QUIT'; accepted: a shorter delay"),
            (("--escalate", "5s:KILL"), "--escalate: not an escalation '5s:KILL'; accepted: "
             "DURATION:SIG such as 10s:QUIT, any signal but KILL and STOP"),
            (("--escalate", "5s"), "--escalate: not an escalation '5s'; accepted: "
             "DURATION:SIG such as 10s:QUIT, any signal but KILL and STOP"),
            (("--escalate", "1:HUP,2:HUP,3:HUP,4:HUP,5:HUP"),
             "--escalate: one escalation too many: '5:HUP'; accepted: up to 4")):
        equal(run(*words, "--", "/bin/true"), (125, "", f"usher: {text}\n"))
    equal(run("--", "/bin/true", env={"USHER_ESCALATE": "1s:QUIT,2s:INT"})[0], 0)


@both("5 s after a stop signal a warning names who runs on and what it does about the signal")
def _(pid1):
    with start("-t", "7", "--", "/bin/sh", "-c", 'trap "" TERM; echo up; while :; do sleep 60; done',
               pid1=pid1) as init:
        init.out.expect(r"^up$")
        init.wait_state("running")
        init.kill(TERM)
        line = init.err.expect(r"still running 5s after SIGTERM: .*", deadline=30)
        text = str(line.group(0) if hasattr(line, "group") else line)
        assert re.search(r"\d+ \(sh\) ignores it, \d+ \(sleep\) ignores it", text), text
        equal(init.wait(), 137)


# --- signals that are no stop -------------------------------------------------------------------

@test("a TERM that was ignored when usher was started does not stop it, but is passed on")
def _():
    with catcher("-t", "0.3", program=("--exit", f"{USR1}:4"), before=("--ignore", str(TERM))) as init:
        init.kill(TERM)
        expect(init, TERM)
        equal(init.state(), "running")
        init.kill(USR1)
        equal(init.wait(), 4)


@test("an ignored TERM stops as PID 1, and where --stop-signal names it")
def _():
    with catcher("-t", "0.3", pid1=True, before=("--ignore", str(TERM))) as init:
        init.kill(TERM)
        equal(init.wait(), 137)
    with catcher("-t", "0.3", "--stop-signal", "TERM", before=("--ignore", str(TERM))) as init:
        init.kill(TERM)
        equal(init.wait(), 137)


@both("signals that come while lingering go to who is left")
def _(pid1):
    with start("--linger", "30", "--linger-signal", "0", "--",
               *witness("catch", "--member", "setsid,ignore", "--exit-now", 6), pid1=pid1) as init:
        init.wait_state("lingering")
        init.kill(USR1)
        wait_for(lambda: member_got(init, 1) == [USR1], "the member hears of it")
        init.kill(HUP)
        wait_for(lambda: member_got(init, 1) == [USR1, HUP], "the member hears of it")


# --- --until all ----------------------------------------------------------------------------------

@both("--until all stays for what a daemon left running, and reports the last child")
def _(pid1):
    with start("--until", "all", "--", *witness("catch", "--member", "setsid,ignore,orphan",
                                                "--member", "setsid,orphan", "--exit-now", 0),
               pid1=pid1) as init:
        member_pid(init, 2)
        wait_for(lambda: len(init.descendants()) == 2, "the main process has gone")
        equal(init.state(), "running")
        init.kill(USR1)
        wait_for(lambda: member_got(init, 1) == [USR1], "everybody hears of it")
        init.kill(TERM)
        init.wait_state("stopping")
        wait_for(lambda: member_got(init, 1) == [USR1, TERM], "everybody hears of the stop")


@both("--until all with a grace kills what does not stop")
def _(pid1):
    with start("--until", "all", "-t", "0.5", "--",
               *witness("catch", "--member", "setsid,ignore,orphan", "--exit-now", 0), pid1=pid1) as init:
        member_pid(init, 1)
        wait_for(lambda: len(init.descendants()) == 1, "the main process has gone")
        init.kill(TERM)
        equal(init.wait(), 137)


@both("--until all is as ever for a main process that fails")
def _(pid1):
    with start("--until", "all", "--linger", "0.3", "--",
               *witness("catch", "--member", "setsid,ignore", "--exit-now", 5), pid1=pid1) as init:
        equal(init.wait(), 5)


STOPS_ITSELF = """import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('up', flush=True)
while True:
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@both("a program that stops itself whenever it is continued keeps usher not busy")
def _(pid1):
    with start("-t", "2", "--", "/usr/bin/python3", "-c", STOPS_ITSELF, pid1=pid1) as init:
        init.out.expect(r"^up$")
        wait_for(lambda: proc_state(init.program()) == "T", "it has stopped itself")
        init.kill(TERM)
        end = time.monotonic() + 1.5
        switches = 0
        while time.monotonic() < end:
            switches = int(proc_status(init.pid)["voluntary_ctxt_switches"])
            time.sleep(0.05)
        equal(init.wait(), 137)
        assert switches < 500, f"{switches} times it woke up"
