# SPDX-License-Identifier: MIT
"""stack.yaml in a swarm of one node: a task is replaced by a healthy one, and drains."""
import contextlib
import http.client
import json
import subprocess

import engines
import images
import manifests
from harness import comm
from suite import case, equal, note, wait_for

REPLICAS = 2


class Swarm(engines.Docker):
    """A dockerd of its own: a swarm is for the whole daemon."""
    name = "swarm"

    def ask(self, *words):
        return engines.answer(*self.command(*words)).strip()

    def inspect_all(self):
        """Docker's description of every container, the ended ones too. One that is removed between the
        two commands is left out: Docker complains, and describes the others."""
        names = self.ask("ps", "--all", "--quiet").split()
        done = subprocess.run(self.command("inspect", "--type", "container", *names),
                              env=engines.environment(), stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=engines.LONG, check=False)
        return json.loads(done.stdout or "[]") if names else []

    def networks(self):
        return self.ask("network", "ls", "--format", "{{.Name}}").split()

    def take_down(self):
        """Step by step, until each is gone: a vxlan interface that is left is in the next one's way."""
        self.ask("stack", "rm", "example")
        wait_for(lambda: not self.inspect_all() and "example_default" not in self.networks(),
                 "the stack is gone", engines.LONG)
        self.ask("swarm", "leave", "--force")
        wait_for(lambda: "ingress" not in self.networks(), "the swarm is gone", engines.LONG)

    def running(self):
        return [c for c in self.inspect_all() if c["State"]["Running"]]

    def healthy(self):
        return [c for c in self.running() if c["State"]["Health"]["Status"] == "healthy"]

    def address(self, container):
        """Where this node reaches the container without the swarm's own load balancer."""
        bridge = json.loads(self.ask("network", "inspect", "docker_gwbridge"))[0]
        return bridge["Containers"][container["Id"]]["IPv4Address"].partition("/")[0]


def await_health(swarm):
    try:
        wait_for(lambda: len(swarm.healthy()) == REPLICAS, "all are healthy", engines.LONG)
    except AssertionError as error:
        told = swarm.ask("service", "ps", "--no-trunc", "example_web")
        raise AssertionError(f"{error}\n{told}") from None


@contextlib.contextmanager
def daemon():
    """A swarm without a service yet."""
    swarm = Swarm()
    try:
        swarm.start()
        image = manifests.example_image()
        swarm.load(image)
        swarm.ask("tag", image.name, "usher-example:0.1.0")
        swarm.ask("swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr",
                  "127.0.0.1:2377")
        yield swarm
    finally:
        swarm.stop()


@contextlib.contextmanager
def deployed():
    with images.lock("port-8080"), daemon() as swarm:   # the port is the file's
        try:
            swarm.ask("stack", "deploy", "--compose-file",
                      manifests.path("swarm", "stack.yaml"), "example")
            await_health(swarm)
            yield swarm
        finally:
            swarm.take_down()


def answer(address):
    """The status, or None when it is refused."""
    connection = http.client.HTTPConnection(address, 8080, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def ask_while(draining, address):
    """Asks until draining() ends, 50 times at most: how many were answered. A request that fails
    counts if it still drains after it."""
    answered = 0
    while answered < 50 and draining():
        status = answer(address)
        if status == 200:
            answered += 1
        else:
            assert not draining(), f"a task that drains answered {status}"
    return answered


@case("a task is replaced by a healthy one before it drains, and drains", only=("docker",),
      timeout=600.0)
def _(_engine):
    with deployed() as swarm:
        old = {c["Id"]: c for c in swarm.running()}
        addresses = {key: swarm.address(c) for key, c in old.items()}
        swarm.ask("service", "update", "--detach", "--force", "example_web")

        def draining():
            return [key for key, c in old.items() if comm(c["State"]["Pid"]) == "usher:draining"]
        key = wait_for(draining, "an old task drains", engines.LONG)[0]
        answered = ask_while(lambda: comm(old[key]["State"]["Pid"]) == "usher:draining",
                             addresses[key])
        note(f"{answered} answered while it drained")
        assert answered > 0, "nothing was answered while it drained"
        assert {c["Id"] for c in swarm.running()} - old.keys(), "no successor was started first"
        wait_for(lambda: all(c["State"]["ExitCode"] == 0 and not c["State"]["Running"]
                             for c in swarm.inspect_all() if c["Id"] in old),
                 "every old task ended with 0", engines.LONG)
        await_health(swarm)


@case("a task is as restricted as the file says", only=("docker",), timeout=600.0)
def _(_engine):
    with deployed() as swarm:
        for container in swarm.running():
            host = container["HostConfig"]
            equal((host["ReadonlyRootfs"], host["CapDrop"], host["PidsLimit"], host["Memory"]),
                  (True, ["ALL"], 16, 32 << 20), "the restrictions")
            with open(f"/proc/{container['State']['Pid']}/status", encoding="ascii") as file:
                status = dict(line.split(":\t", 1) for line in file)
            equal((int(status["CapEff"], 16), status["Uid"].split()[0]), (0, "65532"),
                  "capabilities and user")
