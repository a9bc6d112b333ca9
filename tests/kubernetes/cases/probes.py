# SPDX-License-Identifier: MIT
"""Startup, liveness and readiness by exec probes, and what a person reads of them in the events."""
import re

from lab import answers, case, container, equal, is_ready, liveness, note, probe, readiness, run, start, wait


def unset(described):
    """Without timeoutSeconds: Kubernetes has 1 s."""
    return {key: value for key, value in described.items() if key != "timeoutSeconds"}


def event(pattern, *args, act=None, **more):
    """The first event with the pattern, of a pod on which `act` is done when it is ready."""
    pod = run(container(*args, **more)) if act else start(container(*args, **more))
    if act:
        pod.get(act)
    return pod.wait_event(pattern)


@case("an event of a readiness probe begins with what is unhealthy")
def _():
    said = event("^Unhealthy: .*status 503", act="/set/status/503")
    equal(said, "Readiness probe failed: unhealthy :8080/healthz: status 503, want 200-399", "the event")


@case("an event of a pod that drains says so")
def _():
    pod = run(container(env={"USHER_PRE_STOP": "5s"}))
    pod.delete()
    equal(pod.wait_event("^Unhealthy: .*draining"), "Readiness probe failed: unhealthy ready: draining", "the event")


@case("an event of a program that does not answer says so, when timeoutSeconds is above usher's 3 s")
def _():
    said = event("^Unhealthy: .*timed out", act="/set/delay/60000")
    equal(said, "Readiness probe failed: unhealthy :8080/healthz: reply: timed out", "the event")


# A kubelet of 1.20 says nothing then, a newer one that the command timed out.
@case("with timeoutSeconds unset the event of a program that does not answer has no line of usher")
def _():
    # One of the time before the program listened has such a line.
    note(repr(event("^Unhealthy: Readiness (?!.*healthy)", act="/set/delay/60000", readinessProbe=unset(readiness()))))


@case("with timeoutSeconds unset the event has no line either of a check that had failed by then")
def _():
    described = {**unset(readiness()), "exec": {"command": ["/usher", "probe", ":9999/", ":8080/healthz"]}}
    pod = start(container(readinessProbe=described))
    wait(lambda: pod.now.get("status", {}).get("podIP") and answers(pod.address, "/"), "it serves")
    pod.get("/set/delay/60000")
    pod.wait_event(r"^Unhealthy: Readiness (?!.*healthy)")


@case("with timeoutSeconds unset, usher's own --timeout below it tells")
def _():
    command = ["/usher", "probe", "-t", "700ms", "ready:", ":8080/healthz"]
    described = {**unset(readiness()), "exec": {"command": command}}
    said = event("^Unhealthy: .*timed out", act="/set/delay/60000", readinessProbe=described)
    equal(said, "Readiness probe failed: unhealthy :8080/healthz: reply: timed out", "the event")


WRONG = {
    "nothing listens": (["/usher", "probe", ":9999/"],
                        "Readiness probe failed: unhealthy :9999/: connect: Connection refused"),
    "a misspelt option": (["/usher", "probe", "--tiemout", "1s", ":8080/"],
                          "Readiness probe failed: usher: unknown option '--tiemout'; did you mean --timeout?"),
    "a check of another pod": (["/usher", "probe", "tcp://198.18.1.1:443"], "allow-remote"),
    "TLS": (["/usher", "probe", "https://127.0.0.1:8443/"], "usher-tls"),
    "a variable that is not set": (["/usher", "probe", ":${PROT}/"], "PROT"),
    "a shell that is not there": (["/bin/sh", "-c", "/usher probe ready:"], "no such file or directory"),
}


@case("each wrong probe says in its event what is wrong with it")
def _():
    wrong = list(WRONG.values())
    for half in (wrong[::2], wrong[1::2]):
        pod = start(*(container(name=f"c{n}", env={"PORT": 9000 + n}, readinessProbe=probe_of(command))
                      for n, (command, _) in enumerate(half)), name=f"app{wrong.index(half[0])}")
        for _, want in half:
            pod.wait_event(f"(?s)^(Unhealthy|ProbeError|Failed): .*{re.escape(want)}")


def probe_of(command):
    """Seldom: the kubelet tells 25 events of a pod, then hardly any, and 3 of each container are of its start."""
    return {**probe(periodSeconds=10), "exec": {"command": command}}


@case("a startup probe holds the two others back, and is over when it passed")
def _():
    pod = run(container("--late", 4000, startupProbe=probe(":8080/healthz", failureThreshold=60),
                        livenessProbe=liveness()))
    equal(pod.restarts(), 0, "restarts")
    said = [message for reason, message in pod.events() if reason == "Unhealthy"]
    assert said and all(x.startswith("Startup probe failed: unhealthy :8080/healthz: connect: ") for x in said), said


@case("a program that never gets through its startup probe is restarted, and nobody takes it for ready")
def _():
    pod = start(container("--late", 600000, "--term", "default",
                          startupProbe=probe(":8080/healthz", failureThreshold=3)), seconds=5)
    ended = pod.wait_restarts()
    equal((ended["exitCode"], ended["reason"]), (143, "Error"), "how it ended")
    pod.wait_event(r"^Killing: Container app failed startup probe, will be restarted")
    assert not any(is_ready(item) for _, item, _ in pod.history), "it was ready"


@case("a liveness probe restarts a program that is unhealthy")
def _():
    pod = run(container(livenessProbe=liveness()))
    pod.get("/set/status/500")
    ended = pod.wait_restarts()
    equal((ended["exitCode"], ended["reason"]), (0, "Completed"), "how it ended")
    pod.wait_event(r"^Unhealthy: Liveness probe failed: unhealthy :8080/healthz: status 500, want 200-399$")
    pod.wait_event(r"^Killing: Container app failed liveness probe, will be restarted")
    wait(lambda: is_ready(pod.now), "it is ready again")


def restart_after(env):
    """Seconds from the first unhealthy answer to the end of the container, as the kubelet tells it."""
    pod = run(container("--term", "ignore", env={"USHER_GRACE": "2s", **env}, livenessProbe=liveness()))
    pod.follow()
    pod.get("/set/status/500")
    begin = pod.heard("received SIGTERM")
    equal(pod.wait_restarts()["exitCode"], 137, "the exit code")
    return pod.heard("killing what did not stop") - begin


@case("a pre-stop delays the restart of a program that is dead, by its length")
def _():
    short = restart_after({})
    note(f"from TERM to KILL without a pre-stop {short:.1f} s")
    assert 1.5 < short < 6, short


@case("with a pre-stop of 6 s the restart of a dead program comes 6 s later")
def _():
    long = restart_after({"USHER_PRE_STOP": "6s"})
    note(f"from TERM to KILL with a pre-stop of 6 s {long:.1f} s")
    assert 7.5 < long < 14, long
