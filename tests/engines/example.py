# SPDX-License-Identifier: MIT
"""What the tests of examples/ share: build the Dockerfile as it is on a base made of the machine's
files, run it as restricted as its README says, and watch it drain."""
import concurrent.futures
import json
import os
import signal
import time
import urllib.request

import bases
import engines
import images
import suite
from harness import equal, skip, wait_for

BUILDS = {"needs": {"build", "health"}, "timeout": 400.0}


def base(engine, name, files):
    """The name of an image of these files (a function of bases.py), loaded."""
    try:
        made = images.make(f"base-{name}", files)
    except bases.Missing as missing:
        skip(str(missing))
    engine.load(made)
    return made.name


def build(engine, test_file, **arguments):
    """Builds the example in the folder of test_file with the usher under test; the image's name."""
    programs = suite.image()
    engine.load(programs)
    return engine.build(os.path.dirname(os.path.abspath(test_file)),
                        build_args={"USHER": programs.name, **arguments})


def run(engine, image, *args, memory=128, pids=32, words=(), **options):
    """Runs it without rights, without a writable root, and with limits. Docker looks at its health
    twice a second; Podman when it is asked to."""
    quick = ["--health-interval=500ms"] if engine.name == "docker" else []
    return engine.run_built(image, *args, read_only=True, drop_capabilities=True,
                            no_new_privileges=True, memory=memory << 20, pids_limit=pids,
                            words=["--cpus=0.9", *quick, *words], **options)


def check_configuration(engine, image):
    """What every image that people copy must have."""
    described = json.loads(engines.answer(*engine.command("image", "inspect", image)))[0]
    config = described["Config"]
    equal(config["User"], "65532:65532", "the user")
    entrypoint = config["Entrypoint"]
    assert entrypoint[0] == "/usher" and "--" in entrypoint, f"the entrypoint is {entrypoint}"
    assert config["Cmd"], "no command"
    equal(config.get("StopSignal"), "SIGTERM", "the stop signal")
    health = config.get("Healthcheck") or described.get("HealthCheck") or described["Healthcheck"]
    equal(health["Test"][:3], ["CMD", "/usher", "probe"], "the health check")
    assert health["Timeout"] > 3e9, "the engine's timeout is not above usher's own"
    for label in ("title", "description", "licenses", "version", "revision"):
        assert config["Labels"].get(f"org.opencontainers.image.{label}"), f"no label {label}"
    equal(config["Labels"]["org.opencontainers.image.version"], "0.1.0", "the version")


def becomes(container, health):
    wait_for(lambda: container.health() == health, f"health {health}", engines.LONG)


# --- the drain: it lasts until the test ends it, so that no test depends on how fast the machine is

def drain(**variables):
    """The environment of a container that drains until end_drain(), and is not killed after it."""
    return {"USHER_PRE_STOP": "10m", "USHER_GRACE": "5m", **variables}


def begin_stop(container):
    """Asks it to stop, and does not wait for it. Podman lets no probe in while its `stop` waits; there
    the signal comes from `podman kill`."""
    if container.engine.name == "podman":
        container.kill(signal.SIGTERM)
    else:
        container.stopping(600)
    wait_for(lambda: container.state() != "running", "the stop signal came", engines.LONG)


def end_drain(container):
    """A second stop signal ends the pre-stop."""
    equal(container.state(), "draining", "the state")
    container.kill(signal.SIGTERM)


def slow_get(port, path):
    """The status of a GET that may take long."""
    url = f"http://127.0.0.1:{port}{path}"
    with urllib.request.urlopen(url, timeout=engines.LONG) as response:
        return response.status


def drains(container, port, work=None):
    """Stops a container that serves on `port`: no request may be refused while it drains; one for the
    path `work`, which takes seconds, is answered although the program is told to end meanwhile; and
    the exit code is 0."""
    equal(container.probe("ready:"), 0, "ready: before the stop")
    with suite.Requests(port) as requests, concurrent.futures.ThreadPoolExecutor() as pool:
        begin_stop(container)
        begin = time.monotonic()
        equal(container.probe("ready:"), 1, "ready: while it drains")
        wait_for(lambda: requests.between(begin, time.monotonic())[0] > 10, "answers", engines.LONG)
        end = time.monotonic()
        under_way = pool.submit(slow_get, port, work) if work else None
        wait_for(lambda: requests.between(end, time.monotonic())[0] > 10, "answers", engines.LONG)
        end = time.monotonic()
        end_drain(container)
        if under_way:
            equal(under_way.result(), 200, f"the answer to {work}, which was under way at the end")
        equal(container.wait(), 0, "the exit code")
    equal(requests.between(begin, end)[1], 0, "refused while it drained")
