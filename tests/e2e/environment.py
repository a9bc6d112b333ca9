# SPDX-License-Identifier: MIT
"""Every option of the run form by its variable."""
import os
import time

from harness import TERM, equal, holds_for, one_line, run, start, test, wait_for, witness
from signals import MARK, QUIT, USR1, USR2, catcher, expect, member_got, member_pid

SURELY_BAD = {
    "FORWARD": "some", "REWRITE": "TERM:FOO", "STOP_SIGNAL": "FOO", "PRE_STOP": "x", "GRACE": "-1",
    "LINGER": "1y", "LINGER_SIGNAL": "FOO", "REMAP_EXIT": "256", "SUBREAPER": "maybe",
    "PARENT_DEATH": "FOO", "NO_TTY": "2", "VERBOSE": "loud", "QUIET": "yes", "LOG_FORMAT": "xml",
}


@test("USHER_FORWARD says who gets forwarded signals")
def _():
    for mode, hearing in (("main", []), ("group", [1]), ("all", [1, 2])):
        with catcher(env={"USHER_FORWARD": mode},
                     program=("--member", "ignore", "--member", "setsid,ignore")) as init:
            init.kill(USR1)
            expect(init, USR1)
            for index in (1, 2):
                os.kill(member_pid(init, index), MARK)
                wait_for(lambda i=index: MARK in member_got(init, i), "the member tells")
                want = [USR1, MARK] if index in hearing else [MARK]
                equal(sorted(member_got(init, index)), want, f"member {index}, {mode}")


@test("USHER_REWRITE takes a list")
def _():
    with catcher(env={"USHER_REWRITE": "USR1:USR2,RTMIN+1:QUIT"}) as init:
        init.kill(USR1)
        expect(init, USR2)
        init.kill(35)
        expect(init, QUIT)


@test("USHER_STOP_SIGNAL names the stop set")
def _():
    with catcher(env={"USHER_STOP_SIGNAL": "QUIT,USR1"}) as init:
        init.kill(TERM)
        expect(init, TERM)
        equal(init.state(), "running")
        init.kill(USR1)
        init.wait_state("stopping")


@test("USHER_PRE_STOP delays")
def _():
    with catcher(env={"USHER_PRE_STOP": "60"}) as init:
        init.kill(TERM)
        init.wait_state("draining")


@test("USHER_GRACE kills")
def _():
    with catcher(env={"USHER_GRACE": "200ms"}) as init:
        init.kill(TERM)
        equal(init.wait(), 137)


@test("USHER_LINGER and USHER_LINGER_SIGNAL say how long and with what")
def _():
    program = witness("catch", "--member", "ignore", "--exit-now", 7)
    with start("--", *program, env={"USHER_LINGER": "0.2", "USHER_LINGER_SIGNAL": "QUIT"}) as init:
        equal(init.wait(), 7)
        equal(member_got(init, 1), [QUIT])
    with start("--", *program, env={"USHER_LINGER": "0.2", "USHER_LINGER_SIGNAL": "0"}) as init:
        equal(init.wait(), 7)
        equal(member_got(init, 1), [])


@test("USHER_REMAP_EXIT takes a list")
def _():
    for code, want in ((3, 7), (4, 0), (5, 5)):
        equal(run("--", *witness("exit", code), env={"USHER_REMAP_EXIT": "3:7,4"})[0], want)


@test("USHER_LOG_FORMAT and USHER_VERBOSE say how and what is told")
def _():
    for value in ("1", "true"):
        _, _, err = run("true", env={"USHER_VERBOSE": value, "USHER_LOG_FORMAT": "json"})
        assert err.startswith('{"timestamp":'), err
    for value in ("0", "false", ""):
        equal(run("true", env={"USHER_VERBOSE": value}), (0, "", ""))


@test("USHER_QUIET hushes a warning")
def _():
    equal(run("true", env={"USHER_GRAZE": "1", "USHER_QUIET": "1"}), (0, "", ""))


@test("USHER_SUBREAPER, USHER_NO_TTY and USHER_PARENT_DEATH are taken")
def _():
    for value in ("1", "true", "0", "false"):
        equal(run("true", env={"USHER_SUBREAPER": value, "USHER_NO_TTY": value}), (0, "", ""))
    equal(run("true", env={"USHER_PARENT_DEATH": "SIGTERM"}), (0, "", ""))


@test("the command line wins over the variable")
def _():
    equal(run("-e", "3:8", "--", *witness("exit", 3), env={"USHER_REMAP_EXIT": "3:7"})[0], 8)
    with catcher("-t", "inf", env={"USHER_GRACE": "0.1"}) as init:
        init.kill(TERM)
        expect(init, TERM)
        holds_for(init.running, 0.4, "the grace of the command line counts")


@test("an empty variable is an unset one")
def _():
    equal(run("true", env={f"USHER_{name}": "" for name in SURELY_BAD}), (0, "", ""))


def check_bad_value(name, value):
    status, out, err = run("true", env={f"USHER_{name}": value})
    equal((status, out), (125, ""), f"stderr {err!r}")
    line = one_line(err)
    assert line.startswith("usher: ") and f"USHER_{name}" in line and value in line, line


for _name, _value in SURELY_BAD.items():
    test(f"a bad value of USHER_{_name} is one line and 125")(
        lambda name=_name, value=_value: check_bad_value(name, value))


@test("how often USHER_VERBOSE may say is told")
def _():
    for name in ("USHER_VERBOSE", "USHER_QUIET"):
        status, _, err = run("true", env={name: "9"})
        equal(status, 125)
        assert one_line(err).endswith("accepted: 0 to 3, true, false"), err
    status, _, err = run("true", env={"USHER_REWRITE": "TERM:QUIT,"})
    equal(status, 125)


@test("a bad value counts although the command line would win")
def _():
    status, _, err = run("-t", "5", "true", env={"USHER_GRACE": "x"})
    equal(status, 125)
    assert "USHER_GRACE" in one_line(err)


@test("what does not fit together is told of the variable, if it was one")
def _():
    for env, word in (({"USHER_OWN": "/a"}, "/a"), ({"USHER_HEAL": "ready:"}, "ready:"),
                      ({"USHER_WAIT_FOR": "live:"}, "live:"),
                      ({"USHER_ESCALATE": "10s:QUIT", "USHER_GRACE": "5s"}, "10s:QUIT"),
                      ({"USHER_METHOD": "HEAD", "USHER_CONTAINS": "x", "USHER_HEAL": ":1/"}, "HEAD")):
        status, out, err = run("echo", "runs", env=env)
        equal((status, out), (125, ""))
        line, name = one_line(err), next(iter(env))
        assert line.startswith(f"usher: {name}: ") and f"'{word}'" in line, line


@test("an unknown variable is a warning with the nearest name, and the program runs")
def _():
    for name, near in (("USHER_GRAZE", "USHER_GRACE"), ("USHER_PRESTOP", "USHER_PRE_STOP"),
                       ("USHER_LINGERSIGNAL", "USHER_LINGER_SIGNAL")):
        status, out, err = run("echo", "runs", env={name: "1"})
        equal((status, out), (0, "runs\n"))
        line = one_line(err)
        assert "warning" in line and name in line and near in line, line


@test("what Kubernetes injects for a service called usher, and the variables of probe, get no warning")
def _():
    names = ["USHER_SERVICE_HOST", "USHER_SERVICE_PORT", "USHER_SERVICE_PORT_HTTP", "USHER_PORT",
             "USHER_PORT_80_TCP", "USHER_PORT_80_TCP_PROTO", "USHER_PORT_80_TCP_ADDR",
             "USHER_PROBE", "USHER_PROBE_TIMEOUT"]
    equal(run("true", env={name: "tcp://10.0.0.1:80" for name in names}), (0, "", ""))


@test("variables of other programs get no warning")
def _():
    names = ["USHER", "USHERS_GRAZE", "usher_graze", "MY_USHER_GRAZE", "XUSHER_GRAZE"]
    equal(run("true", env={name: "1" for name in names}), (0, "", ""))


@test("the value of a bad variable is shown without control characters")
def _():
    status, _, err = run("true", env={"USHER_GRACE": "\x1b[31m\nx"})
    equal(status, 125)
    assert not any(ord(c) < 32 or ord(c) == 127 for c in one_line(err)), repr(err)


@test("the variables reach the program unchanged")
def _():
    _, out, _ = run("sh", "-c", "echo $USHER_GRACE $USHER_FORWARD",
                    env={"USHER_GRACE": "5s", "USHER_FORWARD": "main"})
    equal(out, "5s main\n")


@test("many variables cost no time and no memory")
def _():
    began = time.monotonic()
    status, out, _ = run("echo", "runs", env={f"V{n}": "x" * 50 for n in range(5000)})
    equal((status, out), (0, "runs\n"))
    assert time.monotonic() - began < 5
