# SPDX-License-Identifier: MIT
"""How probe and wait are called: variables, several checks, --not, the environment, bad input."""
import os
import time

from harness import add, equal, one_line, run, start, test
from probe_lab import (Peer, expect, healthy, http, network, probe, replies, silent, timed,
                       unhealthy)

LOCAL = "http://127.0.0.1:8080/"


def up(talk=None):
    network()
    return Peer(talk or replies(http()))


# --- several checks -------------------------------------------------------------------------------

@test("several checks: one line each in the order given; of a failed call the failing ones, -v the rest")
def _():
    up()
    expect(probe("tcp://127.0.0.1:8080", LOCAL), 0,
           f"healthy tcp://127.0.0.1:8080 in Nms\nhealthy {LOCAL} 200 in Nms\n")
    refused = "unhealthy tcp://127.0.0.1:1: connect: Connection refused\n"
    for checks in (["tcp://127.0.0.1:1", LOCAL], [LOCAL, "tcp://127.0.0.1:1"]):
        expect(probe(*checks), 1, refused)
        code, out, _ = probe("-v", *checks)
        expect((code, out, ""), 1, f"{refused}healthy {LOCAL} 200 in Nms\n")


@test("a failing line has its time only with -v, for each time would be a new event")
def _():
    up(replies(http("503 no")))
    why = f"unhealthy {LOCAL}: status 503, want 200-399"
    expect(probe(LOCAL), 1, why + "\n")
    code, out, _ = probe("-v", LOCAL)
    expect((code, out, ""), 1, why + ", in Nms\n")


@test("several checks run at the same time: the time is the slowest, not the sum")
def _():
    def late(connection, server):
        server.read_request(connection)
        time.sleep(0.3)
        connection.sendall(http())
    up(late)
    seconds, (code, out, _) = timed(probe, *(f"{LOCAL}{i}" for i in range(16)))
    equal((code, out.count("healthy")), (0, 16))
    assert 0.3 <= seconds < 0.8, f"{seconds} s"


@test("several checks share one deadline")
def _():
    up(silent)
    seconds, (code, out, _) = timed(probe, "-t", "300ms", *(f"{LOCAL}{i}" for i in range(16)))
    equal((code, out.count("reply: timed out")), (1, 16), out)
    assert 0.3 <= seconds < 0.8, f"{seconds} s"


@test("17 checks are one too many, and a program counts as one")
def _():
    for words in ([LOCAL] * 17, [LOCAL] * 16 + ["--", "true"]):
        code, out, err = probe(*words)
        equal((code, out), (125, ""))
        assert "up to 16" in one_line(err), err


# --- --not ----------------------------------------------------------------------------------------

@test("--not: healthy when the check fails, unhealthy when it passes")
def _():
    up()
    expect(probe("--not", "tcp://127.0.0.1:1"), 0,
           "healthy tcp://127.0.0.1:1 (--not): connect: Connection refused\n")
    expect(probe("--not", LOCAL), 1, f"unhealthy {LOCAL} (--not): 200\n")


@test("--not: every one of several checks must fail")
def _():
    up()
    equal(probe("--not", "tcp://127.0.0.1:1", LOCAL)[0], 1)
    equal(probe("--not", "tcp://127.0.0.1:1", "tcp://127.0.0.1:2")[0], 0)


@test("--not: a timeout counts as a failure")
def _():
    up(silent)
    equal(probe("--not", "-t", "100ms", LOCAL)[0], 0)


@test("--not: called wrongly stays called wrongly")
def _():
    equal(probe("--not", "tcp://127.0.0.1")[0], 125)


# --- -q and -v ------------------------------------------------------------------------------------

@test("-q says nothing, only the exit code")
def _():
    up()
    expect(probe("-q", LOCAL), 0, "")
    expect(probe("-q", "tcp://127.0.0.1:1"), 1, "")


@test("-v shows the phases with their times on stderr, and the same line on stdout")
def _():
    up()
    code, out, err = probe("-v", LOCAL)
    healthy((code, out, ""), f"{LOCAL} 200 in Nms")
    for phase in ("connecting to 127.0.0.1 at ", "connected at ", "sent at "):
        assert f"{LOCAL}: {phase}" in err, err


# --- variables ------------------------------------------------------------------------------------

for check, env, asked in (("http://127.0.0.1:${PORT}/x", {"PORT": "8080"}, "/x"),
                          (":${PORT:-8080}/x", {}, "/x"), (":${PORT:-1}/x", {"PORT": "8080"}, "/x"),
                          (":${PORT:-8080}/x", {"PORT": ""}, "/x"),
                          (":8080/${A}${B:-b}${A}", {"A": "a"}, "/aba"),
                          (":8080/${A:-}x", {}, "/x"), (":8080/$A/$", {"A": "a"}, "/$A/$"),
                          (":8080/${A:-x:-y}", {}, "/x:-y"),
                          (":8080/${A}", {"A": "${B}", "B": "b"}, "/${B}")):
    def expanded(check=check, env=env, asked=asked):
        server = up()
        code, out, err = probe(check, env=env)
        equal((code, err), (0, ""), out)
        equal(server.request().split()[1].decode(), asked, "path")
    add(f"variables: {check} with {env or 'none'} asks for {asked}", expanded, __name__)


@test("variables: --host and -H are expanded too")
def _():
    server = up()
    code, out, err = probe("--host", "${NAME}.example", "-H", "X-Token: ${TOKEN:-none}", LOCAL,
                           env={"NAME": "shop"})
    equal((code, err), (0, ""), out)
    assert b"\r\nHost: shop.example\r\n" in server.request()
    assert b"\r\nX-Token: none\r\n" in server.request()


@test("variables: a value cannot smuggle in a header")
def _():
    server = up()
    code, out, err = probe("-H", "X: ${V}", LOCAL, env={"V": "a\r\nEvil: yes"})
    equal((code, out), (125, ""))
    one_line(err)
    equal(server.requests, [])


@test("variables: a secret value is not shown when something else is wrong with the header")
def _():
    code, out, err = probe("-H", "X ${V}", LOCAL, env={"V": "hunter2"})
    equal((code, out), (125, ""))
    one_line(err)


for text in (":${PORT}/", ":${}/", ":${PORT/", "tcp://${HOST}:80"):
    def unset(text=text):
        network()
        code, out, err = probe(text)
        assert code == 125 and out == "", (code, out, err)
        one_line(err)
    add(f"variables: {text} without a value is called wrongly", unset, __name__)


@test("variables: an unset one is named")
def _():
    code, _, err = probe("tcp://${DB_HOST}:5432")
    equal(code, 125)
    assert "'DB_HOST'" in one_line(err) and "${NAME:-default}" in err, err


@test("wait expands variables too")
def _():
    up()
    healthy(run("wait", ":${PORT}/", env={"PORT": "8080"}), ":8080/ 200 in Nms")


# --- the environment ------------------------------------------------------------------------------

@test("USHER_PROBE holds the checks of a bare probe")
def _():
    up()
    for between in ("  ", "\n", "\t", " \r\n\t "):
        env = {"USHER_PROBE": f"{between}{LOCAL}{between}tcp://127.0.0.1:8080{between}"}
        expect(probe(env=env), 0,
               f"healthy {LOCAL} 200 in Nms\nhealthy tcp://127.0.0.1:8080 in Nms\n")


@test("USHER_PROBE expands variables and is no default where a check is given")
def _():
    up()
    healthy(probe(env={"USHER_PROBE": ":${PORT}/", "PORT": "8080"}), ":8080/ 200 in Nms")
    healthy(probe(LOCAL, env={"USHER_PROBE": "tcp://127.0.0.1:1"}), f"{LOCAL} 200 in Nms")
    expect(probe("--", "true", env={"USHER_PROBE": "tcp://127.0.0.1:1"}), 0,
           "healthy true exit code 0 in Nms\n")


@test("USHER_PROBE with something wrong is named, with its word")
def _():
    code, out, err = probe(env={"USHER_PROBE": "gopher://x"})
    equal((code, out), (125, ""))
    line = one_line(err)
    assert "USHER_PROBE" in line and "'gopher://x'" in line, line


@test("no check at all is called wrongly")
def _():
    for words in (("probe",), ("wait",)):
        for env in ({}, {"USHER_PROBE": ""}, {"USHER_PROBE": "  "}):
            code, out, err = run(*words, env=env)
            equal((code, out), (125, ""))
            assert "no check given" in one_line(err), err


@test("USHER_PROBE_TIMEOUT is the default timeout, and -t wins")
def _():
    up(silent)
    for words, env, low, high in (((), "200ms", 0.2, 0.7), (("-t", "200ms"), "9s", 0.2, 0.7),
                                  (("-t", "900ms"), "100ms", 0.9, 1.4)):
        seconds, result = timed(probe, *words, LOCAL, env={"USHER_PROBE_TIMEOUT": env})
        equal(result[0], 1)
        assert low <= seconds < high, f"{words} {env}: {seconds} s"


@test("USHER_PROBE_TIMEOUT with a bad value is named")
def _():
    code, out, err = probe(LOCAL, env={"USHER_PROBE_TIMEOUT": "soon"})
    equal((code, out), (125, ""))
    assert "USHER_PROBE_TIMEOUT" in one_line(err) and "'soon'" in err, err


@test("the timeout is 3 s where none is given")
def _():
    up(silent)
    seconds, result = timed(probe, LOCAL)
    unhealthy(result, f"{LOCAL}: reply: timed out")
    assert 3 <= seconds < 3.5, f"{seconds} s"


# --- bad input ------------------------------------------------------------------------------------

BAD = (
    # command, the offending word that must be told
    (["probe", "gopher://x"], "gopher://x"), (["probe", "127.0.0.1:80"], "127.0.0.1:80"),
    (["probe", "localhost"], "localhost"), (["probe", ""], "''"), (["probe", "/run/x"], "/run/x"),
    (["probe", "https://x/"], "https://x/"), (["probe", "grpcs://x:1"], "grpcs://x:1"),
    (["probe", "tcp://x"], "'x'"), (["probe", "tcp://"], "needs a port"),
    (["probe", "tcp://x:0"], "'0'"), (["probe", "tcp://x:65536"], "'65536'"),
    (["probe", "tcp://x:http"], "'http'"), (["probe", "tcp://x:"], "port"),
    (["probe", "tcp://x:80/path"], "80/path"), (["probe", "tcp://::1:80"], ":1:80"),
    (["probe", "tcp://[::1:80"], "[::1:80"), (["probe", "tcp://[::1]80"], "[::1]80"),
    (["probe", "tcp://[nonsense]:80"], "nonsense"),
    (["probe", "http://x:99999/"], "99999"), 
    (["probe", ":abc/"], "'abc'"), (["probe", "http://x/a b"], "a b"),
    (["probe", "http://x/a\nb"], "a?b"), (["probe", "http://unix:relative:/"], "relative"),
    (["probe", "unix:"], "unix"), (["probe", "unix:relative"], "relative"),
    (["probe", "unix:@"], "@"), (["probe", "unix:/" + "x" * 107], "107 bytes"),
    (["probe", "grpc://x"], "'x'"), (["probe", "grpc://unix:x"], "x"),
    (["probe", "file:"], "file:"), (["probe", "file:/x?max-age"], "'max-age'"),
    (["probe", "file:/x?max-age=abc"], "max-age=abc"), (["probe", "file:/x?size=1"], "size=1"),
    (["probe", "file:/x?min-size=-1"], "min-size=-1"), (["probe", "file:/x?max-age=inf"], "inf"),
    (["probe", "pid:"], "pid"), (["probe", "pid:0"], "'0'"), (["probe", "pid:-1"], "'-1'"),
    (["probe", "pid:x"], "'x'"), (["probe", "pid:99999999999"], "99999999999"),
    (["probe", "ready:x"], "ready:x"), (["probe", "ready"], "ready"), (["probe", "live:/"], "live:/"),
    (["probe", "-t", "0", "ready:"], "'0'"), (["probe", "-t", "inf", "ready:"], "'inf'"),
    (["probe", "-t", "-1s", "ready:"], "-1s"), (["probe", "-t", "5x", "ready:"], "5x"),
    (["probe", "-t", "99999999999999999999", "ready:"], "99999999999999999999"),
    (["probe", "-t"], "-t"), (["probe", "--timout", "1s", "ready:"], "--timeout"),
    (["probe", "--interval", "1s", "ready:"], "--interval"),
    (["wait", "--allow-remotes", "ready:"], "--allow-remotes"),
    (["probe", "--status", "abc", "ready:"], "'abc'"), (["probe", "--status", "", "ready:"], "''"),
    (["probe", "--status", "99", "ready:"], "'99'"), (["probe", "--status", "600", "ready:"], "600"),
    (["probe", "--status", "300-200", "ready:"], "300-200"),
    (["probe", "--status", "200,", "ready:"], "200,"),
    (["probe", "--method", "", "ready:"], "''"), (["probe", "--method", "G T", "ready:"], "G T"),
    (["probe", "-H", "NoColon", ":80/"], "NoColon"), (["probe", "-H", ": v", ":80/"], ": v"),
    (["probe", "-H", "A b: v", ":80/"], "'A b'"), (["probe", "-H", "A: b\r\nC: d", ":80/"], "'A'"),
    (["probe", "--host", "", ":80/"], "''"), (["probe", "--host", "a\nb", ":80/"], "a?b"),
    (["probe", "--contains", "", ":80/"], "''"), (["probe", "--contains", "x" * 257, ":80/"], "xxx"),
    (["probe", "--nope", "ready:"], "--nope"), (["probe", "-Z", "ready:"], "-Z"),
    (["probe", "ready:", "-t", "1s"], "'-t'"), (["probe", "ready:", "--not"], "--not"),
    (["probe", "--not=1", "ready:"], "--not"), (["wait", "-t", "abc", "ready:"], "'abc'"),
    (["wait", "--interval", "-1", "ready:"], "-1"), (["probe", "-H"], "-H"),
    (["probe", *["-H", "A: b"] * 9, ":80/"], "up to 8"),
)
for words, offending in BAD:
    def refused(words=words, offending=offending):
        network()
        code, out, err = run(*words)
        equal((code, out), (125, ""), f"exit code and stdout (stderr {err!r})")
        line = one_line(err)
        assert line.startswith("usher: ") and offending in line and line.isprintable(), line
    text = " ".join(words).replace("\n", "\\n").replace("\r", "\\r")
    add(f"bad input: `{text[:60]}` is one line with the word, and 125", refused, __name__)


UNFIT = ((["--contains", "nope"], ["tcp://127.0.0.1:8080"]), (["--status", "500"], ["file:/etc/hosts"]),
         (["--method", "HEAD"], ["grpc://127.0.0.1:1"]), (["-H", "A: b"], ["tcp://127.0.0.1:8080"]),
         (["--host", "a"], ["ready:"]), (["--status", "200"], ["pid:1", "unix:/x"]))
for option, checks in UNFIT:
    for command in ("probe", "wait"):
        def unfit(command=command, option=option, checks=checks):
            up()
            code, out, err = run(command, *option, *checks)
            equal((code, out), (125, ""))
            assert f"{option[0]}: no check of this call can use it" in one_line(err), err
        add(f"{command} {' '.join(option + checks)}: an option that no check can use is called wrongly",
            unfit, __name__)


@test("an option that one of several checks can use is right")
def _():
    up()
    equal(probe("--status", "200", "-H", "A: b", "tcp://127.0.0.1:8080", LOCAL)[0], 0)
    equal(probe("--contains", "x", "--", "true")[0], 125)


@test("variables: one within another is refused, with the place")
def _():
    code, out, err = probe(":80/${A:-${B}}")
    equal((code, out), (125, ""))
    assert "'${A:-${B}}'" in one_line(err), err


@test("every line is at most 256 bytes, however long the check")
def _():
    network()
    for check in ("http://127.0.0.1:1/" + "x" * 3000, "file:/" + "y" * 1000, "pid:/" + "z" * 1000):
        code, out, err = probe(check)
        equal((code, err), (1, ""))
        assert out.endswith("\n") and out.count("\n") == 1 and len(out) <= 256, out
        assert out.startswith("unhealthy " + check[:100]), out


@test("a check that is longer than a line leaves room for the verdict's reason")
def _():
    network()
    for check, reason in (("http://127.0.0.1:1/" + "x" * 300, "connect: Connection refused"),
                          ("file:/" + "y" * 1000, "File name too long")):
        code, out, _ = probe(check)
        equal(code, 1)
        assert out.endswith(f": {reason}\n") or out.endswith(f" {reason}\n"), out


@test("a request that does not fit its 4096 bytes is called wrongly")
def _():
    network()
    code, out, err = probe("-H", "X: " + "x" * 4096, "http://127.0.0.1:1/")
    equal((code, err), (125, ""))
    equal(out, "unhealthy http://127.0.0.1:1/: not a request: over 4096 bytes, or control "
          "characters\n")


@test("the help of each subcommand is for stdout, and 0")
def _():
    for command in ("probe", "wait", "sleep"):
        for word in ("-h", "--help"):
            code, out, err = run(command, word)
            equal((code, err), (0, ""))
            assert out.startswith(f"Usage: usher {command} "), out
            assert out.count("\n") <= 25 and max(map(len, out.splitlines())) <= 80, out
            assert "\nExample: usher " in out, out


@test("a closed stdout changes no verdict")
def _():
    up()
    equal(run("probe", LOCAL, before=("--close", 1))[0], 0)
    equal(run("probe", "tcp://127.0.0.1:1", before=("--close", 1))[0], 1)
    equal(run("probe", LOCAL, before=("--close", 0, "--close", 1, "--close", 2))[0], 0)


@test("a stdout without a reader changes no verdict, and ends nobody with 141")
def _():
    up()
    for command, check, code in (("probe", LOCAL, 0), ("probe", "tcp://127.0.0.1:1", 1),
                                 ("wait", LOCAL, 0)):
        reader, writer = os.pipe()
        os.close(reader)
        with start(command, check, stdout=writer) as init:
            equal(init.wait(), code, f"{command} {check}")
        os.close(writer)
