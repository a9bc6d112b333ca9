# SPDX-License-Identifier: MIT
"""What a newer Kubernetes has."""
import api
import lab
from lab import case, container, create, documents, equal, need_version, probe, run


@case("a native sidecar under usher ends after the program, and drains")
def _():
    need_version(1, 29, "native sidecars")
    side = container(name="side", env={"PORT": 8081}, restartPolicy="Always", ports=None,
                     readinessProbe=probe("ready:", ":8081/healthz"))
    pod = run(container(env={"USHER_PRE_STOP": "4s"}), initContainers=[side])
    pod.delete()
    (program, code), (sidecar, side_code) = pod.end(), pod.end("side")
    equal((code, side_code), (0, 0), "the exit codes")
    assert sidecar > program, "the sidecar ended first"


@case("a namespace that enforces the restricted standard takes the manifests of examples/kubernetes")
def _():
    need_version(1, 25, "Pod Security admission")
    api.call("PATCH", f"/api/v1/namespaces/{lab.NAMESPACE}",
             {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}}, api.MERGE)
    for name in ("pre-stop.yaml", "hook.yaml", "shared-pid.yaml"):
        spec = documents("kubernetes", name)[0]["spec"]["template"]["spec"]
        create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name.partition(".")[0]}, "spec": spec})
    try:
        lab.start(container(securityContext=None), name="unrestricted")
    except api.Refused as refused:
        equal(refused.status, 403, str(refused))
    else:
        raise AssertionError("a pod without the restrictions is taken")


@case("the kubelet's own sleep hook and usher's pre-stop add up")
def _():
    need_version(1, 30, "the sleep hook")
    pod = run(container(lifecycle={"preStop": {"sleep": {"seconds": 3}}}, env={"USHER_PRE_STOP": "3s"}))
    began = pod.delete()
    when, code = pod.end()
    equal(code, 0, "the exit code")
    assert 5.9 < when - began < 20, when - began


@case("usher runs from an image volume")
def _():
    need_version(1, 35, "image volumes")
    pod = run(container(image=lab.PLAIN, command=["/shared/usher", "--", "/app"],
                        readinessProbe={**probe(), "exec": {"command": ["/shared/usher", "probe", "ready:"]}},
                        volumeMounts=[{"name": "usher", "mountPath": "/shared", "readOnly": True}]),
              volumes=[{"name": "usher", "image": {"reference": "usher:0.1.0"}}])
    equal(pod.exec("/shared/usher", "status"), (0, "running\n"), "its state")
