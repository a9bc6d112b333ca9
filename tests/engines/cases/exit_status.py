# SPDX-License-Identifier: MIT
"""The exit code that an engine reports is the one that the contract promises."""
from suite import case, equal, image


def ends_with(engine, want, *command, log=""):
    with engine.run(image(), *command) as container:
        equal(container.wait(), want, "the exit code")
        assert log in container.logs(), f"{log!r} is not in the log: {container.logs()!r}"


@case("the program's exit code is the container's")
def _(engine):
    ends_with(engine, 7, "/usher", "--", "/witness", "exit", "7")


@case("a program ended by TERM gives 143")
def _(engine):
    ends_with(engine, 143, "/usher", "--", "/witness", "die", "15")


@case("a program that crashed gives 139")
def _(engine):
    ends_with(engine, 139, "/usher", "--", "/witness", "die", "11")


@case("a wait whose time is up gives 124 and says for what it waited")
def _(engine):
    ends_with(engine, 124, "/usher", "wait", "--timeout", "100ms", "tcp://127.0.0.1:1", "--",
              "/witness", "exit", "0", log="tcp://127.0.0.1:1")


@case("a program that is not there gives 127 and says so")
def _(engine):
    ends_with(engine, 127, "/usher", "--", "/nothing", log="/nothing")


@case("a file that is no program gives 126 and says so")
def _(engine):
    ends_with(engine, 126, "/usher", "--", "/text", log="/text")


@case("a misspelt option gives 125 and says so")
def _(engine):
    ends_with(engine, 125, "/usher", "--grcae", "1s", "--", "/witness", "exit", "0", log="grace")
