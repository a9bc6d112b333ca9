# SPDX-License-Identifier: MIT
"""Signals on their way from whoever sent them to the program."""
import os
import socket

from harness import (ALL_SIGNALS, CHLD, CONT, KILL, STOP, TERM, both, descendants, equal, holds_for,
                     inner_pid, proc_state, proc_status, start, test, wait_for, witness)

HUP, USR1, USR2, QUIT, INT = 1, 10, 12, 3, 2
MARK = 50           # real-time: comes after all standard signals that are pending with it
FORWARDED = [n for n in ALL_SIGNALS if n not in (KILL, STOP, CHLD)]

NAMES = dict(enumerate(
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP "
    "TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS".split(), 1))
RT_MIN = {34: "RTMIN", **{34 + n: f"RTMIN+{n}" for n in range(1, 31)}}
RT_MAX = {64: "RTMAX", **{64 - n: f"RTMAX-{n}" for n in range(1, 31)}}
SPELLINGS = {
    "by name": {**NAMES, **RT_MIN},
    "by name counted from RTMAX": {**NAMES, **RT_MAX},
    "with SIG": {n: "SIG" + name for n, name in {**NAMES, **RT_MIN}.items()},
    "by number": {n: str(n) for n in ALL_SIGNALS},
    "in lower case": {n: ("sig" + name).lower() for n, name in {**NAMES, **RT_MAX}.items()},
    "in mixed case": {n: name.capitalize() for n, name in {**NAMES, **RT_MIN}.items()},
}


def got(init):
    """The signals that the program itself has told so far."""
    return [int(n) for n in init.out.find(r"^got (\d+) ")]


def member_got(init, index):
    return [int(n) for n in init.out.find(rf"^member {index} got (\d+)$")]


def expect(init, sig):
    init.out.expect(rf"^got {sig} ")


def outer(init, inner):
    """The pid as seen here of a process that told its own pid."""
    return next(p for p in descendants(init.pid) if inner_pid(p) == inner)


def member_pid(init, index):
    return int(wait_for(lambda: init.out.find(rf"^member {index} pid (\d+)$"), "a member")[0])


def catcher(*words, program=(), **options):
    """A usher in the state running, and its program, which tells each signal that it gets."""
    init = start(*words, "--", *witness("catch", *program), **options).ready()
    return init.wait_state("running")


# --- who gets it ----------------------------------------------------------------------------

def check_forwarding(mode_words, pid1, in_group, in_session):
    """Sends every signal; who gets them: the program always, the members those that are told.

    in_group, in_session: the signals that a member there hears.
    """
    with catcher(*mode_words, program=("--member", "ignore", "--member", "setsid,ignore",
                                       "--exit", "52:0"), pid1=pid1) as init:
        members = {i: outer(init, member_pid(init, i)) for i in (1, 2)}
        sent = []
        for sig in FORWARDED:
            if sig in (51, 52):
                continue
            init.kill(sig)
            sent.append(sig)
            expect(init, sig)
            for index, heard in ((1, in_group), (2, in_session)):
                if sig in heard:   # or the kernel would let a TSTP take away a pending CONT
                    wait_for(lambda i=index, n=sig: n in member_got(init, i), "the members tell")
        # What came to a member by now it tells before the next one, which comes to it directly.
        for index, pid in members.items():
            os.kill(pid, 51)
            wait_for(lambda i=index: 51 in member_got(init, i), f"member {index} tells")
        equal(got(init), sent, "the program got")
        equal(member_got(init, 1), [*(n for n in sent if n in in_group), 51], "the group got")
        equal(member_got(init, 2), [*(n for n in sent if n in in_session), 51], "another session got")


for _words in (["-f", "main"], ["--forward=main"], ["-c"]):
    both(f"every signal is forwarded to the program alone with {' '.join(_words)}")(
        lambda pid1, words=_words: check_forwarding(words, pid1, (), ()))
for _words in (["-g"], ["--forward", "group"]):
    both(f"every signal is forwarded to the program's group with {' '.join(_words)}")(
        lambda pid1, words=_words: check_forwarding(words, pid1, FORWARDED, ()))
OF_A_STOP_OR_A_JOB = (INT, TERM, CONT, 20, 21, 22)
for _words in ([], ["-f", "split"]):
    _how = ' '.join(_words) or 'no option'
    both(f"stop signals and those of job control go to the group, others to the program alone with {_how}")(
        lambda pid1, words=_words: check_forwarding(words, pid1, OF_A_STOP_OR_A_JOB, ()))
for _words in (["-f", "all"], ["--forward=all"]):
    both(f"every signal is forwarded to every process with {' '.join(_words)}")(
        lambda pid1, words=_words: check_forwarding(words, pid1, FORWARDED, FORWARDED))


@both("the last of --forward, -g and -c counts")
def _(pid1):
    check_forwarding(["-g", "-f", "all", "-c"], pid1, (), ())


@both("a forwarded signal comes from usher's kill")
def _(pid1):
    with catcher(pid1=pid1) as init:
        init.kill(USR1)
        match = init.out.expect(r"^got 10 (-?\d+) (\d+)$")
        equal(match.group(1), "0", "si_code")
        equal(match.group(2), "1" if pid1 else str(init.pid), "si_pid")


@both("queued real-time signals are all forwarded")
def _(pid1):
    with catcher(pid1=pid1) as init:
        for _ in range(200):
            init.kill(40)
        init.kill(MARK)
        expect(init, MARK)
        equal(got(init), [40] * 200 + [MARK])


@both("a signal that came while usher was stopped is forwarded after it")
def _(pid1):
    with catcher(pid1=pid1) as init:
        init.kill(STOP)
        wait_for(lambda: proc_state(init.pid) == "T", "usher is stopped")
        init.kill(USR1)
        init.kill(CONT)
        expect(init, USR1)


@both("a program that left its group hears its signals all the same")
def _(pid1):
    with start("--", *witness("with", "--parent-group"), "--", *witness("catch", "--exit", "10:4"),
               pid1=pid1) as init:
        init.ready().kill(USR1)
        equal(init.wait(), 4)


# --- what is not forwarded ------------------------------------------------------------------

@both("a SIGCHLD that a process sent is not forwarded")
def _(pid1):
    with catcher(pid1=pid1) as init:
        init.kill(CHLD)
        init.kill(MARK)
        expect(init, MARK)
        equal(got(init), [MARK])


@both("a SIGPIPE that usher caused itself is not forwarded and does not end it")
def _(pid1):
    read_end, write_end = os.pipe()
    init = start("-v", "-v", "-v", "--", *witness("catch", "--exit", f"{MARK}:7"), pid1=pid1,
                 stderr=write_end)
    os.close(write_end)
    os.close(read_end)
    with init:
        init.ready()
        init.kill(USR1)     # told in the log, which nobody can read any more
        expect(init, USR1)
        init.kill(MARK)
        equal(init.wait(), 7)
        equal(got(init), [USR1, MARK])


@both("a SIGPIPE that comes from a closed socket as stderr is not forwarded, either")
def _(pid1):
    ours, theirs = socket.socketpair()
    init = start("-v", "-v", "-v", "--", *witness("catch", "--exit", f"{MARK}:7"), pid1=pid1,
                 stderr=theirs.fileno())
    theirs.close()
    ours.close()
    with init:
        init.ready()
        init.kill(USR1)
        expect(init, USR1)
        init.kill(MARK)
        equal(init.wait(), 7)
        equal(got(init), [USR1, MARK])


# --- rewriting ------------------------------------------------------------------------------

def check_spelling(spelling):
    """Every signal as FROM and as TO, spelt one way: N is rewritten to the next of them."""
    usable = [n for n in FORWARDED if n in spelling]
    following = dict(zip(usable, usable[1:] + usable[:1]))
    words = [w for n, to in following.items() for w in ("-r", f"{spelling[n]}:{spelling[to]}")]
    with catcher(*words) as init:
        for sig in usable:
            init.kill(sig)
            expect(init, following[sig])
        equal(got(init), list(following.values()))


for _how, _spelling in SPELLINGS.items():
    test(f"every signal is rewritten into another one, written {_how}")(
        lambda spelling=_spelling: check_spelling(spelling))


@both("--rewrite sends TO in place of FROM, once, and is not applied to its own result")
def _(pid1):
    with catcher("--rewrite", "USR1:USR2", "--rewrite=USR2:USR1", pid1=pid1) as init:
        init.kill(USR1)
        expect(init, USR2)
        init.kill(USR2)
        expect(init, USR1)
        equal(got(init), [USR2, USR1])


@both("--rewrite FROM:0 drops FROM")
def _(pid1):
    with catcher("-r", "USR1:0", pid1=pid1) as init:
        init.kill(USR1)
        init.kill(MARK)
        expect(init, MARK)
        equal(got(init), [MARK])


@both("TERM:0 still shuts down: the grace runs though nothing was forwarded")
def _(pid1):
    with catcher("-r", "TERM:0", "-t", "0.2", pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 137)
        assert TERM not in got(init), init.out.text


@both("TERM:QUIT shuts down with a QUIT")
def _(pid1):
    with catcher("-r", "TERM:QUIT", program=("--exit", "3:0"), pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 0)
        equal(got(init), [QUIT])


@both("USR1:TERM asks for no shutdown: what was received counts, not what is sent")
def _(pid1):
    with catcher("-r", "USR1:TERM", "-t", "0.1", pid1=pid1) as init:
        init.kill(USR1)
        expect(init, TERM)
        equal(init.state(), "running")
        holds_for(init.running, 0.4, "the program is not killed")


@both("TERM:KILL kills the program at once")
def _(pid1):
    with catcher("-r", "TERM:KILL", pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(), 137)


@both("USR1:STOP and USR2:CONT stop the program and let it go on")
def _(pid1):
    with start("-r", "USR1:STOP", "-r", "USR2:CONT", "--", *witness("forever"), pid1=pid1) as init:
        program = init.ready().program()
        init.kill(USR1)
        wait_for(lambda: proc_state(program) == "T", "the program is stopped")
        os.kill(init.pid, CONT)     # not PID 1, usher may have stopped itself with its program
        os.kill(program, STOP)
        init.kill(USR2)
        wait_for(lambda: proc_state(program) == "S", "the program goes on")


# --- the stop set ---------------------------------------------------------------------------

@both("TERM and INT ask for shutdown by default, nothing else does")
def _(pid1):
    with catcher(pid1=pid1) as init:
        for sig in FORWARDED:
            if sig not in (TERM, INT):
                init.kill(sig)
                expect(init, sig)
        equal(init.state(), "running")
        init.kill(INT)
        init.wait_state("stopping")
    with catcher(pid1=pid1) as init:
        init.kill(TERM)
        init.wait_state("stopping")


@both("--stop-signal replaces the set")
def _(pid1):
    with catcher("--stop-signal", "QUIT,SIGRTMIN+3,winch", pid1=pid1) as init:
        for sig in (TERM, INT):
            init.kill(sig)
            expect(init, sig)
        equal(init.state(), "running")
    for sig in (QUIT, 37, 28):
        with catcher("--stop-signal=QUIT,SIGRTMIN+3,winch", pid1=pid1) as init:
            init.kill(sig)
            expect(init, sig)
            init.wait_state("stopping")


# --- stopped programs -----------------------------------------------------------------------

def check_wakes(sig, pid1, words=()):
    with start(*words, "--", *witness("forever"), pid1=pid1) as init:
        program = init.ready().program()
        os.kill(program, STOP)
        wait_for(lambda: proc_state(program) == "T", "the program is stopped")
        init.kill(sig)
        equal(init.wait(), 128 + sig)


@both("a stopped program gets CONT after a forwarded TERM, and ends")
def _(pid1):
    check_wakes(TERM, pid1)


@both("a stopped program gets CONT after a forwarded HUP, and ends")
def _(pid1):
    check_wakes(HUP, pid1)


@both("a stopped program gets CONT after a stop signal of the user's choice")
def _(pid1):
    check_wakes(37, pid1, ("--stop-signal", "RTMIN+3"))


@both("a stopped program hears the TERM that ends a drain")
def _(pid1):
    check_wakes(TERM, pid1, ("-d", "0.1"))


@both("a running program gets no CONT with its TERM")
def _(pid1):
    with catcher(program=("--exit", f"{MARK}:0"), pid1=pid1) as init:
        init.kill(TERM)
        expect(init, TERM)
        init.kill(MARK)
        equal(init.wait(), 0)
        assert CONT not in got(init), init.out.text


@test("a program stopped by TSTP under PID 1 goes on at once")
def _():
    with start("--", *witness("forever"), pid1=True) as init:
        program = init.ready().program()
        os.kill(program, 20)
        wait_for(lambda: int(proc_status(program)["ShdPnd"], 16) == 0
                 and proc_state(program) == "S", "the program goes on")
        init.kill(TERM)
        equal(init.wait(), 128 + TERM)
