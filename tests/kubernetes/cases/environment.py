# SPDX-License-Identifier: MIT
"""What Kubernetes puts into the environment."""
import harness
from lab import case, container, create, equal, probe, run


def started_with_links():
    """A pod that got the variables of the Service `usher`: the kubelet may hear of that a moment later."""
    for attempt in range(10):
        pod = run(container(env={"USHER_GRACE": "5s"}), name=f"app{attempt}", enableServiceLinks=True)
        pid, = pod.processes()["usher:running"]
        names = {entry.partition("=")[0] for entry in harness.read_proc(pid, "environ").split("\0")}
        if "USHER_SERVICE_HOST" in names:
            return pod, names
    raise AssertionError("no pod got the variables of the Service")


@case("the variables that Kubernetes makes of a Service called usher are no mistake of the user")
def _():
    create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "usher"},
            "spec": {"ports": [{"name": "http", "port": 8080}, {"name": "grace", "port": 99}]}})
    pod, names = started_with_links()
    assert "USHER_SERVICE_PORT_GRACE" in names, names
    assert "warning" not in pod.log(), pod.log()


@case("$(POD_IP) of the manifest and ${POD_IP} of usher mean the pod's address, which is no remote one")
def _():
    described = container(readinessProbe=probe("http://$(POD_IP):8080/", "http://${POD_IP}:8080/"))
    described["env"].append({"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}})
    pod = run(described)
    said = pod.exec("/usher", "probe", "http://${POD_IP}:8080/")
    equal((said[0], said[1].startswith(f"healthy http://{pod.address}:8080/ 200")), (0, True), f"the probe: {said}")
