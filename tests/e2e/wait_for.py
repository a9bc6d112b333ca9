# SPDX-License-Identifier: MIT
"""--wait-for: the program is started when the checks have passed, and not before."""
import contextlib
import json
import os
import re
import signal
import subprocess
import time
import zlib

import harness
from harness import (ALL_SIGNALS, CHLD, CONFIG, CONT, KILL, STOP, TERM, Run, add, alive, base_environment, both,
                     cgroup, children, comm, equal, inside, need, one_line, peer, proc_state, proc_status,
                     processes, report, run, scratch, start, test, tool, wait_for, witness)
from heal import FAST, watcher
from limits import EM_X86_64, MAX_DIRTY, MAX_RSS, Elf, file_system, more_on_i386, own_calls, smaps
from notify import manager, told
from probe_lab import Peer, http, network, replies, silent, timed
from pty_session import LEADER, place
from signals import HUP, INT, MARK, QUIT, USR1, USR2, expect, got

SOON = 5.0      # where something must be "at once", on a machine that is busy
TSTP, TTIN, TTOU, WINCH, PIPE, XFSZ = 20, 21, 22, 28, 13, 25
TCP = "tcp://127.0.0.1:8080"
LOCAL = ":8080/"
REFUSED = "connect: Connection refused"
CATCH = ("catch", "--exit", "15:7")


def go():
    """The check of waiting() passes from now on."""
    with open(scratch("go"), "w", encoding="ascii"):
        pass


def waiting(*words, program=None, check=None, told_as="No such file", **options):
    """A usher that waits and has told so: for go(), or for another check."""
    init = start("--wait-for", check or f"file:{scratch('go')}", *words, "--", *(program or witness(*CATCH)),
                 **options).wait_state("waiting")
    if told_as:
        init.err.expect(f"waiting: unhealthy .*{told_as}")
    return init


def checker(init):
    """The process that makes the checks, as seen here."""
    return wait_for(lambda: next((p for p in children(init.pid) if comm(p) == "usher-wait"), None), "who checks")


def switches(pid):
    return int(proc_status(pid)["voluntary_ctxt_switches"])


def rounds(pid, count):
    """Waits for so many tries more; each of them waits at least once."""
    before = switches(pid)
    wait_for(lambda: switches(pid) >= before + count, f"{count} tries more")


def runs_to(init, code=7):
    """The program is there, and its end is what is reported."""
    init.ready().wait_state("running")
    init.kill(TERM)
    equal(init.wait(), code)


# --- what it is for -----------------------------------------------------------------------------

@both("the program is started when the check has passed and not before, and its exit code is reported")
def _(pid1):
    with waiting("--wait-timeout", "inf", program=["sh", "-c", f"touch {scratch('ran')}; exit 7"], pid1=pid1) as init:
        rounds(checker(init), 2)
        assert not os.path.exists(scratch("ran"))
        go()
        equal(init.wait(), 7)
        assert os.path.exists(scratch("ran"))
        assert init.err.find(r"^usher: healthy after [\d.]+m?s$"), init.err.text


@both("a check that passes at once says nothing")
def _(pid1):
    go()
    equal(run("--wait-for", f"file:{scratch('go')}", "--", "sh", "-c", "echo ran; exit 3", pid1=pid1), (3, "ran\n", ""))


def appears(check, serve):
    """Registers a test: `check`, for which `serve` makes a server once it has failed."""
    def waits(pid1):
        network()
        with waiting(check=check() if callable(check) else check, told_as="connect:", pid1=pid1) as init:
            serve()
            runs_to(init)
    both(f"it waits for {'unix:PATH' if callable(check) else check}")(waits)


def redis(password):
    """Says PONG to who knows the password."""
    def talk(connection, _):
        data = b""
        while b"PING\r\n" not in data:
            data += connection.recv(4096) or b"PING\r\n"
        good = b"AUTH\r\n$%d\r\n%s\r\n" % (len(password), password) in data
        connection.sendall(b"+OK\r\n+PONG\r\n" if good else b"-WRONGPASS no\r\n-NOAUTH no\r\n")
    return talk


appears(TCP, lambda: Peer(silent))
appears(lambda: f"unix:{scratch('socket')}", lambda: Peer(silent, scratch("socket")))
appears("unix:@socket", lambda: Peer(silent, b"\0socket"))
appears("http://127.0.0.1:8080/", lambda: Peer(replies(http())))
appears("http://unix:@socket:/", lambda: Peer(replies(http()), b"\0socket"))
appears("http://localhost:8080/", lambda: Peer(replies(http()), ("::1", 8080)))


@both("--status --method --header --host --contains and --json-field hold for its http checks")
def _(pid1):
    network()
    answer = [http("404 Not Found", b'{"db":{"ok":true}}')]
    server = Peer(lambda *args: replies(answer[0])(*args))
    with waiting("--status", "404", "--method", "POST", "--header", "X-Who: usher", "--host", "db.test", "--contains",
                 "fine", "--json-field", "db.ok=true", check=LOCAL, told_as="", pid1=pid1) as init:
        for body, complaint in ((b'{"db":{"ok":true}}', "text not found"), (b'{"db":{"ok":false},"x":"fine"}', "db.ok")):
            answer[0] = http("404 Not Found", body)
            init.err.expect(f"waiting: unhealthy {LOCAL}: .*{complaint}")
        answer[0] = http("200 OK", b'{"db":{"ok":true},"x":"fine"}')
        init.err.expect("status 200, want 404")
        answer[0] = http("404 Not Found", b'{"db":{"ok":true},"x":"fine"}')
        runs_to(init)
        request = server.request().decode("ascii")
        assert request.startswith("POST / ") and "X-Who: usher\r\n" in request and "Host: db.test\r\n" in request, request


@test("the variables of these options count, and the command line replaces them")
def _():
    network()
    server = Peer(replies(http("404 Not Found", b"fine")))
    env = {"USHER_STATUS": "404", "USHER_HEADER": "X-One: 1,X-Two: 2", "USHER_CONTAINS": "nothing"}
    equal(run("--wait-for", LOCAL, "--contains", "fine", "--", "true", env=env), (0, "", ""))
    assert b"X-One: 1\r\n" in server.request() and b"X-Two: 2\r\n" in server.request(), server.request()
    equal(run("--wait-for", LOCAL, "--contains", "fine", "--header", "X-Three: 3", "--", "true", env=env)[0], 0)
    assert b"X-Three: 3\r\n" in server.requests[1] and b"X-One" not in server.requests[1], server.requests[1]


@test("fields of JSON on the command line replace those of the variable")
def _():
    network()
    Peer(replies(http(body=b'{"status":"UP"}')))
    env = {"USHER_JSON_FIELD": "status=DOWN,other"}
    words = ("--wait-timeout", "100ms", "--wait-for", LOCAL)
    equal(run(*words, "--json-field", "status=UP", "--", "true", env=env), (0, "", ""))
    equal(run(*words, "--", "true", env=env)[0], 124)


@both("${NAME} and ${NAME:-default} are put into the check, the header and the host, not into the program's words")
def _(pid1):
    network()
    server = Peer(replies(http()))
    env = {"PORT": "8080", "TOKEN": "abc", "NAME": "db.test"}
    equal(run("--wait-for", "http://${HOST:-127.0.0.1}:${PORT}/", "--header", "X-Token: ${TOKEN}", "--host", "${NAME}",
              "--", "echo", "${PORT}", env=env, pid1=pid1), (0, "${PORT}\n", ""))
    assert b"X-Token: abc\r\n" in server.request() and b"Host: db.test\r\n" in server.request(), server.request()


@both("it waits for all of several checks, and tells those that hold it up")
def _(pid1):
    network()
    Peer(replies(http()))
    with waiting("--wait-for", LOCAL, "--wait-for", "unix:@other", pid1=pid1) as init:
        init.err.expect("waiting: unhealthy unix:@other: ")
        go()
        rounds(checker(init), 3)
        equal(init.state(), "waiting")
        Peer(silent, b"\0other")
        runs_to(init)
        assert f"unhealthy {LOCAL}" not in init.err.text, init.err.text


@both("checks in USHER_WAIT_FOR have blanks, tabs or newlines between; USHER_WAIT_TIMEOUT is theirs")
def _(pid1):
    network()
    names = [scratch(x) for x in "abc"]
    env = {"USHER_WAIT_FOR": " file:{} \t\nfile:{}\n\tfile:{}\n".format(*names), "USHER_WAIT_TIMEOUT": "300ms"}
    status, out, err = run("--", "touch", scratch("ran"), env=env, pid1=pid1)
    equal((status, out, os.path.exists(scratch("ran"))), (124, "", False))
    for name in names:
        assert f"gave up after 300ms: unhealthy file:{name}: file: No such file" in err, err
        open(name, "w", encoding="ascii").close()
    equal(run("--", "true", env=env, pid1=pid1), (0, "", ""))


@test("the command line's checks and time win over the variables")
def _():
    env = {"USHER_WAIT_FOR": "file:/no/such", "USHER_WAIT_TIMEOUT": "1h"}
    equal(run("--wait-for", "file:/", "--", "true", env=env), (0, "", ""))
    status, _, err = run("--wait-timeout", "100ms", "--", "true", env=env)
    equal((status, "gave up after 100ms" in err), (124, True))


@test("blanks alone in USHER_WAIT_FOR, and an empty one, are no check")
def _():
    for text in ("", " ", "\n \t"):
        equal(run("--", "true", env={"USHER_WAIT_FOR": text}), (0, "", ""))


@test("16 checks are possible, 17 are one too many, wherever they come from")
def _():
    for count, status in ((16, 0), (17, 125)):
        words = ["--wait-for", "file:/"] * count
        equal(run(*words, "--", "true")[0], status)
        equal(run("--", "true", env={"USHER_WAIT_FOR": "file:/ " * count})[0], status)


@both("when time is up: 124, the last reason on stderr, nothing on stdout, and no program")
def _(pid1):
    network()
    seconds, result = timed(run, "--wait-timeout", "300ms", "--wait-for", TCP, "--", "touch", scratch("ran"), pid1=pid1)
    equal(result, (124, "", f"usher: waiting: unhealthy {TCP}: {REFUSED}\n"
                            f"usher: gave up after 300ms: unhealthy {TCP}: {REFUSED}\n"))
    assert not os.path.exists(scratch("ran"))
    assert 0.3 <= seconds < SOON, f"{seconds} s"


@both("a server that never answers does not hold it beyond its time")
def _(pid1):
    network()
    Peer(silent)
    seconds, (status, _, err) = timed(run, "--wait-timeout", "300ms", "--wait-for", LOCAL, "--", "true", pid1=pid1)
    equal(status, 124)
    assert "gave up after 300ms: unhealthy :8080/: " in err, err
    assert 0.3 <= seconds < SOON, f"{seconds} s"


@test("the reason that is told last is the last complete one")
def _():
    network()
    first = [True]

    def talk(connection, server):
        return (replies(http("503 no")) if first.pop() else silent)(connection, server) if first else silent(connection, server)
    Peer(talk)
    status, _, err = run("--wait-timeout", "1s", "--wait-for", LOCAL, "--", "true")
    equal(status, 124)
    equal(err.splitlines()[-1], f"usher: gave up after 1s: unhealthy {LOCAL}: status 503, want 200-399")


@test("0 and inf are for ever, a minute where nothing is said")
def _():
    for words, text in ((("--wait-timeout", "0"), "inf"), (("--wait-timeout", "inf"), "inf"), ((), "60s")):
        with waiting("-v", *words, told_as="") as init:
            init.err.expect(f"^usher: waiting: up to {text}$")
            rounds(checker(init), 2)
            equal(init.state(), "waiting")
            init.kill(TERM)
            equal(init.wait(), 143)


@test("-q and -qq: 124 all the same")
def _():
    for words in (("-q",), ("-qq",)):
        status, out, err = run(*words, "--wait-timeout", "100ms", "--wait-for", "file:/no/such", "--", "true")
        # -q leaves errors, and this is one.
        told = "usher: gave up after 100ms: unhealthy file:/no/such: file: No such file or directory\n"
        equal((status, out, err), (124, "", told if words == ("-q",) else ""))


@test("another machine may be waited for")
def _():
    network()
    status, _, err = run("--wait-timeout", "100ms", "--wait-for", "tcp://192.0.2.1:1", "--", "true")
    equal(status, 124)
    assert "Network is unreachable" in err, err


@both("a program that cannot be started is told of after the waiting: 127, 126")
def _(pid1):
    go()
    with open(scratch("plain"), "w", encoding="ascii") as file:
        file.write("#!/bin/sh\n")
    for program, code in (("/no/such", 127), (scratch("plain"), 126)):
        status, _, err = run("--wait-for", f"file:{scratch('go')}", "--", program, pid1=pid1)
        equal(status, code)
        one_line(err)


# --- the state ----------------------------------------------------------------------------------

@both("meanwhile comm and status say waiting, ready: fails and live: passes, for every user")
def _(pid1):
    def ask(*words, user=None):
        if pid1:
            return inside(init, CONFIG.usher, *words, user=user)
        return run(*words, before=() if user is None else ("--uid", user, "--gid", user))
    with waiting(pid1=pid1) as init:
        equal(init.comm(), "usher:waiting")
        for user in (None, 65534):
            equal(ask("status", user=user)[:2], (0, "waiting\n"))
            equal(json.loads(ask("status", "--json", user=user)[1]), {"pid": 1 if pid1 else init.pid, "state": "waiting"})
            equal(ask("probe", "ready:", user=user)[:2], (1, "unhealthy ready: waiting\n"))
            equal(ask("probe", "live:", user=user)[:2], (0, "healthy live: waiting\n"))
        go()
        init.ready().wait_state("running")
        equal(ask("probe", "ready:")[0], 0)
        equal(ask("status")[1], "running\n")


@both("PID 1 does not wake up for a try", timeout=90)
def _(pid1):
    with waiting(pid1=pid1) as init:
        pid = checker(init)
        rounds(pid, 1)
        before = switches(init.pid)
        rounds(pid, 4)
        equal(switches(init.pid), before)


@both("with --notify the manager is told STATUS=waiting, and nothing of readiness before the program")
def _(pid1):
    with manager() as (listener, env):
        with waiting("--notify", env=env, pid1=pid1) as init:
            equal(told(listener), ["STATUS=waiting"])
            rounds(checker(init), 2)
            go()
            equal(told(listener), ["READY=1", "STATUS=running"])
            runs_to(init)


@both("with --heal the watcher comes after the program")
def _(pid1):
    with waiting("--heal", f"file:{scratch('go')}", *FAST, "--heal-start-period", "0", pid1=pid1) as init:
        rounds(checker(init), 3)
        equal([comm(p) for p in children(init.pid)], ["usher-wait"])
        go()
        init.ready().wait_state("running")
        wait_for(lambda: comm(watcher(init)) == "heal:healthy", "it watches")
        os.remove(scratch("go"))
        equal(init.wait(), 69)


@both("USHER_WAIT_FOR counts only for the outermost usher, --wait-for for the one that has it")
def _(pid1):
    go()
    env = {"USHER_WAIT_FOR": f"file:{scratch('go')}", "USHER_WAIT_TIMEOUT": "300ms"}
    script = 'rm "$1"; shift; exec "$@"'
    inner = ("--", "sh", "-c", script, "sh", scratch("go"), CONFIG.usher)
    equal(run(*inner, "--", "echo", "ran", env=env, pid1=pid1), (0, "ran\n", ""))
    go()
    status, out, err = run(*inner, "--wait-for", "file:/no/such", "--", "echo", "ran", env=env, pid1=pid1)
    equal((status, out), (124, ""))
    assert "gave up after 300ms: unhealthy file:/no/such:" in err, err


# --- what ends it -------------------------------------------------------------------------------

def ends(number, code, pid1, within):
    network()
    server = Peer(silent)
    words = ("--pre-stop", "30s", "--linger", "30s", "--wait-timeout", "0")
    with waiting(*words, *(("--wait-for", LOCAL) if within else ()), program=["touch", scratch("ran")],
                 told_as="" if within else "No such file", pid1=pid1) as init:
        if within:
            wait_for(lambda: server.accepted, "a connection")
        begin = time.monotonic()
        init.kill(number)
        equal(init.wait(), code)
        seconds = time.monotonic() - begin
        assert seconds < SOON, f"{seconds} s"
        assert not init.signaled() or pid1
        assert not os.path.exists(scratch("ran"))


for name, number in (("TERM", TERM), ("INT", INT), ("QUIT", QUIT), ("HUP", HUP)):
    for pid1 in (True, False):
        for within in (True, False):
            add(f"{name} ends it at once with {128 + number}, {'within a try' if within else 'between tries'}, "
                f"{'as PID 1' if pid1 else 'as a plain process'}",
                lambda n=number, p=pid1, w=within: ends(n, 128 + n, p, w), __name__)


@both("each signal of --stop-signal ends it, and TERM ends it though it is none of these")
def _(pid1):
    for number in (USR1, WINCH, 37, TERM, HUP):
        with waiting("--stop-signal", "USR1,WINCH,RTMIN+3", "--pre-stop", "30s", pid1=pid1) as init:
            init.kill(number)
            equal(init.wait(SOON), 128 + number)


@both("so does one of job control, which else acts on usher itself")
def _(pid1):
    for number in (TSTP, CONT):
        with waiting("--stop-signal", "TSTP,CONT", pid1=pid1) as init:
            init.kill(number)
            equal(init.wait(SOON), 128 + number)


@both("what --rewrite says concerns the program: TERM:0 and TERM:USR1 end it as ever, USR1:TERM does not")
def _(pid1):
    for rewrite in ("TERM:0", "TERM:USR1"):
        with waiting("-r", rewrite, "-r", "USR1:TERM", "-v", pid1=pid1) as init:
            init.kill(USR1)
            init.err.expect("dropped SIGUSR1")
            equal(init.state(), "waiting")
            init.kill(TERM)
            equal(init.wait(SOON), 143)


@both("a signal that its caller had blocked still ends it")
def _(pid1):
    for number in (TERM, INT, QUIT, HUP):
        with waiting(before=("--block", "all"), pid1=pid1) as init:
            init.kill(number)
            equal(init.wait(SOON), 128 + number)


@test("one that was ignored (nohup, &) does not end it but where it is PID 1, and the program does not get it")
def _():
    for number in (TERM, INT, QUIT, HUP):
        with waiting(before=("--ignore", number), pid1=True) as init:
            init.kill(number)
            equal(init.wait(SOON), 128 + number)
        with waiting("-v", before=("--ignore", number)) as init:
            init.kill(number)
            init.err.expect(f"dropped SIG{signal.Signals(number).name[3:]}")
            os.killpg(init.pid, number)     # the process that checks, too
            init.err.expect(f"dropped SIG{signal.Signals(number).name[3:]}")
            rounds(checker(init), 2)
            equal(init.state(), "waiting")
            go()
            init.ready().wait_state("running")
            init.kill(MARK)
            expect(init, MARK)
            equal(got(init), [MARK])
            os.remove(scratch("go"))


@test("--stop-signal TERM names it: then an ignored TERM ends it")
def _():
    with waiting("--stop-signal", "TERM", before=("--ignore", "15")) as init:
        init.kill(TERM)
        equal(init.wait(SOON), 143)


@test("nohup usher lives on after the HUP, and runs the program")
def _():
    with start(CONFIG.usher, "-v", "--wait-for", f"file:{scratch('go')}", "--", "sh", "-c", "exit 7",
               binary=peer("nohup")).wait_state("waiting") as init:
        init.kill(HUP)
        init.err.expect("dropped SIGHUP")
        go()
        equal(init.wait(), 7)


@both("^C for the whole group ends it with 130")
def _(pid1):
    with waiting(pid1=pid1) as init:
        os.killpg(init.pid, INT)
        equal(init.wait(SOON), 130)


@test("the keys of a terminal: ^C, ^\\ and the hang-up end it")
def _():
    for keys, code in ((b"\x03", 130), (b"\x1c", 131), (None, 129)):
        with place(LEADER, "--wait-for", f"file:{scratch('go')}", "--", "touch", scratch("ran")) as session:
            session.expect("waiting: unhealthy")
            if keys is None:
                session.hang_up()
            else:
                os.write(session.master, keys)
            equal(session.wait(), code)
            assert not os.path.exists(scratch("ran"))


@both("the process that checks is continued when a stranger stops it, and told of no stop itself")
def _(pid1):
    with waiting(pid1=pid1) as init:
        pid = checker(init)
        for sig in (STOP, TERM, INT, QUIT, HUP, STOP):
            os.kill(pid, sig)
            wait_for(lambda: proc_state(pid) in "SR", "it goes on")
        wait_for(lambda: alive(pid) and init.running(), "both are there")
        init.kill(TERM)
        equal(init.wait(SOON), 143)
        wait_for(lambda: not alive(pid), "who checked ends")


@test("the parent's death ends it, where --parent-death TERM asks for it")
def _():
    with start("parent", CONFIG.usher, "-p", "TERM", "--wait-for", f"file:{scratch('go')}", "--", "touch",
               scratch("ran"), binary=tool("witness")) as init:
        usher = int(init.out.expect(r"^child (\d+)$")[1])
        wait_for(lambda: comm(usher) == "usher:waiting", "usher waits")
        init.leaves = True
        init.kill(KILL)
        wait_for(lambda: not alive(usher), "usher ends")
        wait_for(lambda: not [p for p in processes() if comm(p) == "usher-wait" and alive(p)], "so does who checks")
        assert not os.path.exists(scratch("ran"))


@test("usher is killed: the process that checks ends with it")
def _():
    with waiting() as init:
        pid = checker(init)
        init.leaves = True
        init.kill(KILL)
        wait_for(lambda: not alive(pid), "it ends")


@both("no stop signal is lost between the last check and the program", timeout=120)
def _(pid1):
    go()
    for i in range(60):
        with start("--wait-for", f"file:{scratch('go')}", "--", *witness(*CATCH), pid1=pid1) as init:
            wait_for(lambda: (comm(init.pid) or "").startswith("usher:"), "usher")
            # Before it names itself, PID 1 may not have blocked signals yet, and the kernel drops them.
            end = time.monotonic() + i * 0.0001
            while time.monotonic() < end:
                pass
            init.kill(TERM)
            code = init.wait()
            assert code in (143, 7), code
            equal((code == 7, got(init)), (code == 7, [TERM] if code == 7 else []))


# --- what does not end it -----------------------------------------------------------------------

DROPPED = [n for n in ALL_SIGNALS if n not in (TERM, INT, QUIT, HUP, KILL, STOP, CHLD, CONT, TSTP, TTIN, TTOU, PIPE, XFSZ)]


@both("every other signal is dropped with an info line, and the program never gets it")
def _(pid1):
    with waiting("-v", "-f", "all", pid1=pid1) as init:
        for number in DROPPED:
            init.kill(number)
            init.err.expect("^usher: dropped [A-Z0-9+-]+ while waiting: there is no program yet$")
        equal(len(set(init.err.find("dropped ([A-Z0-9+-]+)"))), len(DROPPED))
        for name in ("USR1", "USR2", "WINCH", "ALRM", "RTMIN+3"):
            assert init.err.find(rf"dropped SIG{re.escape(name)} "), name
        equal(init.state(), "waiting")
        go()
        init.ready().wait_state("running")
        init.kill(MARK)
        expect(init, MARK)
        equal(got(init), [MARK])


@both("a PIPE and a XFSZ that a process sent are dropped like the others, with a line")
def _(pid1):
    with waiting("-v", pid1=pid1) as init:
        for number in (PIPE, XFSZ):
            init.kill(number)
        init.kill(USR2)
        init.err.expect("dropped SIGUSR2")
        equal(init.state(), "waiting")
        equal(sorted(init.err.find("dropped SIG([A-Z0-9]+)")), ["PIPE", "USR2", "XFSZ"])


@both("without -v nothing is said of what is dropped")
def _(pid1):
    with waiting(pid1=pid1) as init:
        for number in (USR1, USR2, WINCH, PIPE, 37):
            init.kill(number)
        rounds(checker(init), 2)
        go()
        runs_to(init)
        equal(got(init), [TERM])
        assert "drop" not in init.err.text, init.err.text


@both("a storm of signals does not keep it from its end")
def _(pid1):
    with waiting(pid1=pid1) as init:
        for _ in range(3000):
            for number in (USR1, 37):
                init.kill(number)
        go()
        runs_to(init)
        equal(got(init), [TERM])


@contextlib.contextmanager
def in_a_job(*words):
    """usher in a process group of its own that is not orphaned, as a shell's job: it can be stopped."""
    popen = subprocess.Popen([CONFIG.usher, *words], env=base_environment(), stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, process_group=0)
    init = Run(popen, popen.pid, False, [CONFIG.usher, *words])
    harness.RUNS.append(init)
    with init:
        yield init.wait_state("waiting")


def is_stopped(init):
    return proc_state(init.pid) == "T"


for name, number in (("TSTP", TSTP), ("TTIN", TTIN), ("TTOU", TTOU)):
    def stops(number=number):
        with in_a_job("-v", "--wait-for", f"file:{scratch('go')}", "--", *witness(*CATCH)) as init:
            init.err.expect("waiting: unhealthy")
            for send in (os.kill, os.killpg):
                send(init.pid, number)
                wait_for(lambda: is_stopped(init), "usher is stopped")
                send(init.pid, CONT)
                wait_for(lambda: not is_stopped(init), "usher goes on")
                equal(init.state(), "waiting")
            init.kill(number)
            wait_for(lambda: is_stopped(init), "usher is stopped")
            go()
            wait_for(lambda: not alive(checker(init)), "the checks have passed")
            assert is_stopped(init) and len(children(init.pid)) == 1
            init.kill(CONT)
            init.ready().wait_state("running")
            init.kill(number)   # from here on it is forwarded
            expect(init, number)
            assert not is_stopped(init)
            init.kill(TERM)
            equal(init.wait(), 7)
            equal(got(init), [number, TERM])
            assert "dropped" not in init.err.text, init.err.text
    add(f"{name} stops usher itself, CONT lets it go on, and the program hears of neither", stops, __name__)


@test("a TERM that comes while it is stopped ends it when it goes on")
def _():
    with in_a_job("--wait-for", f"file:{scratch('go')}", "--", "touch", scratch("ran")) as init:
        init.kill(TSTP)
        wait_for(lambda: is_stopped(init), "usher is stopped")
        init.kill(TERM)
        init.kill(CONT)
        equal(init.wait(SOON), 143)
        assert not os.path.exists(scratch("ran"))


@test("as PID 1 TSTP, TTIN, TTOU and CONT do nothing to it, and the program does not get them")
def _():
    with waiting("-v", pid1=True) as init:
        for number in (TSTP, TTIN, TTOU, CONT):
            init.kill(number)
        init.kill(USR1)
        init.err.expect("dropped SIGUSR1")
        assert not is_stopped(init)
        rounds(checker(init), 1)
        go()
        init.ready().wait_state("running")
        init.kill(MARK)
        expect(init, MARK)
        equal(got(init), [MARK])


@test("^Z stops it for the shell, fg brings it back, and then the program has the terminal")
def _():
    with place("under an interactive shell", "--wait-for", f"file:{scratch('go')}", "--", "sh", "-c",
               "read line; echo got $line; exit 7") as session:
        session.expect("waiting: unhealthy")
        os.write(session.master, b"\x1a")
        session.expect("Stopped")
        session.line("fg")
        go()
        session.expect("healthy after")
        session.line("hello")
        session.expect("got hello")


# --- orphans ------------------------------------------------------------------------------------

def no_zombie(init):
    return not [p for p in children(init.pid) if not alive(p)]


@test("as PID 1 it reaps what is reparented meanwhile")
def _():
    with waiting("-vv", pid1=True) as init:
        pid = checker(init)
        inside(init, "sh", "-c", "for i in 1 2 3 4 5 6 7 8; do (sleep 0.0$i; exit 5) > /dev/null 2>&1 & done")
        inside(init, "sh", "-c", "sleep 99 > /dev/null 2>&1 &")
        wait_for(lambda: len(init.err.find("reaped|exit code 5")) >= 8, "they are reaped")
        orphan = wait_for(lambda: [p for p in children(init.pid) if p != pid and comm(p) == "sleep"], "an orphan")[0]
        os.kill(orphan, KILL)
        wait_for(lambda: orphan not in processes(), "it is gone")
        wait_for(lambda: children(init.pid) == [pid], "none is left")
        equal(init.state(), "waiting")
        go()
        runs_to(init)


@test("as a subreaper it adopts orphans meanwhile, and reaps them")
def _():
    script = 'sh -c "sleep 99 & echo \\$!; wait" & exec "$@"'
    command = [CONFIG.usher, "--wait-for", f"file:{scratch('go')}", "--", *witness(*CATCH)]
    with start("-c", script, "sh", *command, binary="/bin/sh").wait_state("waiting") as init:
        orphan = int(init.out.expect(r"^(\d+)$")[1])
        pid = checker(init)
        between = next(p for p in children(init.pid) if p != pid)
        os.kill(between, KILL)
        wait_for(lambda: sorted(children(init.pid)) == sorted([pid, orphan]), "it is adopted, and what was between reaped")
        os.kill(orphan, KILL)
        wait_for(lambda: children(init.pid) == [pid], "it is reaped")
        equal(init.state(), "waiting")
        go()
        runs_to(init)


@test("300 orphans at once leave no zombie and do not end it")
def _():
    with waiting(pid1=True) as init:
        pid = checker(init)
        inside(init, "sh", "-c", "i=0; while [ $i -lt 300 ]; do (exit 0) & i=$((i + 1)); done")
        wait_for(lambda: children(init.pid) == [pid], "all are reaped")
        go()
        runs_to(init)


@test("an orphan that outlives the waiting is the program's neighbour, and gets the linger")
def _():
    with waiting(pid1=True) as init:
        inside(init, "sh", "-c", "sleep 99 > /dev/null 2>&1 &")
        go()
        runs_to(init)


# --- what is refused ----------------------------------------------------------------------------

WRONG = (
    (("--wait-for", "ready:"), "--wait-for: .*'ready:'"),
    (("--wait-for", "live:"), "--wait-for: .*'live:'"),
    (("--wait-for", "foo:"), "--wait-for: unknown check 'foo:'"),
    (("--wait-for", ""), "--wait-for: "),
    (("--wait-for", "localhost:80"), "--wait-for: "),
    (("--wait-for", "tcp://db"), "--wait-for: "),
    (("--wait-for", "file:x"), "--wait-for: "),
    (("--wait-for", "tcp://db:0"), "--wait-for: not a port '0'"),
    (("--wait-for", "tcp://${NO_SUCH}:1"), "--wait-for: variable is not set: 'NO_SUCH'"),
    (("--wait-for", "tcp://${NO_SUCH:-${PATH}}:1"), "--wait-for: "),
    (("--wait-for", "https://db/"), "--wait-for: .*TLS"),
    (("--wait-for", "file:/", "--wait-for", "foo:"), "--wait-for: unknown check 'foo:'"),
    (("--wait-for", "file:/", "--heal", "foo:"), "--heal: unknown check 'foo:'"),
    (("--wait-for", "file:/", "--status", "200"), "--status: no check of this call can use it"),
    (("--wait-for", TCP, "--contains", "x"), "--contains: no check of this call can use it"),
    (("--wait-for", TCP, "--json-field", "x"), "--json-field: no check of this call can use it"),
    (("--wait-for", TCP, "--method", "GET"), "--method: no check of this call can use it"),
    (("--wait-for", TCP, "--header", "X: y"), "--header: no check of this call can use it"),
    (("--wait-for", TCP, "--host", "db"), "--host: no check of this call can use it"),
    (("--wait-for", LOCAL, "--header", "nonsense"), "--header: not a header 'nonsense'"),
    (("--wait-for", LOCAL, "--header", "X: ${NO_SUCH}"), "--header: variable is not set: 'NO_SUCH'"),
    (("--wait-for", LOCAL, "--status", "abc"), "--status: not a list of statuses"),
    (("--status", "200"), "--status: there is no check that could use it"),
    (("--wait-timeout", "-3"), "--wait-timeout: not a duration '-3'"),
    (("--wait-timeout", "5 parsecs"), "--wait-timeout: not a duration"),
    (("--wait-timeout", ""), "--wait-timeout: "),
)


@both("what is wrong is told in one line before anything is waited for or started: 125")
def _(pid1):
    for words, complaint in WRONG:
        seconds, (status, out, err) = timed(run, *words, "--", "touch", scratch("ran"), pid1=pid1)
        equal((status, out), (125, ""), f"{words} {err}")
        assert re.search(complaint, one_line(err)), (words, err)
        assert seconds < SOON, (words, seconds)
    assert not os.path.exists(scratch("ran"))


@test("what is wrong in a variable is told as well, before anything is started")
def _():
    for name, text, word in (("USHER_WAIT_FOR", "file:/ ready:", "ready:"), ("USHER_WAIT_FOR", "file:/\nfoo:", "foo:"),
                             ("USHER_WAIT_TIMEOUT", "never", "never")):
        status, _, err = run("--", "touch", scratch("ran"), env={name: text})
        equal(status, 125, err)
        assert f"'{word}'" in one_line(err), err
    assert not os.path.exists(scratch("ran"))


@test("an option that one check of several can use is fine, and so is --wait-timeout without any")
def _():
    network()
    Peer(replies(http("404 Not Found")))
    equal(run("--wait-for", "file:/", "--status", "404", "--wait-for", LOCAL, "--", "true"), (0, "", ""))
    equal(run("--wait-for", "file:/", "--status", "404", "--heal", LOCAL, "--", "true"), (0, "", ""))
    equal(run("--wait-timeout", "5s", "--", "echo", "ran"), (0, "ran\n", ""))
    equal(run("--", "echo", "ran", env={"USHER_WAIT_TIMEOUT": "0"}), (0, "ran\n", ""))


@both("a request that can never be sent is 125 at once, with a line, with -q too")
def _(pid1):
    network()
    for words in ((), ("-q",)):
        seconds, (status, out, err) = timed(run, *words, "--wait-for", LOCAL, "--header", "X: " + "x" * 4096, "--",
                                            "touch", scratch("ran"), pid1=pid1)
        equal((status, out), (125, ""))
        assert "over 4096 bytes" in one_line(err), (words, err)
        assert seconds < SOON and not os.path.exists(scratch("ran"))


# --- what goes wrong meanwhile --------------------------------------------------------------------

@both("a stranger kills the process that checks: 125 with a line, and no program")
def _(pid1):
    with waiting(program=["touch", scratch("ran")], pid1=pid1) as init:
        os.kill(checker(init), KILL)
        equal(init.wait(SOON), 125)
        line = init.err.finish().splitlines()[-1]
        assert "SIGKILL" in line and "--wait-for" in line, line
        assert not os.path.exists(scratch("ran"))


@both("where no process can be started: 125 with a line")
def _(pid1):
    with cgroup("one", pids_max=1) as folder:
        status, out, err = run("--wait-for", "file:/no/such", "--", "true", before=("--cgroup", folder), pid1=pid1)
        equal((status, out), (125, ""))
        equal(one_line(err), "usher: cannot wait for the checks: Resource temporarily unavailable")


@test("where RLIMIT_NPROC refuses a process: 125 with a line")
def _():
    # The limit counts all processes of a user, those of other sandboxes, too: nobody else is this one.
    user = 100_000 + zlib.crc32(CONFIG.scratch.encode()) % 1_000_000_000
    status, out, err = run("--wait-for", "file:/no/such", "--", "true", before=("--uid", user, "--nproc", "1"))
    equal((status, out), (125, ""))
    equal(one_line(err), "usher: cannot wait for the checks: Resource temporarily unavailable")


@both("a stderr without a reader, or one that is full, changes nothing")
def _(pid1):
    go_soon = f"file:{scratch('go')}"
    for full in (False, True):
        reader, writer = os.pipe()
        if full:
            os.set_blocking(writer, False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    os.write(writer, b"x" * 4096)
            os.set_blocking(writer, True)
        else:
            os.close(reader)
        equal(run("-v", "--wait-timeout", "300ms", "--wait-for", go_soon, "--", "true", stderr=writer, pid1=pid1)[0], 124)
        with start("-v", "--wait-for", go_soon, "--", *witness(*CATCH), stderr=writer, pid1=pid1) as init:
            init.wait_state("waiting")
            rounds(checker(init), 2)
            init.kill(USR1)
            go()
            init.ready().wait_state("running")
            init.kill(TERM)
            equal((init.wait(), got(init)), (7, [TERM]))
        os.remove(scratch("go"))
        os.close(writer)
        if full:
            os.close(reader)


@test("without /proc it waits all the same")
def _():
    with start("-v", "--wait-for", f"file:{scratch('go')}", "--", *witness(*CATCH), pid1=True,
               namespace=("--no-proc",)) as init:
        init.err.expect("waiting: unhealthy")
        init.kill(USR1)
        init.err.expect("dropped SIGUSR1")
        go()
        runs_to(init)


@both("where signalfd is refused it waits all the same, and ends at once")
def _(pid1):
    need(Elf(CONFIG.usher).machine == EM_X86_64, "the number of the call is x86-64's")
    refused = ("--seccomp", "38:289")
    with waiting(before=refused, pid1=pid1) as init:
        init.kill(TERM)
        equal(init.wait(SOON), 143)
    with waiting(before=refused, pid1=pid1) as init:
        go()
        runs_to(init)


# --- nothing is left of it ------------------------------------------------------------------------

@both("the program has the mask, dispositions, environment, descriptors and cwd that it has without waiting")
def _(pid1):
    network()
    options = {"before": ("--block", "10,14,15,20,34,64", "--ignore", "1,2,12,13,17,22", "--open", "7:/dev/zero", "--chdir",
                          scratch()), "env": {"A": "1", "LISTEN_FDS": "1"}, "pid1": pid1}
    plain = report("--no-tty", **options)
    Peer(replies(http()))
    with start("--no-tty", "--wait-for", f"file:{scratch('go')}", "--wait-for", TCP, "--wait-for", "http://localhost:8080/",
               "--wait-for", "grpc://127.0.0.1:1", "--", *witness("report"), **options) as init:
        init.wait_state("waiting")
        init.kill(USR1)
        rounds(checker(init), 3)
        init.kill(TERM)
        equal(init.wait(), 143)
    go()
    waited = report("--no-tty", "--wait-for", f"file:{scratch('go')}", "--wait-for", TCP, "--wait-for",
                    "http://localhost:8080/", **options)
    for key in ("blocked", "ignored", "caught", "env", "cwd", "fds", "argv", "uid", "death_signal"):
        want, have = plain[key], waited[key]
        if key == "fds":    # pipes have other numbers
            want, have = ({fd: re.sub(r"\d+", "N", to) for fd, to in x.items()} for x in (want, have))
        equal(have, want, key)
    equal(waited["pgrp"], waited["pid"])


@both("so it is after tries that failed, and after signals that were dropped")
def _(pid1):
    options = {"before": ("--block", "10,20", "--ignore", "1,2"), "pid1": pid1}
    plain = report(**options)
    with waiting("-v", program=witness("report"), **options) as init:
        for number in (USR1, USR2, CONT) + ((HUP,) if not pid1 else ()):
            init.kill(number)
        init.err.expect("dropped SIGUSR2")
        rounds(checker(init), 2)
        go()
        equal(init.wait(), 0)
        waited = json.loads(init.out.finish())
    for key in ("blocked", "ignored", "caught", "env", "cwd"):
        equal(waited[key], plain[key], key)
    equal(sorted(waited["fds"]), sorted(plain["fds"]))


@both("with 0, 1 and 2 closed they stay closed for the program")
def _(pid1):
    closed = ("--close", "0", "--close", "1", "--close", "2")
    script = f"ls /proc/$$/fd > {scratch('fds')}.new; mv {scratch('fds')}.new {scratch('fds')}"
    seen = []
    go()
    for words in ((), ("--wait-for", f"file:{scratch('go')}")):
        status, *_ = run(*words, "--", "/bin/sh", "-c", script, before=closed, pid1=pid1)
        equal(status, 0)
        with open(scratch("fds"), encoding="ascii") as file:
            seen.append(file.read())
    equal(seen[1], seen[0])


@both("after it usher has its three descriptors, one child, no zombie, and its cwd is /")
def _(pid1):
    network()
    with waiting("--wait-for", TCP, before=("--open", "9:/dev/zero"), pid1=pid1) as init:
        Peer(silent)
        go()
        init.ready().wait_state("running")
        wait_for(lambda: sorted(os.listdir(f"/proc/{init.pid}/fd")) == ["0", "1", "2"], "no descriptor is left")
        equal(len(children(init.pid)), 1)
        assert no_zombie(init)
        equal(os.readlink(f"/proc/{init.pid}/cwd"), "/")
        equal(proc_status(init.pid)["Threads"], "1")


@test("not as PID 1 usher leaves no zombie to whoever adopts it, whatever ended the waiting")
def _():
    script = ("import ctypes,os,signal,subprocess,sys,time; ctypes.CDLL(None).prctl(36, 1); p = subprocess.Popen(sys.argv[2:]);\n"
              "comm = lambda: open(f'/proc/{p.pid}/comm').read()\n"
              "while int(sys.argv[1]) and not comm().startswith('usher:waiting'): time.sleep(0.001)\n"
              "if int(sys.argv[1]): time.sleep(0.05); p.send_signal(int(sys.argv[1]))\n"
              "print(p.wait()); print(open(f'/proc/self/task/{os.getpid()}/children').read().split())")
    for number, check, code in ((0, "file:/", 0), (0, "file:/no/such", 124), (TERM, "file:/no/such", 143)):
        for _ in range(10 if number else 1):
            command = [CONFIG.usher, "--wait-timeout", "300ms" if not number else "0", "--wait-for", check, "--", "true"]
            done = subprocess.run(["/usr/bin/python3", "-c", script, str(number), *command], capture_output=True, check=True)
            equal(done.stdout.decode(), f"{code}\n[]\n", f"{check} {number}")


@both("it uses no heap")
def _(pid1):
    calls = own_calls("-v", "--wait-for", "file:/", "--", path_of("true"), pid1=pid1)
    equal([x for x in calls if re.match(r"(brk|sbrk|mremap)\(", x)], [])
    # What the checks are read into is given back before anything is started.
    mapped = [re.search(r"= (0x\w+)", x)[1] for x in calls if re.match(r"mmap2?\(.*MAP_ANONYMOUS", x)]
    freed = [re.match(r"munmap\((0x\w+)", x)[1] for x in calls if x.startswith("munmap(")]
    equal(freed, mapped)
    assert [x for x in calls if x.startswith("rt_sigtimedwait")]


def path_of(name):
    return next(p for p in (f"/usr/bin/{name}", f"/bin/{name}") if os.path.exists(p))


def worst_memory(words, pid1, times=15):
    worst = {"Rss": 0, "Private_Dirty": 0}
    for _ in range(times):
        with start(*words, "--", *witness("forever"), pid1=pid1, bare=True) as init:
            init.ready().wait_state("running")
            wait_for(lambda i=init: (proc_status(i.pid).get("State") or "").startswith("S"), "usher is idle")
            seen = smaps(init.pid)
            worst = {key: max(value, seen[key]) for key, value in worst.items()}
    return worst


@both("the idle init has no more memory than the limits after a waiting, and at most 8 KiB more dirty than without",
      timeout=120)
def _(pid1):
    need(file_system(CONFIG.usher) not in ("tmpfs", "ramfs"), "the binary lies in memory here")
    network()
    Peer(replies(http()))
    os.sync()
    plain = worst_memory((), pid1)
    waited = {words: worst_memory(words, pid1) for words in (("--wait-for", "file:/"), ("--wait-for", LOCAL, "--wait-for", TCP))}
    figures = f"KiB, the worst of 15: {waited}, without: {plain}"
    for seen in waited.values():
        assert seen["Rss"] <= MAX_RSS + more_on_i386(4) and seen["Private_Dirty"] <= MAX_DIRTY, figures
        assert seen["Private_Dirty"] <= plain["Private_Dirty"] + 8, figures


# --- what is said ---------------------------------------------------------------------------------

@both("each line of the JSON log is an object with its event, its state and its check")
def _(pid1):
    network()
    with waiting("-vv", "--log-format", "json", "--wait-for", TCP, told_as="", pid1=pid1) as init:
        init.err.expect('"event":"waiting"')
        init.kill(37)
        init.err.expect('"event":"dropped"')
        Peer(silent)
        go()
        init.ready().wait_state("running")
        init.kill(TERM)
        equal(init.wait(), 7)
        lines = [json.loads(x) for x in init.err.finish().splitlines()]
        equal([x["state"] for x in lines if x["event"] == "state"][:2], ["waiting", "running"])
        equal({x["check"] for x in lines if x["event"] == "waiting"}, {TCP, f"file:{scratch('go')}"})
        dropped = next(x for x in lines if x["event"] == "dropped")
        equal((dropped["signal"], dropped["level"]), ("SIGRTMIN+3", "info"))
        assert [x for x in lines if x["event"] == "healthy"], lines
        assert all(x["logger"] == "usher" and x["message"] and x["timestamp"] for x in lines), lines


@test("JSON: time is up, a killed child, no process, and a wrong word are objects, too")
def _():
    *_, err = run("--log-format", "json", "--wait-timeout", "100ms", "--wait-for", 'file:/no/"su\\ch', "--", "true")
    events = [json.loads(x) for x in err.splitlines()]
    equal([x["event"] for x in events], ["waiting", "gave-up"])
    equal(events[1]["check"], 'file:/no/"su\\ch')
    with waiting("--log-format", "json", told_as="") as init:
        os.kill(checker(init), KILL)
        equal(init.wait(), 125)
        last = json.loads(init.err.finish().splitlines()[-1])
        equal(last["level"], "error")
    status, _, err = run("--log-format", "json", "--wait-for", "foo:", "--", "true")
    equal((status, json.loads(one_line(err))["level"]), (125, "error"))


@test("on a terminal it shows how long it has been, and clears that before the program writes")
def _():
    with place(LEADER, "--wait-for", f"file:{scratch('go')}", "--", "sh", "-c", "echo ran; exit 7") as session:
        session.expect("waiting for 1s")
        go()
        equal(session.wait(), 7)
        text = session.text
        assert "\r\x1b[K" in text.rpartition("waiting for")[2], text
        assert re.search(r"\r\x1b\[Kusher: healthy after [\d.]+m?s\r\n(\r\x1b\[K)?ran", text), text


SECRET = "s3cr3t"
LEAKS = (
    "redis://:s3cr3t@127.0.0.1:1", "redis://user:s3cr3t@127.0.0.1:1", "REDIS://:s3cr3t@127.0.0.1:1",
    "redis://:s3cr3t@unix:/no/such", "postgres://user:s3cr3t@127.0.0.1:1", "mysql://user:s3cr3t@127.0.0.1:1",
    "redis://:s3cr3t@bad_host!:1", "redis://:s3cr3t@127.0.0.1:99999", "rediss://:s3cr3t@db", "reds://:s3cr3t@db",
    "redis://:s3cr3t@127.0.0.1:1/${", "redis://:s3cr3t@${NO_SUCH}", "redis://:x${NO_SUCH}s3cr3t@db",
    "redis://:${s3cr3t@127.0.0.1:1", "redis://:${A:-${B}s3cr3t}@127.0.0.1:1", "redis://:${A-s3cr3t}@127.0.0.1:1",
    "redis://:${NO_SUCH:-s3cr3t}@127.0.0.1:1", "redis://:" + "s3cr3t" * 700 + "@127.0.0.1:1",
    "http://user:s3cr3t@127.0.0.1:1/", "tcp://user:s3cr3t@127.0.0.1:1",
    "postgres://127.0.0.1:1/app?user=me&password=s3cr3t", "redis://me:s3cr3t", "redis://:s3cr3t:127.0.0.1:1",
    "redis:/:s3cr3t@h", "redis//:s3cr3t@h", "postgres:me:s3cr3t@h/app", "me:s3cr3t@h:3306", "me:s3cr3t@tcp(db:3306)/app",
    "host=db user=me password=s3cr3t", "jdbc:postgresql://h/x?user=me&password=s3cr3t", "redis://h:$s3cr3t",
    "${NO_SUCH:-redis://:s3cr3t@h:x}", "${NO_SUCH:-redis://:s3cr3t@${HOST}:6379}", "${NO_SUCH:-redis://:s3cr3t@127.0.0.1:6379",
)


def leaks(*words, env=None):
    """The streams of such a call, where the password stands."""
    status, out, err = run("--wait-timeout", "100ms", *words, "--", "true", env=env)
    assert status in (124, 125), (words, status, err)
    return [x for x in (out, err) if SECRET in x]


@test("a password is in no output and no log, whatever is wrong with the check", timeout=120)
def _():
    network()
    found = []
    for check in LEAKS:
        for words in ((), ("-vv",), ("-vv", "--log-format", "json")):
            found += leaks(*words, "--wait-for", check)
        found += leaks(env={"USHER_WAIT_FOR": check})
        found += leaks("--wait-for", "${CHECK}", env={"CHECK": check})
    equal(found, [])


@test("a header's value is in no complaint, for it may be a secret")
def _():
    network()
    for env in ({"TOKEN": "s3cr3t\nx"}, {"TOKEN": "s3cr3t\x7f"}):
        equal(leaks("--wait-for", LOCAL, "--header", "Authorization: Bearer ${TOKEN}", env=env), [])
        status, _, err = run("probe", "-H", "Authorization: Bearer ${TOKEN}", LOCAL, env=env)
        equal(status, 125)
        assert SECRET not in err and "'Authorization'" in err, err


@test("what a variable has in it cannot change where the host begins, nor where it ends")
def _():
    network()
    Peer(redis(b"a%41@b:c/d"))
    words = ("--wait-timeout", "100ms", "--wait-for")
    env = {"PW": "a%41@b:c/d", "PROTO": "redis", "EMPTY": ""}
    for check in ("redis://:${PW}@127.0.0.1:8080", "redis://${U:-}:${PW}@127.0.0.1:8080"):
        equal(run(*words, check, "--", "true", env=env), (0, "", ""), check)
    # A secret that is empty is no server without one; a scheme that is not written out hides where the host begins.
    for check in ("redis://:${EMPTY}@127.0.0.1:8080", "${PROTO}://:${PW}@127.0.0.1:8080"):
        status, out, err = run(*words, check, "--", "true", env=env)
        equal((status, out, len(err.splitlines())), (125, "", 1), check)
        assert "a%41" not in err, err
    # What does not fit is refused, and nothing is cut off.
    long = {"A": "x" * 2000, "B": "y" * 2054}
    status, _, err = run("probe", "redis://x${A}@127.0.0.1:8080", "redis://x${B}@127.0.0.1:80801", env=long)
    equal(status, 125)
    assert "too long" in err, err


@test("a password is not shown by what complains of too many checks")
def _():
    network()
    check = LEAKS[0]
    equal(leaks(*["--wait-for", check] * 17) + leaks(env={"USHER_WAIT_FOR": f"{check} " * 17}), [])


@test("a literal password gets a warning that names ${NAME}; one from a variable gets none and is used")
def _():
    network()
    Peer(redis(b"s3cr@t:/"))
    words = ("--wait-timeout", "100ms", "--wait-for")
    status, _, err = run(*words, "redis://:s3cr3t@127.0.0.1:1", "--", "true")
    warning = err.splitlines()[0]
    assert warning.startswith("usher: warning: ") and "${NAME}" in warning and "redis://127.0.0.1:1" in warning, err
    equal((status, err.count("warning")), (124, 1))
    env = {"PW": "s3cr@t:/", "WRONG": "nonsense"}
    equal(run("--wait-for", "redis://:${PW}@127.0.0.1:8080", "--", "true", env=env), (0, "", ""))
    status, out, err = run("-vv", *words, "redis://:${WRONG}@127.0.0.1:8080", "--", "true", env=env)
    equal((status, out), (124, ""))
    assert "warning" not in err and "nonsense" not in err and "WRONGPASS" in err, err
    status, _, err = run("--log-format", "json", *words, "redis://:s3cr3t@127.0.0.1:1", "--", "true")
    equal(json.loads(err.splitlines()[0])["level"], "warning")
