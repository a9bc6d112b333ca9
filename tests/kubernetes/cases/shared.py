# SPDX-License-Identifier: MIT
"""Two containers in one process namespace: each has an usher of its own."""
import os
import signal
import time

import harness
from lab import case, container, equal, is_ready, probe, run, status_of, wait


def two(**env):
    def one(name, port):
        check = f":{port}/healthz"
        return container("--orphans", 2, name=name, env={"PORT": port, "USHER_GRACE": "5s", **env},
                         readinessProbe=probe("ready:", check), ports=[{"containerPort": port}],
                         livenessProbe=probe("live:", check, failureThreshold=3))
    return run(one("web", 8080), one("side", 8081), shareProcessNamespace=True)


def of_container(pod, name):
    """{comm: pid} of the usher and the program of one container; probes come and go."""
    container_id = pod.container_id(name)
    return {comm: pid for comm, pids in pod.processes().items() if comm == "moody" or comm.startswith("usher:")
            for pid in pids if container_id in (harness.read_proc(pid, "cgroup") or "")}


@case("in a shared process namespace one container restarts, and the other is untouched")
def _():
    pod = two()
    web = of_container(pod, "web")
    equal(sorted(web), ["moody", "usher:running"], "the processes of web")
    pod.get("/end/4", port=8081)
    equal(pod.wait_restarts(name="side")["exitCode"], 4, "how side ended")
    wait(lambda: is_ready(pod.now), "both are ready again")
    equal(of_container(pod, "web"), web, "the processes of web after that")
    equal(pod.restarts("web"), 0, "restarts of web")


@case("in a shared process namespace each probe asks its own usher, and a drain is of one container alone")
def _():
    pod = two(USHER_PRE_STOP="8s")
    web = of_container(pod, "web")
    began = time.monotonic()
    os.kill(of_container(pod, "side")["usher:running"], signal.SIGTERM)
    wait(lambda: "usher:draining" in of_container(pod, "side"), "side drains")
    status, said = pod.exec("/usher", "probe", "ready:", name="side")
    equal((status, said.splitlines()[0]), (1, "unhealthy ready: draining"), "side's probe")
    equal(pod.exec("/usher", "probe", "ready:", name="web"), (0, "healthy ready: running\n"), "web's probe")
    unready = pod.when(lambda item: not is_ready(item), "the pod is not ready", began)
    told = next(item for when, item, _ in pod.history if when == unready)
    equal([status_of(told, name)["ready"] for name in ("web", "side")], [True, False], "which of them is ready")
    equal(pod.wait_restarts(name="side")["exitCode"], 0, "how side ended")
    wait(lambda: is_ready(pod.now), "both are ready again")
    equal((of_container(pod, "web"), pod.restarts("web")), (web, 0), "web after that")
