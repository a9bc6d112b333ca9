# SPDX-License-Identifier: MIT
"""The options that a careful operator gives: usher needs none of what they take away."""
import glob
import re

import harness
from suite import (NONROOT, answers, case, equal, free_port, image, need, wait_for,
                   wait_until_served)

MEMORY = 8 << 20


def limit_of(pid, version1, version2):
    """The value of a limit of the process's cgroup."""
    for line in (harness.read_proc(pid, "cgroup") or "").splitlines():
        _, controllers, path = line.split(":", 2)
        name = version1 if controllers else version2
        folder = f"/sys/fs/cgroup/{controllers}".rstrip("/")
        for file in glob.glob(f"{folder}{path}/{name}"):
            with open(file, encoding="ascii") as text:
                return int(text.read())
    return None


def probed(container, port):
    wait_until_served(port)
    equal(container.probe("ready:", f":{port}/healthz"), 0, "healthy")
    container.kill(15)
    wait_for(lambda: container.probe("ready:") == 1, "not ready while it drains", 30)
    equal(container.probe(f":{port}/healthz"), 0, "it serves while it drains")
    container.kill(15)
    equal(container.wait(), 0, "the exit code")


def hardened(engine, port, **limits):
    return engine.run(image(User=NONROOT), "/usher", "--pre-stop", "1h", "--", "/service",
                      env={"PORT": port}, network="host", read_only=True, drop_capabilities=True,
                      no_new_privileges=True, **limits)


@case("it serves, drains and is probed read-only, without capabilities and as uid 65532")
def _(engine):
    port = free_port()
    with hardened(engine, port) as container:
        probed(container, port)


@case("the same with seccomp, in 4 processes and 8 MiB of memory", needs={"limits"})
def _(engine):
    need(engine.has_seccomp(), "there is no seccomp profile for a bundle")
    port = free_port()
    with hardened(engine, port, pids_limit=4, memory=MEMORY) as container:
        wait_until_served(port)   # by then the runtime has applied everything
        seen = harness.proc_status(container.pid)
        equal(seen["Uid"].split(), ["65532"] * 4, "Uid")
        equal({seen[x] for x in ("CapPrm", "CapEff", "CapBnd", "CapAmb")}, {"0" * 16},
              "capabilities")
        equal((seen["NoNewPrivs"], seen["Seccomp"]), ("1", "2"), "no_new_privs and seccomp")
        equal(limit_of(container.pid, "pids.max", "pids.max"), 4, "the limit of processes")
        equal(limit_of(container.pid, "memory.limit_in_bytes", "memory.max"), MEMORY,
              "the limit of memory")
        wait_for(lambda: container.state() == "running", "it says that the program runs", 30)
        container.kill(15)
        wait_for(lambda: container.state() == "draining", "it drains", 30)
        assert answers(port), "it does not serve while it drains"
        container.kill(15)
        equal(container.wait(), 0, "the exit code")


# `runc exec` itself needs more than the two threads that are left of 4, and aborts.
@case("exec probes fit into 8 MiB, and into as many processes as the engine needs for an exec",
      needs={"limits"})
def _(engine):
    port = free_port()
    with hardened(engine, port, pids_limit=4 if engine.name == "crun" else 32,
                  memory=MEMORY) as container:
        probed(container, port)


@case("a program that forks to the limit of processes is told so, and reaped", needs={"limits"})
def _(engine):
    with engine.run(image(), "/usher", "--", "/witness", "forks", "100",
                    pids_limit=20) as container:
        equal(container.wait(), 0, "the exit code")
        made, error = map(int, re.search(r"forks (\d+) errno (\d+)", container.logs()).groups())
        assert made < 20 and error == 11, container.logs()


@case("a file system that cannot be written to is one, and else it can be")
def _(engine):
    for read_only, want, said in ((True, 98, "Read-only file system"), (False, 7, "")):
        with engine.run(image(), "/usher", "--", "/onlooker", "/new", "exit:7",
                        read_only=read_only) as container:
            equal(container.wait(), want, f"the exit code, read-only: {read_only}")
            assert said in container.logs(), container.logs()
