# SPDX-License-Identifier: MIT
"""--heal: its system calls fail, in PID 1 and in the watcher; the program is never stopped for it."""
import os

from harness import TERM, both, children, comm, equal, scratch, witness
from lab import GOES_ON, PATIENCE, Hang, explore
from supervise import LOGGING, begin, deaf_to_ends, fatal, refuses, tell

NO_HEAL = "goes on, and does not heal"


def has_watcher(life, name):
    return any(comm(pid) == name for pid in children(life.pid))


# Of PID 1 those that have to do with the watcher; supervise.py has the others.
OF_INIT = ("clone", "kill", "rt_sigtimedwait", "wait4", "openat", "read", "madvise")
# A descriptor less, a place in the log less, a name less: that heals all the same.
OF_WATCHER = ("prctl.SET_PDEATHSIG", "prctl.SET_NAME", "setsid", "chdir", "close_range", "close", "signalfd4",
              "rt_sigprocmask", "openat", "statx", "ppoll", "rt_sigtimedwait", "write")


def heals(name, pid1, calls, inject=()):
    """A program that is healthy, and then is not. What fails once only delays the heal."""
    words = witness("catch", "--exit", "15:7")
    mark = scratch("mark")

    def play(scene, point):
        with open(mark, "w", encoding="ascii"):
            pass
        args = ["-v", "--heal", f"file:{mark}", "--heal-interval", "5ms", "--heal-retries", "2", "--heal-grace", "300ms",
                "--", *words]
        life = begin(scene, point, args, pid1, {"inject": inject})
        life.until(lambda: "ready" in life.out or life.over(), "the program is ready")
        if "ready" not in life.out:
            return fatal(life, point)
        if not inject and refuses(point, "wait4", later=True):
            return deaf_to_ends(life)
        patience = 0.5 if point.later else PATIENCE
        try:
            life.until(lambda: has_watcher(life, "heal:healthy") or "usher: healthy file:" in life.err,
                       "the checks pass", patience)
        except Hang:
            assert point.later, "the checks never passed"
        assert not life.over(), f"stopped a healthy program: {life.err!r}"
        os.remove(mark)
        try:
            life.until(life.over, "it is healed", patience)
        except Hang:
            assert point.later, f"an unhealthy program goes on: {life.err!r}"
            deaf = not inject and refuses(point, "rt_sigtimedwait")
            if deaf or not tell(life, TERM, "SIGTERM", lambda: "got 15 " in life.out):
                os.kill(next(p for p in children(life.pid) if comm(p) == "witness"), TERM)
            equal(life.finish(), 69 if "stopping the unhealthy" in life.err else 7, "status")
            return NO_HEAL
        status = life.finish()
        equal(status, 69, f"status, stderr {life.err!r}")
        assert "stopping the unhealthy program" in life.err or point.call in LOGGING, life.err
        return GOES_ON
    explore(name, play, only=lambda point: point.call in calls and (point.later or point.nth < 4))


@both("PID 1 starts the watcher, hears of it and stops the program", timeout=900)
def _(pid1):
    heals(f"heal, pid1={pid1}", pid1, OF_INIT)


@both("the watcher makes its rounds", timeout=900)
def _(pid1):
    heals(f"the watcher, pid1={pid1}", pid1, OF_WATCHER, inject=("--copy",))

