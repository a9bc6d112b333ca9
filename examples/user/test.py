# SPDX-License-Identifier: MIT
"""A service that gives its volume to its user, without a shell."""
import os

import example
import harness
import suite
from harness import equal
from suite import case

RIGHTS = ("--cap-drop=ALL", "--cap-add=CHOWN", "--cap-add=SETGID", "--cap-add=SETUID", "--read-only",
          "--security-opt=no-new-privileges", "--pids-limit=16")


@case("a scratch image gives its volume to the user it is told, once, and runs as that user", **example.BUILDS)
def _(engine):
    programs = suite.image()
    image = example.build(engine, __file__, SERVICE=programs.name)
    folder = suite.scratch("data")
    os.makedirs(os.path.join(folder, "below"))
    for first in (True, False):
        port = suite.free_port()
        with engine.run_built(image, network="host", env={"PORT": port, "USHER_USER": "1234:5678"},
                              words=[*RIGHTS, f"--volume={folder}:/data"]) as container:
            suite.wait_until_served(port)
            equal(harness.proc_status(container.pid)["Uid"].split(), ["1234"] * 4, "the user")
            equal(os.stat(folder)[4:6], (1234, 5678), "the owner of the volume")
            below = os.path.join(folder, "below")
            equal(os.stat(below)[4:6], (1234, 5678) if first else (0, 0), "the owner of what is below")
            os.chown(below, 0, 0)
            container.kill(15)
            equal(container.wait(), 0, "the exit code")


@case("the same image runs as whom the platform chooses, with a warning", **example.BUILDS)
def _(engine):
    image = example.build(engine, __file__, SERVICE=suite.image().name)
    port = suite.free_port()
    with engine.run_built(image, network="host", env={"PORT": port}, user="999:999",
                          words=["--cap-drop=ALL", "--read-only"]) as container:
        suite.wait_until_served(port)
        equal(harness.proc_status(container.pid)["Uid"].split(), ["999"] * 4, "the user")
        container.wait_log("usher is not root and stays who it is")
        container.kill(15)
        equal(container.wait(), 0, "the exit code")
