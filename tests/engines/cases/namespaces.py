# SPDX-License-Identifier: MIT
"""PID namespaces that are shared, the host's, and a user namespace."""
import subprocess

import harness
from suite import NONROOT, case, equal, image, need_user_namespaces, wait_for

CATCHER = ("/witness", "catch", "--exit", "15:0")


@case("two containers in one PID namespace drain and end apart", needs={"shared-pid"})
def _(engine):
    def usher(**options):
        return engine.run(image(), "/usher", "--pre-stop", "1h", "--", *CATCHER, **options)
    with usher() as first, usher(pid=first) as second:
        wait_for(lambda: first.state() == second.state() == "running", "both run", 30)
        equal((first.probe("ready:"), second.probe("ready:")), (0, 0), "both are ready")
        second.kill(15)
        wait_for(lambda: second.state() == "draining", "the second drains", 30)
        equal((first.probe("ready:"), second.probe("ready:")), (0, 1), "only the first is ready")
        second.kill(15)
        equal(second.wait(), 0, "the exit code of the second")
        equal(first.probe("ready:"), 0, "the first is still ready")
        first.kill(15)
        wait_for(lambda: first.state() == "draining", "the first drains", 30)
        first.kill(15)
        equal(first.wait(), 0, "the exit code of the first")


@case("in a shared PID namespace usher reaps its own orphans", needs={"shared-pid"})
def _(engine):
    with engine.run(image(), "/witness", "forever") as first, \
            engine.run(image(), "/usher", "--", "/witness", "orphans", "50", pid=first) as second:
        second.wait_log("spawned 50")
        wait_for(lambda: len(harness.children(second.pid)) == 1, "usher's only child is witness",
                 30)
        equal([p for p in harness.children(first.pid)
               if harness.comm(p) == "witness"], [], "what PID 1 had to adopt")
        second.kill(15)
        equal(second.wait(), 0, "the exit code")


@case("in the host's PID namespace only what is its own is killed", needs={"host-pid"})
def _(engine):
    bystander = subprocess.Popen([harness.tool("witness"), "forever"],
                                 stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        with engine.run(image(), "/usher", "-v", "--grace", "500ms", "--", "/witness", "catch",
                        "--member", "setsid,ignore", "--member", "setsid,orphan,ignore",
                        pid="host") as container:
            container.wait_log("ready")
            wait_for(lambda: container.logs().count(" pid ") >= 2, "both members told their pid")
            own = [container.pid, *harness.descendants(container.pid)]
            equal(len(own), 4, "usher, witness and two members")
            container.stop(100)
            equal(container.wait(), 137, "the exit code")
            container.wait_log("killing what did not stop")   # usher did, not the engine
            wait_for(lambda: not any(map(harness.alive, own)), "all its processes are gone", 30)
            assert harness.alive(bystander.pid), "a process of the host was killed"
    finally:
        bystander.kill()
        bystander.wait()


@case("in a user namespace it is probed, drains and kills what hangs", needs={"user-namespace"})
def _(engine):
    need_user_namespaces()
    with engine.run(image(), "/usher", "-v", "--pre-stop", "1h", "--grace", "500ms", "--",
                    "/witness", "catch", user_namespace=True) as container:
        container.wait_log("ready")
        equal(harness.proc_status(container.pid)["Uid"].split()[0], "100000", "root's uid outside")
        equal(container.exec("/usher", "probe", "ready:", user=NONROOT)[0], 0, "for another user")
        container.kill(15)
        wait_for(lambda: container.state() == "draining", "it drains", 30)
        equal(container.probe("ready:"), 1, "ready, while it drains")
        container.kill(15)
        equal(container.wait(), 137, "the exit code")
        container.wait_log("(witness)")
