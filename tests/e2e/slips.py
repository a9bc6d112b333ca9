# SPDX-License-Identifier: MIT
"""Frequent slips: one line, and it holds the right form."""
import os
import shutil

from harness import CONFIG, add, equal, one_line, peer, run, scratch, test
from probe_lab import Peer, healthy, http, network, replies

CURL = "curl's -f is the default here: statuses outside 200-399 fail"
NO_USER = "no user:password@; use -H 'Authorization: ...'"
HTTP_OR_TCP = "did you mean http://{0}/ or tcp://{0}?"
# words, exit code, what the line must hold
SLIPS = (
    (["probe", "localhost:8080"], 125, HTTP_OR_TCP.format("localhost:8080")),
    (["wait", "db:5432"], 125, HTTP_OR_TCP.format("db:5432")),
    (["probe", "8080"], 125, "did you mean :8080/ or tcp://:8080?"),
    (["probe", "/healthz"], 125, "a path needs a port, as in :8080/healthz; a file is file:/healthz"),
    (["probe", "ready"], 125, "did you mean ready:?"),
    (["probe", ":80/", "||", "exit", "1"], 125, "there is no shell here; leave || out, and what follows"),
    (["probe", ":80/", "-t", "3s"], 125, "an option where a check is wanted: '-t'; accepted: [OPTIONS] CHECK..."),
    (["--wait-for", "--", "app"], 125, "--wait-for: an option where a check is wanted: '--'"),
    (["probe", ":$PORT/x"], 125, "write ${PORT}: there is no shell here"),
    (["probe", "-f", ":80/"], 125, CURL), (["probe", "-fsS", ":80/"], 125, CURL),
    (["probe", "--fail", ":80/"], 125, CURL), (["wait", "-f", ":80/"], 125, CURL),
    (["probe", "http://user:pw@h/"], 125, NO_USER),
    (["probe"], 125, "no check given, and USHER_PROBE is not set"),
    (["wait", "--", "app"], 125, "no check before --: usher wait tcp://db:5432 -- app"),
    (["help"], 127, "did you mean usher --help?"), (["version"], 127, "did you mean usher --version?"),
    (["prob", ":80/"], 127, "did you mean usher probe?"), (["stauts"], 127, "did you mean usher status?"),
    (["--grace-period", "3", "app"], 125, "did you mean --grace?"),
    (["--log", "json", "app"], 125, "did you mean --log-format?"),
    (["--pre-stop-delay", "3", "app"], 125, "did you mean --pre-stop?"),
    (["--", "python3 /app.py"], 127,
     "one word with blanks; write each word as an element of its own"),
    (["--", "/no/such/python3 /app.py"], 127, "one word with blanks"),
)
for words, code, says in SLIPS:
    def told(words=words, code=code, says=says):
        network()
        got, out, err = run(*words)
        equal((got, out), (code, ""), f"stderr {err!r}")
        line = one_line(err)
        assert line.startswith("usher: ") and says in line, line
    add(f"`usher {' '.join(words)}`: {says[:50]}", told, __name__)


@test("a shell-form CMD in an image without a shell is told so")
def _():
    os.mkdir(scratch("root"))
    shutil.copy(CONFIG.usher, scratch("root/usher"))
    code, out, err = run(scratch("root"), "/usher", "--", "/bin/sh", "-c", "node app.js",
                         binary=peer("chroot"))
    equal((code, out), (127, ""))
    assert "the shell form needs a shell; write CMD as a list" in one_line(err), err


@test("a password in a CHECK is never printed, whatever is wrong with it")
def _():
    network()
    for check in ("http://user:hunter2@h/", "http://user:hun/ter2@h/", "tcp://user:hunter2@h:80",
                  "amqp://user:hunter2@mq:5672/", "https://user:hunter2@h/", "http://user:hunter2@h:x/"):
        code, out, err = run("probe", check)
        equal((code, out), (125, ""))
        assert "ter2" not in one_line(err), err


@test("an unknown USHER_ variable is a warning in every subcommand, and changes nothing else")
def _():
    env = {"USHER_PROBE_TIMOUT": "1s"}
    check = f"file:{CONFIG.scratch}"
    want = "usher: warning: unknown variable USHER_PROBE_TIMOUT; did you mean USHER_PROBE_TIMEOUT?\n"
    for words, code in ((["true"], 0), (["wait", check], 0), (["sleep", "0"], 0), (["status"], None),
                        (["probe", "file:/no/such"], 1), (["probe", "-v", check], 0)):
        got, _, err = run(*words, env=env)
        assert code in (None, got), (words, got)
        assert want in err, (words, err)
    for words in (["probe", check], ["probe", "-q", "file:/no/such"], ["wait", "-q", check]):
        equal(run(*words, env=env)[2], "", words)


@test("variables by the option that they begin with")
def _():
    for name, near in (("USHER_GRACE_PERIOD", "USHER_GRACE"), ("USHER_LOG", "USHER_LOG_FORMAT"),
                       ("USHER_PROBE_X", "USHER_PROBE")):
        code, _, err = run("true", env={name: "1"})
        equal(code, 0)
        assert f"did you mean {near}?" in one_line(err), err


# --- hosts ------------------------------------------------------------------------------------

for check, says in (("http://[::1:8099/", "not a host"), ("http://local host/", "not a host"),
                    ("tcp://[fe80::1%]:80", "not a host"), ("file:x", "needs a path"),
                    ("file:/x?", "not a condition"), (":80/\N{LATIN SMALL LETTER E WITH ACUTE}", "not a path"),
                    ("tcp://[fe80::1%a-zone-too-long-to-be-one]:80", "not a host")):
    def refused(check=check, says=says):
        network()
        code, out, err = run("probe", check)
        equal((code, out), (125, ""))
        assert says in one_line(err), err
    add(f"`probe {ascii(check)}` is refused: {says}", refused, __name__)


@test("a query without a path is asked for, and shown as it was written")
def _():
    network()
    server = Peer(replies(http()))
    healthy(run("probe", "HTTP://localhost:8080?x=1"), "HTTP://localhost:8080?x=1 200 in Nms")
    equal(server.request().split()[1], b"/?x=1")
