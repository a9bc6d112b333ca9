# SPDX-License-Identifier: MIT
"""What the tests of examples/ share: build the Dockerfile as it is on a base made of the machine's
files, run it as restricted as its README says, and watch it drain."""
import contextlib
import http.client
import json
import os
import signal
import socket
import time

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
    """What every image that people copy must have. Its labels."""
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
    return config["Labels"]


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


class KeptAlive:
    """Clients that do not ask for the connection to be closed: one has asked and keeps it, one has
    connected and asked nothing. The program must not wait for them."""

    def __init__(self, port):
        self.idle = http.client.HTTPConnection("127.0.0.1", port, timeout=engines.LONG)
        self.idle.request("GET", "/healthz")
        response = self.idle.getresponse()
        response.read()
        equal((response.status, response.will_close), (200, False), "an answer before the stop")
        self.silent = socket.create_connection(("127.0.0.1", port), engines.LONG)

    def close(self):
        self.idle.close()
        self.silent.close()


class Upload:
    """A request that the program has begun (it said 100 Continue) and cannot have answered, because
    one byte of it is still to come."""

    def __init__(self, port, path):
        self.socket = socket.create_connection(("127.0.0.1", port), engines.LONG)
        self.file = self.socket.makefile("rb")
        self.socket.sendall(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
                            "Expect: 100-continue\r\n\r\n".encode())
        equal(self.file.readline().split()[:2], [b"HTTP/1.1", b"100"], "the request is under way")
        equal(self.file.readline(), b"\r\n", "the end of that")

    def finish(self):
        """Sends the rest; the status of the answer."""
        self.socket.sendall(b"x")
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        response.read()
        return response.status

    def asks_again(self):
        """True if the connection is still served."""
        try:
            self.socket.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
            return self.socket.recv(100) != b""
        except ConnectionError:
            return False

    def close(self):
        self.file.close()
        self.socket.close()


def drains(container, port, work=None):
    """Stops a container that serves on `port`: no request may be refused while it drains; one for the
    path `work` is begun before the program is told to end, and answered after; clients that keep
    their connection do not hold the program up; and the exit code is 0."""
    equal(container.probe("ready:"), 0, "ready: before the stop")
    with suite.Requests(port) as requests, contextlib.ExitStack() as stack:
        begin_stop(container)
        begin = time.monotonic()
        equal(container.probe("ready:"), 1, "ready: while it drains")
        wait_for(lambda: requests.between(begin, time.monotonic())[0] > 10, "answers", engines.LONG)
        if work:
            stack.enter_context(contextlib.closing(KeptAlive(port)))
            upload = stack.enter_context(contextlib.closing(Upload(port, work)))
        end = time.monotonic()
        end_drain(container)
        if work:
            wait_for(lambda: not suite.answers(port), "the program was told", engines.LONG)
            equal(upload.finish(), 200, f"the answer to {work}, begun before the end")
            assert not upload.asks_again(), "a client that keeps its connection can ask for ever"
        equal(container.wait(), 0, "the exit code")
    answered, refused = requests.between(begin, end)
    suite.note(f"{answered} answered while it drained, {refused} refused")
    equal(refused, 0, "refused while it drained")
