# SPDX-License-Identifier: MIT
"""The manifests of examples/kubernetes, exactly as they stand."""
import api
import lab
from lab import Deployment, Pod, case, create, documents, endpoints, equal, exists, is_deleted, note, wait


def evict(name):
    """As `kubectl drain` does."""
    version = lab.budget_version()
    api.call("POST", f"{api.path_of('v1', 'Pod', lab.NAMESPACE, name)}/eviction",
             {"apiVersion": version, "kind": "Eviction", "metadata": {"name": name, "namespace": lab.NAMESPACE}})


def check_budget(names):
    """One of two pods may go; then the other has to wait."""
    def allowed():
        return exists(lab.budget_version(), "PodDisruptionBudget", "web").get("status", {}).get("disruptionsAllowed")
    wait(lambda: allowed() == 1, "the budget allows one")
    evict(names[0])
    try:
        evict(names[1])
    except api.Refused as refused:
        equal(refused.status, 429, f"the second eviction: {refused}")
    else:
        raise AssertionError("both pods could be evicted at once")


def check(name, state):
    """`state`: what usher says of itself while the pod drains."""
    create(*documents("kubernetes", "service.yaml"))
    web = Deployment(documents("kubernetes", name)[0])
    wait(lambda: endpoints("web") == {Pod(x).address for x in web.ready()}, "both are endpoints")
    first = web.ready()
    pod = Pod(first[0])
    names = [described["name"] for described in pod.now["spec"]["containers"]]
    for one in names:
        equal(pod.exec("/usher", "status", name=one), (0, "running\n"), f"the state of {one}")
    check_budget(first)
    asked = pod.when(is_deleted, "its end was asked for")
    wait(lambda: pod.address not in endpoints("web"), "it is no endpoint any more")
    equal(pod.exec("/usher", "status", name="web"), (0, f"{state}\n"), "the state while it drains")
    equal(pod.get("/"), 200, "a request while it drains")
    ends = [pod.end(one) for one in names]
    equal([code for _, code in ends], [0] * len(names), "the exit codes")
    seconds = max(when for when, _ in ends) - asked
    note(f"ended {seconds:.1f} s after its end was asked for")
    assert 9 < seconds < 25, f"{seconds} s"
    pod.wait_gone()
    wait(lambda: len(web.ready()) == 2, "two are ready again")
    old = web.restart()
    assert not any(Pod(x).restarts(one) for x in old for one in names), "a container was restarted"
    equal(len(endpoints("web")), 2, "endpoints after the rolling restart")


@case("pre-stop.yaml as it stands: ready, drained, evicted one at a time, rolled", timeout=400)
def _():
    check("pre-stop.yaml", "draining")


@case("hook.yaml as it stands: ready, drained, evicted one at a time, rolled", timeout=400)
def _():
    check("hook.yaml", "running")


@case("shared-pid.yaml as it stands: ready, drained, evicted one at a time, rolled", timeout=400)
def _():
    check("shared-pid.yaml", "draining")
