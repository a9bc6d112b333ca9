# SPDX-License-Identifier: MIT
"""Where the terminal is found: behind which descriptor, or nowhere."""
import os
import shlex

from harness import CONFIG, equal, peer, scratch, start, test, wait_for
from pty_session import (CONT, INT, KILL, PID1, SHELL, Report, end_program, group_of, is_stopped,
                         onlooker, place, shell)

ENXIO = 6
REDIRECTIONS = {
    "with a closed stdin": "<&-",
    "with a closed stdin and stdout": "<&- >&-",
    "with stdin, stdout and stderr closed": "<&- >&- 2>&-",
    "when stdin is no terminal but stdout is": "</dev/null",
    "when only stderr is a terminal": "</dev/null >/dev/null",
    "when none of stdin, stdout, stderr is a terminal but /dev/tty works":
        "</dev/null >/dev/null 2>/dev/null",
    "with a closed stdin when only /dev/tty is a terminal": "<&- >/dev/null 2>/dev/null",
}


def redirected(command, redirection):
    return ["sh", "-c", f"exec {shlex.join(command)} {redirection}"]


for _how, _redirection in REDIRECTIONS.items():
    @test(f"the program gets the foreground and the shell gets it back, {_how}")
    def _(redirection=_redirection):
        report = Report()
        with shell() as session:
            command = shlex.join([CONFIG.usher, "--", *onlooker(report, "foreground", "until:10")])
            session.line(f"sh -c {shlex.quote(f'{command} {redirection}; read x; echo $x')}")
            equal(report.expect("foreground (.*)")[1], "yes", "foreground")
            session.key("^C")
            report.expect("got 2 k")
            os.kill(session.find("onlooker"), KILL)
            session.line("typed")
            session.expect("typed\r\ntyped")
            session.prompt()

    @test(f"the program gets the foreground as PID 1, {_how}")
    def _(redirection=_redirection):
        report = Report()
        init = redirected([CONFIG.usher, "--", *onlooker(report, "foreground")], redirection)
        with place(PID1, init=init, report=report) as session:
            equal(report.expect("foreground (.*)")[1], "yes", "foreground")
            session.key("^C")
            report.expect("got 2 k")
            end_program(session)
            equal(session.wait(), 137, "status")

    @test(f"the program has the descriptors that usher got, {_how}")
    def _(redirection=_redirection):
        # The report goes to 9, as 1 may be closed.
        seen = []
        with shell() as session:
            for number, front in enumerate(([], [CONFIG.usher, "--"])):
                path = scratch(f"fds{number}")
                listing = shlex.join([*front, "sh", "-c", "exec ls -1 /proc/$$/fd >&9"])
                session.do(f"sh -c {shlex.quote(f'{listing} {redirection}')} 9>{path}")
                with open(path, encoding="utf-8") as file:
                    seen.append(file.read().split())
        equal(seen[1], seen[0], "descriptors with usher and without")
        assert "9" in seen[0], f"no listing: {seen}"


@test("a closed stdin is no error: the test fails on tini")
def _():
    report = Report()
    init = redirected([peer("tini"), "--", *onlooker(report)], "<&-")
    with place(PID1, init=init) as session:
        session.expect("tcsetpgrp failed: Bad file descriptor")
        session.wait()


@test("a terminal at stdin that is another session's is passed over for one's own")
def _():
    report = Report()
    master, slave = os.openpty()
    with shell() as session:
        command = shlex.join([CONFIG.usher, "--", *onlooker(report, "foreground")])
        session.line(f"{command} <{os.ttyname(slave)}")
        equal(report.expect("foreground (.*)")[1], "yes", "foreground")
        os.kill(session.find("onlooker"), KILL)
        session.prompt()
    os.close(master)
    os.close(slave)


# --- no terminal ----------------------------------------------------------------------------

def check_no_terminal(pid1, **options):
    report = Report()
    with start("--", *onlooker(report, "foreground", "exit:4"), pid1=pid1, **options) as init:
        equal(init.wait(), 4, "status")
        equal(report.expect("foreground (.*)")[1], str(ENXIO), "the terminal")
        equal(init.err.finish(), "", "what usher says")


@test("without a terminal the program runs as ever, as PID 1")
def _():
    check_no_terminal(True)


@test("without a terminal the program runs as ever, as a subreaper")
def _():
    check_no_terminal(False)


@test("without a terminal and with stdin closed the program runs as ever")
def _():
    check_no_terminal(False, before=["--close", "0"])


@test("a terminal at stdin that is no controlling terminal is left alone")
def _():
    report = Report()
    master, slave = os.openpty()
    with start("--", *onlooker(report, "foreground", "exit:4"), stdin=slave) as init:
        equal(init.wait(), 4, "status")
        equal(report.expect("foreground (.*)")[1], str(ENXIO), "the terminal")
        equal(init.err.finish(), "", "what usher says")
    os.close(master)
    os.close(slave)


# --- --no-tty -------------------------------------------------------------------------------

def no_tty(report, *steps):
    return ["--no-tty", "--", *onlooker(report, *steps)]


@test("with --no-tty the terminal stays with usher's group")
def _():
    report = Report()
    with place(SHELL, *no_tty(report, "foreground"), report=report) as session:
        equal(report.expect("foreground (.*)")[1], "no", "foreground")
        equal(session.foreground(), group_of(session.pid), "the foreground's group")
        end_program(session)
        session.prompt()


@test("with --no-tty ^C reaches the program once")
def _():
    report = Report()
    with place(SHELL, *no_tty(report), report=report) as session:
        for number in range(1, 11):
            session.key("^C")
            wait_for(lambda n=number: report.got(INT) >= n, "the program gets it")
            equal(report.got(INT), number, "signals")
        end_program(session)
        session.prompt()


@test("with --no-tty the shell says Stopped after ^Z, and fg brings the program back")
def _():
    report = Report()
    with place(SHELL, *no_tty(report), report=report) as session:
        for number in range(1, 4):
            session.key("^Z")
            session.expect("Stopped")
            session.prompt()
            wait_for(lambda: is_stopped(session.program), "the program is stopped")
            session.line("fg")
            wait_for(lambda n=number: report.got(CONT) >= n, "the program gets CONT")
        end_program(session)
        session.prompt()
