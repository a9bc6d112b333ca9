# SPDX-License-Identifier: MIT
"""What the cases are written with.

A case is a function under @case("a sentence that must hold"). It has a namespace of its own, in which all pods are
watched; those that count requests run alone, the others side by side.
"""
import contextlib
import http.client
import os
import re
import threading
import time

import api
import harness
import isolation
from harness import equal, need  # noqa: F401, what cases import from here

LONG = 120.0
TOP = isolation.TOP
NOTES = []          # what a test has to tell although it passed
CLUSTER = None      # of cluster.py
NAMESPACE = ""      # of this test
WATCH = None        # of its pods
MOODY, EXAMPLE, PLAIN = "localhost/moody:test", "usher-example:0.1.0", "example/app:1.0"
USER = {"runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}}
RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def case(title, *, alone=False, timeout=240.0):
    return harness.test(title, group="alone" if alone else "together", timeout=timeout)


def note(text):
    NOTES.append(text)


def need_version(major, minor, what):
    need(CLUSTER.version >= (major, minor),
         f"{what}: from Kubernetes {major}.{minor} on, this is {'.'.join(map(str, CLUSTER.version))}")


def wait(condition, what, deadline=LONG):
    """As harness.wait_for(), but seldom enough for a condition that asks the API or looks through a history."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {deadline} s: {what}"
        time.sleep(0.05)


@contextlib.contextmanager
def namespace():
    """One for this test; all that is in it when the test ends goes."""
    global NAMESPACE, WATCH
    NAMESPACE = f"t{os.getpid()}"
    api.call("POST", "/api/v1/namespaces", {"metadata": {"name": NAMESPACE}})
    if CLUSTER.has_accounts:
        wait(lambda: exists("v1", "ServiceAccount", "default"), "the namespace's service account")
    pods = api.path_of("v1", "Pod", NAMESPACE)
    try:
        with api.Watch(pods) as WATCH:
            yield
    except BaseException:
        tell_all()
        raise
    finally:
        # First the namespace: in one that ends no controller makes pods anew.
        api.call("DELETE", f"/api/v1/namespaces/{NAMESPACE}")
        api.call("DELETE", pods, {"gracePeriodSeconds": 0})


def tell_all():
    """What a person would look at when a test has failed."""
    with contextlib.suppress(Exception):
        for pod in {item["metadata"]["name"]: Pod(item["metadata"]["name"]) for _, item, _ in WATCH.seen}.values():
            print(f"--- {NAMESPACE}/{pod.name}", *(f"  {event}" for event in pod.events()), sep="\n")
            for status in pod.now.get("status", {}).get("containerStatuses", []):
                print(f"  {status['name']}: {status['state']} {status['lastState']}\n"
                      f"  log: {pod.log(status['name'])[-1500:]}", flush=True)


def exists(version, kind, name):
    try:
        return api.call("GET", api.path_of(version, kind, NAMESPACE, name))
    except api.Refused as refused:
        if refused.status != 404:
            raise
        return None


# --- pods ---------------------------------------------------------------------------------------------

def probe(*checks, **more):
    """An exec probe of usher, each second, in place of the kubelet's 10 s."""
    return {"exec": {"command": ["/usher", "probe", *checks]}, "periodSeconds": 1, "timeoutSeconds": 5,
            "failureThreshold": 1, **more}


def readiness(**more):
    return probe("ready:", ":8080/healthz", **more)


def liveness(**more):
    return probe("live:", ":8080/healthz", failureThreshold=3, **more)


def container(*args, env=None, memory="64Mi", **more):
    """One of moody, with these options of its own; `more` as in the manifest, None for what shall not be there. It
    has a readiness probe."""
    described = {"name": "app", "image": MOODY, "securityContext": RESTRICTED,
                 "ports": [{"name": "http", "containerPort": 8080}],
                 "env": variables({"USHER_VERBOSE": 1, **(env or {})}), "readinessProbe": readiness(),
                 "resources": {"requests": {"cpu": "10m", "memory": "4Mi"}, "limits": {"memory": memory}},
                 **({"args": ["/moody", *map(str, args)]} if args else {}), **more}
    return {key: value for key, value in described.items() if value is not None}


def variables(env):
    return [{"name": name, "value": str(value)} for name, value in env.items()]


def hook(seconds):
    return {"preStop": {"exec": {"command": ["/usher", "sleep", str(seconds)]}}}


def pod_spec(*containers, seconds=30, **more):
    return {"terminationGracePeriodSeconds": seconds, "automountServiceAccountToken": False,
            "enableServiceLinks": False, "securityContext": USER, "containers": list(containers), **more}


def start(*containers, name="app", seconds=30, **more):
    """Creates a pod and returns it; it may not be ready."""
    api.create(NAMESPACE, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}},
                           "spec": pod_spec(*containers, seconds=seconds, **more)})
    return Pod(name)


def run(*containers, **more):
    """The same, and waits until it is ready."""
    return start(*containers, **more).wait_ready()


class Pod:
    """A pod, as the watch has told of it; all times are those at which it told."""

    def __init__(self, name):
        self.name = name
        self.followed = {}

    @property
    def history(self):
        return [entry for entry in WATCH.seen if entry[1]["metadata"]["name"] == self.name]

    @property
    def now(self):
        """The last that was told; {} before the first."""
        return (self.history or [(0, {}, False)])[-1][1]

    @property
    def address(self):
        return self.now["status"]["podIP"]

    @property
    def uid(self):
        return self.now["metadata"]["uid"]

    def status(self, name="app"):
        """What the kubelet says of a container; {} before it says anything."""
        return status_of(self.now, name)

    def restarts(self, name="app"):
        return self.status(name).get("restartCount", 0)

    def ended(self, name="app"):
        """How the container that ran before the present one ended; {} when there was none."""
        return self.status(name).get("lastState", {}).get("terminated", {})

    def wait_ready(self, deadline=LONG):
        wait(lambda: is_ready(self.now), f"{self.name} is ready", deadline)
        return self

    def wait_restarts(self, count=1, name="app", deadline=LONG):
        wait(lambda: self.restarts(name) >= count and self.ended(name), f"{name} is restarted {count} times", deadline)
        return self.ended(name)

    def when(self, holds, what, after=0.0):
        """When the watch first told an object of which holds(object) is true."""
        def found():
            return next((when for when, item, _ in self.history if when >= after and holds(item)), None)
        return wait(found, what)

    def events(self):
        """[(reason, message)], in the order of their beginning."""
        path = f"{api.path_of('v1', 'Event', NAMESPACE)}?fieldSelector=involvedObject.name={self.name}"
        items = api.call("GET", path)["items"]
        items.sort(key=lambda item: (item.get("firstTimestamp") or item.get("eventTime") or "",
                                     int(item["metadata"]["resourceVersion"])))
        return [(item["reason"], item["message"].rstrip("\n")) for item in items]

    def wait_event(self, pattern, deadline=LONG):
        """The message of the first event in whose `REASON: MESSAGE` the pattern is found."""
        def found():
            return next((message for reason, message in self.events() if re.search(pattern, f"{reason}: {message}")),
                        None)
        return wait(found, f"an event {pattern!r}; there are {self.events()}", deadline)

    def log(self, name="app", previous=False):
        """"" before the container starts."""
        query = f"container={name}" + ("&previous=true" if previous else "")
        try:
            text = api.ask("GET", f"{api.path_of('v1', 'Pod', NAMESPACE, self.name)}/log?{query}")
        except api.Refused as refused:
            if refused.status not in (400, 404):   # the kubelet has not heard of it yet
                raise
            return ""
        return text.decode(errors="replace")

    def follow(self, name="app"):
        """Reads the container's log from now on, for it is gone with the pod: `self.said(name)`."""
        lines = self.followed.setdefault(name, [])
        path = f"{api.path_of('v1', 'Pod', NAMESPACE, self.name)}/log?container={name}&follow=true"

        def read():
            with contextlib.suppress(OSError, http.client.HTTPException):
                for line in api.stream(path):
                    lines.append((time.monotonic(), line.decode(errors="replace").rstrip("\n")))
        threading.Thread(target=read, daemon=True).start()
        wait(lambda: lines, f"a line in the log of {name}")

    def said(self, name="app"):
        return "\n".join(line for _, line in self.followed[name])

    def heard(self, pattern, name="app"):
        """When a line with this pattern came, in a log that is followed."""
        def found():
            return next((when for when, line in self.followed[name] if re.search(pattern, line)), None)
        return wait(found, f"a line {pattern!r} in the log: {self.said(name)}")

    def get(self, path, port=8080):
        return get(self.address, path, port)

    def exec(self, *words, name="app"):
        """kubectl exec: (status, output)."""
        return CLUSTER.kubectl("exec", "--namespace", NAMESPACE, self.name, "--container", name, "--", *words)

    def delete(self, seconds=None):
        """Asks for its end, and does not wait; when that was."""
        began = time.monotonic()
        api.call("DELETE", api.path_of("v1", "Pod", NAMESPACE, self.name),
                 {} if seconds is None else {"gracePeriodSeconds": seconds})
        return began

    def wait_gone(self, deadline=LONG):
        """When it was gone."""
        wait(lambda: self.history[-1][2], f"{self.name} is gone", deadline)
        return self.history[-1][0]

    def container_id(self, name="app"):
        """Of the one that was told of last."""
        def found():
            told = (status_of(item, name).get("containerID") for _, item, _ in reversed(self.history))
            return next(filter(None, told), None)
        return wait(found, f"the id of {name}").rpartition("/")[2]

    def end(self, name="app"):
        """(when, exit status) of the container that ran last, by the runtime."""
        container = self.container_id(name)
        return wait(lambda: CLUSTER.exits(container)[0], f"the end of {name}")[-1]

    def pids(self):
        """Of its processes on the node."""
        return [pid for pid in harness.processes() if self.uid in (harness.read_proc(pid, "cgroup") or "")]

    def processes(self):
        """{comm: pids} of those that live."""
        found = {}
        for pid in filter(harness.alive, self.pids()):
            found.setdefault(harness.comm(pid), []).append(pid)
        return found


def status_of(item, name="app"):
    status = item.get("status", {})
    return next((entry for kind in ("containerStatuses", "initContainerStatuses") for entry in status.get(kind, [])
                 if entry["name"] == name), {})


def is_ready(item):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in item.get("status", {}).get("conditions", []))


def is_deleted(item):
    return "deletionTimestamp" in item["metadata"]


def pods():
    """The names of those that are there, by the watch."""
    last = {item["metadata"]["name"]: deleted for _, item, deleted in list(WATCH.seen)}
    return [name for name, deleted in last.items() if not deleted]


def get(address, path, port=8080):
    """The status of one request."""
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()


def answers(address, path, port=8080):
    try:
        return get(address, path, port) == 200
    except (OSError, http.client.HTTPException):
        return False


# --- Deployments --------------------------------------------------------------------------------------

def documents(*parts):
    """Of a file below examples/."""
    import yaml
    with open(os.path.join(TOP, "examples", *parts), encoding="utf-8") as file:
        return list(yaml.safe_load_all(file))


def snippet(page, beginning):
    """The YAML of the first block that follows this text on a page."""
    import yaml
    with open(os.path.join(TOP, page), encoding="utf-8") as file:
        text = file.read()
    return yaml.safe_load(text[text.index("```yaml\n", text.index(beginning)) + 8:].partition("```")[0])


def create(*described):
    """As they are, but for what this version does not know yet."""
    for item in described:
        if item["kind"] == "PodDisruptionBudget":
            equal(item["apiVersion"], "policy/v1", "the version of the budget")
            item = {**item, "apiVersion": budget_version()}
        api.create(NAMESPACE, item)


def budget_version():
    return "policy/v1" if CLUSTER.version >= (1, 22) else "policy/v1beta1"


def deployment(template_spec, name="web", labels=None):
    labels = labels or {"app.kubernetes.io/name": name}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels},
            "spec": {"replicas": 2, "selector": {"matchLabels": labels},
                     "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                     "template": {"metadata": {"labels": labels}, "spec": template_spec}}}


class Deployment:
    def __init__(self, described):
        self.name = described["metadata"]["name"]
        self.path = api.path_of("apps/v1", "Deployment", NAMESPACE, self.name)
        self.replicas = described["spec"]["replicas"]
        create(described)
        wait(lambda: len(self.ready()) == self.replicas, "the pods are ready")

    def ready(self):
        return [name for name in pods() if is_ready(Pod(name).now) and not is_deleted(Pod(name).now)]

    def restart(self):
        """A rolling restart as kubectl does it; returns when the old pods have ended, nobody takes them for Ready, and
        the new ones are. That they are gone may take a kubelet of 1.20 half a minute more."""
        old = {name: [Pod(name).container_id(one["name"]) for one in Pod(name).now["spec"]["containers"]]
               for name in pods() if not is_deleted(Pod(name).now)}
        api.call("PATCH", self.path, {"spec": {"template": {"metadata": {"annotations": {
            "kubectl.kubernetes.io/restartedAt": str(time.time())}}}}}, api.MERGE)

        def is_over():
            still_ready = [name for name in pods() if name in old and is_ready(Pod(name).now)]
            return not still_ready and len(set(self.ready()) - set(old)) == self.replicas
        wait(is_over, "all pods that are ready are new")
        containers = [one for inside in old.values() for one in inside]
        wait(lambda: all(CLUSTER.exits(one)[0] for one in containers), "the old ones have ended")
        return list(old)


def endpoints(service):
    """The addresses that the Service leads to."""
    item = exists("v1", "Endpoints", service) or {}
    return {address["ip"] for subset in item.get("subsets") or [] for address in subset.get("addresses") or []}
