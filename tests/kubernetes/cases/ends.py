# SPDX-License-Identifier: MIT
"""How pods end: the times of the kubelet and of usher, and the exit codes."""
import re
import threading

from lab import case, container, equal, hook, note, run, wait


class Ended:
    """A pod whose end was asked for and came: its exit code, the seconds that took, its log. `by_kubelet`: usher is
    killed with the program, and has no last word."""

    def __init__(self, *args, seconds=30, delete=None, pod="app", by_kubelet=False, **more):
        pod = run(container(*args, **more), name=pod, seconds=seconds)
        pod.follow()
        began = pod.delete(delete)
        when, self.code = pod.end()
        self.seconds = when - began
        wait(lambda: by_kubelet or "ended: exit code" in pod.said(), "the log's last line")
        self.pod = pod
        self.log = pod.said()
        note(f"exit code {self.code} after {self.seconds:.1f} s")


@case("a hook and a pre-stop add up")
def _():
    ended = Ended(lifecycle=hook(4), env={"USHER_PRE_STOP": "4s"})
    equal(ended.code, 0, ended.log)
    assert 7.9 < ended.seconds < 25, ended.seconds


@case("a hook that is longer than the kubelet's time is cut, and TERM still comes")
def _():
    ended = Ended(seconds=3, lifecycle=hook(20))
    equal(ended.code, 0, ended.log)
    assert ended.seconds < 18, ended.seconds
    ended.pod.wait_event("^FailedPreStopHook")


@case("a pre-stop longer than the kubelet's time ends with 137, and the program never hears of it")
def _():
    ended = Ended(seconds=4, by_kubelet=True, env={"USHER_PRE_STOP": "60s"})
    equal(ended.code, 137, ended.log)
    assert "draining" in ended.log and "stopping" not in ended.log, ended.log
    assert 3.5 < ended.seconds < 30, ended.seconds


@case("pre-stop and grace longer than the kubelet's time: 137 of the kubelet, and usher names nobody")
def _():
    ended = Ended("--term", "ignore", seconds=5, by_kubelet=True, env={"USHER_PRE_STOP": "2s", "USHER_GRACE": "60s"})
    equal(ended.code, 137, ended.log)
    assert "stopping" in ended.log and "killing" not in ended.log, ended.log


@case("pre-stop and grace inside the kubelet's time: 137 of usher, which names what it kills")
def _():
    ended = Ended("--term", "ignore", seconds=30, env={"USHER_PRE_STOP": "2s", "USHER_GRACE": "3s"})
    equal(ended.code, 137, ended.log)
    assert re.search(r"warning: killing what did not stop: \d+ \(moody\)", ended.log), ended.log
    assert 4.9 < ended.seconds < 25, ended.seconds


@case("a probe that runs when the grace is over is told apart: it is from outside")
def _():
    pod = run(container("--term", "ignore", env={"USHER_GRACE": "4s"}, readinessProbe=None))
    pod.follow()
    pod.get("/set/delay/60000")
    words = ("/usher", "probe", "--timeout", "60s", ":8080/healthz")   # as a readiness probe of a program that hangs
    threading.Thread(target=pod.exec, args=words, daemon=True).start()
    wait(lambda: "usher" in pod.processes(), "the probe runs")
    pod.delete()
    equal(pod.end()[1], 137, "the exit code")
    wait(lambda: "killing" in pod.said(), "what is killed")
    killed = re.findall(r"killing what did not stop: (.*)", pod.said())
    assert len(killed) == 1 and re.fullmatch(r"\d+ \(moody\), \d+ \(usher\) from outside", killed[0]), killed


@case("a program without a handler ends with 143, and with --remap-exit 143 with 0")
def _():
    ended = Ended("--term", "default")
    equal(ended.code, 143, ended.log)
    ended = Ended("--term", "default", env={"USHER_REMAP_EXIT": "143"}, pod="again")
    equal(ended.code, 0, ended.log)


@case("a program's own exit code 3 is the container's")
def _():
    ended = Ended("--exit", 3)
    equal(ended.code, 3, ended.log)


@case("what outlives the program gets the linger, and is named when it is killed; the exit code stays the program's")
def _():
    ended = Ended("--leave", 2, env={"USHER_LINGER": "2s"})
    equal(ended.code, 0, ended.log)
    assert re.search(r"killing what did not stop: \d+ \(moody\), \d+ \(moody\)", ended.log), ended.log
    assert 1.9 < ended.seconds < 25, ended.seconds


@case("--grace-period=1 cuts a pre-stop")
def _():
    ended = Ended(delete=1, by_kubelet=True, env={"USHER_PRE_STOP": "60s"})
    equal(ended.code, 137, ended.log)
    assert ended.seconds < 30, ended.seconds
