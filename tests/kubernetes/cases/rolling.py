# SPDX-License-Identifier: MIT
"""A rolling restart of two pods while four clients (load.py) send 200 requests a second. They count alone."""
from lab import (Deployment, case, container, create, deployment, documents, hook, liveness, note, pod_spec, probe,
                 snippet)
from load import Load

STARTED = probe(":8080/healthz", failureThreshold=30)


def restart_under_load(described, path="/work"):
    """Restarts a Deployment; the clients' Load after it, and what to say of it."""
    create(documents("kubernetes", "service.yaml")[0])
    web = Deployment(described)
    with Load("web", path) as load:
        web.restart()
    told, first = load.counts()
    note(told)
    return load, f"{told}; the first: {first}"


def moody(env, **more):
    return deployment(pod_spec(container(env=env, startupProbe=STARTED, livenessProbe=liveness(), **more)))


def none_lost(load, told, *names):
    assert load.sent() > 1000, told
    for client in load.clients:
        assert client.name not in (names or [client.name]) or not client.lost, told


@case("with a pre-stop of 5 s a rolling restart loses no request, however a client follows it", alone=True)
def _():
    none_lost(*restart_under_load(moody({"USHER_PRE_STOP": "5s", "USHER_GRACE": "15s"})))


@case("without a pre-stop it loses requests of who follows the Ready condition, and of who lets go late", alone=True)
def _():
    load, told = restart_under_load(moody({"USHER_GRACE": "15s"}))
    assert load.lost("Ready") > 0 and load.lost("terminating, 2 s late") > 0, told


@case("a preStop hook of usher sleep saves who follows the terminating mark, and not who follows Ready", alone=True)
def _():
    load, told = restart_under_load(moody({"USHER_GRACE": "15s"}, lifecycle=hook(5)))
    none_lost(load, told, "terminating", "terminating, 2 s late", "Service")
    assert load.lost("Ready") > 0, told


def of_readme():
    """The lines as they stand; they leave the port's name to the reader, which the Service wants."""
    spec = snippet("README.md", "**Kubernetes**")["spec"]
    spec["containers"][0]["ports"] = [{"name": "http", "containerPort": 8080}]
    return deployment(spec)


@case("README's lines lose no request", alone=True)
def _():
    none_lost(*restart_under_load(of_readme()))


@case("README's lines with the threshold of 3 that Kubernetes has lose requests of who follows Ready", alone=True)
def _():
    described = of_readme()
    del described["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["failureThreshold"]
    load, told = restart_under_load(described)
    assert load.lost("Ready") > 0, told
    none_lost(load, told, "terminating", "terminating, 2 s late", "Service")


@case("usher-example's own Deployment, as it stands, loses no request", alone=True)
def _():
    none_lost(*restart_under_load(documents("kubernetes", "pre-stop.yaml")[0], "/"))
