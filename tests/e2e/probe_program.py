# SPDX-License-Identifier: MIT
"""The check `-- PROGRAM`: its verdict, and that nothing of it is left."""
import json
import os
import time

from harness import (CONFIG, add, alive, children, comm, equal, proc_state, processes, run, scratch,
                     start, test, wait_for, witness)
from probe_lab import Peer, expect, healthy, http, network, probe, replies, timed, unhealthy

# A shell that starts something in a session of its own, tells its pid and stays.
GRANDCHILD = 'setsid sleep 1000 & echo $! > "$1"; echo started; wait'


@test("exit 0 is healthy")
def _():
    healthy(probe("--", "true"), "true exit code 0 in Nms")


@test("exit 3 is unhealthy, with the code")
def _():
    unhealthy(probe("--", "sh", "-c", "exit 3"), "sh: exit code 3")


@test("death by a signal is 128 and the signal")
def _():
    unhealthy(probe("--", "sh", "-c", "kill -9 $$"), "sh: exit code 137")


@test("a program that is not there is unhealthy, exit 1, with the reason")
def _():
    unhealthy(probe("--", "/no/such"), "/no/such: exec: No such file or directory")
    unhealthy(probe("--", "no-such-program"), "no-such-program: exec: No such file or directory")


@test("a program that may not be executed is unhealthy, with the reason")
def _():
    path = scratch("plain")
    with open(path, "w", encoding="ascii") as file:
        file.write("x")
    os.chmod(path, 0o644)
    unhealthy(probe("--", path), f"{path}: exec: Permission denied")


@test("the program's output is its own, and comes before the verdict")
def _():
    expect(probe("--", "sh", "-c", "echo out; echo err >&2"), 0,
           "out\nhealthy sh exit code 0 in Nms\n", "err\n")


@test("the program's arguments are passed as they are, ${NAME} included")
def _():
    expect(probe("--", "printf", "%s|", "a b", "${HOME}", "", "-t"), 0,
           "a b|${HOME}||-t|healthy printf exit code 0 in Nms\n")


@test("the program gets usher's signal mask and dispositions as they were inherited")
def _():
    code, out, _ = probe("--", *witness("report"), before=("--block", "10,40", "--ignore", "12,17"))
    equal(code, 0)
    got = json.loads(out.splitlines()[0])
    want = run("--", *witness("report"), before=("--block", "10,40", "--ignore", "12,17"))
    want = json.loads(want[1].splitlines()[0])
    for key in ("blocked", "ignored", "caught"):
        equal(got[key], want[key], key)
    equal(sorted(got["fds"]), ["0", "1", "2"], "file descriptors")


@test("a program that does not end in time is killed, and the deadline holds")
def _():
    seconds, result = timed(probe, "-t", "300ms", "--", "sleep", "1000")
    unhealthy(result, "sleep: timed out, killed")
    assert 0.3 <= seconds < 0.8, f"{seconds} s"
    equal([p for p in processes() if comm(p) == "sleep"], [])


@test("its whole process group is killed")
def _():
    unhealthy(probe("-t", "300ms", "--", "sh", "-c", "sleep 1001 & sleep 1002 & wait"),
              "sh: timed out, killed")
    equal([p for p in processes() if comm(p) == "sleep"], [])


@test("grandchildren that made a session of their own are killed too")
def _():
    expect(probe("-t", "500ms", "--", "sh", "-c", GRANDCHILD, "sh", scratch("pid")), 1,
           "started\nunhealthy sh: timed out, killed\n")
    with open(scratch("pid"), encoding="ascii") as file:
        pid = int(file.read())
    assert not alive(pid), f"{pid} {comm(pid)} lives"


@test("a program that ignores every signal is killed")
def _():
    seconds, result = timed(probe, "-t", "300ms", "--", "sh", "-c",
                            "trap '' TERM INT HUP; while :; do sleep 1; done")
    equal(result[0], 1)
    assert seconds < 0.8, f"{seconds} s"


@test("a stopped program is killed")
def _():
    seconds, result = timed(probe, "-t", "300ms", "--", "sh", "-c", "kill -STOP $$")
    unhealthy(result, "sh: timed out, killed")
    assert seconds < 0.8, f"{seconds} s"


@test("no zombie stays after a timeout, with usher's parent not looking")
def _():
    probe("-t", "200ms", "--", "sh", "-c", "sleep 1001 & setsid sleep 1002 & true & wait")
    wait_for(lambda: not [p for p in processes() if comm(p) in ("sleep", "sh", "true")],
             "nothing is left, not even a zombie")


@test("zombies of the program come to usher and are reaped while it waits")
def _():
    script = "for i in 1 2 3 4 5 6 7 8 9; do (true &) ; done; echo done; exec sleep 1000"
    with start("probe", "-t", "60s", "--", "sh", "-c", script) as init:
        init.out.expect("^done$")
        wait_for(lambda: [comm(p) for p in children(init.pid)] == ["sleep"], "all reaped")
        equal([p for p in children(init.pid) if proc_state(p) == "Z"], [])
        init.kill(15)
        equal(init.wait(), 143)


for number, code in ((15, 143), (2, 130), (3, 131), (1, 129)):
    def interrupted(number=number, code=code):
        with start("probe", "-t", "60s", "--", "sh", "-c", "setsid sleep 1000 & echo up; wait") as init:
            init.out.expect("^up$")
            wait_for(lambda: any(comm(p) == "sleep" for p in init.descendants()), "the grandchild")
            init.kill(number)
            equal(init.wait(), code)
            equal([p for p in processes() if comm(p) == "sleep" and alive(p)], [])
    add(f"signal {number} ends the probe at once with {code}, and its program with it", interrupted,
        __name__)


@test("beside other checks: both lines, and both must pass")
def _():
    network()
    Peer(replies(http()))
    expect(probe(":8080/", "--", "true"), 0,
           "healthy :8080/ 200 in Nms\nhealthy true exit code 0 in Nms\n")
    code, out, _ = probe("-v", ":8080/", "--", "false")
    expect((code, out, ""), 1,
           "unhealthy false: exit code 1 in Nms\nhealthy :8080/ 200 in Nms\n")


@test("it runs while the other checks run: the time is the slowest, not the sum")
def _():
    network()
    def late(connection, server):
        server.read_request(connection)
        time.sleep(0.4)
        connection.sendall(http())
    Peer(late)
    seconds, (code, out, _) = timed(probe, ":8080/a", ":8080/b", "--", "sleep", "0.4")
    equal(code, 0, out)
    assert 0.4 <= seconds < 0.7, f"{seconds} s"


@test("--not: a program that fails is healthy")
def _():
    expect(probe("--not", "--", "false"), 0, "healthy false (--not): exit code 1 in Nms\n")
    expect(probe("--not", "--", "true"), 1, "unhealthy true (--not): exit code 0\n")


@test("as PID 1 a probe ends too, with nothing left")
def _():
    with start("probe", "-t", "300ms", "--", "sh", "-c", "setsid sleep 1000 & wait",
               pid1=True) as init:
        equal(init.wait(), 1)
        unhealthy((1, init.out.finish(), init.err.finish()), "sh: timed out, killed")


@test("usher as the program: a nested probe")
def _():
    expect(probe("--", CONFIG.usher, "probe", "--", "true"), 0,
           f"healthy true exit code 0 in Nms\nhealthy {CONFIG.usher} exit code 0 in Nms\n")


@test("when usher is killed, as engines do it with a probe that takes too long, its program is killed, too")
def _():
    with start("probe", "-t", "60s", "--", "sh", "-c", "echo $$; exec sleep 1000") as init:
        pid = int(init.out.expect(r"^\d+$")[0])
        wait_for(lambda: comm(pid) == "sleep", "the program")
        init.kill(9)
        wait_for(lambda: not alive(pid), "the program is killed", 2)
        init.wait()
