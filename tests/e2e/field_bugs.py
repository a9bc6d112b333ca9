# SPDX-License-Identifier: MIT
"""The bugs that PID 1 programs have had, each as a test named after what must hold.

Beside it the same scenario is run on a peer that has the bug, when Debian's package is there: it
proves that the test can fail. Where no packaged peer has the bug, a comment names the change to
usher that makes the test fail. Elsewhere are: 1 in early_signals.py, 3
in privileges.py, 5, 6 and 8 in the tests of the terminal, 11 in parent_death.py, 19 in limits.py.
"""
import os
import subprocess

import exec_errors
import parent_death
import reaping
import signals
import startup
from harness import (TERM, background, both, equal, join, peer, report, run, scratch, signals_in,
                     start, test, wait_for, witness)
from logging_ import fill
from signals import USR1


def shows(name, what, *words):
    """Registers a scenario to be seen failing on a peer: the function says how the bug looks."""
    called = " ".join([name, *words])
    return test(f"the scenario shows the bug on {called}: {what}", group="peers")


# --- 2 --------------------------------------------------------------------------------------

def ends_with_ignored_chld(binary, pid1):
    with start("--", *witness("exit", 42), binary=binary, pid1=pid1,
               before=("--ignore", "17")) as init:
        init.leaves = True
        try:
            return init.wait(2 if binary else 10)
        except AssertionError:
            return None


@both("bug 2: an inherited ignored SIGCHLD hangs nothing")
def _(pid1):
    equal(ends_with_ignored_chld(None, pid1), 42)


for _name in ("tini", "catatonit"):
    shows(_name, "an inherited ignored SIGCHLD hangs it")(
        lambda name=_name: equal(ends_with_ignored_chld(peer(name), True), None))


# --- 4 --------------------------------------------------------------------------------------

def starts_without_stdin(binary, pid1):
    return run("--", *witness("exit", 42), binary=binary, pid1=pid1, before=("--close", "0"))[0]


@both("bug 4: a closed stdin stops nothing")
def _(pid1):
    equal(starts_without_stdin(None, pid1), 42)


@shows("tini", "it does not start with a closed stdin")
def _():
    assert starts_without_stdin(peer("tini"), True) != 42


# --- 7 --------------------------------------------------------------------------------------

def inherited(binary, blocked, ignored, pid1):
    seen = report(binary=binary, pid1=pid1,
                  before=("--block", join(blocked) or "0", "--ignore", join(ignored) or "0"))
    return signals_in(seen["blocked"]), signals_in(seen["ignored"])


@both("bug 7: the program inherits mask and dispositions untouched")
def _(pid1):
    for blocked, ignored in ((set(), set()), ({32}, {1}), ({1, 20}, {2, 3, 13, 17, 22, 33})):
        equal(inherited(None, blocked, ignored, pid1), (blocked, ignored))


@shows("catatonit", "its child has TSTP, TTIN and TTOU blocked")
def _():
    equal(inherited(peer("catatonit"), set(), set(), True)[0], {20, 21, 22})


@shows("dumb-init", "its child has lost an ignored HUP")
def _():
    equal(inherited(peer("dumb-init"), set(), {1}, True)[1], set())


# --- 9, 18: no packaged peer has them -------------------------------------------------------

# Fails on a usher that calls waitpid once a SIGCHLD.
both("bug 9: SIGCHLDs that coalesce lose no end, the program's among them")(
    reaping.many_ends_behind_one_signal)

# Fails on a usher that takes the first child that it reaps for its program.
both("bug 18: a reaped stranger is not taken for the program")(reaping.stranger_ends)


# --- 10 -------------------------------------------------------------------------------------

def saves_after_term(binary, spec, *words, pid1=True):
    """TERM to an init whose program ends at once and whose worker needs 0.5 s to save its work."""
    with start(*words, "--", *witness("catch", "--exit", "15:0", "--member", spec), binary=binary,
               pid1=pid1) as init:
        init.ready().kill(TERM)
        init.leaves = True
        equal(init.wait(), 0)
        return bool(init.out.find(r"^member 1 saved$"))


for _what, _spec in (("a background worker", "save=0.5"),
                     ("a grandchild in a session of its own", "orphan,setsid,save=0.5")):
    both(f"bug 10: {_what} may finish its work after a TERM")(
        lambda pid1, spec=_spec: equal(saves_after_term(None, spec, pid1=pid1), True))

for _name, *_words in (("tini",), ("tini", "-g"), ("dumb-init",), ("dumb-init", "-c"),
                       ("catatonit",), ("catatonit", "-g")):
    shows(_name, "a background worker never finishes", *_words)(
        lambda name=_name, words=tuple(_words): equal(
            saves_after_term(peer(name), "save=0.5", *words), False))


# --- 12: the terminal's half is in the tests of the terminal ---------------------------------

# Fails on a usher that calls prctl with fewer arguments: what is in the registers goes along.
test("bug 12: prctl gets all of its five arguments")(parent_death.prctl_has_five_arguments)


# --- 13 -------------------------------------------------------------------------------------

def releases_a_mount(binary, pid1, what):
    """Can a file system be unmounted that the init was started in, or with a file of which open?"""
    place = scratch("mnt")
    os.mkdir(place)
    subprocess.run(["mount", "-t", "tmpfs", "none", place], check=True)
    open(f"{place}/file", "w", encoding="ascii").close()
    before = ("--chdir", place) if what == "cwd" else ("--open", f"9:{place}/file")
    with start("--", *witness("with", "--chdir", "/", "--close", "9"), "--", *witness("forever"),
               binary=binary, pid1=pid1, before=before) as init:
        init.ready()

        def unmounted():
            done = subprocess.run(["umount", place], check=False, capture_output=True)
            return done.returncode == 0
        try:
            wait_for(unmounted, "umount", 10 if binary is None else 1)
        except AssertionError:
            return False
        return True


for _what in ("cwd", "an inherited file"):
    both(f"bug 13: {_what} pins no mount")(
        lambda pid1, what=_what: equal(releases_a_mount(None, pid1, what), True))

for _name, _what in (("tini", "cwd"), ("tini", "an inherited file"),
                     ("dumb-init", "an inherited file")):
    shows(_name, f"{_what} pins a mount")(
        lambda name=_name, what=_what: equal(releases_a_mount(peer(name), False, what), False))


# --- 14: what dumb-init reads outside its table is not the same each time --------------------

@both("bug 14: real-time signals are forwarded, rewritten and dropped like all others")
def _(pid1):
    # Fails on a table of 32 entries.
    with start("-r", "64:63", "-r", "32:33", "-r", "40:0", "--", *witness("catch"),
               pid1=pid1) as init:
        init.ready()
        for sent, seen in ((64, 63), (32, 33), (34, 34), (50, 50)):
            init.kill(40)
            init.kill(sent)
            signals.expect(init, seen)
        equal(signals.got(init), [63, 33, 34, 50])


# --- 15 -------------------------------------------------------------------------------------

def exec_status(binary, kind):
    """The exit status for a program that cannot be executed."""
    path = scratch("program")
    if kind == "ELOOP":
        os.symlink("program", path)
    elif kind == "ENOTDIR":
        path = exec_errors.write("file", b"x") + "/program"
    elif kind == "missing interpreter":
        exec_errors.write("program", b"#!/no/such/interpreter\n")
    return run("--", path, binary=binary, pid1=True)[0]


WANTED = {"ELOOP": 126, "ENOTDIR": 127, "missing interpreter": 126}
for _kind, _status in WANTED.items():
    test(f"bug 15: {_kind} on exec gives {_status}")(
        lambda kind=_kind: equal(exec_status(None, kind), WANTED[kind]))
for _kind, _status in (("ELOOP", 1), ("ENOTDIR", 1), ("missing interpreter", 127)):
    shows("tini", f"{_kind} on exec gives {_status}")(
        lambda kind=_kind, status=_status: equal(exec_status(peer("tini"), kind), status))


# --- 16 -------------------------------------------------------------------------------------

@both("bug 16: no disposition is touched before main: SIGPIPE is as it was inherited")
def _(pid1):
    # Fails on a run-time library that ignores SIGPIPE, as Go, Rust and Python do.
    for ignored in (set(), {13}):
        equal(inherited(None, set(), ignored, pid1), (set(), ignored))
    for _, blocked, ignored in startup.SIGNAL_STATES:
        seen = inherited(None, blocked, ignored, pid1)
        equal(seen, (blocked - {9, 19}, ignored - {9, 19}))


# --- 17: see subreaper.py for every place ----------------------------------------------------

@test("bug 17: not as PID 1, usher ends no process that is not its own descendant")
def _():
    # Fails on a usher that calls kill(-1) although it is not PID 1.
    bystander = background(*witness("catch"))
    bystander.lines.expect("^ready$")
    with start("-f", "all", "-t", "0.2", "--", *witness("catch")) as init:
        init.ready().wait_state("running")
        init.kill(USR1)
        init.kill(TERM)
        equal(init.wait(), 137)
    os.kill(bystander.pid, 50)
    bystander.lines.expect("^got 50 ")
    equal(bystander.lines.find(r"^got (\d+) "), ["50"])


# --- 20 -------------------------------------------------------------------------------------

def forwards_with_a_full_log(binary, *words):
    """Does a signal reach the program while stderr is a pipe that is full and that nobody reads?"""
    read_end, write_end = os.pipe()
    fill(write_end)
    with start(*words, "--", *witness("catch"), binary=binary, pid1=True, stderr=write_end) as init:
        if binary is None:
            init.ready()
        try:
            for _ in range(3):
                init.kill(USR1)
                signals.expect(init, USR1) if binary is None else init.out.expect("^got 10 ", 1)
            return True
        except AssertionError:
            return False
        finally:
            os.close(read_end)


@test("bug 20: a full log pipe holds up no signal")
def _():
    equal(forwards_with_a_full_log(None, "-v", "-v", "-v"), True)


@shows("dumb-init", "a full log pipe holds up its signals", "-v")
def _():
    equal(forwards_with_a_full_log(peer("dumb-init"), "-v"), False)
