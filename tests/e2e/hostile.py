# SPDX-License-Identifier: MIT
"""Programs that mean harm to the init that runs them."""
import os
import random
import re

from harness import (CONFIG, TERM, alive, both, comm, cgroup, equal, holds_for, inside, one_line,
                     processes, proc_state, run, scratch, start, test, tool, wait_for, witness)

RTMAX, CHLD, USR1 = 64, 17, 10
LATE = 40.0     # seconds: what fights for the CPU makes everything slow
SECRET = "s3cr3t"


def hostile(*args):
    return [tool("hostile"), *map(str, args)]


def hostiles():
    return [p for p in processes() if comm(p) == "hostile" and alive(p)]


def check_that_killing_wins(init):
    """Nobody is left when usher has ended; who is asked for is told."""
    with init:
        init.ready(LATE)
        init.kill(TERM)
        equal(init.wait(LATE), 137, "status")
        # The last ones are dying; new ones there are none.
        wait_for(lambda: not hostiles(), "nobody is left", 5)
        assert "killing what did not stop:" in init.err.text, init.err.text


@both("chains of processes that fork and end for ever are killed", timeout=90)
def _(pid1):
    # Reaped more slowly than they end they would take all the pids of the machine.
    with cgroup("chains", pids_max=1000) as folder:
        check_that_killing_wins(start("--grace", "100ms", "--", *hostile("chain", 4), pid1=pid1,
                                      before=("--cgroup", folder)))


@both("a fork bomb under RLIMIT_NPROC is killed", timeout=90)
def _(pid1):
    check_that_killing_wins(start("--grace", "100ms", "--", *hostile("bomb"), pid1=pid1,
                                  before=("--uid", random.randrange(10**6, 10**9),
                                          "--nproc", 100)))


@both("a fork bomb in a pids cgroup is killed", timeout=90)
def _(pid1):
    with cgroup("bomb", pids_max=300) as folder:
        check_that_killing_wins(start("--grace", "100ms", "--", *hostile("bomb"), pid1=pid1,
                                      before=("--cgroup", folder)))


@both("a deep tree of processes is killed", timeout=90)
def _(pid1):
    check_that_killing_wins(start("--grace", "100ms", "--", *hostile("deep", 200), pid1=pid1))


@both("an end of the program leaves no fork bomb behind", timeout=90)
def _(pid1):
    with cgroup("bomb", pids_max=60) as folder:
        with start("--linger", "100ms", "--", "sh", "-c", f"mkfifo {scratch('f')}; exec 3<>{scratch('f')}; "
                   f"{tool('hostile')} bomb >&3 & read -r line <{scratch('f')}; exit 7", pid1=pid1,
                   before=("--cgroup", folder)) as init:
            equal(init.wait(LATE), 7, "status")
            wait_for(lambda: not hostiles(), "nobody is left", 5)


@both("a flood of queued signals keeps no deadline away, and usher takes the last one", timeout=90)
def _(pid1):
    for sig in (CHLD, USR1, 34, RTMAX):
        with start("--grace", "200ms", "--", *hostile("flood", sig, -1), pid1=pid1) as init:
            init.ready()
            init.kill(TERM)
            equal(init.wait(LATE), 137, f"status, flooded with {sig}")


@both("forged SIGCHLDs end nothing and cost nobody's zombie")
def _(pid1):
    program = witness("catch", "--exit", "15:7", "--member", "orphan,name=dying")
    with start("--", *program, pid1=pid1) as init:
        init.ready()
        for _ in range(2000):
            init.kill(CHLD)
        dying = next(p for p in processes() if comm(p) == "dying")
        os.kill(dying, 9)
        wait_for(lambda: proc_state(dying) is None, "the zombie is reaped")
        holds_for(init.running, 0.1, "usher and its program live")
        init.kill(TERM)
        equal(init.wait(), 7)


@both("a program that traces usher and lets go, or dies, does not end it")
def _(pid1):
    for how in ("trace", "hold"):
        status, out, err = run("--", *hostile(how), pid1=pid1)
        equal((status, out, err), (7, "ready\n", ""), how)


@both("a program that traces usher as another user is refused")
def _(pid1):
    status, out, _ = run("--", *witness("with", "--uid", "54321", "--"), *hostile("hold"), pid1=pid1)
    equal((status, out), (1, ""), "EPERM is 1")


@test("a process that calls itself usher:running does not hide that PID 1 drains")
def _():
    program = witness("catch", "--member", "name=usher:running,ignore")
    with start("-d", "60", "--", *program, pid1=True) as init:
        init.ready()
        init.kill(TERM)
        init.wait_state("draining")
        equal(inside(init, CONFIG.usher, "status"), (0, "draining\n", ""))
        equal(inside(init, CONFIG.usher, "probe", "ready:")[0], 1)


@test("a later process that calls itself usher:running does not hide that a subreaper drains")
def _():
    program = witness("catch", "--member", "name=usher:running,ignore")
    with start("-d", "60", "--", *program) as init:
        init.ready()
        init.kill(TERM)
        init.wait_state("draining")
        equal(run("status"), (0, "draining\n", ""))
        equal(run("probe", "ready:")[0], 1)


NAMES = ("\x1b[2J\x1b]0;x\x07", ") Z 1 (x", "usher: error: x", "a\nusher: b", "\x9b31m")


@both("a survivor's forged name drives no terminal, forges no line and saves nobody")
def _(pid1):
    for form in ("text", "json"):
        words = [w for name in NAMES for w in ("--member", f"name={name},setsid,ignore")]
        with start("--log-format", form, "--grace", "50ms", "--", *witness("catch", *words),
                   pid1=pid1) as init:
            init.ready()
            init.kill(TERM)
            equal(init.wait(), 137, "status")
            text = init.err.finish()
        line = one_line(text)
        assert "killing what did not stop:" in line, line
        assert line.startswith("{" if form == "json" else "usher: warning: "), line
        assert line.isprintable(), repr(line)


@both("hundreds of survivors are killed; sixteen are named and the others counted")
def _(pid1):
    words = witness("orphans", 300, "--live")
    with start("--grace", "50ms", "--", "sh", "-c", 'trap "" TERM; "$@"; sleep 1000', "sh", *words,
               pid1=pid1) as init:
        init.out.expect("^spawned 300$")
        init.kill(TERM)
        equal(init.wait(LATE), 137, "status")
        told = one_line(init.err.finish())
        unnamed = re.search(r"\) and (\d+) more", told)
        assert told.count("(") == 16 and unnamed and int(unnamed[1]) >= 284, told


# --- secrets --------------------------------------------------------------------------------------

def secret_runs():
    """(options, program) of lives in which every kind of line is logged."""
    plain = scratch("plain")
    script = scratch("script")
    broken = scratch("broken")
    for path, text, mode in ((plain, "", 0o644), (script, "exit 3\n", 0o755),
                             (broken, "#!/no/such/interpreter\n", 0o755)):
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        os.chmod(path, mode)
    stubborn = ["sh", "-c", 'exec "$0" catch --member orphan,setsid,ignore --member ignore',
                tool("witness")]
    return [((), ["/no/such"]), ((), ["no-such"]), ((), [plain]), ((), [script]), ((), [broken]),
            ((), ["/"]), ((), witness("exit", 3)), ((), witness("die", 9)),
            (("--grace", "50ms", "--pre-stop", "20ms"), stubborn),
            (("--grace", "50ms", "-f", "all", "-p", "TERM"), stubborn)]


@both("what the program's arguments and environment hold is in no line, at -vv, in any form")
def _(pid1):
    env = {"TOKEN": SECRET, "PASSWORD": SECRET, SECRET: "x", "USHER_GRAZE": SECRET}
    for form in (["--log-format", "text"], ["--log-format", "json"]):
        for options, program in secret_runs():
            with start("-vv", *form, *options, "--", *program, f"--password={SECRET}", SECRET,
                       pid1=pid1, env=env) as init:
                if options:
                    init.ready()
                    init.kill(USR1)
                    init.kill(TERM)
                init.wait()
                text = init.err.finish()
            assert text and SECRET not in text, text


@both("the peers' forms keep secrets, too")
def _(pid1):
    env = {"TOKEN": SECRET, "DUMB_INIT_DEBUG": "1", "CATATONIT_DEBUG": "1", "TINI_VERBOSITY": "3"}
    for name in ("tini", "dumb-init", "catatonit"):
        for _, program in secret_runs()[:8]:
            status, out, err = run("--", *program, SECRET, pid1=pid1, env=env,
                                   before=("--argv0", name))
            assert SECRET not in out + err, (name, status, out, err)
