# SPDX-License-Identifier: MIT
"""Interactive shells and full-screen programs under usher: they cannot tell that it is there."""
import os
import shutil

from harness import CONFIG, equal, need, proc_state, scratch, test, wait_for
from pty_session import BASH, LEADER, PID1, PLACES, SHELL, Report, onlooker, place, shell

FULL_SCREEN = '''
import curses
def draw(screen):
    screen.addstr(3, 5, "FULL" + "SCREEN")
    count = 0
    while True:
        screen.refresh()
        key = screen.getch()
        if key == ord("q"):
            break
        if key == ord("x"):
            count += 1
            screen.addstr(5, 5, "KEY" * 2 + str(count))
curses.wrapper(draw)
'''


def curses_program():
    path = scratch("full_screen.py")
    with open(path, "w", encoding="utf-8") as file:
        file.write(FULL_SCREEN)
    return f"/usr/bin/python3 -I -S {path}"


def inner_shell(session):
    """The prompt of the shell under usher; it must have job control."""
    session.prompt()
    assert "no job control" not in session.text, "the shell has no job control"
    session.modes_before = session.modes()


def check_jobs(session):
    """A session of job control in the shell at whose prompt we are."""
    report = Report()
    session.line(" ".join(onlooker(report, "foreground", "until:18", "foreground", "default:2")))
    equal(report.expect("foreground (.*)")[1], "yes", "foreground")
    session.key("^Z")
    session.expect(r"\[1\]\+  Stopped")
    session.prompt()
    assert "Stopped" in session.do("jobs"), "jobs shows it"
    session.do("bg")
    equal(report.expect("foreground (.*)")[1], "no", "foreground after bg")
    assert "Running" in session.do("jobs"), "jobs shows it running"
    session.line("fg")
    program = session.find("onlooker")
    wait_for(lambda: session.foreground() == os.getpgid(program), "it has the foreground")
    session.key("^C")
    session.prompt()
    equal(session.do("echo $?"), "130\n", "status after ^C")
    session.line("sleep 1000 | cat")
    session.find("sleep")
    session.key("^Z")
    session.expect(r"\[1\]\+  Stopped")
    session.prompt()
    session.do("kill %1; wait")
    session.line("cat")
    session.line("typed")
    session.expect("typed\r\ntyped")
    session.key("^D")
    session.prompt()


for _where in PLACES:
    for _how, _nested in (("", False), (", with usher in usher", True)):
        @test(f"an interactive bash has its job control, {_where}{_how}")
        def _(where=_where, nested=_nested):
            words = ["--", *([CONFIG.usher, "--"] if nested else []), *BASH]
            with place(where, *words) as session:
                inner_shell(session)
                check_jobs(session)
                equal(session.modes(), session.modes_before, "the terminal's modes")
                session.line("exit 7")
                if where in (LEADER, PID1):
                    equal(session.wait(), 7, "status")
                else:
                    session.prompt()
                    equal(session.do("echo $?"), "7\n", "status")


@test("an interactive bash has its job control, as without usher")
def _():
    with place(SHELL, init=BASH) as session:
        inner_shell(session)
        check_jobs(session)
        session.line("exit 7")
        session.prompt()


for _name, _front in (("", lambda: [CONFIG.usher, "--"]), (", as without usher", list)):
    @test(f"suspend in an inner bash stops it, and fg of the shell outside brings it back{_name}")
    def _(front=_front):
        with place(SHELL, init=[*front(), *BASH]) as session:
            session.prompt()
            session.do("name=inner")
            session.line("suspend")
            session.expect(r"\[1\]\+  Stopped")
            session.prompt()
            equal(session.do("echo name=$name"), "name=\n", "the outer shell")
            session.line("fg")
            session.expect("suspend|bash")
            session.prompt()
            equal(session.do("echo name=$name"), "name=inner\n", "the inner shell")
            session.line("exit")
            session.prompt()


# --- full-screen programs -------------------------------------------------------------------

def at_rest(program):
    """It waits for a key. (While it draws, curses ignores ^Z and throws typed keys away.)"""
    wait_for(lambda: proc_state(program) == "S", "the program waits for a key")


def check_curses(session):
    session.line(curses_program())
    session.expect("FULLSCREEN")
    session.type("x")
    session.expect("KEYKEY1")
    assert session.modes() != session.modes_before, "it changes the modes"
    session.type("q")
    session.prompt()


def check_vi(session):
    path = scratch("edited")
    session.line(f"vi -u NONE -n {path}")
    session.expect("~")
    session.type("iwritten")
    session.key("ESC")
    session.type(":wq\r")
    session.prompt()
    with open(path, encoding="utf-8") as file:
        equal(file.read(), "written\n", "the file")


def check_less(session):
    path = scratch("paged")
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"line{n}\n" for n in range(1, 201))
    session.line(f"less {path}")
    session.expect("line1\\b")
    session.type("G")
    session.expect("line200")
    session.type("q")
    session.prompt()


def check_top(session):
    session.line("top -d 1000")
    session.expect("COMMAND")
    session.type("q")
    session.prompt()


CHECKS = {"a curses program": (check_curses, None), "vi": (check_vi, "vi"),
          "less": (check_less, "less"), "top": (check_top, "top")}

for _name, (_check, _needs) in CHECKS.items():
    for _where in PLACES:
        @test(f"{_name} in a bash draws, takes keys and leaves the terminal sane, {_where}")
        def _(check=_check, needs=_needs, where=_where):
            need(needs is None or shutil.which(needs), f"{needs} is not installed")
            with place(where, "--", *BASH) as session:
                inner_shell(session)
                check(session)
                equal(session.modes(), session.modes_before, "the terminal's modes")
                equal(session.do("echo he''re"), "here\n", "the shell's answer")
                session.line("exit")


for _name, _front in (("", lambda: [CONFIG.usher, "--"]),
                      (", with usher in usher", lambda: [CONFIG.usher, "--"] * 2),
                      (", as without usher", list)):
    @test(f"^Z in a curses program and fg: it draws again, and ends with the terminal sane{_name}")
    def _(front=_front):
        with shell() as session:
            before = session.modes()
            session.line(" ".join([*front(), curses_program()]))
            session.expect("FULLSCREEN")
            program = session.find("python3")
            for number in range(1, 4):
                at_rest(program)
                session.key("^Z")
                session.expect("Stopped")
                session.prompt()
                equal(session.modes(), before, "the terminal's modes while it is stopped")
                session.line("fg")
                session.expect("FULLSCREEN")
                at_rest(program)
                session.type("x")
                session.expect("KEY" if number == 1 else str(number))
            at_rest(program)
            session.type("q")
            session.prompt()
            equal(session.modes(), before, "the terminal's modes")

    @test(f"^Z in vi and fg: it draws again, and ends with the terminal sane{_name}")
    def _(front=_front):
        need(shutil.which("vi"), "vi is not installed")
        with shell() as session:
            before = session.modes()
            path = scratch("edited")
            session.line(" ".join([*front(), "vi", "-u", "NONE", "-n", path]))
            session.expect("~")
            session.type("imarkword")
            session.expect("mark")
            session.key("ESC")
            session.key("^Z")
            session.expect("Stopped")
            session.prompt()
            equal(session.modes(), before, "the terminal's modes while it is stopped")
            session.line("fg")
            session.expect("markword")
            session.type(":wq\r")
            session.prompt()
            equal(session.modes(), before, "the terminal's modes")
            with open(path, encoding="utf-8") as file:
                equal(file.read(), "markword\n", "the file")
