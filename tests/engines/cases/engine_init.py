# SPDX-License-Identifier: MIT
"""--init with usher as the engine's own init: dockerd's and podman's --init-path."""
import harness
from suite import case, equal, image, wait_for

CALLED = {"docker": "/sbin/docker-init", "podman": "/run/podman-init"}


@case("--init runs usher by the engine's name for it, and it reaps and forwards", needs={"init"})
def _(engine):
    with engine.run(image(), "/witness", "orphans", "20", init=True) as container:
        container.wait_log("spawned 20")
        wait_for(lambda: container.state() == "running", "running in PID 1's comm", 30)
        command = harness.read_proc(container.pid, "cmdline").split("\0")
        equal(command[:3], [CALLED[engine.name], "--", "/witness"], "PID 1's command line")
        wait_for(lambda: len(harness.children(container.pid)) == 1, "its only child is witness", 30)
        container.stop(60)
        equal(container.wait(), 0, "the exit code")


@case("--init reports the program's exit code", needs={"init"})
def _(engine):
    with engine.run(image(), "/witness", "exit", "33", init=True) as container:
        equal(container.wait(), 33, "the exit code")


@case("with --init the image's own usher supervises under the engine's", needs={"init"})
def _(engine):
    with engine.run(image(), "/usher", "-v", "--pre-stop", "1h", "--", "/witness", "catch",
                    "--exit", "15:3", init=True) as container:
        container.wait_log("ready")
        equal(container.probe("ready:"), 0, "ready")
        container.kill(15)
        container.wait_log("draining")
        equal(container.probe("ready:"), 1, "not ready while it drains")
        container.kill(15)
        equal(container.wait(), 3, "the exit code")
