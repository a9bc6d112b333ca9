# SPDX-License-Identifier: MIT
"""compose.yaml as it is, replaced by ./roll under load: what is lost is counted."""
import contextlib
import json
import os
import shutil

import bases
import engines
import example
import harness
import images
import manifests
import suite
from harness import comm
from suite import TOP, Requests, case, equal, need, note, wait_for

FOLDER = os.path.join(TOP, "examples", "rolling-update")
PORT, NAME = 8080, "rolling"   # PORT is fixed in compose.yaml
REPLICAS = ("web-a", "web-b")


def haproxy():
    """Debian's HAProxy stands in for haproxy:3.0.10."""
    return {**bases.shell(), **images.from_machine(*bases.found("haproxy"))}


class Project:
    def __init__(self, docker, pre_stop):
        self.docker = docker
        self.variables = (f"DOCKER_HOST=unix://{docker.folder('sock')}", "COMPOSE=docker-compose",
                          f"COMPOSE_PROJECT_NAME={NAME}", f"PRE_STOP={pre_stop}")

    def run(self, *words, deadline=120):
        """A command in the example's folder, with variables before it if need be."""
        engines.call("env", f"--chdir={FOLDER}", *self.variables, *words, deadline=deadline)

    def inspect(self, service):
        return json.loads(engines.answer(*self.docker.command("inspect", f"{NAME}_{service}_1")))[0]

    def health(self, service):
        return self.inspect(service)["State"]["Health"]["Status"]


@contextlib.contextmanager
def project(docker, pre_stop):
    need(shutil.which("docker-compose", path=engines.PATH), "docker-compose is not installed")
    engines.call(*docker.command("tag", example.base(docker, "haproxy", haproxy), "haproxy:3.0.10"))
    built = example.build(docker, __file__, PYTHON=example.base(docker, "python", bases.python))
    example.check_configuration(docker, built)
    engines.call(*docker.command("tag", built, "example-rolling-update"))
    made = Project(docker, pre_stop)
    with images.lock("port-8080"):   # the file's, and the project's name is fixed too
        try:
            made.run("docker-compose", "up", "--detach", "--no-build")
            for replica in REPLICAS:
                wait_for(lambda r=replica: made.health(r) == "healthy", f"{replica} is healthy", engines.LONG)
            suite.wait_until_served(PORT)
            yield made
        finally:
            made.run("docker-compose", "down", "--timeout", "1")


def roll(made):
    """(answered, lost) while ./roll replaces both replicas."""
    before = {r: made.inspect(r)["Id"] for r in REPLICAS}
    with Requests(PORT, clients=4) as requests:
        wait_for(lambda: sum(answered for _, answered in requests.done) > 20, "20 answers", engines.LONG)
        made.run("RELEASE=2", "./roll", deadline=400)
        after = {r: made.inspect(r) for r in REPLICAS}
    assert all(after[r]["Id"] != before[r] for r in REPLICAS), "a replica was not replaced"
    assert all("RELEASE=2" in x["Config"]["Env"] for x in after.values()), "not by the new version"
    done = [answered for _, answered in requests.done]
    return sum(done), len(done) - sum(done)


@case("both replicas are replaced, and no request is lost", only=("docker",), timeout=900.0)
def _(docker):
    with project(docker, "5s") as made:
        answered, lost = roll(made)
        note(f"{answered} answered, {lost} lost")
        equal(lost, 0, f"lost of {answered + lost}")


@case("without the pre-stop requests are lost: the count can fail", only=("docker",), timeout=900.0)
def _(docker):
    with project(docker, "0") as made:
        answered, lost = roll(made)
        note(f"{answered} answered, {lost} lost")
        assert lost > 0, f"none of {answered} was lost"


@case("Docker shows a replica that drains as unhealthy, and it answers until then", only=("docker",), timeout=600.0)
def _(docker):
    with project(docker, "10m") as made:
        pid = made.inspect("web-a")["State"]["Pid"]
        engines.call(*docker.command("kill", "--signal", "TERM", f"{NAME}_web-a_1"))
        wait_for(lambda: made.health("web-a") == "unhealthy", "web-a is unhealthy", engines.LONG)
        equal(comm(pid), "usher:draining", "web-a")
        told = made.inspect("web-a")["State"]["Health"]["Log"][-1]["Output"]
        assert "unhealthy ready: draining" in told, told


@harness.test("every service of compose.yaml is given longer than usher may take", group="manifests")
def _():
    for name, service in manifests.documents("rolling-update", "compose.yaml")[0]["services"].items():
        if name in REPLICAS:
            values = {**service["environment"], "USHER_PRE_STOP": "5s"}
            manifests.fits(manifests.seconds(service["stop_grace_period"]), manifests.stop_seconds({}, values), name)
