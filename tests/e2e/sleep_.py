# SPDX-License-Identifier: MIT
"""`usher sleep`: GNU sleep's arguments, sums, and an end at once on TERM and INT."""
import time

from harness import add, both, equal, one_line, proc_state, proc_status, run, start, test, wait_for
from probe_lab import timed


def asleep(init):
    """Waits until it sleeps: it does so nowhere else."""
    wait_for(lambda: init.comm() == "usher" and proc_state(init.pid) == "S", "asleep")
    return init


for words, seconds in ((("0",), 0), (("0.3",), 0.3), ((".3",), 0.3), (("300ms",), 0.3),
                       (("0.1", "0.1", "0.1"), 0.3), (("0.005m",), 0.3), (("3e-1",), 0.3),
                       (("0.2s", "100ms"), 0.3), (("0s", "0m", "0h", "0d"), 0), (("--", "0.3"), 0.3),
                       (("0.00001h", "0.264"), 0.3), (("1e-9",), 0), (("0.",), 0)):
    def lasts(words=words, seconds=seconds):
        took, result = timed(run, "sleep", *words)
        equal(result, (0, "", ""))
        assert seconds <= took < seconds + 0.5, f"{took} s"
    add(f"sleep {' '.join(words)} takes {seconds} s", lasts, __name__)

for words in (("infinity",), ("inf",), ("INF",), ("1d",), ("2h",), ("1", "inf"), ("1m30s",),
              ("1e5",)):
    def long(words=words):
        with start("sleep", *words) as init:
            asleep(init)
            assert init.running()
            init.kill(15)
            equal(init.wait(), 143)
    add(f"sleep {' '.join(words)} is taken, and sleeps", long, __name__)

for words, offending in (((), "sleep"), (("",), "''"), (("abc",), "'abc'"), (("-1",), "-1"),
                         (("1x",), "'1x'"), (("1", "2", "3y"), "'3y'"), (("1 2",), "'1 2'"),
                         (("nan",), "'nan'"), (("1e",), "'1e'"), (("--what",), "--what"),
                         (("99999999999999999999",), "99999999999999999999"), (("1m30",), "'1m30'")):
    def refused(words=words, offending=offending):
        code, out, err = run("sleep", *words)
        equal((code, out), (125, ""))
        assert offending in one_line(err), err
    add(f"sleep {', '.join(map(repr, words)) or 'of nothing'} is called wrongly", refused, __name__)

for number, code in ((15, 143), (2, 130), (3, 131), (1, 129)):
    for pid1 in (True, False):
        def ended(number=number, code=code, pid1=pid1):
            with start("sleep", "infinity", pid1=pid1) as init:
                asleep(init)
                begin = time.monotonic()
                init.kill(number)
                equal(init.wait(), code)
                assert time.monotonic() - begin < 0.5
                equal((init.out.text, init.err.text), ("", ""))
        add(f"signal {number} ends it at once with {code}, "
            f"{'as PID 1' if pid1 else 'as a plain process'}", ended, __name__)


@test("a signal that was blocked by its caller still ends it; one that was ignored ends only PID 1")
def _():
    for number in (15, 2, 3, 1):
        with start("sleep", "infinity", before=("--block", number)) as init:
            asleep(init)
            init.kill(number)
            equal(init.wait(), 128 + number)
        with start("sleep", "infinity", before=("--ignore", number), pid1=True) as init:
            asleep(init)
            init.kill(number)
            equal(init.wait(), 128 + number)
        with start("sleep", "0.5", before=("--ignore", number)) as init:
            asleep(init)
            init.kill(number)
            equal(init.wait(), 0)


@test("a TERM that was pending before it began ends it")
def _():
    with start("sleep", "infinity", before=("--block", 15)) as init:
        init.kill(15)
        equal(init.wait(), 143)


@test("being stopped and continued makes it no longer")
def _():
    with start("sleep", "0.4") as init:
        begin = time.monotonic()
        init.kill(19)
        wait_for(lambda: proc_status(init.pid).get("State", "").startswith("T"), "stopped")
        init.kill(18)
        equal(init.wait(), 0)
        assert time.monotonic() - begin < 0.9


@both("it uses no processor time while it sleeps")
def _(pid1):
    with start("sleep", "infinity", pid1=pid1) as init:
        asleep(init)
        def switches():
            return int(proc_status(init.pid)["voluntary_ctxt_switches"])
        before = switches()
        end = time.monotonic() + 0.5
        wait_for(lambda: time.monotonic() > end, "half a second")
        equal(switches(), before, "wake-ups")
