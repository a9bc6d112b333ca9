# SPDX-License-Identifier: MIT
"""A server that hangs is stopped by usher and started anew by the restart policy."""
import contextlib
import json
import os
import shutil
import subprocess

import bases
import engines
import example
import harness
import images
import manifests
from suite import TOP, case, equal, need, scratch, wait_for

FILE = os.path.join(TOP, "examples", "heal", "compose.yaml")
WEDGES = ("lock", "loop", "files")
HEALS = {"needs": {*example.BUILDS["needs"], "restart"}, "timeout": 400.0}
GIVEN_UP = "unhealthy :8080/healthz: reply: timed out, 3 of 3"
STOPPED = "stopping the unhealthy program: SIGTERM, SIGKILL after "


def build(engine):
    return example.build(engine, __file__, PYTHON=example.base(engine, "python", bases.python))


def run(engine, image, restart):
    return example.run(engine, image, memory=64, pids=16, restart=restart,
                       env={"USHER_HEAL": ":8080/healthz", "USHER_HEAL_INTERVAL": "200ms",
                            "USHER_HEAL_TIMEOUT": "1s", "USHER_HEAL_GRACE": "1s"})


def restarts(container):
    return int(container.engine.inspect(container, "{{.RestartCount}}"))


def state(container):
    return json.loads(container.engine.inspect(container, "{{json .State}}"))


def is_well(container):
    """It serves, and usher has seen that: from then on failures count."""
    return (container.probe(":8080/healthz", ":8080/work") == 0 and
            '"health":"healthy"' in container.exec("/usher", "status", "--json")[1])


def becomes_well(container):
    wait_for(lambda: is_well(container), f"{container.name} serves", engines.LONG)


def wedge(container, way):
    equal(container.probe(f":8080/wedge/{way}"), 0, f"the answer to /wedge/{way}")


@contextlib.contextmanager
def exit_codes(engine):
    """What the engine tells from now on of containers that end, as a function that gives all of it
    so far: (name, exit code)."""
    event, form = {"docker": ("die", "{{.Actor.Attributes.name}} {{.Actor.Attributes.exitCode}}"),
                   "podman": ("died", "{{.Name}} {{.ContainerExitCode}}")}[engine.name]
    path = scratch("events")
    with open(path, "wb") as file, \
            subprocess.Popen(engine.command("events", "--filter", f"event={event}", "--format", form),
                             env=engines.environment(), stdout=file,
                             stdin=subprocess.DEVNULL) as listener:
        def told():
            with open(path, encoding="utf-8") as text:
                return [tuple(line.split()) for line in text if line.endswith("\n")]
        try:
            yield told
        finally:
            listener.kill()


def codes(container, told):
    return [code for name, code in told() if name == container.name]


def heals(containers, way, told):
    """Wedges them all, and waits until each serves again, without any help."""
    before = {c: (restarts(c), c.logs(), state(c)["StartedAt"], len(codes(c, told))) for c in containers}
    for container in containers:
        wedge(container, way)
    for container in containers:
        count, log, started, ends = before[container]
        wait_for(lambda: restarts(container) > count, "a restart", engines.LONG)
        becomes_well(container)
        assert state(container)["StartedAt"] != started, "it was not started anew"
        for text in (f"wedged by /wedge/{way}", GIVEN_UP, STOPPED):
            assert container.logs().count(text) > log.count(text), f"{text!r} is not in the log"
        wait_for(lambda: len(codes(container, told)) > ends, "the engine tells the end", engines.LONG)
        equal(set(codes(container, told)), {"69"}, "the exit codes")


@case("a server that hangs comes back by itself, whatever it hangs in", **HEALS)
def _(engine):
    image = build(engine)
    example.check_configuration(engine, image)
    with exit_codes(engine) as told, run(engine, image, "on-failure") as container:
        becomes_well(container)
        for way in WEDGES:
            heals([container], way, told)


@case("on-failure:1 brings it back once, then it stays ended with 69", **HEALS)
def _(engine):
    with run(engine, build(engine), "on-failure:1") as container:
        for count in (0, 1):
            wait_for(lambda: restarts(container) == count, f"{count} restarts", engines.LONG)
            becomes_well(container)
            wedge(container, "lock")
        wait_for(lambda: state(container)["Status"] == "exited", "it has ended", engines.LONG)
        equal((state(container)["ExitCode"], restarts(container)), (69, 1), "exit code, restarts")


@case("a stop is no failure: it ends with 0, and is not started anew", **HEALS)
def _(engine):
    with run(engine, build(engine), "on-failure") as container:
        becomes_well(container)
        container.stop()
        equal((container.wait(), restarts(container)), (0, 0), "exit code, restarts")
        assert STOPPED not in container.logs(), container.logs()


@contextlib.contextmanager
def project(docker):
    """The containers of compose.yaml as it is."""
    need(shutil.which("docker-compose", path=engines.PATH), "docker-compose is not installed")
    engines.call(*docker.command("tag", build(docker), "example-heal"))
    command = ("env", f"DOCKER_HOST=unix://{docker.folder('sock')}", "docker-compose", "--file", FILE,
               "--project-name", "heal")
    with images.lock("compose-heal"):   # the project's name is fixed
        try:
            engines.call(*command, "up", "--detach", "--no-build")
            names = engines.answer(*docker.command(
                "ps", "--filter", "label=com.docker.compose.project=heal", "--format", "{{.Names}}"))
            with contextlib.ExitStack() as stack:   # of one that fails, the log is told
                yield [stack.enter_context(engines.Container(docker, name))
                       for name in sorted(names.split())]
        finally:
            engines.call(*command, "down", "--timeout", "1")


@case("compose: both services come back by themselves, whatever they hang in", only=("docker",),
      timeout=600.0)
def _(docker):
    with project(docker) as both, exit_codes(docker) as told:   # the names were others' before
        policies = [docker.inspect(c, "{{.HostConfig.RestartPolicy.Name}}") for c in both]
        equal(policies, ["always", "on-failure"], "the policies")
        for container in both:
            becomes_well(container)
        for way in WEDGES:
            heals(both, way, told)


@harness.test("every service of compose.yaml is given longer than usher may take", group="manifests")
def _():
    image = manifests.image_environment("examples/heal/Dockerfile")
    for name, service in manifests.documents("heal", "compose.yaml")[0]["services"].items():
        manifests.fits(manifests.seconds(service["stop_grace_period"]),
                       manifests.stop_seconds(image, service["environment"]), name)
