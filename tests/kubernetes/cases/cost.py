# SPDX-License-Identifier: MIT
"""What exec probes cost, and what they leave. Measured alone; no time here is a pass or a failure."""
import os
import time

import harness
import isolation
import lab
from lab import case, container, note, probe, start, wait

PODS = 8
SECONDS = 16


def cpu_seconds():
    """Of all that runs in the sandbox."""
    with open_first(f"{isolation.CGROUPS}/cpuacct/cpuacct.usage", f"{isolation.CGROUPS}/cpu,cpuacct/cpuacct.usage",
                    f"{isolation.CGROUPS}/cpu.stat") as file:
        text = file.read()
    return int(text) / 1e9 if text.strip().isdigit() else int(text.split()[1]) / 1e6


def open_first(*paths):
    return open(next(path for path in paths if os.path.exists(path)), encoding="ascii")


def execs(ids):
    with open(lab.CLUSTER.log_of_runtime(), encoding="utf-8") as file:
        return sum("/tasks/exec-started" in line and any(x in line for x in ids) for line in file)


def measure(name, readiness):
    """(CPU seconds, probes) of pods that are probed in this way; none of their processes may be a zombie."""
    started = [start(container("--orphans", 5, env={"USHER_VERBOSE": 0}, readinessProbe=readiness), name=f"{name}{n}")
               for n in range(PODS)]
    ids = [pod.wait_ready().container_id() for pod in started]
    begin = time.monotonic()
    wait(lambda: time.monotonic() - begin > 3, "the start is over")
    before, cpu, begin = execs(ids), cpu_seconds(), time.monotonic()
    wait(lambda: time.monotonic() - begin > SECONDS, "the time is over")
    cpu, count = cpu_seconds() - cpu, execs(ids) - before
    # A zombie may have left its cgroup already; its parent is still there.
    alive = {pid for pod in started for pid in pod.pids()}
    zombies = [harness.comm(pid) for pid in harness.processes()
               if harness.proc_state(pid) == "Z" and harness.parent_of(pid) in alive]
    assert not zombies, f"after {count} probes: {zombies}"
    for pod in started:
        pod.delete(0)
    wait(lambda: not any(pod.pids() for pod in started), "their processes are gone")
    return cpu, count


@case("a hundred exec probes leave no zombie", alone=True)
def _():
    idle, _ = measure("http", {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1})
    cpu, count = measure("exec", probe("ready:", ":8080/healthz"))
    assert count >= 100, f"{count} probes in {SECONDS} s"
    note(f"an exec probe takes {1000 * (cpu - idle) / count:.0f} ms of CPU more than httpGet, kubelet and runtime "
         f"included; {count} of them")
