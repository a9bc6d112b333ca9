# SPDX-License-Identifier: MIT
"""A worker whose heartbeat is a file."""
import os
import signal

import bases
import example
import harness
from harness import equal
from suite import case


@case("a worker that hangs turns unhealthy, one that is told to stop ends its round", **example.BUILDS)
def _(engine):
    base = example.base(engine, "python", bases.python)
    image = example.build(engine, __file__, PYTHON=base)
    example.check_configuration(engine, image)
    with example.run(engine, image, env={"USHER_PROBE": "file:/tmp/heartbeat?max-age=2s"}, memory=64,
                     pids=16, words=["--tmpfs=/tmp"]) as container:
        example.becomes(container, "healthy")
        worker, = harness.children(container.pid)
        os.kill(worker, signal.SIGSTOP)
        example.becomes(container, "unhealthy")
        os.kill(worker, signal.SIGCONT)
        example.becomes(container, "healthy")
        container.stop()
        equal(container.wait(), 0, "the exit code")
        assert "stopped after" in container.logs(), container.logs()
