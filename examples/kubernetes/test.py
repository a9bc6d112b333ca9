# SPDX-License-Identifier: MIT
"""The manifests: against the published types, against the rules that they follow, and as containers
with the same restrictions in which the probes and the hook are run as the kubelet runs them."""
import copy
import time

import harness
import manifests
from engines import LONG
from suite import Requests, case, equal, free_port, note, wait_for

DEPLOYMENTS = ("pre-stop.yaml", "hook.yaml", "shared-pid.yaml")
POD = ("grpc", "pod.yaml")   # an example of its own, held to the same rules
TYPES = {"Deployment": "kubernetes-types/apps/v1", "Pod": "kubernetes-types/core/v1",
         "Service": "kubernetes-types/core/v1",
         "PodDisruptionBudget": "kubernetes-types/policy/v1"}
HOOK = 2            # seconds of the hook where it is run, in place of the manifest's 10
USHER_TIMEOUT = 3   # of `usher probe`, seconds
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def test(title):
    """A test that needs no engine."""
    return harness.test(title, group="manifests")


def load(name):
    return manifests.documents("kubernetes", name)


def pods():
    """(file, pod spec) of each Deployment, and of the pod."""
    made = [(name, load(name)[0]["spec"]["template"]["spec"]) for name in DEPLOYMENTS]
    return [*made, ("/".join(POD), manifests.documents(*POD)[0]["spec"])]


def containers():
    return [(f"{name}, {container['name']}", container)
            for name, pod in pods() for container in pod["containers"]]


def given(container):
    """What the manifest sets."""
    return {entry["name"]: entry["value"] for entry in container.get("env", [])}


def environment(container):
    """What the program gets: the image's, and above it the manifest's."""
    name = container["image"].partition(":")[0].removeprefix("example-")
    return {**manifests.image_environment("Dockerfile.example" if name == "usher-example"
                                          else f"examples/{name}/Dockerfile"), **given(container)}


def hook(container):
    return container.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command")


# --- the files --------------------------------------------------------------------------------

@test("the published types take every manifest")
def _():
    typed = [(document, document["kind"], TYPES[document["kind"]])
             for document in [*manifests.documents(*POD), *load("service.yaml"),
                              *(document for name in DEPLOYMENTS for document in load(name))]]
    equal(manifests.type_errors(typed), "", "what the compiler says")


@test("the published types refuse a misspelt field")
def _():
    deployment = load("pre-stop.yaml")[0]
    context = deployment["spec"]["template"]["spec"]["containers"][0]["securityContext"]
    context["readonlyRootFilesystem"] = context.pop("readOnlyRootFilesystem")
    said = manifests.type_errors([(deployment, "Deployment", TYPES["Deployment"])])
    assert "readonlyRootFilesystem" in said, said


@test("every pod meets the restricted profile, and more")
def _():
    for name, pod in pods():
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True and context["runAsUser"] > 0, name
        equal(context["seccompProfile"], {"type": "RuntimeDefault"}, name)
        equal((pod["automountServiceAccountToken"], pod["enableServiceLinks"]), (False, False), name)
        for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
            assert forbidden not in pod, f"{name}: {forbidden}"
    for name, container in containers():
        equal(container["securityContext"],
              {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
               "capabilities": {"drop": ["ALL"]}}, name)
        for kind in ("requests", "limits"):
            equal(set(container["resources"][kind]), {"cpu", "memory"}, f"{name}, {kind}")


@test("the kubelet waits longer than hook, pre-stop, grace and linger together")
def _():
    for name, pod in pods():
        for container in pod["containers"]:
            needed = manifests.stop_seconds(environment(container))
            needed += sum(map(manifests.seconds, (hook(container) or [])[2:]))
            manifests.fits(pod["terminationGracePeriodSeconds"], needed,
                           f"{name}, {container['name']}")


@test("every pod drains in one way, for 5 s or more")
def _():
    for name, container in containers():
        ways = [environment(container).get("USHER_PRE_STOP"), (hook(container) or [None])[-1]]
        ways = [manifests.seconds(way) for way in ways if way]
        assert len(ways) == 1 and ways[0] >= 5, f"{name}: {ways}"


@test("every probe gets more time from the kubelet than usher takes")
def _():
    for name, container in containers():
        for kind in PROBES:
            probe = container[kind]
            equal(probe["exec"]["command"][:2], ["/usher", "probe"], f"{name}, {kind}")
            assert probe["timeoutSeconds"] > USHER_TIMEOUT, f"{name}, {kind}"


@test("readiness asks for ready:, liveness only for live:")
def _():
    for name, container in containers():
        commands = {kind: container[kind]["exec"]["command"] for kind in PROBES}
        assert "ready:" in commands["readinessProbe"], name
        assert "live:" in commands["livenessProbe"], name
        assert "ready:" not in commands["livenessProbe"] + commands["startupProbe"], name


@test("the service and the budget mean the pods of every Deployment")
def _():
    service, budget = load("service.yaml")
    for name in DEPLOYMENTS:
        deployment = load(name)[0]
        template = deployment["spec"]["template"]
        labels = template["metadata"]["labels"].items()
        for selector in (service["spec"]["selector"], budget["spec"]["selector"]["matchLabels"],
                         deployment["spec"]["selector"]["matchLabels"]):
            assert selector and selector.items() <= labels, f"{name}: {selector}"
        ports = [p["name"] for c in template["spec"]["containers"] for p in c["ports"]]
        equal(len(ports), len(set(ports)), f"{name}: names of ports")
        assert {p["targetPort"] for p in service["spec"]["ports"]} <= set(ports), name


def without_drain(deployment):
    deployment = copy.deepcopy(deployment)
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container.pop("lifecycle", None)
    container["env"] = [e for e in container["env"] if e["name"] != "USHER_PRE_STOP"]
    return deployment


@test("hook.yaml is pre-stop.yaml but for the delay")
def _():
    first, second = load("pre-stop.yaml")[0], load("hook.yaml")[0]
    equal(without_drain(second), without_drain(first), "the rest")


# --- the containers ---------------------------------------------------------------------------

def run(engine, pod, container, env=None, **options):
    """A container with the restrictions of the manifest."""
    image = manifests.example_image()
    memory = container["resources"]["limits"]["memory"]
    assert memory.endswith("Mi"), memory
    security, own = pod["securityContext"], container["securityContext"]
    return engine.run(image, env=environment(container) | (env or {}), memory=int(memory[:-2]) << 20,
                      user=f"{security['runAsUser']}:{security['runAsGroup']}",
                      read_only=own["readOnlyRootFilesystem"],
                      drop_capabilities=own["capabilities"]["drop"] == ["ALL"],
                      no_new_privileges=not own["allowPrivilegeEscalation"], **options)


# In place of the manifest's 10 s, which a busy machine may take to run the probes: a second TERM ends
# it.
PATIENT = {"USHER_PRE_STOP": "10m", "USHER_GRACE": "5m"}


def probes(running, container):
    """The exit status of each probe, and what the three said."""
    done = {kind: running.exec(*container[kind]["exec"]["command"]) for kind in PROBES}
    return [status for status, _ in done.values()], done


def wait_until_up(running, container):
    wait_for(lambda: probes(running, container)[0] == [0, 0, 0], "all three probes pass", LONG)


def stop(running):
    """Sends TERM and waits until it drains; one more TERM will end the delay."""
    running.kill(15)
    wait_for(lambda: running.state() == "draining", "it drains", LONG)


@case("the probes follow a pod with --pre-stop down", needs={"limits"})
def _(engine):
    _, pod = pods()[0]
    container = pod["containers"][0]
    with run(engine, pod, container, PATIENT) as running:
        wait_until_up(running, container)
        stop(running)
        statuses, said = probes(running, container)
        equal(statuses, [0, 1, 0], f"start-up, readiness, liveness while draining: {said}")
        assert "draining" in said["readinessProbe"][1], said
        running.kill(15)
        equal(running.wait(), 0, "the exit code")


def hook_under_load(running, command, port):
    """Runs the hook as the kubelet does, before any signal, while clients ask. How long it took, and
    the requests meanwhile that were answered and refused."""
    with Requests(port) as requests:   # its clients are threads
        begin = time.monotonic()
        equal(running.exec(*command), (0, ""), "the hook")
        end = time.monotonic()
    return end - begin, *requests.between(begin, end)


@case("the program serves as long as the hook runs, and TERM then ends it", needs={"limits"})
def _(engine):
    _, pod = pods()[1]
    container, port = copy.deepcopy(pod["containers"][0]), free_port()
    for kind in PROBES:
        command = container[kind]["exec"]["command"]
        command[:] = [word.replace("8080", str(port)) for word in command]
    command = hook(container)
    equal(command[:2], ["/usher", "sleep"], "the hook")
    with run(engine, pod, container, env={"PORT": port}, network="host") as running:
        wait_until_up(running, container)
        length, answered, refused = hook_under_load(running, [*command[:2], HOOK], port)
        note(f"{answered} answered in a hook of {length:.1f} s, {refused} refused")
        assert length >= HOOK, f"the hook took {length} s"
        assert answered > 0 and refused == 0, f"{answered} answered, {refused} refused"
        equal(probes(running, container)[0], [0, 0, 0], "the probes after the hook")
        running.kill(15)
        equal(running.wait(), 0, "the exit code")


@case("in a shared PID namespace each container's probe finds its own usher",
      needs={"limits", "shared-pid"})
def _(engine):
    _, pod = pods()[2]
    web, side = pod["containers"]
    with run(engine, pod, web, PATIENT, network="none") as first, \
            run(engine, pod, side, PATIENT, network="none", pid=first) as second:
        wait_until_up(first, web)
        wait_until_up(second, side)
        stop(second)
        equal(probes(first, web)[0], [0, 0, 0], "the first one's probes")
        equal(probes(second, side)[0], [0, 1, 0], "the second one's probes")
        second.kill(15)
        equal(second.wait(), 0, "the second one's exit code")
        equal(first.exec("/usher", "status"), (0, "running\n"), "the first one")
        stop(first)
        first.kill(15)
        equal(first.wait(), 0, "the first one's exit code")
