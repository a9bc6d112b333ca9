# SPDX-License-Identifier: MIT
"""Restart policies act on the exit code that usher reports."""
from suite import case, equal, image, wait_for


def restarts(engine, container):
    return int(engine.inspect(container, "{{.RestartCount}}"))


def ended(engine, container):
    return engine.inspect(container, "{{.State.Status}}") == "exited"


@case("on-failure restarts a program that fails, with its own exit code", needs={"restart"})
def _(engine):
    with engine.run(image(), "/usher", "--", "/witness", "exit", "7",
                    restart="on-failure:2") as container:
        wait_for(lambda: restarts(engine, container) == 2 and ended(engine, container),
                 "two restarts", 60)
        equal(engine.inspect(container, "{{.State.ExitCode}}"), "7", "the exit code")


@case("an exit status that is remapped to 0 is no failure", needs={"restart"})
def _(engine):
    with engine.run(image(), "/usher", "--remap-exit", "143", "--", "/witness", "die", "15",
                    restart="on-failure:2") as container:
        equal(container.wait(), 0, "the exit code")
        wait_for(lambda: ended(engine, container), "it ended", 30)
        equal(restarts(engine, container), 0, "restarts")
