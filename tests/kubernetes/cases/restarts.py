# SPDX-License-Identifier: MIT
"""What brings a container down and back: no memory, errors at its start, --heal."""
from lab import PLAIN, case, container, equal, is_ready, note, run, start, wait


@case("a program out of memory ends with 137, OOMKilled, and is restarted")
def _():
    pod = run(container(memory="32Mi"))
    pod.get("/eat")
    ended = pod.wait_restarts()
    equal((ended["exitCode"], ended["reason"]), (137, "OOMKilled"), "how it ended")
    before = wait(lambda: pod.log(previous=True), "the log of the one that ended")
    assert "killing" not in before, before
    wait(lambda: is_ready(pod.now), "it is ready again")
    equal(pod.restarts(), 1, "restarts")


FAILING = {
    "c125": ({"env": {"USHER_GRACE": "soon"}}, 125,
             "usher: USHER_GRACE: not a duration 'soon'; accepted: 250ms, 5s, 1m30s, 2h, 1d, 0.5 (seconds), inf\n"),
    "c126": ({"args": ["/text"]}, 126, "usher: exec /text: Permission denied\n"),
    "c127": ({"args": ["/servce"]}, 127, "usher: exec /servce: No such file or directory\n"),
}


@case("125, 126 and 127 tell why in the container's state, with FallbackToLogsOnError")
def _():
    pod = start(*(container(name=name, image=PLAIN, readinessProbe=None,
                            terminationMessagePolicy="FallbackToLogsOnError", **more)
                  for name, (more, _, _) in FAILING.items()), restartPolicy="Never")
    for name, (_, code, line) in FAILING.items():
        ended = wait(lambda n=name: pod.status(n).get("state", {}).get("terminated"), f"the end of {name}")
        equal((ended["exitCode"], ended["reason"], ended.get("message")), (code, "Error", line), name)


@case("a program that cannot be started gets into CrashLoopBackOff")
def _():
    pod = start(container(image=PLAIN, args=["/servce"], readinessProbe=None))
    equal(pod.wait_restarts(2)["exitCode"], 127, "the exit code")
    pod.when(lambda item: "CrashLoopBackOff" in str(item.get("status")), "CrashLoopBackOff")
    pod.wait_event("^BackOff: Back-off restarting failed container")


@case("--heal ends an unhealthy program with 69, and the kubelet restarts it")
def _():
    pod = run(container(env={"USHER_HEAL": ":8080/healthz", "USHER_HEAL_INTERVAL": "1s", "USHER_GRACE": "5s"},
                        terminationMessagePolicy="FallbackToLogsOnError"))
    # The watcher acts on what has been healthy once.
    wait(lambda: '"health":"healthy"' in pod.exec("/usher", "status", "--json")[1], "its first healthy round")
    pod.get("/set/status/500")
    ended = pod.wait_restarts()
    equal((ended["exitCode"], ended["reason"]), (69, "Error"), "how it ended")
    note(next(line for line in ended["message"].splitlines() if "status 500" in line))
    wait(lambda: is_ready(pod.now), "it is ready again")
