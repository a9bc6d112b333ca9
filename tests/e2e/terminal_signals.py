# SPDX-License-Identifier: MIT
"""The terminal's own signals: once to the program, never to usher as well."""
import os

from harness import equal, peer, test, wait_for
from pty_session import (INT, NAMES, PLACES, QUIT, SHELL, WINCH, Report, end_program, marked,
                         onlooker, place, state)

ROUNDS = 20


for _where in PLACES:
    @test(f"the program has the foreground from its first instruction, {_where}")
    def _(where=_where):
        report = Report()
        with place(where, "--", *onlooker(report, "foreground"), report=report) as session:
            equal(report.expect("foreground (.*)")[1], "yes", "foreground")
            end_program(session)


def press(session, report, sig, key):
    """Presses a key ROUNDS times; returns how often the program got its signal each time."""
    counts = []
    for _ in range(ROUNDS):
        before = report.got(sig)
        session.key(key)
        wait_for(lambda b=before: report.got(sig) > b, f"{key} reaches the program")
        marked(session, report)
        counts.append(report.got(sig) - before)
    return counts


for _where in PLACES:
    for _sig, _key in NAMES.items():
        @test(f"{_key} reaches the program exactly once and usher never, {_where}")
        def _(where=_where, sig=_sig, key=_key):
            report = Report()
            with place(where, "-vv", "--", *onlooker(report), report=report) as session:
                equal(press(session, report, sig, key), [1] * ROUNDS, "signals")
                equal(report.count(f"got {sig} k"), ROUNDS, "signals from the terminal itself")
                equal(state(session.pid), "running", "usher's state")
                end_program(session)
                wait_for(lambda s=session: "ended: exit code 137" in s.text, "the log on the screen")
                assert "received SIGUSR2" in session.text, "what usher received is on the screen"
                assert f"received SIG{ {INT: 'INT', QUIT: 'QUIT'}[sig] }" not in session.text


@test("^C reaches the program exactly once: the test fails on dumb-init -c")
def _():
    report = Report()
    with place(SHELL, "-c", *onlooker(report), report=report, init=peer("dumb-init")) as session:
        assert 2 in press(session, report, INT, "^C"), "dumb-init -c passes the test"
        end_program(session)


for _where in PLACES:
    @test(f"a change of the window's size reaches the program once, {_where}")
    def _(where=_where):
        report = Report()
        steps = [word for n in range(3) for word in ("until:28", "size")]
        with place(where, "--", *onlooker(report, *steps), report=report) as session:
            for number, (rows, columns) in enumerate(((30, 100), (50, 132), (24, 80)), 1):
                session.resize(rows, columns)
                equal(report.expect(r"size (.*)")[1], f"{rows} {columns}", "size")
                marked(session, report)
                equal(report.got(WINCH), number, "signals")
            end_program(session)


@test("stty size in the program is the window's size, also after it has changed")
def _():
    with place(SHELL, "--", "bash", "--norc", "--noprofile", "--noediting", "-i") as session:
        session.prompt()
        equal(session.do("stty size"), "24 80\n", "size")
        session.resize(33, 99)
        equal(session.do("stty size"), "33 99\n", "size")


@test("a signal for usher while its program has the terminal is forwarded once")
def _():
    report = Report()
    with place(SHELL, "--", *onlooker(report), report=report) as session:
        for number in range(1, ROUNDS + 1):
            os.kill(session.pid, INT)
            wait_for(lambda n=number: report.got(INT) >= n, "the program gets it")
            marked(session, report)
        equal(report.got(INT), ROUNDS, "signals")
        end_program(session)
