# SPDX-License-Identifier: MIT
"""One system call of usher fails, and what comes of it.

A scenario plays a container's life through an Attempt and asserts what must hold. explore() plays it
once as it is, which lists the system calls, and then once for every point: a call, one of its errors
(errnos.py), and which of its calls it is. tests/tools/inject.cpp does the failing.
"""
import contextlib
import collections
import dataclasses
import json
import os
import select
import signal
import subprocess
import time

import errnos
import harness
from harness import CONFIG, base_environment, kill_everything, tool

PATIENCE = 40.0        # seconds until something counts as a hang
MOST_CPU = 400_000     # microseconds of usher itself; a life takes under 20,000
# Where one of these is refused for good, probe and wait look a thousand times a second or as fast as
# the answer that they cannot read comes in; until their time is up.
BUSY = ("ppoll", "recvfrom", "rt_sigtimedwait")
FATAL, GOES_ON = "fatal before the program runs", "goes on"


class Hang(AssertionError):
    pass


@dataclasses.dataclass(frozen=True)
class Point:
    """The `nth` call fails; with `later`, all after it too."""
    call: str
    error: str
    nth: int
    later: bool = False

    def __str__(self):
        return f"{self.call} {self.error} at call {self.nth}{' and later' if self.later else ''}"

    @property
    def options(self):
        later = "+" if self.later else ""
        return ["--fail", f"{self.call}:{errnos.number(self.error)}:{self.nth}{later}"]


NO_POINT = Point("nothing", "", 0)


class Attempt:
    """usher under inject. `err` and `out` are what came so far; `report` is inject's."""

    def __init__(self, point, args, *, inject=(), env=None, stdin=subprocess.DEVNULL, stdout=None,
                 stderr=None, log=None, setup=None, pass_fds=()):
        """log: a file that is stderr."""
        self.log = log
        if log is not None:
            stderr = os.open(log, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        self.point = point
        self.texts = {}
        self.names = {}
        self.ended = False
        report = self._pipe("report")
        out = stdout if stdout is not None else self._pipe("out")
        err = stderr if stderr is not None else self._pipe("err")
        options = point.options if point is not NO_POINT else []
        command = [tool("inject"), "--report", str(report), *inject, *options, "--", CONFIG.usher,
                   *map(str, args)]
        self.popen = subprocess.Popen(command, stdin=stdin, stdout=out, stderr=err,
                                      env={**base_environment(), **(env or {})},
                                      pass_fds=(report, *pass_fds), preexec_fn=setup,
                                      start_new_session=setup is None)
        for fd in {report, out, err} - {stdout, stderr}:
            os.close(fd)
        if log is not None:
            os.close(stderr)
        self.until(lambda: "\n" in self.report)
        self.pid = int(self.report.split()[1])

    def _pipe(self, name):
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        self.names[reader] = name
        self.texts[name] = b""
        return writer

    def watch(self, fd, name):
        """Collects what comes from one more descriptor, as `text(name)`."""
        os.set_blocking(fd, False)
        self.names[fd] = name
        self.texts[name] = b""

    def text(self, name):
        return self.texts.get(name, b"").decode("utf-8", "replace")

    report = property(lambda self: self.text("report"))
    out = property(lambda self: self.text("out"))

    @property
    def err(self):
        if self.log is None:
            return self.text("err")
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def until(self, condition, what="", patience=PATIENCE):
        """Waits until the condition holds; looks again at whatever comes, and every few ms."""
        end = time.monotonic() + patience
        pause = 0.0005
        while not condition():
            if time.monotonic() > end:
                raise Hang(f"not within {patience} s: {what}")
            self._take(pause)
            pause = min(pause * 2, 0.01)
        # A condition on the log, a file, may hold before what the program wrote earlier was read.
        self._take(0)

    def _take(self, seconds):
        ready, _, _ = select.select(list(self.names), [], [], seconds)
        for fd in ready:
            try:
                part = os.read(fd, 65536)
            except BlockingIOError:
                continue
            except OSError:
                part = b""
            self.texts[self.names[fd]] += part
            if not part:
                if self.names.pop(fd) == "report":
                    self.ended = True
                os.close(fd)

    def over(self):
        return self.ended

    def live_on(self, seconds=0.3):
        """Lets it go on for a while: long enough for a spin to show in the count of its calls."""
        with contextlib.suppress(Hang):
            self.until(self.over, patience=seconds)

    def kill(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def finish(self):
        """Waits for the end of usher: its exit status. Then `facts` and `calls` are known."""
        self.until(self.over, "usher ends")
        self.popen.wait(PATIENCE)
        self._take(0)
        lines = [line.split() for line in self.report.splitlines()]
        assert lines[-1][0] != "pid", "inject has no report"
        self.facts = {words[0]: int(words[1]) for words in lines if words[0] != "call"}
        self.calls = {words[1]: int(words[2]) for words in lines if words[0] == "call"}
        return self.facts["exit"]

    @property
    def injected(self):
        return self.facts["injected"] > 0

    def close(self):
        """Ends what is left of it by force."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.popen.pid, signal.SIGKILL)
        self.popen.wait(PATIENCE)
        for fd in self.names:
            os.close(fd)
        self.names = {}
        kill_everything()


# --- what must hold after every point ------------------------------------------------------------

def lines_are_usher_s(text):
    for line in text.splitlines():
        if line.startswith("{"):
            json.loads(line)
        else:
            assert line.startswith("usher: "), f"a strange line on stderr: {line!r}"


def assert_fatal(attempt, status, said=True):
    """One clear line, and the program has not run."""
    assert status in (125, 126, 127), f"fatal with status {status}"
    assert attempt.out == "", f"the program ran: {attempt.out!r}"
    if said:
        lines = [line for line in attempt.err.splitlines() if "warning" not in line]
        assert len(lines) == 1, f"not one line: {attempt.err!r}"


def assert_calm(attempt, baseline_calls):
    assert attempt.facts["cpu"] < MOST_CPU, f"used {attempt.facts['cpu']} us of CPU"
    most = 3 * baseline_calls + 600
    if attempt.point.later and attempt.point.call in BUSY:
        most = 20_000
    assert attempt.facts["calls"] <= most, f"made {attempt.facts['calls']} calls, want <= {most}"


# --- exploring -----------------------------------------------------------------------------------

MANY = False    # run.py --many: more calls of each kind


def which_calls(count):
    """The first ones, one in the middle, the last; or many."""
    chosen = {1, 2, 3, count // 2, count}
    if MANY:
        chosen |= {*range(1, 17), *range(20, 100, 8), *range(100, 1000, 50), count - 1}
    return sorted(n for n in chosen if 1 <= n <= count)


def plan(calls, skipped=()):
    points = []
    for call, count in sorted(calls.items()):
        if call in errnos.NEVER_FAIL or call in skipped:
            continue
        for error in errnos.names_for(call):
            points += [Point(call, error, nth) for nth in which_calls(count)]
        points += [Point(call, error, 1, later=True) for error in errnos.MISSING]
    return points


def explore(name, play, *, skipped=(), only=None, baseline=GOES_ON):
    """Plays the scenario for every point; fails with the list of those where something was wrong."""
    with contextlib.closing(Scene(play)) as scene:
        calls, total = scene.baseline(baseline)
        unknown = [c for c in calls if c not in errnos.PAGES and c not in errnos.NEVER_FAIL]
        assert not unknown, f"calls without a line in errnos.py: {unknown}"
        wrong = []
        reached = collections.Counter()
        outcomes = collections.Counter()
        for point in plan(calls, skipped):
            if only is not None and not only(point):
                continue
            try:
                outcome, injected = scene.at(point, total)
            except Exception as error:   # a point may go wrong in any way; the others are played
                wrong.append(f"{point}: {type(error).__name__}: {error}")
                continue
            if injected:
                reached[point.call, point.error] += 1
                outcomes[point.call, outcome] += 1
        record(name, calls, reached, outcomes, wrong)
    # A call that only some lives make may not have come again.
    assert only or wrong or len({call for call, _ in reached}) >= len(calls) // 2, "hardly a call failed"
    if wrong:
        shown = "\n".join(wrong[:40])
        raise AssertionError(f"{len(wrong)} points went wrong:\n{shown}")


class Scene:
    def __init__(self, play):
        self.play = play
        self.attempts = []

    def attempt(self, point, *args, **options):
        made = Attempt(point, *args, **options)
        self.attempts.append(made)
        return made

    def _perform(self, point):
        try:
            outcome = self.play(self, point)
            return outcome, self.attempts[-1]
        except AssertionError as error:
            seen = self.attempts[-1] if self.attempts else None
            story = f" | out {seen.out!r} err {seen.err!r} report {seen.report[:60]!r}" if seen else ""
            raise type(error)(f"{error}{story}") from None
        finally:
            for made in self.attempts:
                made.close()
            self.attempts = []

    def baseline(self, want):
        """The calls of undisturbed lives: the most of three, and how many in all."""
        calls, total = collections.Counter(), 0
        for _ in range(3):
            outcome, seen = self._perform(NO_POINT)
            assert outcome == want, outcome
            calls |= collections.Counter(seen.calls)
            total = max(total, seen.facts["calls"])
        return calls, total

    def at(self, point, total):
        outcome, seen = self._perform(point)
        assert_calm(seen, total)
        return outcome, seen.injected

    def close(self):
        kill_everything()


def record(name, calls, reached, outcomes, wrong):
    """For the figures at the end of the run: see run.py."""
    path = os.path.join(os.path.dirname(CONFIG.scratch), "figures")
    entry = {"scenario": name, "calls": sum(calls.values()), "kinds": len(calls),
             "injected": sum(reached.values()), "wrong": len(wrong),
             "reached": [[*key, count] for key, count in reached.items()],
             "outcomes": [[*key, count] for key, count in outcomes.items()]}
    with open(path, "a", encoding="ascii") as file:
        file.write(json.dumps(entry) + "\n")
