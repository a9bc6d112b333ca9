# SPDX-License-Identifier: MIT
"""In the peers' place: the real tini, dumb-init and catatonit beside usher called by their names.

A case is run with both and what was observed is compared. Where they are meant to differ the case
names a row of the table in docs/compat.md, and that row names the observations that differ: no
others may, and those must.
"""
import collections
import fcntl
import os
import pty
import re
import shutil
import subprocess
import termios

from harness import (CONFIG, TERM, add, alive, comm, equal, need, peer, proc_state, proc_status, report, run,
                     scratch, start, test, wait_for, witness)
from limits import EM_X86_64, Elf, smaps

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "docs", "compat.md")
INT, USR1, USR2, TSTP, CONT = 2, 10, 12, 20, 18
MARK = USR2
FATAL = (4, 5, 6, 7, 8, 11, 31)   # what tini and catatonit leave to the kernel
POSIX = {"POSIXLY_CORRECT": "1"}  # Debian's tini and catatonit look for options behind the program


def differences():
    """Of each row of the table in docs/compat.md: id -> the observations that differ."""
    rows = {}
    with open(TABLE, encoding="utf-8") as file:
        for line in file:
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if line.startswith("| `") and len(cells) == 6:
                rows[cells[0].strip("`")] = set(re.findall(r"`([\w.-]+)`", cells[1]))
    return rows


def own(name):
    """usher under the peer's name."""
    path = scratch(name)
    if not os.path.lexists(path):
        os.symlink(CONFIG.usher, path)
    return path


def compare(name, observe, differs=None):
    """`observe(binary)` -> {observation: value}; with the peer and with usher."""
    theirs = observe(peer(name))
    ours = observe(own(name))
    got = {key for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key)}
    want = set()
    if differs:
        rows = differences()
        assert differs in rows, f"docs/compat.md has no row `{differs}`"
        want = rows[differs]
    story = {key: (theirs.get(key), ours.get(key)) for key in sorted(got)}
    assert got == want, f"differ (peer, usher): {story}; meant to differ: {sorted(want)}"


def plain(text, name):
    """A text without what differs from run to run: paths of the init, pids."""
    text = re.sub(rf"[^\s']*/{name}(?![\w-])", name, text)
    return re.sub(r"\b\d{1,7}(?=\)|:|'|$)", "N", text, flags=re.MULTILINE)


# --- command lines --------------------------------------------------------------------------

def words_case(name, words, env, same, marks):
    """What a command line does: the status, which streams are used, what is fixed in them."""
    def observe(binary):
        before = (*marks, )
        status, out, err = run(*words, binary=binary, env=env)
        seen = {"status": status, "stdout": bool(out), "stderr": bool(err)}
        for stream, text in (("out", plain(out, name)), ("err", plain(err, name))):
            if same:
                seen[stream] = text
            else:
                seen[stream] = [mark for mark in before if re.search(mark, text, re.MULTILINE)]
        if before:
            assert seen["out"] or seen["err"], f"none of {before} in {out!r} {err!r}"
        return seen
    return observe


TINI_HELP = (r"^tini \(tini version 0\.19\.0\)$", r"^Usage: tini \[OPTIONS\] PROGRAM -- \[ARGS\] \| --version$",
             "--version", "-h", "-s", "-p", "-v", "-w", "-g", "-e", "-l", "TINI_SUBREAPER",
             "TINI_VERBOSITY", "TINI_KILL_PROCESS_GROUP")
NOT_FOR_P = r"^\[FATAL tini \(N\)\] Not a valid option for -p: "
NOT_FOR_E = r"^\[FATAL tini \(N\)\] Not a valid option for -e: "
WARNING = r"^\[WARN  tini \(N\)\] .*"
REWRITE = r"^Usage: -r option takes"
USAGE_C = r"^usage: catatonit \[-ghLPV\] \[--\] <progname> \[<arguments>\.\.\.\]$"
ERROR_C = r"^ERROR \(catatonit:N\): "
SPAWNED = r"^\[INFO  tini \(N\)\] Spawned child process 'true' with pid 'N'$"
exit5 = ("sh", "-c", "exit 5")

# name, words, then: env, same (both texts are the same), marks (fixed strings), differs (a row).
C = collections.namedtuple("C", "name words env same marks differs",
                           defaults=({}, False, (), None))
LINES = [
    *(C("tini", words, {}, True) for words in (
        ("-s", "--", "true"), ("-s", "true"), ("-s", "--", "false"), ("-sg", "true"),
        ("-s", "-g", "--", "sh", "-c", "exit 7"), ("-s", "-e", "", "true"),
        ("-s", "-e", "1", "false"), ("-s", "-e5", "--", *exit5), ("-s", "-e", "05", "--", *exit5),
        ("-s", "-e", "+5", "--", *exit5), ("-s", "-e", " 5", "--", *exit5),
        ("-s", "-e", "5", "-e", "6", "--", "sh", "-c", "exit 6"),
        ("-s", "-e", "5", "-e", "6", "--", "sh", "-c", "exit 5"),
        ("-s", "-e", "0", "--", *exit5), ("-s", "-e", "143", "--", "sh", "-c", "kill $$"),
        ("-s", "-e", "255", "--", "sh", "-c", "exit 255"),
        ("-s", "-p", "SIGKILL", "true"), ("-s", "-pSIGTERM", "true"), ("-sp", "SIGUSR1", "true"),
        ("--version",))),
    *(C("tini", words, POSIX, True) for words in (
        ("-s", "sh", "-c", "exit 3"), ("-s", "echo", "-g", "--version"), ("-s", "echo", "--", "-x"))),
    C("tini", ("true",), {}, False, (WARNING, "zombie reaping won't work\\.$")),
    *(C("tini", words, {}, False, TINI_HELP) for words in (
        ("-h",), ("-sh",), ("-h", "-x"), ("-h", "true"), (), ("--",), ("-s",), ("-s", "--"),
        ("-g", "-v", "--"))),
    *(C("tini", words, {}, False, (rf"^tini: invalid option -- '{letter}'$", *TINI_HELP))
      for words, letter in (
        (("-x",), "x"), (("-x", "true"), "x"), (("-sx", "true"), "x"), (("-x", "-h"), "x"),
        (("--foo",), "-"), (("--version", "x"), "-"), (("-s", "--version"), "-"),
        (("-S", "true"), "S"), (("-P", "true"), "P"))),
    *(C("tini", words, {}, False, TINI_HELP) for words in (("-p",), ("-e",), ("-se",))),
    *(C("tini", ("-s", "-p", word, "true"), {}, True, (NOT_FOR_P,)) for word in (
        "TERM", "15", "SIGPWR", "SIGIO", "SIGPOLL", "SIGSTKFLT", "sigterm", "SIGRTMIN", "", "SIG",
        "SIGCLD")),
    *(C("tini", ("-s", "-e", word, "true"), {}, True, (NOT_FOR_E,)) for word in (
        "5x", "256", "-1", "x", "0x5", "1:0", " ", "99999999999999999999")),
    C("tini", ("-s", "nosuch"), {}, True), C("tini", ("-s", ""), {}, True),
    C("tini", ("-s", "/"), {}, True), C("tini", ("-s", "/etc/passwd"), {}, True),
    C("tini", ("-s", "./nosuch"), {}, True),
    C("tini", ("-s", "/etc/passwd/x"), {}, False, (), "tini-exec-codes"),
    C("tini", ("-s", "-v", "true"), {}, False, (SPAWNED,)),
    *(C("tini", ("-s", "true"), {"TINI_VERBOSITY": value}, False, (SPAWNED,))
      for value in ("2", " 2", "3", "2x")),
    *(C("tini", ("true",), {"TINI_VERBOSITY": value}, True) for value in ("x", "0", "")),
    *(C("tini", ("-vvv", "true"), {"TINI_VERBOSITY": value}, False, (WARNING,))
      for value in ("1", "1x")),
    C("tini", ("true",), {"TINI_SUBREAPER": ""}, True),
    C("tini", ("true",), {"TINI_SUBREAPER": "0"}, True),
    C("tini", ("-s", "-vvv", "true"), {}, False,
      (SPAWNED, r"^\[DEBUG tini \(N\)\] Received SIGCHLD$")),
    C("tini", ("-s", "echo", "x", "-g"), {}, True, (), "permuted-options"),
    C("tini", ("true",), {"TINI_VERBOSITY": "-1"}, False, (), "tini-negative-verbosity"),
    C("tini-static", ("--version",), {}, True),
    C("tini-static", ("-s", "--", "true"), {}, True),
    C("tini-static", ("-x",), {}, False, (r"^tini-static: invalid option -- 'x'$",
                                         r"^tini-static \(tini version")),
    C("tini-static", ("-s", "nosuch"), {}, True),
    *(C("dumb-init", words, {}, True) for words in (
        ("true",), ("--", "true"), ("false",), ("-c", "true"), ("--single-child", "false"),
        ("--single", "false"), ("sh", "-c", "exit 7"), ("-c", "--", "sh", "-c", "exit 7"),
        ("echo", "-c", "-V"), ("-V",), ("--version",), ("--vers",), ("-V", "-x"),
        ("--version", "x"), ("-cV",), ("-r", "15:2", "true"), ("-r", "15:12abc", "true"),
        ("-r15:0", "true"), ("--rewrite=15:2", "true"), ("--rewrite", "1:31", "true"),
        ("-r", " 15: 2", "true"), ("-r", "+15:+2", "true"), ("-r", "15:2:3", "true"),
        ("-r", "15:2", "-r", "2:15", "--", "true"), ("-cr", "15:2", "true"),
        ("nosuch",), ("/",), ("",), ("/etc/passwd",), ("./nosuch",), ("-c", "nosuch"),
        ("/etc/passwd/x",), ("sh", "-c", "kill -9 $$"), ("sh", "-c", "kill $$"))),
    *(C("dumb-init", words, {}, False, ("^dumb-init v1\\.2\\.5$", "-c, --single-child",
                                        "-r, --rewrite s:r", "-v, --verbose", "-h, --help",
                                        "-V, --version")) for words in (
        ("-h",), ("--help",), ("-c", "-h"), ("--he",), ("-h", "-x"))),
    *(C("dumb-init", words, {}, False, ("^Usage: dumb-init ", "--help")) for words in (
        (), ("--",), ("-c",), ("-v", "--"))),
    *(C("dumb-init", words, {}, False, ("^dumb-init: ",)) for words in (
        ("-x",), ("-s", "true"), ("--xx",), ("--ver", "true"), ("-r",), ("--rewrite",),
        ("--help=3",), ("-cx", "true"))),
    *(C("dumb-init", ("-r", word, "true"), {}, False, (REWRITE,)) for word in (
        "0:1", "32:1", "31:32", "15", "15:", ":2", "TERM:INT", "15:-1", "-1:15", "", "15 :2",
        "15:x", "15:2147483648")),
    C("dumb-init", ("-r", "0:1", "-V"), {}, False, (REWRITE,)),
    C("dumb-init", ("-r", "4294967311:2", "true"), {}, False, (), "rewrite-overflow"),
    C("dumb-init", ("true",), {"DUMB_INIT_DEBUG": "1"}, False, (r"^\[dumb-init\] ",)),
    C("dumb-init", ("true",), {"DUMB_INIT_DEBUG": "yes"}, True),
    C("dumb-init", ("true",), {"DUMB_INIT_DEBUG": ""}, True),
    C("dumb-init", ("-v", "true"), {}, False, (r"^\[dumb-init\] ",)),
    C("dumb-init", ("--verb", "true"), {}, False, (r"^\[dumb-init\] ",)),
    C("dumb-init", ("-c", "-v", "true"), {}, False, (r"^\[dumb-init\] ",)),
    *(C("catatonit", words, {}, True) for words in (
        ("true",), ("--", "true"), ("-g", "true"), ("-g", "--", "false"), ("-V",), ("--version",),
        ("--version", "x"), ("--vers",), ("-gV",), ("-V", "-x"), ("--", "sh", "-c", "exit 9"),
        ("--", "sh", "-c", "kill -9 $$"))),
    *(C("catatonit", words, POSIX, True) for words in (
        ("sh", "-c", "exit 3"), ("echo", "-V"))),
    *(C("catatonit", words, {}, False, (USAGE_C,)) for words in (
        ("-h",), ("-gh",), ("-x",), ("-xV",), ("--foo",), ("--version=3",), ("-s", "true"))),
    *(C("catatonit", words, {}, False, (USAGE_C, ERROR_C)) for words in ((), ("--",), ("-g",))),
    *(C("catatonit", words, {}, False, (ERROR_C,)) for words in (
        ("nosuch",), ("/",), ("/etc/passwd",), ("",), ("--", "nosuch"), ("/etc/passwd/x",))),
    *(C("catatonit", words, {"CATATONIT_LOG": value}, False, (ERROR_C,)) for words, value in (
        (("true",), "x"), (("true",), ""), (("-V",), "info"), ((), "x"))),
    C("catatonit", ("true",), {"CATATONIT_DEBUG": ""}, False, (r"^DEBUG \(catatonit:N\): |^INFO ",),
      None),
    C("catatonit", ("echo", "x", "-g"), {}, True, (), "permuted-options"),
]


def register_lines():
    """One test for each peer, mark and environment alike: a sandbox for each line takes too long."""
    for name in ("tini", "tini-static", "dumb-init", "catatonit"):
        cases = [case for case in LINES if case.name == name]
        for first in range(0, len(cases), 8):
            add(f"command lines of {name}, {first + 1} to {min(first + 8, len(cases))}",
                lambda part=cases[first:first + 8]: check_lines(part), __name__)


def check_lines(cases):
    failed = []
    for case in cases:
        observe = words_case(case.name, case.words, case.env, case.same, case.marks)
        try:
            compare(case.name, observe, case.differs)
        except AssertionError as error:
            failed.append(f"{case.name} {case.words} {case.env}: {error}")
    assert not failed, "\n".join(failed)


register_lines()


# --- exit statuses --------------------------------------------------------------------------

for _name, _words in (("tini", ("-s",)), ("dumb-init", ()), ("dumb-init", ("-c",)), ("catatonit", ())):
    def _observe(binary, words=_words):
        codes = {code: run(*words, "--", *witness("exit", code), binary=binary)[0]
                 for code in (0, 1, 2, 42, 124, 125, 126, 127, 128, 137, 143, 255)}
        ends = {f"signal {sig}": run(*words, "--", *witness("die", sig), binary=binary)[0]
                for sig in (1, 2, 6, 9, 15, 34, 64)}
        return {**codes, **ends}
    add(f"exit statuses of {' '.join((_name, *_words))}",
        lambda name=_name, observe=_observe: compare(name, observe), __name__)


# --- signals --------------------------------------------------------------------------------

MODES = [("tini", ("-s",)), ("tini", ("-s", "-g")), ("dumb-init", ()), ("dumb-init", ("-c",)),
         ("dumb-init", ("-r", "15:3", "-r", "1:0")), ("catatonit", ()), ("catatonit", ("-g",))]


def who_got(words, quiet):
    """Each signal: how often it came to the program, and to a member of its group."""
    def observe(binary):
        # The member is orphaned, so under an init that is no subreaper it outlives it.
        with start(*words, "--", *witness("catch", "--member", "ignore", "--exit", "9:0"),
                   binary=binary) as init:
            init.ready()
            member = int(wait_for(lambda: init.out.find(r"^member 1 pid (\d+)$"), "a member")[0])
            program = init.program()
            seen = {}
            for sig in range(1, 32):
                if sig in (9, 19, MARK, *quiet):
                    continue
                mark = len(init.out.find(rf"^got {MARK} "))
                init.kill(sig)
                init.kill(MARK)
                wait_for(lambda m=mark: len(init.out.find(rf"^got {MARK} ")) > m, f"the mark of {sig}")
                os.kill(member, 50)
                fifties = len([x for x in seen])
                wait_for(lambda n=fifties: len(init.out.find(r"^member 1 got 50$")) > n, "the member")
                seen[str(sig)] = (len(init.out.find(rf"^got {sig} ")),
                                  len(init.out.find(rf"^member 1 got {sig}$")))
            seen["alive"] = init.running()
            os.kill(member, 9)
            os.kill(program, 9)
            init.leaves = True
            seen["status"] = init.wait()
            return seen
    return observe


for _name, _words in MODES:
    # The terminal's stop signals stop dumb-init itself: below. CHLD is the member's end as well.
    _quiet = (17, *(FATAL if _name != "dumb-init" else ()), *((20, 21, 22) if _name == "dumb-init" else ()))
    add(f"who gets which signal under {' '.join((_name, *_words))}",
        lambda name=_name, words=_words, quiet=_quiet: compare(name, who_got(words, quiet)), __name__)


def fault(words, sig):
    def observe(binary):
        with start(*words, "--", *witness("catch"), binary=binary) as init:
            init.ready()
            init.leaves = True
            program = init.program()
            init.kill(sig)
            seen = {"status": init.wait(), "core": init.signaled(), "program": alive(program)}
            os.kill(program, 9)
            return seen
    return observe


for _name, _words in (("tini", ("-s",)), ("catatonit", ())):
    def _faults(name=_name, words=_words):
        for sig in FATAL:
            compare(name, fault(words, sig))
    add(f"a fault signal ends {_name} itself", _faults, __name__)


@test("a real-time signal is forwarded under dumb-init")
def _():
    def observe(binary):
        with start("--", *witness("catch", "--exit", "40:0"), binary=binary) as init:
            init.ready().kill(40)
            init.leaves = True
            status = init.wait()
            return {"status": status, "signaled": init.signaled()}
    compare("dumb-init", observe)


@test("TSTP, TTIN and TTOU stop dumb-init and its program, and CONT continues both")
def _():
    def observe(binary):
        seen = {}
        with start("--", *witness("catch", "--exit", "15:0"), binary=binary) as init:
            init.ready()
            program = init.program()
            for sig in (20, 21, 22):
                init.kill(sig)
                wait_for(lambda: proc_state(init.pid) == "T", "the init stops")
                seen[f"program after {sig}"] = wait_for(lambda: proc_state(program) == "T", "the program stops")
                init.kill(CONT)
                wait_for(lambda: proc_state(init.pid) != "T", "the init goes on")
                wait_for(lambda: proc_state(program) != "T", "the program goes on")
                seen[f"told of {sig}"] = len(init.out.find(rf"^got {sig} "))
            init.kill(TERM)
            seen["status"] = init.wait()
            return seen
    compare("dumb-init", observe)


@test("dumb-init -c: TSTP comes to the program, and dumb-init stops")
def _():
    def observe(binary):
        with start("-c", "--", *witness("catch", "--exit", "15:0"), binary=binary) as init:
            init.ready().kill(TSTP)
            init.out.expect(r"^got 20 ")
            wait_for(lambda: proc_state(init.pid) == "T", "the init stops")
            init.kill(CONT)
            init.out.expect(r"^got 18 ")
            init.kill(TERM)
            return {"status": init.wait()}
    compare("dumb-init", observe)


# --- the end --------------------------------------------------------------------------------

def at_the_end(words, pid1):
    """The program ends; what comes to the members before the init leaves."""
    def observe(binary):
        with start(*words, "--", *witness("catch", "--exit-now", "3", "--member", "ignore",
                                          "--member", "setsid,ignore"), binary=binary, pid1=pid1) as init:
            init.leaves = True
            seen = {"status": init.wait()}
            if not pid1:
                wait_for(lambda: len(init.out.find(r"^member \d pid ")) == 2, "the members")
                members = {m: int(p) for m, p in init.out.find(r"^member (\d) pid (\d+)$")}
                # A mark behind what the init sent. Whoever heard TERM has ended.
                told = {}
                for number, pid in sorted(members.items()):
                    if alive(pid):
                        os.kill(pid, 50)
                    wait_for(lambda n=number, p=pid: not alive(p) or
                             init.out.find(rf"^member {n} got 50$"), "the mark")
                    told[number] = sorted(set(init.out.find(rf"^member {number} got (\d+)$")) - {"50"})
                    if alive(pid):
                        os.kill(pid, 9)
                seen["told"] = told
            return seen
    return observe


for _name, _words in MODES:
    for _pid1 in (False, True):
        add(f"the end of the program under {' '.join((_name, *_words))}, {'as PID 1' if _pid1 else 'not PID 1'}",
            lambda name=_name, words=_words, pid1=_pid1: compare(name, at_the_end(words, pid1)), __name__)


# --- what the program sees ------------------------------------------------------------------

def inherits(words, before, pid1, env):
    def observe(binary):
        seen = report(*words, binary=binary, pid1=pid1, before=before, env=env, cwd="/tmp")
        return {"blocked": seen["blocked"], "ignored": seen["ignored"], "caught": seen["caught"],
                "cwd": seen["cwd"], "fds": sorted(seen["fds"]), "env": sorted(seen["env"]),
                "own group": seen["pid"] == seen["pgrp"], "own session": seen["pid"] == seen["sid"],
                "death signal": seen["death_signal"]}
    return observe


for _name, _words in MODES[:4] + MODES[5:]:
    for _what, _before, _env, _row in (
            ("nothing special", (), {}, {"catatonit": "catatonit-mask"}),
            ("blocked and ignored signals", ("--block", "10,40", "--ignore", "2,13"), {},
             {"catatonit": "catatonit-mask", "dumb-init": "dumb-init-mask"}),
            ("an ignored HUP", ("--ignore", "1"), {},
             {"catatonit": "catatonit-mask", "dumb-init": "dumb-init-hup"}),
            ("an open descriptor", ("--open", "7:/etc/passwd"), {"A": "b"},
             {"catatonit": "catatonit-mask"})):
        for _pid1 in (False, True):
            _where = "as PID 1" if _pid1 else "not PID 1"
            add(f"what the program inherits under {' '.join((_name, *_words))}: {_what}, {_where}",
                lambda name=_name, words=_words, before=_before, env=_env, pid1=_pid1,
                       row=_row.get(_name): compare(name, inherits(words, before, pid1, env), row),
                __name__)


def init_itself(words):
    """The init's own cwd and descriptors while the program runs."""
    def observe(binary):
        with start(*words, "--", *witness("catch", "--exit", "15:0"), binary=binary, cwd="/tmp",
                   before=("--open", "7:/etc/passwd")) as init:
            init.ready()
            wait_for(lambda: comm(init.pid) != "usher:starting", "the init runs")
            seen = {"cwd": os.readlink(f"/proc/{init.pid}/cwd"),
                    "fds": os.path.exists(f"/proc/{init.pid}/fd/7"), "comm": comm(init.pid)}
            init.kill(TERM)
            seen["status"] = init.wait()
            return seen
    return observe


for _name, _words in MODES[:4] + MODES[5:]:
    _row = {"tini": "tini-holds", "dumb-init": "dumb-init-holds", "catatonit": "catatonit-holds"}[_name]
    add(f"what {' '.join((_name, *_words))} itself holds",
        lambda name=_name, words=_words, row=_row: compare(name, init_itself(words), row), __name__)


# --- orphans --------------------------------------------------------------------------------

def adopts(words, pid1):
    def observe(binary):
        with start(*words, "--", *witness("orphans", "5"), binary=binary, pid1=pid1) as init:
            init.out.expect("^spawned 5$")
            if pid1 or "-s" in words or "catatonit" in binary:
                wait_for(lambda: len(init.descendants()) == 1, "all orphans are reaped")
            init.leaves = True
            init.kill(TERM)
            return {"status": init.wait()}
    return observe


for _name, _words in MODES[:4] + MODES[5:]:
    for _pid1 in (False, True):
        add(f"orphans under {' '.join((_name, *_words))}, {'as PID 1' if _pid1 else 'not PID 1'}",
            lambda name=_name, words=_words, pid1=_pid1: compare(name, adopts(words, pid1)), __name__)


@test("tini -w warns of each reaped orphan, on stderr")
def _():
    def observe(binary):
        with start("-w", "--", *witness("orphans", "2"), binary=binary, pid1=True) as init:
            init.out.expect("^spawned 2$")
            for _ in range(2):
                init.err.expect(r"^\[WARN  tini \(1\)\] Reaped zombie process with pid=\d+$")
            init.kill(TERM)
            return {"status": init.wait()}
    compare("tini", observe)


@test("inits nested in each other hand a signal and a status through")
def _():
    for outer, inner in (("tini", "dumb-init"), ("dumb-init", "catatonit"), ("catatonit", "tini"),
                         ("tini", "tini"), ("dumb-init", "dumb-init")):
        def observe(binary, outer=outer, inner=inner):
            below = peer(inner) if binary == peer(outer) else own(inner)
            with start("--", below, "--", *witness("catch", "--exit", "10:42"), binary=binary,
                       pid1=True) as init:
                init.ready().kill(USR1)
                return {"status": init.wait()}
        compare(outer, observe)


@test("catatonit -P runs nothing and ends with 0 on TERM or INT")
def _():
    for sig in (TERM, INT):
        for pid1 in (False, True):
            def observe(binary, sig=sig, pid1=pid1):
                with start("-P", "nosuch", binary=binary, pid1=pid1) as init:
                    wait_for(lambda: comm(init.pid) in ("catatonit", "usher:starting"), "it runs")
                    # Only what it has blocked can wait for it.
                    wait_for(lambda: "0" * 16 != (open(f"/proc/{init.pid}/wchan", encoding="ascii")
                                                  .read() or "x"), "it waits")
                    wait_for(lambda: proc_state(init.pid) == "S", "it sleeps")
                    init.kill(USR1)
                    init.kill(sig)
                    return {"status": init.wait()}
            compare("catatonit", observe)


@test("catatonit -P does not spin where it may not wait for signals")
def _():
    need(Elf(CONFIG.usher).machine == EM_X86_64, "the number of the call is x86-64's")
    with start("-P", binary=own("catatonit"), before=("--seccomp", "38:128")) as init:  # rt_sigtimedwait
        wait_for(lambda: comm(init.pid) == "catatonit", "it runs")
        def switches():
            return int(proc_status(init.pid)["voluntary_ctxt_switches"])
        before = switches()
        wait_for(lambda: switches() >= before + 5, "it sleeps between its tries")
        init.kill(9)


# --- the terminal ---------------------------------------------------------------------------

ON_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if sys.argv[1] == "child":
    pid = os.fork()
    if pid:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""


def on_terminal(words, who, act):
    """The init on a terminal of its own: as its session's leader, or in its foreground group."""
    def observe(binary):
        master, slave = pty.openpty()
        attributes = termios.tcgetattr(slave)
        attributes[3] &= ~termios.ECHO
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(slave, termios.TCSANOW, attributes)
        with start("-c", ON_TERMINAL, who, binary, *words, "--", *witness("catch", "--exit", "15:0"),
                   binary="/usr/bin/python3", stdin=slave) as init:
            os.close(slave)
            init.ready()
            seen = act(init, master)
            init.leaves = True
            for pid in init.descendants()[:1] if who == "child" else (init.pid, ):
                os.kill(pid, TERM)
            seen["status"] = init.wait()
            os.close(master)
            return seen
    return observe


def press_interrupt(init, master):
    """^C, then a mark that comes the same way to whoever is in the foreground."""
    program = init.descendants()[-1]
    with open(f"/proc/{program}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    group, session, terminal, foreground = (int(x) for x in (fields[2], fields[3], fields[4], fields[5]))
    os.write(master, b"\x03")
    init.out.expect("^got 2 ")
    os.write(master, b"\x1c")
    init.out.expect("^got 3 ")
    return {"foreground": foreground == group, "terminal": terminal != 0,
            "leads session": session == program, "interrupts": len(init.out.find("^got 2 ")),
            "others": sorted(set(init.out.find(r"^got (\d+) ")) - {"2", "3"})}


for _name, _words, _env in (("tini", ("-s",), {}), ("dumb-init", (), {}), ("catatonit", (), {})):
    for _who in ("leader", "child"):
        if (_name, _who) == ("dumb-init", "child"):
            continue   # a session keeps its terminal, so there is none for the program
        add(f"{_name} on a terminal as the session's {_who}",
            lambda name=_name, words=_words, who=_who: compare(
                name, on_terminal(words, who, press_interrupt)), __name__)


@test("dumb-init -c on a terminal: ^C comes once, not twice")
def _():
    observe = on_terminal(("-c",), "leader", press_interrupt)

    def at_worst(binary):
        # Two that wait for the program at the same time are one: not each try shows it.
        tries = (observe(binary) for _ in range(20))
        return next((seen for seen in tries if seen["interrupts"] > 1), None) or observe(binary)
    compare("dumb-init", at_worst, "dumb-init-interrupt")


@test("dumb-init not leading its session: the program has no terminal")
def _():
    def no_terminal(init, _master):
        program = init.descendants()[-1]
        with open(f"/proc/{program}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return {"terminal": fields[4] != "0", "leads": int(fields[3]) == program,
                "told": init.out.find(r"^got (\d+) ")}
    compare("dumb-init", on_terminal((), "child", no_terminal))


# --- under which name -----------------------------------------------------------------------

@test("a symbolic link, a hard link and a copy under a peer's name are that peer")
def _():
    for name, answer in (("tini", "tini version 0.19.0"), ("tini-static", "tini version 0.19.0"),
                         ("docker-init", "tini version 0.19.0"), ("dumb-init", "dumb-init v1.2.5"),
                         ("catatonit", "tini version 0.1.7_catatonit")):
        for make in (os.symlink, os.link, shutil.copy):
            path = scratch(name)
            if make is os.link:
                os.link(shutil.copy(CONFIG.usher, scratch("original")), path)
            else:
                make(CONFIG.usher, path)
            _, out, err = run("-V" if name == "dumb-init" else "--version", binary=path)
            equal((out or err).strip(), answer, f"{name} by {make.__name__}")
            os.remove(path)


@test("called by any other name it is usher")
def _():
    for name in ("podman-init", "init", "usher2", "tini2", "Tini", "dumb_init"):
        path = own(name)
        equal(run("--version", binary=path)[1].split()[0], "usher", name)
        equal(run("--", *witness("exit", 7), binary=path)[0], 7)


@test("tini -l and catatonit -L print the LICENSE file, byte for byte")
def _():
    with open(os.path.join(os.path.dirname(TABLE), os.pardir, "LICENSE"), encoding="ascii") as file:
        text = file.read()
    equal(run("-l", binary=own("tini"))[1], text)
    equal(run("-L", binary=own("catatonit"))[1], text)


@test("every row of docs/compat.md that names observations is used by a case")
def _():
    with open(__file__, encoding="utf-8") as file:
        source = file.read()
    need(differences(), "docs/compat.md has no rows")
    for row, observations in differences().items():
        assert not observations or f'"{row}"' in source, row


# --- what their users and suites found ----------------------------------------------------------

ALREADY_ADOPTS = ("import ctypes, os, sys\nctypes.CDLL(None).prctl(36, 1, 0, 0, 0)\n"
                  "os.execv(sys.argv[1], sys.argv[1:])")


@test("tini that is a child subreaper already does not warn that it is none")
def _():
    def observe(binary):
        done = subprocess.run(["/usr/bin/python3", "-c", ALREADY_ADOPTS, binary, "/bin/true"],
                              capture_output=True, text=True, check=False, timeout=20)
        return {"status": done.returncode, "stderr": done.stderr}
    compare("tini", observe)


@test("dumb-init's usage and its complaint about -r are those that its own suite compares")
def _():
    for words in ((), ("-r", "x", "true"), ("-r", "15", "true")):
        def observe(binary, words=words):
            status, _, err = run(*words, binary=binary)
            return {"status": status, "stderr": plain(err, "dumb-init")}
        compare("dumb-init", observe)


@test("catatonit -P is called so, holds nothing and idles in as little memory as the loop")
def _():
    with start("-P", binary=own("catatonit"), cwd="/tmp", before=("--open", "7:/etc/passwd"), bare=True) as init:
        wait_for(lambda: comm(init.pid) == "catatonit", "it is called so")
        wait_for(lambda: os.readlink(f"/proc/{init.pid}/cwd") == "/", "it leaves the working directory")
        wait_for(lambda: not os.path.exists(f"/proc/{init.pid}/fd/7"), "it closes what it inherited")
        wait_for(lambda: proc_state(init.pid) == "S", "it is idle")
        wait_for(lambda: smaps(init.pid)["Rss"] <= 40, "it gives memory back", 5)
        init.kill(TERM)
        equal(init.wait(), 0)


@test("dumb-init is in / before its program runs")
def _():
    for _ in range(40):
        script = "import os; print(os.readlink('/proc/%d/cwd' % os.getppid()), os.getcwd())"
        status, out, _ = run("/usr/bin/python3", "-c", script, binary=own("dumb-init"), cwd="/tmp")
        equal((status, out), (0, "/ /tmp\n"))
