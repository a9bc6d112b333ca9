# SPDX-License-Identifier: MIT
"""--heal: an unhealthy program is stopped, and usher ends with 69."""
import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import time

from harness import (CONFIG, TERM, alive, both, cgroup, children, comm, equal, holds_for, one_line, parent_of,
                     proc_state, proc_status, processes, remove_folder, run, scratch, signal_mask, skip, start,
                     test, wait_for, witness)
from probe_lab import Peer, http, network, replies, silent
from signals import QUIT, expect, got
from status import status_in

LATE = 30.0
KILL, USR1 = signal.SIGKILL, signal.SIGUSR1
FAST = ("--heal-interval", "50ms", "--heal-timeout", "500ms")
HEALTHY = r"healthy file:"


def mark(exists=True):
    """The file by which the tests' programs are healthy."""
    path = scratch("mark")
    if exists:
        open(path, "w", encoding="ascii").close()
    elif os.path.exists(path):
        os.remove(path)
    return path


def healing(*words, program=("--exit", "15:0"), check=None, fast=FAST, **options):
    """An usher whose program is healthy while the mark is there."""
    return start("-v", "--heal", check or f"file:{mark()}", *fast, *words, "--", *witness("catch", *program),
                 **options).ready()


def watcher(init):
    """Its pid as seen here, once it is there."""
    return wait_for(lambda: next((p for p in children(init.pid)
                                  if (comm(p) or "").startswith("heal:") and alive(p)), None), "a watcher")


def wellness(init, state):
    wait_for(lambda: comm(watcher(init)) == f"heal:{state}", f"heal:{state}", LATE)


def switches(pid):
    """How often it has waited."""
    return int(proc_status(pid)["voluntary_ctxt_switches"])


def wait_for_rounds(pid, count):
    """A round waits at least once."""
    before = switches(pid)
    wait_for(lambda: switches(pid) > before + count, f"{count} rounds")


# --- what it is for -------------------------------------------------------------------------

@both("a program that fails so many times in a row is stopped, and usher ends with 69")
def _(pid1):
    with healing(pid1=pid1) as init:
        init.err.expect(HEALTHY)
        mark(False)
        for i in (1, 2, 3):
            init.err.expect(rf"^usher: warning: unhealthy file:\S+: file: No such file or directory, {i} of 3$")
        init.err.expect(r"^usher: warning: stopping the unhealthy program: SIGTERM, SIGKILL after 10s$")
        equal(init.wait(LATE), 69)
        equal(got(init), [TERM])


@both("69 is what usher ends with whatever the program returns, and is not remapped")
def _(pid1):
    with healing("--heal-retries", "1", "-e", "69:0", "-e", "7:0", program=("--exit", "15:7"), pid1=pid1) as init:
        init.err.expect(HEALTHY)
        mark(False)
        equal(init.wait(LATE), 69)


@both("a check that fails two times of three, and then passes, stops nothing")
def _(pid1):
    with healing(fast=("--heal-interval", "300ms"), pid1=pid1) as init:
        init.err.expect(HEALTHY)
        for _ in range(2):
            mark(False)
            init.err.expect("2 of 3$")
            mark()
            init.err.expect(f"usher: warning: {HEALTHY}")
        equal(init.state(), "running")
        assert not init.err.find("3 of 3"), init.err.text
        init.kill(TERM)
        equal(init.wait(), 0)


@both("a check that hangs fails when its time is up")
def _(pid1):
    network()
    talk = [replies(http())]
    peer = Peer(lambda *args: talk[0](*args))
    with healing("--heal-timeout", "200ms", check=":8080/", pid1=pid1) as init:
        init.err.expect("healthy :8080/ 200")
        talk[0] = silent
        init.err.expect("unhealthy :8080/: reply: timed out, 3 of 3")
        equal(init.wait(LATE), 69)
    peer.close()


@both("a program that was never healthy is left alone, unless the start period is over")
def _(pid1):
    path = f"file:{mark(False)}"
    with healing(check=path, fast=("--heal-interval", "5ms"), pid1=pid1) as init:
        pid = watcher(init)
        wait_for_rounds(pid, 20)
        equal(comm(pid), "heal:starting")
        init.kill(TERM)
        equal(init.wait(), 0)
    with healing("--heal-start-period", "100ms", check=path, pid1=pid1) as init:
        init.err.expect("3 of 3")
        equal(init.wait(LATE), 69)


@both("a stop ends the watcher before the program hears of it, and the status is the program's")
def _(pid1):
    with healing("--pre-stop", "60", "--heal-retries", "1", program=("--exit", "15:7"), pid1=pid1) as init:
        init.err.expect(HEALTHY)
        pid = watcher(init)
        init.kill(TERM)
        init.wait_state("draining")
        mark(False)
        wait_for(lambda: not alive(pid), "the watcher ends")
        wait_for(lambda: pid not in children(init.pid), "and is reaped")
        equal(init.state(), "draining")
        init.kill(TERM)
        equal(init.wait(), 7)


@both("the heal signal and the escalation leave evidence, and the grace has an end")
def _(pid1):
    with healing("--heal-signal", "USR1", "--heal-grace", "600ms", "--escalate", "100ms:QUIT", "--escalate",
                 "5s:INT", "--heal-retries", "1", program=("--member", "setsid,ignore"), pid1=pid1) as init:
        init.err.expect(HEALTHY)
        mark(False)
        expect(init, USR1)
        expect(init, QUIT)
        equal(init.wait(LATE), 69)
        equal(got(init), [USR1, QUIT])
        equal(len(init.err.find("killing what did not stop: .*witness")), 1)
        assert "heal" not in init.err.find("killing what did not stop:.*")[0], init.err.text


@both("what the program leaves behind gets the linger, within the grace")
def _(pid1):
    with healing("--heal-retries", "1", "--heal-grace", "500ms",
                 program=("--exit", "15:0", "--member", "setsid,ignore"), pid1=pid1) as init:
        init.err.expect(HEALTHY)
        mark(False)
        equal(init.wait(LATE), 69)


@test("--heal and a bad program: nothing is watched")
def _():
    status, _, err = run("--heal", f"file:{mark()}", "--", "/no/such/program")
    equal(status, 127)
    one_line(err)


@both("several checks: one that fails is enough, and is the one that is named")
def _(pid1):
    with healing("--heal", "file:/", "--heal-retries", "2", pid1=pid1) as init:
        init.err.expect(HEALTHY)
        mark(False)
        equal(init.wait(LATE), 69)
        assert not init.err.find("unhealthy file:/:"), init.err.text


@both("a daemon that --until all keeps is stopped, too")
def _(pid1):
    script = f"(trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done) & exit 0"
    with start("-v", "--until", "all", "--heal", f"file:{mark()}", *FAST, "--heal-retries", "1", "--", "sh",
               "-c", script, pid1=pid1) as init:
        init.ready()
        init.err.expect("main process")
        mark(False)
        equal(init.wait(LATE), 69)


# --- JSON, status ---------------------------------------------------------------------------

@test("the JSON log has the check, and status --json the health")
def _():
    with start("-v", "--log-format", "json", "--heal", f"file:{mark()}", *FAST, "--heal-retries", "2", "--",
               *witness("catch", "--exit", "15:0"), pid1=True) as init:
        init.ready()
        wellness(init, "healthy")
        equal(json.loads(status_in(init, "--json")[1]), {"pid": 1, "state": "running", "health": "healthy"})
        equal(status_in(init)[1], "running\n")
        mark(False)
        equal(init.wait(LATE), 69)
        events = [json.loads(line) for line in init.err.lines]
        told = {x["event"]: x for x in events if x["event"] in ("unhealthy", "healthy")}
        equal(told["healthy"]["check"], f"file:{scratch('mark')}")
        equal(told["unhealthy"]["level"], "warning")
        heals = [x for x in events if x["event"] == "heal"]
        equal([x.get("check") for x in heals], [f"file:{scratch('mark')}", None])
        assert heals[0]["message"].endswith(", 2 of 2"), heals
        equal(heals[1]["signal"], "SIGTERM")


# --- what the watcher is ----------------------------------------------------------------------

@both("the watcher blocks all signals, has its own session and of usher's descriptors only stderr")
def _(pid1):
    with healing(pid1=pid1) as init:
        wellness(init, "healthy")
        pid = watcher(init)
        kept = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
        equal(kept - {"/dev/null", "anon_inode:[signalfd]"}, {os.readlink(f"/proc/{init.pid}/fd/2")})
        equal(signal_mask(pid, "SigBlk"), (1 << 64) - 1 & ~(1 << KILL - 1) & ~(1 << signal.SIGSTOP - 1))
        equal(os.getsid(pid), pid)
        assert parent_of(pid) == init.pid


@both("PID 1 does not wake up for a round")
def _(pid1):
    with healing(fast=("--heal-interval", "5ms"), pid1=pid1) as init:
        wellness(init, "healthy")
        before = switches(init.pid)
        wait_for_rounds(watcher(init), 50)
        equal(switches(init.pid), before)


@both("a thousand rounds leave no zombie, no descriptor and no memory", timeout=90)
def _(pid1):
    network()
    peer = Peer(replies(http()))
    with healing(check=":8080/", fast=("--heal-interval", "1ms"), pid1=pid1) as init:
        wellness(init, "healthy")
        pid = watcher(init)

        def facts():
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                rss = int(re.search(r"^Rss: +(\d+)", file.read(), re.MULTILINE)[1])
            return rss, children(init.pid)
        wait_for(lambda: peer.accepted > 100, "100 rounds", LATE)
        rss, family = facts()
        wait_for(lambda: peer.accepted > 1100, "1,000 rounds more", 60)
        wait_for(lambda: len(os.listdir(f"/proc/{pid}/fd")) <= 4, "no descriptor is left")
        assert facts()[0] <= rss + 8, (rss, facts())
        equal(facts()[1], family)
    peer.close()


@test("usher is killed: the watcher ends with it")
def _():
    with healing() as init:
        wellness(init, "healthy")
        pid, program = watcher(init), init.program()
        init.leaves = True
        init.kill(KILL)
        wait_for(lambda: not alive(pid), "the watcher ends")
        os.kill(program, KILL)


# --- what is done to it -----------------------------------------------------------------------

@both("a watcher that was killed is started anew, and still knows that the checks had passed")
def _(pid1):
    with healing("--heal-retries", "2", fast=("--heal-interval", "400ms"), pid1=pid1) as init:
        wellness(init, "healthy")
        mark(False)
        init.err.expect("1 of 2")
        os.kill(watcher(init), KILL)
        init.err.expect(r"^usher: warning: the watcher: ended by SIGKILL; again in 1s$")
        init.err.expect("2 of 2")
        equal(init.wait(LATE), 69)


@both("a watcher that is killed again and again costs no more than a start a second")
def _(pid1):
    with healing(pid1=pid1) as init:
        end = time.monotonic() + 2.5
        seen = set()
        while time.monotonic() < end:
            for pid in children(init.pid):
                if (comm(pid) or "").startswith("heal:") and alive(pid):
                    seen.add(pid)
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, KILL)
            time.sleep(0.01)
        assert 1 <= len(seen) <= 3, seen
        equal(len([p for p in children(init.pid) if not alive(p)]), 0)
        init.kill(TERM)
        equal(init.wait(), 0)


@both("a watcher that is stopped goes on, and its late round does not count")
def _(pid1):
    with healing("--heal-retries", "1", fast=("--heal-interval", "100ms"), pid1=pid1) as init:
        wellness(init, "healthy")
        pid = watcher(init)
        for _ in range(3):
            os.kill(pid, signal.SIGSTOP)
            wait_for(lambda: proc_state(pid) in "SR", "it goes on", LATE)
        equal(init.state(), "running")
        mark(False)
        equal(init.wait(LATE), 69)


@contextlib.contextmanager
def freezer(pids):
    """A control group with these processes: a function that freezes them, or lets them go on."""
    top = "/sys/fs/cgroup/freezer"
    is_v1 = os.path.exists(f"{top}/cgroup.procs")
    folder = f"{top if is_v1 else '/sys/fs/cgroup'}/{'-'.join(CONFIG.scratch.split('/')[-2:])}-frozen"
    try:
        os.mkdir(folder)
    except OSError as error:
        skip(f"no cgroup can be made here: {error}")

    def freeze(frozen):
        name, value = ("freezer.state", "FROZEN" if frozen else "THAWED") if is_v1 else ("cgroup.freeze", int(frozen))
        with open(f"{folder}/{name}", "w", encoding="ascii") as file:
            file.write(str(value))
    try:
        for pid in pids:
            with open(f"{folder}/cgroup.procs", "w", encoding="ascii") as file:
                file.write(str(pid))
        yield freeze
    finally:
        freeze(False)
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, KILL)
        wait_for(lambda: remove_folder(folder), "the cgroup is empty")


@both("a round that the freezer held up is no failure; one that fails after it is")
def _(pid1):
    network()
    talk = [replies(http())]
    peer = Peer(lambda *args: talk[0](*args))
    timeout = 2
    with healing("--heal-retries", "1", "--heal-timeout", f"{timeout}s", check=":8080/", pid1=pid1) as init:
        wellness(init, "healthy")
        pid = watcher(init)
        with freezer([init.pid, init.program(), pid]) as freeze:
            talk[0] = silent
            seen = peer.accepted
            wait_for(lambda: peer.accepted > seen, "a round has begun")
            freeze(True)
            time.sleep(timeout + 1.2)   # as long as it takes to count as held up
            talk[0] = replies(http())
            seen = peer.accepted
            freeze(False)
            wait_for(lambda: peer.accepted > seen + 3, "rounds go on")
            equal((comm(pid), init.err.find("warning: unhealthy")), ("heal:healthy", []))
            talk[0] = replies(http("503 Busy"))
            equal(init.wait(LATE), 69)
    peer.close()


@test("kill(-1) by the program, as root: TERM does nothing to the watcher, KILL brings another one")
def _():
    script = (f"import os,signal,time; signal.signal(15, lambda *a: None); os.kill(-1, 15); print('ready', flush=True);"
              "os.kill(-1, 9); time.sleep(99)")
    with start("-v", "--heal", f"file:{mark()}", *FAST, "--heal-grace", "100ms", "--", "/usr/bin/python3", "-c", script, pid1=True) as init:
        init.ready()
        init.err.expect("the watcher: ended by SIGKILL")
        init.err.expect(HEALTHY)
        equal(init.state(), "running")
        mark(False)
        equal(init.wait(LATE), 69)


@both("where no process can be started the program goes on, and the watcher comes later")
def _(pid1):
    with cgroup("few", pids_max=2) as folder:
        with healing(before=("--cgroup", folder), pid1=pid1) as init:
            init.err.expect("cannot start the watcher: .*; again in 1s$")
            equal(init.state(), "running")
            with open(f"{folder}/pids.max", "w", encoding="ascii") as file:
                file.write("10")
            init.err.expect(HEALTHY)
            init.kill(TERM)
            equal(init.wait(), 0)


@both("a round for which there was no descriptor is no failure")
def _(pid1):
    network()
    peer = Peer(replies(http()))
    with healing("--heal-retries", "1", check=":8080/", pid1=pid1) as init:
        wellness(init, "healthy")
        pid = watcher(init)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, 4096))
        seen = peer.accepted
        wait_for_rounds(pid, 10)
        assert peer.accepted <= seen + 1
        equal(comm(pid), "heal:healthy")
        peer.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (4096, 4096))
        equal(init.wait(LATE), 69)


@both("neither is one of pid: for which there was none")
def _(pid1):
    with healing("--heal-retries", "1", check="pid:1" if pid1 else f"pid:{os.getpid()}", pid1=pid1) as init:
        wellness(init, "healthy")
        pid = watcher(init)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, 4096))
        wait_for_rounds(pid, 10)
        equal((comm(pid), init.state()), ("heal:healthy", "running"))


@both("a server that drips its last words does not make rounds late")
def _(pid1):
    network()
    peer = Peer(replies(b"HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\nx", hold=True))
    with healing("--heal-start-period", "0", check=":8080/", pid1=pid1) as init:
        equal(init.wait(LATE), 69)
    peer.close()


@both("a gRPC server is given the round's time")
def _(pid1):
    network()
    seen = []
    peer = Peer(lambda connection, _: seen.append(connection.recv(65536)) or time.sleep(0.1))
    with healing("--heal-timeout", "20s", check="grpc://127.0.0.1:8080", pid1=pid1) as init:
        wait_for(lambda: seen, "a request")
        assert b"20000m" in seen[0], seen[0]
        equal(init.state(), "running")
    peer.close()


@both("a script without a first line changes nothing of what is checked")
def _(pid1):
    network()
    peer = Peer(replies(http(body=b"hello")))
    script = scratch("script")
    with open(script, "w", encoding="ascii") as file:
        file.write("echo ready\nexec sleep 60\n")
    os.chmod(script, 0o755)
    with start("-v", *FAST, "--heal", ":8080/", "--contains", "hello", script, pid1=pid1) as init:
        init.ready()
        wellness(init, "healthy")
    peer.close()


@both("until the checks have passed once the next round does not wait for the interval")
def _(pid1):
    with healing(check=f"file:{mark(False)}", fast=("--heal-interval", "1h"), pid1=pid1) as init:
        init.err.expect("^usher: unhealthy file:")
        mark()
        wellness(init, "healthy")


@both("a failure that does not count is told once, with -v")
def _(pid1):
    with healing(check=f"file:{mark(False)}", fast=("--heal-interval", "5ms"), pid1=pid1) as init:
        init.err.expect("^usher: unhealthy file:.*No such file or directory$")
        pid = watcher(init)
        wait_for_rounds(pid, 20)
        equal(len(init.err.find("unhealthy")), 1)
        mark()
        wellness(init, "healthy")


@test("not as PID 1 usher leaves no zombie to whoever adopts it")
def _():
    script = ("import ctypes,os,subprocess,sys; ctypes.CDLL(None).prctl(36, 1); subprocess.run(sys.argv[1:]);"
              "print(open(f'/proc/self/task/{os.getpid()}/children').read().split())")
    command = [CONFIG.usher, "--heal", f"file:{mark()}", *FAST, "--", "sleep", "0.3"]
    equal(subprocess.run(["/usr/bin/python3", "-c", script, *command], capture_output=True, check=True).stdout, b"[]\n")


@both("a fork bomb is healed away", timeout=90)
def _(pid1):
    with cgroup("bomb", pids_max=100) as folder:
        with start("--heal", f"file:{mark()}", *FAST, "--heal-start-period", "0", "--heal-grace", "100ms", "--",
                   os.path.join(CONFIG.tools, "hostile"), "bomb", before=("--cgroup", folder), pid1=pid1) as init:
            init.ready()
            mark(False)
            equal(init.wait(60.0), 69)
            wait_for(lambda: not [p for p in processes() if comm(p) == "hostile" and alive(p)], "nobody is left")


@both("signals to everybody leave the watcher out")
def _(pid1):
    with healing("--forward", "all", pid1=pid1) as init:
        wellness(init, "healthy")
        pid = watcher(init)
        for _ in range(5):
            init.kill(USR1)
            expect(init, USR1)
        equal((watcher(init), comm(pid)), (pid, "heal:healthy"))


@both("the program's own URG is forwarded while there is a watcher")
def _(pid1):
    with healing(pid1=pid1) as init:
        wellness(init, "healthy")
        init.kill(signal.SIGURG)
        expect(init, signal.SIGURG)


@both("USHER_HEAL counts only in the outermost usher; several checks have blanks between")
def _(pid1):
    env = {"USHER_HEAL": f"file:{mark()} \n\tfile:/", "USHER_HEAL_INTERVAL": "50ms", "USHER_HEAL_RETRIES": "1",
           "USHER_VERBOSE": "1"}
    with start("--", CONFIG.usher, "--", *witness("catch", "--exit", "15:0"), env=env, pid1=pid1) as init:
        init.ready()
        wellness(init, "healthy")
        inner = next(p for p in children(init.pid) if not (comm(p) or "").startswith("heal:"))
        wait_for(lambda: comm(inner) == "usher:running", "the inner usher")
        equal(len(children(inner)), 1)
        mark(False)
        equal(init.wait(LATE), 69)


# --- what is refused --------------------------------------------------------------------------

REFUSED = (
    (("--heal", "ready:"), "--heal: asks usher itself: 'ready:'"),
    (("--heal", "live:"), "asks usher itself"),
    (("--heal", "http://db:8080/"), "--heal: may be another container: 'db'"),
    (("--heal", "tcp://192.0.2.1:80"), "may be another container: '192.0.2.1'"),
    (("--heal", "localhost:80"), "--heal: "),
    (("--heal", "file:x"), "--heal: "),
    (("--heal", "${NO_SUCH}"), "variable is not set"),
    (("--heal", "file:/", "--status", "200"), "--status: no check of this call can use it"),
    (("--contains", "x"), "--contains: there is no check that could use it"),
    (("--heal", ":1/", "--status", "abc"), "--status: not a list of statuses"),
    (("--heal-retries", "0"), "--heal-retries: not a count '0'"),
    (("--heal-grace", "inf"), "--heal-grace: "),
    (("--heal-interval", "0"), "--heal-interval: too short: '0'"),
    (("--heal-signal", "STOP"), "--heal-signal: ends no program: 'STOP'"),
)


@test("what cannot be watched is told before the program is started")
def _():
    for words, complaint in REFUSED:
        status, _, err = run(*words, "--", "touch", scratch("started"))
        equal(status, 125, words)
        assert complaint in one_line(err), (words, err)
    status, _, err = run("--", "touch", scratch("started"), env={"USHER_HEAL": "ready:"})
    equal(status, 125)
    assert not os.path.exists(scratch("started"))


@both("options of checks hold for --heal, from the environment too")
def _(pid1):
    network()
    peer = Peer(replies(http("404 Not Found", b"fine")))
    env = {"USHER_STATUS": "500"}
    with healing("--status", "404", "--header", "X-Who: usher", "--contains", "fine", "--method", "POST", check=":8080/",
                 env=env, pid1=pid1) as init:
        wellness(init, "healthy")
        request = peer.request().decode("ascii")
        assert request.startswith("POST / ") and "X-Who: usher" in request, request
    peer.close()


@test("without --heal nothing is different: one child, and no health in status")
def _():
    with start("--", *witness("catch"), pid1=True) as init:
        init.ready().wait_state("running")
        equal(len(children(init.pid)), 1)
        equal(status_in(init, "--json")[1], '{"pid":1,"state":"running"}\n')
        holds_for(lambda: len(children(init.pid)) == 1, 0.1, "no watcher")
