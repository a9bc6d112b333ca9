# SPDX-License-Identifier: MIT
"""The terminal goes away: a window is closed, a connection lost, `docker run -it` is killed."""
import os

from harness import CONFIG, alive, equal, holds_for, peer, test, wait_for
from pty_session import (HUP, LEADER, PID1, PLACES, SHELL, STOP, Report, end_program,
                         is_stopped, onlooker, place)

DIES = f"default:{HUP}"


def hang_up(session):
    session.before = session.members()
    session.hang_up()


def all_ends(session):
    for pid in session.before:
        wait_for(lambda p=pid: not alive(p), f"process {pid} ends")
    session.wait()


for _where in PLACES:
    @test(f"when the terminal hangs up the program gets HUP and usher ends, {_where}")
    def _(where=_where):
        report = Report()
        with place(where, "--", *onlooker(report, DIES, "say:here"), report=report) as session:
            report.expect("said here")
            hang_up(session)
            all_ends(session)
            if where in (LEADER, PID1):
                equal(session.wait(), 129, "status")

    @test(f"when the terminal hangs up a stopped program gets HUP and CONT, and usher ends, "
          f"{_where}")
    def _(where=_where):
        report = Report()
        with place(where, "--", *onlooker(report, DIES, "say:here"), report=report) as session:
            report.expect("said here")
            if where == SHELL:
                session.key("^Z")
                session.expect("Stopped")
                session.prompt()
            else:
                os.kill(session.program, STOP)
            wait_for(lambda: is_stopped(session.program), "the program is stopped")
            hang_up(session)
            all_ends(session)

    @test(f"when the terminal hangs up a nested usher's program ends, too, {_where}")
    def _(where=_where):
        report = Report()
        command = [CONFIG.usher, "--", *onlooker(report, DIES, "say:here")]
        with place(where, "--", *command, report=report) as session:
            report.expect("said here")
            hang_up(session)
            all_ends(session)


for _where in (SHELL, LEADER, PID1):
    @test(f"a program that takes HUP outlives the terminal, and usher with it, {_where}")
    def _(where=_where):
        report = Report()
        with place(where, "--", *onlooker(report, "until:1", "foreground", "until:10", "exit:0"),
                   report=report) as session:
            session.hang_up()
            report.expect("got 1 .")
            wait_for(lambda: report.count("foreground .*"), "it goes on")
            assert alive(session.pid), "usher has ended"
            os.kill(session.pid, 10)
            wait_for(lambda: not alive(session.program), "the program ends")
            wait_for(lambda: not alive(session.pid), "usher ends")


for _where in (LEADER, PID1):
    @test(f"when the terminal hangs up the program gets HUP once, {_where}")
    def _(where=_where):
        report = Report()
        with place(where, "--", *onlooker(report), report=report) as session:
            session.hang_up()
            report.expect("got 1 .")
            os.kill(session.pid, 12)
            report.expect("got 12 u")
            equal(report.got(HUP), 1, "signals")
            end_program(session)


@test("a program that was stopped from elsewhere ends, too, when the terminal hangs up")
def _():
    report = Report()
    with place(SHELL, "--", *onlooker(report, DIES, "say:here"), report=report) as session:
        report.expect("said here")
        os.kill(session.program, STOP)
        wait_for(lambda: is_stopped(session.program), "the program is stopped")
        hang_up(session)
        all_ends(session)


@test("HUP alone ends a stopped program, as PID 1")
def _():
    report = Report()
    with place(PID1, "--", *onlooker(report, DIES, "say:here"), report=report) as session:
        report.expect("said here")
        os.kill(session.program, STOP)
        wait_for(lambda: is_stopped(session.program), "the program is stopped")
        os.kill(session.pid, HUP)
        equal(session.wait(), 129, "status")


@test("HUP alone ends a stopped program: the test fails on tini as PID 1")
def _():
    report = Report()
    init = [peer("tini"), "--"]
    with place(PID1, *onlooker(report, DIES, "say:here"), init=init, report=report) as session:
        report.expect("said here")
        os.kill(session.program, STOP)
        wait_for(lambda: is_stopped(session.program), "the program is stopped")
        os.kill(session.pid, HUP)
        holds_for(lambda: is_stopped(session.program) and alive(session.pid), 0.3, "both stay")


@test("usher that a shell has stopped ends when the shell is killed")
def _():
    report = Report()
    with place(SHELL, "--", *onlooker(report, DIES, "say:here"), report=report) as session:
        report.expect("said here")
        session.key("^Z")
        session.expect("Stopped")
        wait_for(lambda: is_stopped(session.pid), "usher is stopped")
        session.before = session.members()
        os.kill(session.leader, 9)   # the kernel hangs up on an orphaned group that is stopped
        all_ends(session)
