# SPDX-License-Identifier: MIT
"""What the program gets from usher at its start, and what usher lets go of."""
import itertools
import os
import platform

from harness import (CONFIG, ALL_SIGNALS, both, children, comm, equal, inside, join,
                     need, parent_of, proc_state, report, run, scratch, signals_in,
                     start, test, wait_for, witness)

UNBLOCKABLE = {9, 19}
SIGNAL_STATES = [
    ("nothing blocked or ignored", set(), set()),
    ("all blocked", set(ALL_SIGNALS), set()),
    ("all ignored", set(), set(ALL_SIGNALS)),
    ("all blocked and ignored", set(ALL_SIGNALS), set(ALL_SIGNALS)),
    ("32 and 33 blocked", {32, 33}, set()),
    ("32, 33 and 34 ignored", set(), {32, 33, 34}),
    ("CHLD ignored", set(), {17}),
    ("CHLD ignored and blocked", {17}, {17}),
    ("HUP ignored, as under nohup", set(), {1}),
    ("PIPE ignored, as under Python", set(), {13}),
    ("INT and QUIT ignored, as in the background of a script", set(), {2, 3}),
    ("TERM blocked", {15}, set()),
    ("TSTP, TTIN and TTOU blocked", {20, 21, 22}, set()),
    ("TTOU ignored", set(), {22}),
    ("every second blocked, every third ignored", set(range(2, 65, 2)), set(range(3, 65, 3))),
]


@both("the program's signal mask and dispositions are those that usher inherited")
def _(pid1):
    for what, blocked, ignored in SIGNAL_STATES:
        seen = report(pid1=pid1, before=("--block", join(blocked) or "0",
                                         "--ignore", join(ignored) or "0"))
        equal(signals_in(seen["blocked"]), blocked - UNBLOCKABLE, f"blocked with {what}")
        equal(signals_in(seen["ignored"]), ignored - UNBLOCKABLE, f"ignored with {what}")
        equal(signals_in(seen["caught"]), set(), f"caught with {what}")


@both("the program sees the environment that usher got, in the same order")
def _(pid1):
    given = {"B": "2", "A": "", "LISTEN_FDS": "1", "odd name": "x=y", "USHER_GRACE": "5s"}
    seen = report(pid1=pid1, env=given)["env"]
    equal(seen[-len(given):], [f"{k}={v}" for k, v in given.items()])
    equal(len(seen), len(given) + 1)


@both("the program sees its arguments as given")
def _(pid1):
    words = ["", "a b", "--", "-v", "--grace=1", "\xff\n"]
    status, out, _ = run("--", "/usr/bin/printf", "%s|", *words, pid1=pid1)
    equal((status, out), (0, "|a b|--|-v|--grace=1|\xff\n|"))


@both("the program may have very many arguments")
def _(pid1):
    status, out, err = run("--", "sh", "-c", "echo $#", "sh", *["a"] * 100000, pid1=pid1)
    equal((status, out, err), (0, "100000\n", ""))


@both("options after the program are the program's")
def _(pid1):
    equal(run("echo", "-v", "--help", pid1=pid1), (0, "-v --help\n", ""))


@test("LISTEN_PID is the program's pid if it was PID 1's")
def _():
    seen = report(pid1=True, env={"LISTEN_PID": "1"})
    assert f"LISTEN_PID={seen['pid']}" in seen["env"], seen["env"]
    assert "LISTEN_PID=1" not in seen["env"], seen["env"]


@test("LISTEN_PID is the program's pid if it was usher's, not as PID 1")
def _():
    command = 'LISTEN_PID=$$; export LISTEN_PID; exec "$@"'
    seen = report("-c", command, "sh", CONFIG.usher, binary="/bin/sh")
    assert f"LISTEN_PID={seen['pid']}" in seen["env"], seen["env"]


@both("LISTEN_PID stays as it is if it names another process, or none")
def _(pid1):
    for value in ("99999", "0", "", "1x", "one", "18446744073709551617"):
        seen = report(pid1=pid1, env={"LISTEN_PID": value})
        assert f"LISTEN_PID={value}" in seen["env"], seen["env"]


@both("LISTEN_PID is not made up")
def _(pid1):
    seen = report(pid1=pid1)
    assert not [x for x in seen["env"] if x.startswith("LISTEN_PID")], seen["env"]


@both("the program leads a process group of its own, in usher's session, as usher's child")
def _(pid1):
    with start("--", *witness("catch", "--exit", "10:0"), pid1=pid1) as init:
        init.ready()
        program = init.program()
        fields = open(f"/proc/{program}/stat", encoding="latin-1").read().rpartition(")")[2].split()
        equal(int(fields[1]), init.pid, "parent")
        equal(int(fields[2]), program, "process group")
        equal(int(fields[3]), init.pid, "session")


@both("the program keeps usher's working directory, usher leaves it for /")
def _(pid1):
    with start("--", *witness("forever"), pid1=pid1, cwd=scratch()) as init:
        init.ready()
        wait_for(lambda: os.readlink(f"/proc/{init.pid}/cwd") == "/", "usher's cwd is /")
        equal(os.readlink(f"/proc/{init.program()}/cwd"), scratch().rstrip("/"))


@both("the program keeps the open files, usher keeps only 0, 1 and 2")
def _(pid1):
    with start("--", *witness("forever"), pid1=pid1,
               before=("--open", "3:/dev/zero", "--open", "7:/dev/zero",
                       "--open", "900:/dev/zero")) as init:
        init.ready()
        kept = {int(x) for x in os.listdir(f"/proc/{init.program()}/fd")}
        assert {0, 1, 2, 3, 7, 900} <= kept, kept
        wait_for(lambda: {int(x) for x in os.listdir(f"/proc/{init.pid}/fd")} == {0, 1, 2},
                 "usher has 0, 1 and 2 open, and nothing else")


@both("the program gets no file that usher opened for itself")
def _(pid1):
    seen = report(pid1=pid1)
    allowed = {"0", "1", "2"}
    equal(set(seen["fds"]) - allowed, set())


@both("usher's 0, 1 and 2 are what the engine gave, for programs that write to /proc/1/fd/1")
def _(pid1):
    with start("--", *witness("forever"), pid1=pid1) as init:
        init.ready()
        for fd in range(3):
            equal(os.readlink(f"/proc/{init.pid}/fd/{fd}"),
                  os.readlink(f"/proc/{init.program()}/fd/{fd}"), f"fd {fd}")


@test("a program writes to the container's log through /proc/1/fd/1")
def _():
    equal(run("--", "sh", "-c", "echo to the log > /proc/1/fd/1", pid1=True),
          (0, "to the log\n", ""))


@test("a process of usher's own user can read /proc/1/fd: usher stays dumpable")
def _():
    with start("--", *witness("forever"), pid1=True, namespace=("--user", "65534")) as init:
        init.ready()
        status, out, err = inside(init, "readlink", "/proc/1/fd/1", user=65534)
        equal(status, 0, err)
        assert out.startswith("pipe:"), out


@both("the program starts whichever of 0, 1 and 2 are closed")
def _(pid1):
    for closed in itertools.product((False, True), repeat=3):
        words = [w for fd in range(3) if closed[fd] for w in ("--close", fd)]
        status, _, err = run("--", *witness("exit", 42), pid1=pid1, before=map(str, words))
        equal(status, 42, f"status with closed {closed}, stderr {err!r}")


@both("what was closed of 0, 1 and 2 is closed for the program, too")
def _(pid1):
    seen = report(pid1=pid1, before=("--close", "0", "--close", "2"))
    equal(set(seen["fds"]), {"1"})


@test("usher adopts orphans when it is not PID 1, without a word about it")
def _():
    with start("--", *witness("catch", "--exit", "10:0", "--member", "orphan")) as init:
        init.ready()
        wait_for(lambda: len(children(init.pid)) == 2, "the orphan is usher's child")
        init.kill(10)
        equal(init.wait(), 0)
        equal(init.err.finish(), "")


@both("--subreaper is accepted and says nothing")
def _(pid1):
    for flag in ("-s", "--subreaper"):
        equal(run(flag, "--", *witness("exit", 3), pid1=pid1), (3, "", ""), flag)


@test("a good start and end say nothing on stderr")
def _():
    for pid1 in (True, False):
        equal(run("true", pid1=pid1), (0, "", ""))


@both("an inherited ignored SIGCHLD hangs nothing")
def _(pid1):
    equal(run("--", *witness("exit", 42), pid1=pid1, before=("--ignore", "17"))[0], 42)


@both("the program has no parent-death signal that it did not ask for")
def _(pid1):
    equal(report("-p", "KILL", pid1=pid1)["death_signal"], 0)


@test("the first process of a container without /proc starts its program all the same")
def _():
    status, out, err = run("--", *witness("exit", 42), pid1=True, namespace=("--no-proc",))
    equal((status, err), (42, ""))


# The numbers are the same on every architecture of the generic table, from 424 on.
NEWER_CALLS = {"close_range": 436, "clone3": 435, "pidfd_open": 434}
X86_CALLS = {"pwritev2": 328, "vmsplice": 278, "execveat": 322, "splice": 275, "tee": 276}


@both("newer system calls are done without where a seccomp profile answers EPERM or ENOSYS")
def _(pid1):
    need(platform.machine() == "x86_64", "the numbers of the calls are x86-64's")
    for name, number in {**NEWER_CALLS, **X86_CALLS}.items():
        for error in (1, 38):
            with start("-v", "--", *witness("catch", "--exit", "10:42"), pid1=pid1,
                       before=("--seccomp", f"{error}:{number}", "--open", "5:/dev/zero")) as init:
                init.ready()
                wait_for(lambda: "5" not in os.listdir(f"/proc/{init.pid}/fd"),
                         f"fd 5 is closed where {name} answers {error}")
                init.kill(10)
                equal(init.wait(), 42, f"status where {name} answers {error}")


@both("a process name with spaces and brackets does not confuse usher")
def _(pid1):
    with start("--", *witness("catch", "--exit", "15:0", "--member", "setsid,name=) R 1 (x"),
               pid1=pid1) as init:
        init.ready()
        wait_for(lambda: ") R 1 (x" in [comm(p) for p in init.descendants()], "the odd name")
        init.kill(15)
        equal(init.wait(), 0)
        assert init.out.find("member 1 got 15"), init.out.text


@both("a stop of the program is not its end")
def _(pid1):
    with start("--", *witness("forever"), pid1=pid1) as init:
        program = init.ready().program()
        os.kill(program, 19)
        wait_for(lambda: proc_state(program) == "T", "the program is stopped")
        os.kill(program, 18)
        wait_for(lambda: proc_state(program) == "S", "the program goes on")
        os.kill(init.pid, 18)
        assert init.running()
        equal(parent_of(program), init.pid)
