# SPDX-License-Identifier: MIT
"""The log: readable, one line an event, and never in the way of signals and zombies."""
import calendar
import fcntl
import json
import os
import re
import select
import socket
import subprocess
import time

from harness import (KNOWN, TERM, Stream, add, both, children, equal, peer, processes, run, scratch,
                      start, test, wait_for, witness)
from signals import MARK, USR1, expect

VERBOSE = ("-v", "-v", "-v")


def fill(fd):
    """Fills a pipe or socket to the last byte and leaves it in blocking mode."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    for size in (4096, 1):
        try:
            while True:
                os.write(fd, b"x" * size)
        except BlockingIOError:
            pass
    fcntl.fcntl(fd, fcntl.F_SETFL, flags)


def empty(fd):
    """Reads what is there now."""
    data = b""
    while select.select([fd], [], [], 0)[0]:
        part = os.read(fd, 65536)
        if not part:
            break
        data += part
    return data


def works(init):
    """Signals are forwarded and orphans reaped, whatever becomes of the log."""
    for pid in children(init.pid)[1:]:
        os.kill(pid, 9)
        wait_for(lambda p=pid: p not in processes(), "the orphan is reaped")
    for _ in range(30):
        init.kill(USR1)
        expect(init, USR1)


def busy(pid1, stderr, *words):
    return start(*VERBOSE, *words, "--", *witness("orphans", 5, "--live"), pid1=pid1, stderr=stderr)


def check_full(pid1, read_end, write_end, *words):
    """A full log that is read later: nothing waits, and the loss is told."""
    fill(write_end)
    init = busy(pid1, write_end, *words)
    with init:
        init.out.expect("^spawned 5$")
        works(init)
        flags = fcntl.fcntl(write_end, fcntl.F_GETFL)
        assert not flags & os.O_NONBLOCK, "the shared description was set to O_NONBLOCK"
        # The line about the last signal may come only now, and tell of the loss.
        told = empty(read_end)
        init.kill(USR1)
        expect(init, USR1)
        end = time.monotonic() + 10
        while not re.search(rb"\b\d+\b.*\b(?:lost|dropped)\b|\b(?:lost|dropped)\b.*\b\d+\b", told):
            assert time.monotonic() < end, f"the loss is not told in {told!r}"
            told += empty(read_end)
            time.sleep(0.002)
        text = told.decode().lstrip("x")
        for line in text.splitlines():
            assert line.startswith("{" if words else "usher: "), f"not whole: {line!r}"
        init.kill(TERM)
        equal(init.wait(), 0)


@both("a full stderr pipe holds up neither signals nor zombies, and the loss is told afterwards")
def _(pid1):
    read_end, write_end = os.pipe()
    check_full(pid1, read_end, write_end)


@both("the loss is told in JSON, too")
def _(pid1):
    read_end, write_end = os.pipe()
    check_full(pid1, read_end, write_end, "--log-format", "json")


@both("a full stderr socket holds up neither signals nor zombies")
def _(pid1):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        check_full(pid1, ours.fileno(), theirs.fileno())


@both("a full stderr pipe of one page, filled by the program without end, holds up nothing")
def _(pid1):
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, 1031, 4096)   # F_SETPIPE_SZ
    script = "trap 'exit 3' USR1; echo ready; (exec dd if=/dev/zero bs=1 >&2 2>/dev/null) & wait"
    init = start(*VERBOSE, "--linger", "0.1", "--", "sh", "-c", script, pid1=pid1, stderr=write_end)
    os.close(write_end)
    with init:
        init.out.expect("^ready$")
        wait_for(lambda: len(init.descendants()) >= 2, "the writer")
        for _ in range(50):
            init.kill(28)
        init.kill(USR1)
        equal(init.wait(), 3)
    os.close(read_end)


@both("a pipe that somebody else fills again and again never blocks usher")
def _(pid1):
    # poll before write is not enough: between the two the pipe may be filled. Fails on that.
    read_end, write_end = os.pipe()
    fill(write_end)
    child = os.fork()
    if child == 0:
        while True:
            os.write(write_end, b"y" * 4096)
    KNOWN.add(child)
    init = busy(pid1, write_end)
    try:
        with init:
            init.out.expect("^spawned 5$")
            for _ in range(200):
                os.read(read_end, 4096)
                init.kill(USR1)
                expect(init, USR1)
            init.kill(TERM)
            equal(init.wait(), 0)
    finally:
        os.kill(child, 9)


@both("a closed stderr loses the log and nothing else")
def _(pid1):
    init = start(*VERBOSE, "--", *witness("orphans", 5, "--live"), pid1=pid1,
                 before=("--close", "2"))
    with init:
        init.out.expect("^spawned 5$")
        works(init)
        init.kill(TERM)
        equal(init.wait(), 0)


@both("a stderr whose reader is gone loses the log and nothing else")
def _(pid1):
    read_end, write_end = os.pipe()
    os.close(read_end)
    with busy(pid1, write_end) as init:
        init.out.expect("^spawned 5$")
        works(init)
        init.kill(TERM)
        equal(init.wait(), 0)


@both("a slow reader gets whole lines")
def _(pid1):
    read_end, write_end = os.pipe()
    fcntl.fcntl(write_end, 1031, 4096)
    init = busy(pid1, write_end)
    os.close(write_end)
    data = b""
    with init:
        init.out.expect("^spawned 5$")
        for n in range(300):
            init.kill(USR1)
            expect(init, USR1)
            if n % 10 == 0:
                data += os.read(read_end, 512)
        init.kill(TERM)
        equal(init.wait(), 0)
    while part := os.read(read_end, 65536):
        data += part
    lines = data.decode().splitlines()
    assert len(lines) > 20, lines
    equal([line for line in lines if not line.startswith("usher: ")], [], "broken lines")


@both("a stderr that is a file gets every line, at its end")
def _(pid1):
    path = scratch("log")
    with open(path, "ab") as file:
        file.write(b"before\n")
        file.flush()
        with busy(pid1, file) as init:
            init.out.expect("^spawned 5$")
            works(init)
            init.kill(TERM)
            equal(init.wait(), 0)
    with open(path, encoding="ascii") as file:
        lines = file.read().splitlines()
    equal(lines[0], "before")
    assert len([x for x in lines if "USR1" in x]) >= 30, lines
    assert all(line.startswith("usher: ") for line in lines[1:]), lines


@both("a stderr that is a file without append keeps the program's own lines")
def _(pid1):
    path = scratch("log")
    with open(path, "wb") as file:
        script = "echo one >&2; kill -USR2 $$; echo two >&2; exit 3"
        with start(*VERBOSE, "--", "sh", "-c", "trap : USR2; " + script, pid1=pid1,
                   stderr=file) as init:
            equal(init.wait(), 3)
    with open(path, encoding="ascii") as file:
        text = file.read()
    for word in ("one\n", "two\n", "exit code 3"):
        assert word in text, text


@both("a stderr that is a socket gets whole lines")
def _(pid1):
    ours, theirs = socket.socketpair()
    with ours:
        init = busy(pid1, theirs.fileno())
        theirs.close()
        log = Stream(ours.fileno())
        with init:
            init.out.expect("^spawned 5$")
            works(init)
            init.kill(TERM)
            equal(init.wait(), 0)
        text = log.finish()
    assert len(re.findall("USR1", text)) >= 30, text
    assert all(line.startswith("usher: ") for line in text.splitlines()), text


@both("a log file at the limit of its size (RLIMIT_FSIZE) costs lines, nothing else")
def _(pid1):
    with open(scratch("log"), "wb") as file:
        file.write(b"x" * 4096)
        file.flush()
        init = start(*VERBOSE, "--", *witness("catch", "--exit", "15:7"), pid1=pid1, stderr=file,
                     before=("--fsize", 4096))
    with init:
        init.ready()
        for _ in range(3):
            init.kill(USR1)
            expect(init, USR1)
        init.kill(TERM)
        equal(init.wait(), 7)
        assert "got 25" not in init.out.text, init.out.text   # SIGXFSZ: usher's own
    equal(os.path.getsize(scratch("log")), 4096)


@both("O_NONBLOCK is not set on the shared stdio, whatever it is")
def _(pid1):
    read_end, write_end = os.pipe()
    ours, theirs = socket.socketpair()
    with open(scratch("log"), "wb") as file, ours, theirs:
        for fd in (write_end, theirs.fileno(), file.fileno()):
            init = start(*VERBOSE, "--", *witness("catch", "--exit", "10:0"), pid1=pid1, stderr=fd)
            with init:
                init.ready().kill(USR1)
                equal(init.wait(), 0)
            assert not fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_NONBLOCK
    os.close(read_end)


# --- what is in it --------------------------------------------------------------------------

def whole_life(*words, pid1=True, **options):
    """The log of a life with every phase in it."""
    members = ("--member", "ignore,name=we\"ird\\\n\t\x1b[0m\x01", "--member", "orphan,ignore")
    with start(*VERBOSE, *words, "-d", "50ms", "-t", "0.3", "--", *witness("catch", *members),
               pid1=pid1, **options) as init:
        init.ready()
        for sig in (USR1, 1, MARK, TERM):
            init.kill(sig)
            expect(init, sig)
        equal(init.wait(), 137)
        return init.err.finish()


ALWAYS = {"timestamp", "time", "level", "severity", "logger", "event", "message"}
FIELDS = ALWAYS | {"pid", "pgid", "signal", "exit_code", "process", "state", "check", "survivors"}
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def documented_events():
    with open(os.path.join(TOP, "docs", "log.md"), encoding="utf-8") as file:
        table = file.read().partition("## Events")[2]
    return set(re.findall(r"`([a-z-]+)`", "".join(x.split("|")[1] for x in table.splitlines()
                                                  if x.startswith("| `"))))


def json_lines(text):
    """The events of a JSON log, each of which must be well-formed and documented."""
    events = [json.loads(line) for line in text.splitlines()]
    for event in events:
        assert ALWAYS <= event.keys() <= FIELDS, event
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["timestamp"]), event
        assert event["level"] in ("error", "warning", "info", "debug"), event
        equal((event["time"], event["severity"], event["logger"]),
              (event["timestamp"], event["level"].upper(), "usher"))
        assert event["event"] in documented_events(), event
    return events


@both("each JSON line parses and has the fields of docs/log.md")
def _(pid1):
    text = whole_life("--log-format", "json", pid1=pid1)
    events = json_lines(text)
    assert len(events) >= 8, text
    assert any(event.get("signal") for event in events), text
    assert any(isinstance(event.get("pid"), int) for event in events), text


@test("jq reads what a log collector takes of each line: of a life, a failed wait and a misuse")
def _():
    text = whole_life("--log-format", "json")
    for words in (["wait", "-t", "50ms", "file:/x"], ["--graze"]):
        text += run(*words, env={"USHER_LOG_FORMAT": "json"})[2]
    fields = ".level, .severity, .message, .timestamp, .time, .logger"
    done = subprocess.run([peer("jq"), "-e", "-c", f"[{fields}] | select(all(type == \"string\"))"],
                          input=text, capture_output=True, text=True, timeout=20, check=False)
    equal((done.returncode, done.stderr), (0, ""))
    equal([json.loads(line) for line in done.stdout.splitlines()],
          [[e[name] for name in re.findall(r"\w+", fields)] for e in json_lines(text)])


@test("the JSON log tells the phases in their order, with the time of now")
def _():
    before = time.time()
    events = [json.loads(line) for line in whole_life("--log-format", "json").splitlines()]
    states = [event["state"] for event in events if event["event"] == "state"]
    order = [s for s in states if s in ("running", "draining", "stopping", "killing")]
    equal(order, ["running", "draining", "stopping", "killing"])
    stamp = events[0]["timestamp"]
    seconds = time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")
    assert abs(calendar.timegm(seconds) - before) < 20, stamp
    equal(sorted(event["timestamp"] for event in events), [event["timestamp"] for event in events])


@test("the JSON log names the survivors, each with pid and name, and the ends with their codes")
def _():
    events = json_lines(whole_life("--log-format", "json"))
    survivors = next(e["survivors"] for e in events if e["event"] == "survivors")
    assert len(survivors) == 3, survivors
    for one in survivors:
        assert one.keys() == {"pid", "process"} and isinstance(one["pid"], int), one
    equal(next(e["exit_code"] for e in events if e.get("state") == "ended"), 137)
    assert any(e["event"] == "sent" and isinstance(e.get("pgid"), int) for e in events), events


@test("sixteen survivors with the worst of names are one line that parses")
def _():
    members = [x for n in range(20) for x in ("--member", f"orphan,ignore,name={chr(34) * 13}{n:02}")]
    with start("--log-format", "json", "-t", "0.1", "--", *witness("catch", *members), pid1=True) as init:
        init.ready().kill(TERM)
        equal(init.wait(), 137)
        equal(len(json_lines(init.err.finish())[-1]["survivors"]), 16)


JSON = {"USHER_LOG_FORMAT": "json"}
for _words, _code, _event, _env in (
        (["--graze", "3", "true"], 125, "usage", JSON), (["--log-format", "json", "--graze", "3"], 125, "usage", {}),
        (["true"], 125, "usage", {"USHER_GRACE": "x", **JSON}), (["probe"], 125, "usage", JSON),
        (["probe", "tcp://x"], 125, "usage", JSON), (["sleep", "x"], 125, "usage", JSON),
        (["status", "x"], 125, "usage", JSON), (["status"], 1, "not-found", JSON),
        (["sleep", "0"], 0, "unknown-variable", {"USHER_GRAZE": "1", **JSON}),
        (["probe", "file:/x"], 1, "unknown-variable", {"USHER_GRAZE": "1", **JSON}),
        (["wait", "-t", "50ms", "file:/x"], 124, "gave-up", JSON),
        (["wait", "file:/", "--", "/no/such"], 127, "start-failed", JSON),
        (["--graze" + "\"" * 5000, "3"], 125, "usage", JSON)):
    def _told(words=_words, code=_code, event=_event, env=_env):
        got, _, err = run(*words, env=env, pid1=words == ["status"])
        equal(got, code, err)
        assert event in [e["event"] for e in json_lines(err)], err
        if event == "gave-up":
            equal({e["check"] for e in json_lines(err)}, {"file:/x"})
    add(f"`usher {' '.join(_words)[:40]}` with {'+'.join(_env) or 'the option'} tells {_event} in JSON",
        _told, __name__)


@test("USHER_LOG_FORMAT with a bad value is called wrongly in every subcommand")
def _():
    for words in (["probe", "file:/"], ["wait", "file:/"], ["sleep", "0"], ["status"]):
        code, out, err = run(*words, env={"USHER_LOG_FORMAT": "xml"})
        equal((code, out), (125, ""))
        assert "USHER_LOG_FORMAT" in err and "'xml'" in err, err


@both("each text line begins with usher: and has no control character")
def _(pid1):
    text = whole_life(pid1=pid1)
    for line in text.splitlines():
        assert line.startswith("usher: "), line
        assert not any(ord(c) < 32 or ord(c) == 127 for c in line), repr(line)


@both("names with control characters and bytes that are no UTF-8 stay parseable JSON")
def _(pid1):
    with start("--log-format", "json", "-t", "0.1", "--",
               *witness("catch", "--member", b"ignore,name=\xff\xfe\x80\"\x7f".decode("latin-1")),
               pid1=pid1) as init:
        init.ready().kill(TERM)
        equal(init.wait(), 137)
        init.err.finish()
        lines = init.err.data.splitlines()
        assert lines
        for line in lines:
            json.loads(line.decode("utf-8"))


@both("arguments and values of the environment are never logged")
def _(pid1):
    with start(*VERBOSE, "-r", "USR1:USR2", "-e", "3:7", "-t", "60", "--", "/bin/sh", "-c",
               "exit $0", "3", "password-in-argument", pid1=pid1,
               env={"TOKEN": "secret-of-env", "USHER_LINGER": "33s", "LISTEN_PID": "1"}) as init:
        equal(init.wait(), 7)
        text = init.err.finish()
    assert text
    for secret in ("password-in-argument", "secret-of-env", "exit $0"):
        assert secret not in text, text


@test("-v tells more, -q less, and nothing is said without need")
def _():
    quiet = run("true")[2]
    equal(quiet, "")
    one, two = (len(run(*words, "true")[2].splitlines()) for words in (["-v"], ["-v", "-v"]))
    assert 0 < one <= two, (one, two)
    equal(run("-q", "true", env={"USHER_GRAZE": "1"})[2], "")
    equal(len(run("true", env={"USHER_GRAZE": "1"})[2].splitlines()), 1)
