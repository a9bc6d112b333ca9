# SPDX-License-Identifier: MIT
"""A container with -t on a terminal of ours: foreground, ^C, window size."""
from suite import case, comes_true, equal, image, scratch, wait_for

HERE = 30.0


class Report:
    """What onlooker tells in a file that the container and the test share."""

    def __init__(self):
        self.path = scratch("report")
        open(self.path, "w", encoding="ascii").close()

    def lines(self):
        with open(self.path, encoding="ascii") as file:
            return file.read().splitlines()

    def expect(self, line):
        wait_for(lambda: line in self.lines(), f"{line!r} in {self.lines()}", HERE)


def onlooker(engine, *steps):
    report = Report()
    return report, engine.run(image(), "/usher", "--", "/onlooker", "/shared/report", *steps,
                              tty=True, mounts={scratch(): "/shared"})


@case("on a terminal the program has the foreground and its exit code comes back",
      needs={"controlling-tty"})
def _(engine):
    report, container = onlooker(engine, "foreground", "until:10", "exit:9")
    with container:
        report.expect("foreground yes")
        container.kill(10)
        equal(container.session.popen.wait(HERE), 9, "the exit code of the client")


@case("^C reaches the program once, from the kernel", needs={"controlling-tty"})
def _(engine):
    report, container = onlooker(engine, "foreground", "until:2", "until:10", "exit:0")
    with container:
        report.expect("foreground yes")
        container.session.key("^C")
        report.expect("got 2 k")
        container.kill(10)
        equal(container.session.popen.wait(HERE), 0, "the exit code of the client")
        equal([x for x in report.lines() if x.startswith("got 2 ")], ["got 2 k"], "what INT came")


@case("the program sees the window's size, and its change by SIGWINCH", needs={"window-size"})
def _(engine):
    steps = ["until:10", "size"] * 200
    report, container = onlooker(engine, "foreground", *steps)

    def asked_size():
        before = len(report.lines())
        container.kill(10)
        wait_for(lambda: any(x.startswith("size") for x in report.lines()[before:]),
                 f"a size after {report.lines()[-4:]}", HERE)
        return [x for x in report.lines() if x.startswith("size")][-1]
    with container:
        report.expect("foreground yes")
        wait_for(lambda: asked_size() == "size 24 80", "the first size is passed on", HERE)
        changes = len(report.lines())
        columns = 100

        def resized():
            # A client passes the first size on before it looks for changes: it may miss one.
            nonlocal columns
            columns += 1
            container.session.resize(33, columns)
            return comes_true(lambda: "got 28 k" in report.lines()[changes:], 1)
        wait_for(resized, "WINCH comes", HERE)
        wait_for(lambda: asked_size() == f"size 33 {columns}", "the new size is passed on", HERE)


@case("with a terminal but no controlling one, what is typed still reaches the program",
      only={"gvisor"})
def _(engine):
    report, container = onlooker(engine, "read", "exit:6")
    with container:
        container.session.line("hello")
        report.expect("read 6 hello")
        equal(container.session.popen.wait(HERE), 6, "the exit code of the client")
