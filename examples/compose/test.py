# SPDX-License-Identifier: MIT
"""compose.yaml as it is, with docker-compose: the order of start and stop, and the restrictions."""
import concurrent.futures
import contextlib
import datetime
import json
import os
import shutil
import subprocess
import time

import engines
import images
import manifests
from harness import comm
from suite import TOP, Requests, case, equal, need, note, scratch, wait_for, wait_until_served

FILE = os.path.join(TOP, "examples", "compose", "compose.yaml")
IMAGE, PORT = "usher-example:0.1.0", 8080   # as the file has them
NAMES = ("example_store_1", "example_web_1")


class Project:
    """The two services."""

    def __init__(self, docker):
        self.docker = docker

    def compose(self, *words):
        return engines.call("env", f"DOCKER_HOST=unix://{self.docker.folder('sock')}",
                            "docker-compose", "--file", FILE, "--project-name", "example", *words,
                            deadline=120)[1]

    def inspect(self, service):
        """What Docker tells of the container; compose has numbered it."""
        name = f"example_{service}_1"
        return json.loads(engines.answer(*self.docker.command("inspect", name)))[0]


@contextlib.contextmanager
def events(docker):
    """What Docker tells of store and web from now on, as a function that gives all lines so far:
    (service, what). Docker itself keeps only the last five checks, and the last 256 events."""
    command = docker.command("events", "--filter", "event=start", "--filter", "event=health_status",
                             "--format", "{{.Actor.Attributes.name}} {{.Action}}")
    path = scratch("events")
    with open(path, "wb") as file, subprocess.Popen(command, env=engines.environment(), stdout=file,
                                                    stdin=subprocess.DEVNULL) as listener:
        def lines():
            with open(path, encoding="utf-8") as text:
                told = [line.split(maxsplit=1) for line in text.read().splitlines()]
            return [(name.split("_")[1], what) for name, what in told if name in NAMES]
        try:
            yield lines
        finally:
            listener.kill()


@contextlib.contextmanager
def project(docker):
    need(shutil.which("docker-compose", path=engines.PATH), "docker-compose is not installed")
    image = manifests.example_image()
    docker.load(image)
    engines.call(*docker.command("tag", image.name, IMAGE))
    made = Project(docker)
    with images.lock("port-8080"):   # the file's, and the project's name is fixed too
        try:
            made.compose("up", "--detach", "--no-build")
            yield made
        finally:
            made.compose("down", "--timeout", "1")


def moment(text):
    return datetime.datetime.fromisoformat(text).timestamp()


@case("web starts when store is healthy", only=("docker",), timeout=600.0)
def _(docker):
    with events(docker) as told, project(docker):
        wait_for(lambda: ("web", "start") in told(), "Docker tells of web's start", engines.LONG)
        before = told()[:told().index(("web", "start"))]
        equal(before, [("store", "start"), ("store", "health_status: healthy")], "what came before")


@case("web drains without a lost request, then store stops", only=("docker",), timeout=600.0)
def _(docker):
    with project(docker) as both:
        wait_until_served(PORT)
        web, store = (both.inspect(service)["State"]["Pid"] for service in ("web", "store"))
        with Requests(PORT) as requests, concurrent.futures.ThreadPoolExecutor(1) as pool:
            stopped = pool.submit(both.compose, "stop")
            wait_for(lambda: comm(web) == "usher:draining", "web drains", engines.LONG)
            begin = time.monotonic()
            equal(comm(store), "usher:running", "store while web drains")
            wait_for(lambda: comm(web) != "usher:draining", "web has drained", engines.LONG)
            end = time.monotonic()
            stopped.result()
        answered, refused = requests.between(begin, end - 0.5)
        note(f"{answered} answered while it drained, {refused} refused")
        assert answered > 0 and refused == 0, f"while draining: {answered} answered, {refused} not"
        assert end - begin > 2, f"it drained for {end - begin} s, not 3"
        web, store = both.inspect("web")["State"], both.inspect("store")["State"]
        equal((web["ExitCode"], store["ExitCode"]), (0, 0), "the exit codes: neither was killed")
        assert moment(web["FinishedAt"]) <= moment(store["FinishedAt"]), "store stopped first"


def cgroup_value(pid, controller, name_v1, name_v2):
    """The value of a limit in the cgroup of a process."""
    with open(f"/proc/{pid}/cgroup", encoding="ascii") as file:
        for line in file:
            _, controllers, path = line.strip().split(":", 2)
            if controller in controllers.split(","):
                return read(f"/sys/fs/cgroup/{controllers}{path}/{name_v1}")
    return read(f"/sys/fs/cgroup{path}/{name_v2}")


def read(path):
    with open(path, encoding="ascii") as file:
        return file.read().strip()


@case("both services are as restricted as the file says", only=("docker",), timeout=600.0)
def _(docker):
    with project(docker) as both:
        for service in ("store", "web"):
            described = both.inspect(service)
            pid = described["State"]["Pid"]
            status = dict(line.split(":\t", 1) for line in read(f"/proc/{pid}/status").splitlines())
            equal(status["Uid"].split(), ["65532"] * 4, "the user")
            equal(int(status["CapEff"], 16) | int(status["CapBnd"], 16), 0, "capabilities")
            equal(status["NoNewPrivs"], "1", "no_new_privs")
            equal(status["Seccomp"], "2", "seccomp")
            root = next(line.split() for line in read(f"/proc/{pid}/mountinfo").splitlines()
                        if line.split()[4] == "/")
            assert "ro" in root[5].split(","), f"the root is {root[5]}"
            equal(cgroup_value(pid, "pids", "pids.max", "pids.max"), "16", "pids")
            equal(cgroup_value(pid, "memory", "memory.limit_in_bytes", "memory.max"),
                  str(32 << 20), "memory")
            logging = described["HostConfig"]["LogConfig"]
            equal(logging, {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "3"}},
                  "logging")
