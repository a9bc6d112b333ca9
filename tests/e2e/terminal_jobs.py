# SPDX-License-Identifier: MIT
"""Job control in a shell outside: with usher in front of the program all is as without it.

Most tests run twice: with usher, and without it, which shows that the test asks for what the
terminal and the shell really do.
"""
import os
import shlex
import shutil

from harness import (CONFIG, add, alive, equal, holds_for, kill_everything, need, parent_of, peer,
                     proc_state, scratch, test, wait_for)
from pty_session import (CONT, HUP, INT, KILL, STOP, TERM, TSTP, USR1, Report, group_of, is_stopped,
                         onlooker, shell)

ROUNDS = 5


class Job:
    """A shell, and in it a program under `front` (usher, a peer or nothing)."""

    def __init__(self, front, *, background=False, shape="{}", steps=()):
        self.report = Report()
        self.front = front
        command = shlex.join([*front, *onlooker(self.report, *steps)])
        self.session = shell()
        self.command = shape.format(command) + (" &" if background else "")
        self.session.line(self.command)
        self.report.expect("started")
        self.program = self.session.find("onlooker")
        self.top = parent_of(self.program) if front else self.program
        self.chain = [self.program]   # up to what the shell has started
        while parent_of(self.chain[-1]) != self.session.leader:
            self.chain.append(parent_of(self.chain[-1]))
        self.session.seen.update(self.chain)
        if background:
            self.session.prompt()

    def __enter__(self):
        self.session.__enter__()
        return self

    def __exit__(self, *error):
        self.session.__exit__(*error)

    def stopped(self):
        """The shell says that the job is stopped, and has the terminal and its prompt again."""
        self.session.expect(r"\[\d\]\+  Stopped")
        self.session.prompt()
        equal(self.session.foreground(), self.session.leader, "the foreground's group")
        wait_for(lambda: is_stopped(self.program), "the program is stopped")
        wait_for(lambda: is_stopped(self.top), "what the shell started is stopped")

    def in_foreground(self):
        wait_for(lambda: self.session.foreground() == group_of(self.program),
                 "the program has the foreground")
        wait_for(lambda: not is_stopped(self.program), "the program runs")

    def finish(self):
        os.kill(self.program, KILL)

    def all_end(self):
        for pid in self.chain:
            wait_for(lambda p=pid: not alive(p), f"process {pid} ends")


def usher(*options):
    return [CONFIG.usher, *options, "--"]


def compare(name, *, nested=False):
    """Registers a test with usher, with usher in usher, and without: it takes `front()`."""
    def register(function):
        fronts = {"": usher, ", as without usher": list}
        if nested:
            fronts[", with usher in usher"] = lambda: [*usher(), *usher()]
        for how, front in fronts.items():
            add(name + how, lambda front=front: function(front()), function.__module__)
        return function
    return register


# --- ^Z -------------------------------------------------------------------------------------

@compare("after ^Z the shell says Stopped, and fg brings the program back, round after round",
         nested=True)
def _(front):
    with Job(front) as job:
        for number in range(1, ROUNDS + 1):
            job.session.key("^Z")
            job.stopped()
            job.session.line("fg")
            wait_for(lambda n=number: job.report.got(CONT) >= n, "the program gets CONT")
            job.in_foreground()
        job.finish()
        job.session.prompt()


@compare("after ^Z and bg the program runs on without the terminal, and fg gives it the terminal",
         nested=True)
def _(front):
    with Job(front, steps=["until:18", "foreground", "until:10", "read", "foreground"]) as job:
        job.session.key("^Z")
        job.stopped()
        job.session.do("bg")
        job.report.expect("foreground no")
        equal(job.session.foreground(), job.session.leader, "the foreground's group")
        equal(job.session.do("echo still he''re"), "still here\n", "what the shell does meanwhile")
        job.session.line("fg")
        job.session.expect("fg")
        wait_for(lambda: job.session.foreground() != job.session.leader, "fg")
        os.kill(job.program, USR1)
        job.session.line("a line")   # fg told a running job nothing: it finds out as it reads
        job.report.expect("read 7 a line")
        job.report.expect("foreground yes")
        job.session.key("^C")
        wait_for(lambda: job.report.got(INT), "^C reaches it")
        job.finish()
        job.session.prompt()


@compare("^C of a job that fg took from the background reaches the program once", nested=True)
def _(front):
    with Job(front, background=True) as job:
        job.session.line("fg")
        wait_for(lambda: job.session.foreground() != job.session.leader, "fg")
        for number in range(1, 4):
            job.session.key("^C")
            wait_for(lambda n=number: job.report.got(INT) >= n, "^C reaches the program")
            equal(job.report.got(INT), number, "signals")
        job.finish()
        job.session.prompt()


@compare("^Z of a job that fg took from the background stops it, and fg brings it "
         "back", nested=True)
def _(front):
    with Job(front, background=True) as job:
        job.session.line("fg")
        wait_for(lambda: job.session.foreground() != job.session.leader, "fg")
        for _ in range(3):
            job.session.key("^Z")
            job.stopped()
            job.session.line("fg")
            job.in_foreground()
        job.finish()
        job.session.prompt()


for _mode in ("main", "group", "all"):
    @test(f"after ^Z fg and bg bring the program's children back, too, with --forward {_mode}")
    def _(mode=_mode):
        report = Report("children")
        with shell() as session:
            inner = ["sh", "-c", '"$@"; exit 0', "sh", *onlooker(report)]
            session.line(shlex.join([*usher("--forward", mode), *inner]))
            report.expect("started")
            child = session.find("onlooker")
            for number, how in enumerate(("fg", "fg", "bg"), 1):
                session.key("^Z")
                session.expect("Stopped")
                session.prompt()
                session.line(how)
                wait_for(lambda n=number: report.got(CONT) >= n, "the child gets CONT")
                wait_for(lambda: not is_stopped(child), "the child runs")
                wait_for(lambda: not is_stopped(parent_of(child)), "the main process runs")
            os.kill(child, KILL)


@compare("^Z stops a whole pipeline, and fg brings it back")
def _(front):
    with Job(front, shape="{} | cat", steps=["until:18", "write:word"]) as job:
        job.session.key("^Z")
        job.stopped()
        job.session.line("fg")
        job.session.expect("<word>")
        job.finish()
        job.session.prompt()


def script(front, report, *steps, name="script"):
    """A shell script that runs a program and then reads a line from the terminal."""
    path = scratch(name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"{shlex.join([*front, *onlooker(report, *steps)])}\n"
                   "echo status=$?\nread line && echo \"got <$line>\"\n")
    return path


@compare("^Z in a script stops the script with its program, and fg brings both back", nested=True)
def _(front):
    report = Report()
    with shell() as session:
        session.line(f"sh {script(front, report, 'until:18', 'foreground', 'exit:3')}")
        report.expect("started")
        program = session.find("onlooker")
        session.key("^Z")
        session.expect(r"\[\d\]\+  Stopped")
        session.prompt()
        equal(session.foreground(), session.leader, "the foreground's group")
        wait_for(lambda: is_stopped(program), "the program is stopped")
        session.line("fg")
        report.expect("foreground yes")
        session.expect("status=3")
        session.line("typed")
        session.expect("got <typed>")
        session.prompt()


@compare("a program that stops itself as ^Z would is a stopped job, and fg brings it back",
         nested=True)
def _(front):
    with Job(front, steps=["until:10", f"raise:{TSTP}", "foreground"]) as job:
        os.kill(job.program, USR1)
        job.stopped()
        job.session.line("fg")
        job.report.expect("foreground yes")
        job.finish()
        job.session.prompt()


@compare("a program in the foreground that SIGSTOP stops is a stopped job, and fg brings it back",
         nested=True)
def _(front):
    with Job(front, steps=["until:10", f"raise:{STOP}", "foreground"]) as job:
        os.kill(job.program, USR1)
        job.stopped()
        job.session.line("fg")
        job.report.expect("foreground yes")
        job.finish()
        job.session.prompt()


@compare("a stopped job whose program is killed meanwhile ends with fg")
def _(front):
    with Job(front) as job:
        job.session.key("^Z")
        job.stopped()
        job.finish()
        if front:
            wait_for(lambda: proc_state(job.program) == "Z", "the program is dead")
            job.session.line("fg")
        job.all_end()
        job.session.do("")
        equal(job.session.foreground(), job.session.leader, "the foreground's group")


@compare("kill %1 ends a stopped job", nested=True)
def _(front):
    with Job(front, steps=[f"default:{TERM}"]) as job:
        job.session.key("^Z")
        job.stopped()
        job.session.line("kill %1")
        job.all_end()


@compare("when the shell ends, a stopped job ends", nested=True)
def _(front):
    with Job(front, steps=[f"default:{HUP}", f"default:{TERM}"]) as job:
        job.session.key("^Z")
        job.stopped()
        job.session.do("exit")    # "There are stopped jobs."
        job.session.line("exit")
        job.session.wait()
        job.all_end()


@test("CONT that comes before usher has heard of the program's stop continues both")
def _():
    with Job(usher(), background=True) as job:
        for number in range(1, 11):
            os.kill(job.top, STOP)   # so that it finds both pieces of news at once
            wait_for(lambda: is_stopped(job.top), "usher is stopped")
            os.kill(job.program, TSTP)
            wait_for(lambda: is_stopped(job.program), "the program is stopped")
            os.kill(job.top, CONT)
            wait_for(lambda: not is_stopped(job.program), f"the program goes on, round {number}")
            wait_for(lambda: not is_stopped(job.top), f"usher goes on, round {number}")


# --- in the background ----------------------------------------------------------------------

@compare("started with & it leaves the terminal with the shell", nested=True)
def _(front):
    with Job(front, background=True, steps=["foreground", "until:10"]) as job:
        job.report.expect("foreground no")
        for number in range(3):
            answer = job.session.do(f"echo {number}''{number}")
            equal(answer, f"{number}{number}\n", "the shell's answer")
            equal(job.session.foreground(), job.session.leader, "the foreground's group")
        job.finish()


def stops_in_background(job, reason):
    """bash tells at its next prompt that the job was stopped."""
    wait_for(lambda: is_stopped(job.program) and is_stopped(job.top), "it is stopped")
    wait_for(lambda: "Stopped" in job.session.do("jobs"), "jobs shows it stopped")
    assert reason in job.session.do("jobs -l"), f"{reason}: {job.session.do('jobs -l')}"


@compare("a background program that reads the terminal is stopped, and fg lets it "
         "read", nested=True)
def _(front):
    with Job(front, background=True, steps=["until:10", "read", "foreground"]) as job:
        for _ in range(2):   # also when bg sends it back to the same read
            os.kill(job.program, USR1)
            stops_in_background(job, "tty input")
            job.session.do("bg")
        stops_in_background(job, "tty input")
        job.session.line("fg")
        job.in_foreground()
        job.session.line("typed")
        job.report.expect("read 6 typed")
        job.report.expect("foreground yes")
        job.finish()
        job.session.prompt()


@compare("a background program that sets the terminal's modes is stopped, and fg lets "
         "it", nested=True)
def _(front):
    with Job(front, background=True, steps=["until:10", "modes"]) as job:
        os.kill(job.program, USR1)
        stops_in_background(job, "tty output")
        job.session.line("fg")
        job.in_foreground()
        job.report.expect("modes 0")
        job.finish()
        job.session.prompt()


@compare("with stty tostop a background program that writes is stopped, and fg lets it write",
         nested=True)
def _(front):
    with Job(front, background=True, steps=["until:10", "write:output"]) as job:
        job.session.do("stty tostop")
        os.kill(job.program, USR1)
        stops_in_background(job, "tty output")
        job.session.line("fg")
        job.report.expect("wrote 9")
        job.in_foreground()
        job.finish()
        job.session.prompt()


@compare("without tostop a background program writes and runs on", nested=True)
def _(front):
    with Job(front, background=True, steps=["until:10", "write:output"]) as job:
        os.kill(job.program, USR1)
        job.report.expect("wrote 9")
        job.session.expect("<output>")
        equal(job.session.foreground(), job.session.leader, "the foreground's group")
        job.finish()


@compare("with stty tostop a job in the foreground starts, writes, stops and comes "
         "back", nested=True)
def _(front):
    report = Report()
    with shell() as session:
        session.do("stty tostop")
        session.line(shlex.join([*front, *onlooker(report, "write:one", "until:18", "write:two",
                                                   "read", "exit:0")]))
        report.expect("wrote 6")
        session.key("^Z")
        session.expect("Stopped")
        session.prompt()
        session.line("fg")
        report.expect("wrote 6")
        session.line("x")
        report.expect("read 2 x")
        session.prompt()


@test("with stty tostop usher in the background is not stopped by what it does to the terminal")
def _():
    with shell() as session:
        session.do("stty tostop")
        report = Report()
        session.do(shlex.join([*usher("-vv"), *onlooker(report, "until:10", "exit:5")]) + " &")
        report.expect("started")
        program = session.find("onlooker")
        usher_pid = parent_of(program)
        os.kill(usher_pid, USR1)   # its log line goes to the terminal
        session.expect("received SIGUSR1")
        wait_for(lambda: not alive(usher_pid), "usher ends")
        session.do("")
        assert "Exit 5" in session.text or "Exit 5" in session.do("jobs"), "the shell tells the end"


# --- the terminal is given back -------------------------------------------------------------

def reads_on(front, *steps, kill=False):
    report = Report()
    with shell() as session:
        session.line(f"sh {script(front, report, *steps)}")
        if kill:
            report.expect("started")
            os.kill(session.find("onlooker"), KILL)
        status = session.expect(r"status=(\d+)")[1].decode()
        session.line("typed")
        try:
            session.expect("got <typed>", deadline=2 if "usher" not in front[0] else 10)
        except AssertionError:
            return None
        session.prompt()
        return status


@test("after the program's end in a script the script reads from the terminal again")
def _():
    equal(reads_on(usher(), "exit:7"), "7", "status")


@test("after the program was killed in a script the script reads from the terminal again")
def _():
    equal(reads_on(usher(), kill=True), "137", "status")


@test("after the end of a nested usher in a script the script reads from the terminal again")
def _():
    equal(reads_on([*usher(), *usher()], "exit:7"), "7", "status")


@test("after a failed exec in a script the script reads from the terminal again")
def _():
    report = Report()
    with shell() as session:
        path = scratch("failing")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{CONFIG.usher} -- /no/such/program\n"
                       "echo status=$?; read line && echo \"got <$line>\"\n")
        session.line(f"sh {path}")
        session.expect("status=127")
        session.line("typed")
        session.expect("got <typed>")
        session.prompt()
    equal(report.lines(), [], "no program ran")


for _peer in ("tini", "catatonit"):
    @test(f"the script reads again after the program's end: the test fails on {_peer}")
    def _(name=_peer):
        equal(reads_on([peer(name), "--"], "exit:7"), None, "what the script got")


@test("the terminal is the script's again while usher waits for what the program left behind")
def _():
    with shell() as session:
        report = Report()
        left = shlex.join(onlooker(report, f"ignore:{TERM}", "say:here"))
        inner = f"{left} & until grep -q here {report.path}; do :; done"
        session.line(shlex.join([*usher("--linger", "inf"), "sh", "-c", inner]))
        report.expect("said here")
        pid = session.find("usher:lingering")
        wait_for(lambda: session.foreground() == group_of(pid), "usher's group has the terminal")
        os.kill(session.find("onlooker"), KILL)
        session.prompt()


# --- the peers, where they fail -------------------------------------------------------------

for _peer in ("tini", "catatonit"):
    @test(f"^Z reaches the shell outside: the test fails on {_peer}")
    def _(name=_peer):
        with Job([peer(name), "--"]) as job:
            job.session.key("^Z")
            job.session.expect(r"\^Z")
            holds_for(lambda: not is_stopped(job.top) and "Stopped" not in job.session.text, 0.2,
                      "the shell hears nothing")
            job.finish()

    @test(f"started with & it leaves the terminal with the shell: the test fails on {_peer}")
    def _(name=_peer):
        report = Report()
        with shell() as session:
            session.line(shlex.join([peer(name), "--", *onlooker(report)]) + " &")
            # A shell that has lost the terminal ends, and takes its job along.
            wait_for(lambda: not session.running() or
                     session.foreground() not in (0, session.leader), "it takes the foreground")
        kill_everything()


# --- other shells ---------------------------------------------------------------------------

SHELLS = {"dash": ["dash", "-i"], "zsh": ["zsh", "-f", "-i", "+Z"]}


def other_shell(name, front):
    """The same rounds in another shell: each hands the terminal over in its own way."""
    need(shutil.which(name), f"{name} is not installed")
    report = Report()
    with shell(SHELLS[name]) as session:
        job = [*front, *onlooker(report, "until:10", "read", "foreground")]
        session.line(shlex.join(job))
        report.expect("started")
        program = session.find("onlooker")
        for number in range(1, ROUNDS + 1):
            session.key("^Z")
            session.prompt()
            equal(session.foreground(), session.leader, "the foreground's group")
            wait_for(lambda: is_stopped(program), "the program is stopped")
            session.line("fg")
            wait_for(lambda n=number: report.got(CONT) >= n, "the program gets CONT")
            wait_for(lambda: session.foreground() == group_of(program), "it has the foreground")
        session.key("^Z")
        session.prompt()
        session.do("bg")
        os.kill(program, USR1)
        wait_for(lambda: is_stopped(program), "it is stopped as it reads")
        session.line("fg")
        wait_for(lambda: session.foreground() == group_of(program), "it has the foreground")
        session.line("typed")
        report.expect("read 6 typed")
        report.expect("foreground yes")
        os.kill(program, KILL)
        session.prompt()


for _shell in SHELLS:
    for _name, _front in (("", usher), (", as without usher", list)):
        @test(f"^Z, fg and bg work in {_shell}{_name}")
        def _(name=_shell, front=_front):
            other_shell(name, front())
