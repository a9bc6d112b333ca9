# SPDX-License-Identifier: MIT
"""What endpoints see of `ready:`."""
import time

from lab import case, container, create, endpoints, equal, hook, is_deleted, is_ready, note, readiness, run, wait


def service():
    create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "app"}, "ports": [{"port": 80, "targetPort": 8080}]}})


def is_unready(item):
    return not is_ready(item)


@case("a pod that drains leaves the endpoints and is not Ready within seconds, while it still serves")
def _():
    service()
    pod = run(container(env={"USHER_PRE_STOP": "20s"}))
    wait(lambda: endpoints("web") == {pod.address}, "it is an endpoint")
    began = pod.delete()
    wait(lambda: not endpoints("web"), "it is no endpoint")
    out = time.monotonic() - began
    unready = pod.when(is_unready, "Ready is false", began) - began
    equal(pod.get("/work"), 200, "a request after that")
    note(f"out of the endpoints after {out:.1f} s, Ready false after {unready:.1f} s: period 1 s, threshold 1")
    assert unready < 18, unready   # of a pre-stop of 20 s


@case("a failureThreshold of 3 makes that later, by two periods")
def _():
    pod = run(container(env={"USHER_PRE_STOP": "20s"}, readinessProbe=readiness(periodSeconds=3, failureThreshold=3)))
    began = pod.delete()
    unready = pod.when(is_unready, "Ready is false", began) - began
    note(f"{unready:.1f} s: a period of 3 s, a threshold of 3")
    assert unready > 6, f"{unready}: that many failures in a row take longer"
    equal(pod.get("/work"), 200, "a request after that")


@case("a Service without a pod that is Ready has no endpoint; it gets one back when ready: passes again")
def _():
    service()
    pod = run(container())
    wait(lambda: endpoints("web") == {pod.address}, "it is an endpoint")
    pod.get("/set/status/503")
    wait(lambda: not endpoints("web"), "it is none")
    equal(pod.get("/work"), 200, "it serves all the same")
    pod.get("/set/status/200")
    wait(lambda: endpoints("web") == {pod.address}, "it is one again")
    equal(pod.restarts(), 0, "restarts")


@case("while a preStop hook runs, ready: passes: nobody has told usher yet")
def _():
    pod = run(container(lifecycle=hook(8)))
    began = pod.delete()
    pod.when(is_deleted, "its end was asked for", began)
    status, said = pod.exec("/usher", "probe", "ready:")
    equal((status, said), (0, "healthy ready: running\n"), "ready: in the hook")
    pod.wait_gone()
    ready_until = pod.when(is_unready, "Ready is false", began)
    assert ready_until - began >= 7, f"Ready was false {ready_until - began} s after the end was asked for"
