# SPDX-License-Identifier: MIT
"""`usher wait`: tries until all is healthy, then becomes the program."""
import json
import os
import pty
import re
import time

from harness import (CONFIG, TERM, Stream, add, both, equal, inside, need, one_line, peer,
                     proc_status,
                     run, scratch, start, test, wait_for, witness)
from limits import EM_X86_64, Elf
from probe_lab import (Peer, expect, healthy, http, network, replace_file, replies, silent, timed, untimed)

LOCAL = "http://127.0.0.1:8080/"
TCP = "tcp://127.0.0.1:8080"
REFUSED = "connect: Connection refused"


@test("a check that passes at once: its line on stdout, exit 0, nothing on stderr")
def _():
    network()
    Peer(replies(http()))
    healthy(run("wait", LOCAL), f"{LOCAL} 200 in Nms")


@test("it tries again until the server is up")
def _():
    network()
    with start("wait", "--interval", "20ms", TCP) as init:
        init.err.expect(f"^usher: waiting: unhealthy {TCP}: {REFUSED}$")
        Peer(silent)
        equal(init.wait(), 0)
        equal(untimed(init.out.finish()), f"healthy {TCP} in Nms\n")


@test("it waits for all checks, and tells those that hold it up")
def _():
    network()
    Peer(silent)
    with start("wait", "--interval", "20ms", TCP, f"file:{scratch('ready')}") as init:
        init.err.expect(f"waiting: unhealthy file:{scratch('ready')}: file: No such file")
        with open(scratch("ready"), "w", encoding="ascii"):
            pass
        equal(init.wait(), 0)
        equal(untimed(init.out.finish()), f"healthy {TCP} in Nms\nhealthy file:{scratch('ready')} "
              "modified 0s ago\n")


@test("out of time: exit 124, the last reason on stdout, the first failure on stderr")
def _():
    network()
    seconds, result = timed(run, "wait", "-t", "300ms", "--interval", "50ms", TCP)
    expect(result, 124, f"unhealthy {TCP}: {REFUSED}\n",
           f"usher: waiting: unhealthy {TCP}: {REFUSED}\n"
           f"usher: gave up after 300ms: unhealthy {TCP}: {REFUSED}\n")
    assert 0.3 <= seconds < 0.8, f"{seconds} s"


@test("the interval lies between the tries")
def _():
    network()
    server = Peer(replies(http("503 no")))
    equal(run("wait", "-t", "1s", "--interval", "200ms", LOCAL)[0], 124)
    assert 4 <= server.accepted <= 6, server.accepted


@test("the interval is half a second where none is given")
def _():
    network()
    server = Peer(replies(http("503 no")))
    equal(run("wait", "-t", "1.2s", LOCAL)[0], 124)
    assert 2 <= server.accepted <= 4, server.accepted


@test("each change of the reason is told, and the same reason only once")
def _():
    network()
    with start("wait", "-t", "30s", "--interval", "10ms", LOCAL) as init:
        init.err.expect(REFUSED)
        answers = [http("503 a"), http("500 b")]
        server = Peer(lambda c, s: replies(answers[0])(c, s))
        init.err.expect("status 503")
        seen = server.accepted
        wait_for(lambda: server.accepted > seen + 5, "more tries")
        answers[0] = answers[1]
        init.err.expect("status 500")
        answers[0] = http()
        equal(init.wait(), 0)
        reasons = [re.sub(r".*: (connect|status)", r"\1", x) for x in init.err.finish().splitlines()]
        assert re.fullmatch(r"usher: healthy after [\d.]+m?s", reasons.pop()), reasons
        equal(reasons, [REFUSED, "status 503, want 200-399", "status 500, want 200-399"])


@test("-q says nothing")
def _():
    network()
    expect(run("wait", "-q", "-t", "100ms", TCP), 124, "")


@test("a timeout of 0 or inf waits for ever")
def _():
    network()
    for text in ("0", "inf"):
        with start("wait", "-t", text, "--interval", "10ms", TCP) as init:
            init.err.expect(REFUSED)
            server = Peer(silent)
            equal(init.wait(), 0)
            server.socket.shutdown(2)
            server.close()


@test("--not waits until the check fails")
def _():
    with open(scratch("lock"), "w", encoding="ascii"):
        pass
    with start("wait", "--not", "--interval", "10ms", f"file:{scratch('lock')}") as init:
        init.err.expect("waiting: unhealthy")
        os.unlink(scratch("lock"))
        equal(init.wait(), 0)


@test("on a terminal it shows how long it has been, and clears that before it ends")
def _():
    network()
    ours, theirs = pty.openpty()
    with start("-c", "-w", CONFIG.usher, "wait", "-t", "9s", "--interval", "20ms", TCP,
               binary=peer("setsid"), stderr=theirs, stdin=theirs) as init:
        os.close(theirs)
        shown = Stream(ours)
        wait_for(lambda: "waiting for 1s" in shown.text, "progress")
        Peer(silent)
        equal(init.wait(), 0)
        wait_for(lambda: shown.ended, "its end")
        assert shown.text.endswith("\r\x1b[K"), shown.text[-40:]
        equal(shown.text.count("Connection refused"), 1)
    os.close(ours)


@test("not on a terminal it shows no progress and no escape sequence")
def _():
    network()
    err = run("wait", "-t", "1.2s", "--interval", "10ms", TCP)[2]
    assert "\x1b" not in err and "\r" not in err and "waiting for" not in err, err


# --- -- PROGRAM -----------------------------------------------------------------------------------

@test("PROGRAM is exec'ed in its place: same pid, its exit code, nothing else on its stdout")
def _():
    network()
    Peer(silent)
    with start("wait", TCP, "--", "sh", "-c", "echo $$; exit 7") as init:
        equal(init.wait(), 7)
        equal((init.out.finish(), init.err.finish()), (f"{init.pid}\n", ""))


@test("PROGRAM is not run when time runs out, and the reason is on stderr")
def _():
    network()
    code, out, err = run("wait", "-t", "100ms", TCP, "--", "touch", scratch("ran"))
    equal((code, out), (124, ""))
    assert err.count(REFUSED) >= 1, err
    assert not os.path.exists(scratch("ran"))


@both("PROGRAM gets the inherited signal mask and dispositions, and only fds 0, 1 and 2")
def _(pid1):
    with open(scratch("ready"), "w", encoding="ascii"):
        pass
    before = ("--block", "10,15,34", "--ignore", "1,2,12,17")
    code, out, err = run("wait", f"file:{scratch('ready')}", "--", *witness("report"), pid1=pid1,
                         before=before)
    equal((code, err), (0, ""))
    got = json.loads(out)
    wanted = json.loads(run("with", *before, "--", *witness("report"),
                            binary=witness()[0])[1])
    for key in ("blocked", "ignored", "caught", "env"):
        equal(got[key], wanted[key], key)
    equal(sorted(got["fds"]), ["0", "1", "2"])


@test("PROGRAM gets its mask back after tries over the network, too")
def _():
    network()
    with start("wait", "--interval", "20ms", TCP, "--", *witness("report")) as init:
        init.err.expect(REFUSED)
        Peer(silent)
        equal(init.wait(), 0)
        got = json.loads(init.out.finish())
        equal((got["blocked"], got["ignored"], got["caught"]), (0, 0, 0))
        equal(sorted(got["fds"]), ["0", "1", "2"])


@test("PROGRAM is found in PATH; one that is missing is 127, one that may not be run 126")
def _():
    check = f"file:{CONFIG.scratch}"
    equal(run("wait", check, "--", "true"), (0, "", ""))
    code, out, err = run("wait", check, "--", "no-such-program")
    equal((code, out), (127, ""))
    assert "no-such-program" in one_line(err)
    with open(scratch("plain"), "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n")
    equal(run("wait", check, "--", scratch("plain"))[0], 126)


@test("PROGRAM may be usher itself: then it is supervised")
def _():
    with start("wait", f"file:{CONFIG.scratch}", "--", CONFIG.usher, "--", *witness("catch"),
               pid1=True) as init:
        init.ready().wait_state("running")
        equal(inside(init, CONFIG.usher, "probe", "ready:")[0], 0)


# --- signals, and as PID 1 ------------------------------------------------------------------------

for number, code in ((15, 143), (2, 130), (3, 131), (1, 129)):
    for pid1 in (True, False):
        for what, words in (("between tries", ("--interval", "60s", "file:/no/such")),
                            ("within a try", ("-t", "60s", "unix:@silent", "http://unix:@silent:/"))):
            def ended(number=number, code=code, pid1=pid1, words=words, what=what):
                network()
                server = Peer(silent, b"\0silent")
                with start("wait", *words, "--", "touch", scratch("ran"), pid1=pid1) as init:
                    if what == "between tries":
                        init.err.expect("No such file")
                    else:
                        wait_for(lambda: server.accepted, "a connection")
                    begin = time.monotonic()
                    init.kill(number)
                    equal(init.wait(), code)
                    assert time.monotonic() - begin < 0.5
                    assert not os.path.exists(scratch("ran"))
            add(f"signal {number} ends it at once with {code}, {what}, "
                f"{'as PID 1' if pid1 else 'as a plain process'}", ended, __name__)


@both("where signalfd is refused, a program's end is still seen and TERM still ends wait")
def _(pid1):
    need(Elf(CONFIG.usher).machine == EM_X86_64, "the number of the call is x86-64's")
    network()
    refused = ("--seccomp", "38:289")   # ENOSYS, signalfd4
    equal(run("probe", "-t", "20s", "--", *witness("exit", 0), pid1=pid1, before=refused)[0], 0)
    with start("wait", "-t", "0", "--interval", "1h", TCP, pid1=pid1, before=refused) as init:
        init.err.expect("^usher: waiting: ")
        init.kill(TERM)
        equal(init.wait(), 143)


@test("a signal that its caller had blocked still ends it; one that was ignored ends only PID 1")
def _():
    for number in (15, 2, 3, 1):
        with start("wait", "--interval", "60s", "file:/no/such", before=("--block", number)) as init:
            init.err.expect("No such file")
            init.kill(number)
            equal(init.wait(), 128 + number)
        with start("wait", "--interval", "60s", "file:/no/such", pid1=True,
                   before=("--ignore", number)) as init:
            init.err.expect("No such file")
            init.kill(number)
            equal(init.wait(), 128 + number)
        check = f"file:{scratch('there')}"
        with start("wait", "--interval", "10ms", check, before=("--ignore", number)) as init:
            init.err.expect("No such file")
            init.kill(number)
            with open(scratch("there"), "w", encoding="ascii"):
                pass
            equal(init.wait(), 0)
        os.unlink(scratch("there"))


@test("it tells why it gave up: the last complete reason, not one that the deadline cut off")
def _():
    network()
    first = [True]
    def talk(connection, server):
        if first.pop() if first else False:
            return replies(http("503 no"))(connection, server)
        return silent(connection, server)
    Peer(talk)
    code, out, err = run("wait", "-t", "300ms", "--interval", "10ms", LOCAL)
    equal((code, out), (124, f"unhealthy {LOCAL}: status 503, want 200-399\n"))
    equal(err, f"usher: waiting: unhealthy {LOCAL}: status 503, want 200-399\n"
          f"usher: gave up after 300ms: unhealthy {LOCAL}: status 503, want 200-399\n")


@test("--try-timeout bounds one try, and the next one may succeed")
def _():
    network()
    first = [True]
    def talk(connection, server):
        if first.pop() if first else False:
            return silent(connection, server)
        return replies(http())(connection, server)
    Peer(talk)
    code, out, err = run("wait", "-t", "30s", "--try-timeout", "100ms", "--interval", "0", LOCAL)
    healthy((code, out, ""), f"{LOCAL} 200 in Nms")
    assert err.startswith(f"usher: waiting: unhealthy {LOCAL}: reply: timed out\n"), err


@test("--interval 0 does not burn the processor: at most 100 tries a second")
def _():
    network()
    server = Peer(replies(http("503 no")))
    equal(run("wait", "-t", "500ms", "--interval", "0", LOCAL)[0], 124)
    assert 10 <= server.accepted <= 51, server.accepted


@test("the growing age of a file is no new reason")
def _():
    path = scratch("beat")
    with open(path, "w", encoding="ascii"):
        os.utime(path, (0, time.time() - 60))
    err = run("wait", "-t", "2.2s", "--interval", "50ms", f"file:{path}?max-age=1s")[2]
    equal(err.count("waiting: "), 1, err)


@test("a request that can never be sent is misuse, at once")
def _():
    network()
    for program in ([], ["--", "true"]):
        seconds, (code, out, err) = timed(run, "wait", "-t", "30s", "-H", "X: " + "x" * 4096, LOCAL,
                                          *program)
        equal(code, 125)
        assert "over 4096 bytes" in one_line(err if program else out), (out, err)
        assert seconds < 2


@test("a program after a wait whose stderr had no reader is not ended by SIGPIPE")
def _():
    reader, writer = os.pipe()
    os.close(reader)
    path = scratch("late")
    with start("wait", "--interval", "10ms", f"file:{path}", "--", "true", stderr=writer) as init:
        wait_for(lambda: proc_status(init.pid).get("SigPnd", "").strip("0"), "the signal of its own line")
        with open(path, "w", encoding="ascii"):
            pass
        equal(init.wait(), 0)
    os.close(writer)


@test("while wait is PID 1, ready: and live: fail, with the reason")
def _():
    with start("wait", "--interval", "60s", "file:/no/such", pid1=True) as init:
        init.err.expect("No such file")
        code, out, _ = inside(init, CONFIG.usher, "probe", "ready:")
        equal((code, out), (1, "unhealthy ready: no usher is the init of this container\n"))


@test("wait ready: as PID 1 does not take itself for the container's usher")
def _():
    equal(run("wait", "-t", "200ms", "--interval", "50ms", "ready:", pid1=True)[0], 124)


@test("between tries it sleeps: no wake-up")
def _():
    with start("wait", "--interval", "60s", "file:/no/such") as init:
        init.err.expect("No such file")
        def switches():
            return int(proc_status(init.pid)["voluntary_ctxt_switches"])
        end = time.monotonic() + 0.1
        wait_for(lambda: time.monotonic() > end, "it has settled")
        before = switches()
        end = time.monotonic() + 0.5
        wait_for(lambda: time.monotonic() > end, "half a second")
        equal(switches(), before)


@test("hundreds of tries leak no file descriptor and no memory")
def _():
    network()
    replace_file("/etc/hosts", "127.0.0.1 web\n::1 web\n")
    server = Peer(replies(http("503 no")))
    with start("wait", "-t", "60s", "--interval", "1ms", LOCAL, "tcp://127.0.0.1:1", "tcp://web:1",
               f"unix:{scratch('no')}") as init:
        init.err.expect("503")
        def fds():
            return len(os.listdir(f"/proc/{init.pid}/fd"))
        def size():
            return proc_status(init.pid)["VmData"]
        before = size()
        wait_for(lambda: server.accepted > 300, "some tries")
        wait_for(lambda: fds() <= 10, "few descriptors")
        equal(size(), before)
        assert fds() <= 10


@test("a check that its words make wrong is told at once, without waiting")
def _():
    seconds, (code, out, err) = timed(run, "wait", "-t", "30s", "tcp://db")
    equal((code, out), (125, ""))
    one_line(err)
    assert seconds < 2
