# SPDX-License-Identifier: MIT
"""^Z where nobody outside can bring a program back: as PID 1, and as the leader of the session."""
import os

from harness import CONFIG, equal, holds_for, peer, test, tool, wait_for
from pty_session import (CONT, KILL, LEADER, PID1, PID1_OUTER, STOP, TERM, TSTP, USR1, WINCH,
                         Report, end_program, group_of, is_stopped, onlooker, place, shell)

ROUNDS = 10


def runs_on(session, report, rounds=ROUNDS):
    """After each ^Z the program has been continued, runs, and has the foreground."""
    for number in range(1, rounds + 1):
        session.key("^Z")
        wait_for(lambda n=number: report.got(CONT) >= n, "the program gets CONT")
        wait_for(lambda: not is_stopped(session.program), "the program runs")
        equal(session.foreground(), group_of(session.program), "the foreground's group")
        assert not is_stopped(session.pid), "the init itself is stopped"


for _where in (PID1, PID1_OUTER, LEADER):
    @test(f"after ^Z the program gets CONT at once and goes on, {_where}")
    def _(where=_where):
        report = Report()
        with place(where, "--", *onlooker(report), report=report) as session:
            runs_on(session, report)
            end_program(session)

    @test(f"after ^Z a program under a nested usher gets CONT and goes on, {_where}")
    def _(where=_where):
        report = Report()
        with place(where, "--", CONFIG.usher, "--", *onlooker(report), report=report) as session:
            runs_on(session, report)
            end_program(session)


@test("after ^Z the program goes on when it leads the session itself, as without usher")
def _():
    report = Report()
    with place(LEADER, *onlooker(report), init=[], report=report) as session:
        session.key("^Z")
        session.expect(r"\^Z")
        os.kill(session.leader, WINCH)
        report.expect("got 28 u")
        assert not is_stopped(session.program), "it is stopped"
        end_program(session)


@test("after ^Z the program gets CONT and goes on: the test fails on tini as PID 1")
def _():
    report = Report()
    with place(PID1, *onlooker(report), init=[peer("tini"), "--"], report=report) as session:
        session.key("^Z")
        wait_for(lambda: is_stopped(session.program), "the program is stopped")
        holds_for(lambda: is_stopped(session.program), 0.3, "nobody continues it")


@test("as PID 1 a program that stops itself as ^Z would gets CONT at once and goes on")
def _():
    report = Report()
    steps = ["until:10", f"raise:{TSTP}", "say:on"]
    with place(PID1, "--", *onlooker(report, *steps), report=report) as session:
        os.kill(session.program, USR1)
        report.expect("said on")
        end_program(session)


for _where in (PID1, LEADER):
    for _mode in ("main", "group", "all"):
        @test(f"after ^Z the program's children go on, too, with --forward {_mode}, {_where}")
        def _(where=_where, mode=_mode):
            report = Report()
            inner = ["sh", "-c", '"$@"; exit 0', "sh", *onlooker(report)]
            with place(where, "--forward", mode, "--", *inner, report=report) as session:
                main = session.pid
                for number in range(1, 4):
                    session.key("^Z")
                    wait_for(lambda n=number: report.got(CONT) >= n, "the child gets CONT")
                    wait_for(lambda: not is_stopped(session.program), "the child runs")
                    wait_for(lambda: not is_stopped(main), "the main process runs")
                end_program(session)
                equal(session.wait(), 0, "status")


@test("as PID 1 a program that SIGSTOP stops stays stopped until it is told to go on")
def _():
    report = Report()
    with place(PID1, "--", *onlooker(report), report=report) as session:
        os.kill(session.program, STOP)
        wait_for(lambda: is_stopped(session.program), "it is stopped")
        holds_for(lambda: is_stopped(session.program), 0.1, "stopped")
        os.kill(session.pid, CONT)
        report.expect("got 18 u")
        equal(session.foreground(), group_of(session.program), "the foreground's group")
        end_program(session)


@test("as PID 1 a stop signal ends a program that SIGSTOP has stopped")
def _():
    report = Report()
    with place(PID1, "--", *onlooker(report, f"default:{TERM}"), report=report) as session:
        os.kill(session.program, STOP)
        wait_for(lambda: is_stopped(session.program), "it is stopped")
        os.kill(session.pid, TERM)
        equal(session.wait(), 143, "status")


@test("a leader's program that SIGSTOP stops goes on, with the terminal, when it is continued")
def _():
    report = Report()
    steps = ["until:18", "foreground", "until:18", "foreground"]
    with place(LEADER, "--", *onlooker(report, *steps), report=report) as session:
        for whom in (session.program, session.pid):
            os.kill(session.program, STOP)
            wait_for(lambda: is_stopped(session.program), "it is stopped")
            wait_for(lambda: session.foreground() == group_of(session.program), "the terminal")
            assert not is_stopped(session.pid), "usher itself is stopped"
            os.kill(whom, CONT)
            equal(report.expect("foreground (.*)")[1], "yes", "foreground")
        end_program(session)


@test("as PID 1 in an outer shell's session the shell goes on after the program's end")
def _():
    report = Report()
    with place(PID1_OUTER, "--", *onlooker(report), report=report) as session:
        end_program(session)
        session.prompt()
        equal(session.do("echo he''re"), "here\n", "the shell's answer")
        equal(session.do("echo $?"), "0\n", "status")


@test("as PID 1 in the background of an outer shell it leaves the terminal with the shell")
def _():
    report = Report()
    with shell() as session:
        command = [tool("pidns"), "--", CONFIG.usher, "--", *onlooker(report)]
        session.do(" ".join(command) + " &")
        report.expect("started")
        equal(session.foreground(), session.leader, "the foreground's group")
        equal(session.do("echo he''re"), "here\n", "the shell's answer")
        os.kill(session.find("onlooker"), KILL)


@test("as PID 1 in the background of an outer shell it gets the terminal with fg")
def _():
    report = Report()
    with shell() as session:
        command = [tool("pidns"), "--", CONFIG.usher, "--", *onlooker(report, "until:10", "read")]
        session.do(" ".join(command) + " &")
        report.expect("started")
        program = session.find("onlooker")
        session.line("fg")
        wait_for(lambda: session.foreground() not in (0, session.leader), "fg")
        os.kill(program, USR1)
        session.line("typed")
        report.expect("read 6 typed")
        equal(session.foreground(), group_of(program), "the foreground's group")
        os.kill(program, KILL)
        session.prompt()
