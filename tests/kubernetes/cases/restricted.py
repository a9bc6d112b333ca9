# SPDX-License-Identifier: MIT
"""What a pod may not do and not have, it does not need."""
import time

import harness
from lab import case, container, equal, is_ready, liveness, note, probe, run, wait


@case("usher and its program run without root, capabilities, new privileges and a writable root, under seccomp")
def _():
    pod = run(container(startupProbe=probe(":8080/healthz", failureThreshold=30), livenessProbe=liveness()))
    processes = pod.processes()
    for comm in ("usher:running", "moody"):
        pid, = processes[comm]
        status = harness.proc_status(pid)
        none = "0" * 16
        equal({key: status[key] for key in ("Uid", "Gid", "CapPrm", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp")},
              {"Uid": "\t".join(["65532"] * 4), "Gid": "\t".join(["65532"] * 4), "CapPrm": none, "CapEff": none,
               "CapBnd": none, "NoNewPrivs": "1", "Seccomp": "2"}, comm)
        root = next(line.split() for line in harness.read_proc(pid, "mountinfo").splitlines() if line.split()[4] == "/")
        assert "ro" in root[5].split(","), root
    equal(pod.restarts(), 0, "restarts")


def probed_for(seconds, **limits):
    """A pod with these limits that was probed each second for that time."""
    resources = {"requests": {"cpu": "10m", "memory": "4Mi"}, "limits": limits}
    pod = run(container(resources=resources, readinessProbe=probe("ready:", ":8080/healthz", failureThreshold=2),
                        livenessProbe=liveness()))
    ready = pod.when(lambda item: True, "it is there")
    wait(lambda: time.monotonic() - ready > seconds, "the time is over")
    return pod


@case("8 MiB of memory are enough to run and to be probed each second")
def _():
    pod = probed_for(15, memory="8Mi")
    equal(([e for e in pod.events() if e[0] == "Unhealthy"], pod.restarts()), ([], 0), "failed probes, restarts")


@case("a hundredth of a CPU is enough to be probed")
def _():
    pod = probed_for(20, cpu="10m", memory="32Mi")
    equal(pod.restarts(), 0, "restarts")
    wait(lambda: is_ready(pod.now), "it is ready")
    note(f"{sum(e[0] == 'Unhealthy' for e in pod.events())} kinds of failed probes in 20 s")
