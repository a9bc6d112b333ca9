# SPDX-License-Identifier: MIT
"""Probes that an engine runs in the container: by its exec, and by its own HEALTHCHECK."""
import json
import socket

from suite import NONROOT, answers, case, equal, free_port, image, wait_for, wait_until_served

SECOND = 10 ** 9


@case("exec probes tell healthy, unhealthy and called wrongly apart")
def _(engine):
    port, nobody = free_port(), free_port()
    with engine.run(image(), "/usher", "--", "/service", env={"PORT": port},
                    network="host") as container:
        wait_until_served(port)
        equal(container.probe("ready:", f":{port}/healthz"), 0, "healthy")
        equal(container.probe(f"tcp://127.0.0.1:{nobody}"), 1, "nobody listens")
        equal(container.probe(f":{port}/nothing"), 1, "a 404")
        equal(container.probe("no-such-check:"), 125, "called wrongly")


@case("an exec probe of another user sees the state, and ready: fails while it drains")
def _(engine):
    with engine.run(image(), "/usher", "-v", "--pre-stop", "1h", "--", "/witness", "catch",
                    "--exit", "15:0") as container:
        container.wait_log("ready")
        # The program may be a moment ahead of usher's word that it runs.
        wait_for(lambda: container.exec("/usher", "status", "--json", user=NONROOT) ==
                 (0, '{"pid":1,"state":"running"}\n'), "the status", 30)
        equal(container.exec("/usher", "probe", "ready:", user=NONROOT)[0], 0, "running")
        container.kill(15)
        container.wait_log("draining")
        status, output = container.exec("/usher", "probe", "ready:", user=NONROOT)
        equal(status, 1, "draining")
        assert "draining" in output, output
        equal(container.probe("live:"), 0, "draining, but live")
        container.kill(15)
        equal(container.wait(), 0, "the exit code")


@case("HEALTHCHECK goes from starting to healthy, and to unhealthy while it drains",
      needs={"health"})
def _(engine):
    port, gate = free_port(), free_port()
    # podman counts no failure in the start period, also after a success; it checks when told to.
    start_period = 0 if engine.name == "podman" else 3600
    probed = image(Healthcheck={"Test": ["CMD", "/usher", "probe", "ready:", ":${PORT}/healthz"],
                                "Interval": SECOND // 4, "Timeout": 30 * SECOND,
                                "StartPeriod": start_period * SECOND, "Retries": 3})
    with engine.run(probed, "/usher", "--pre-stop", "1h", "--", "/usher", "wait", "--timeout",
                    "inf", "--interval", "50ms", f"tcp://127.0.0.1:{gate}", "--", "/service",
                    env={"PORT": port}, network="host") as container:
        def log():
            return json.loads(engine.inspect(container, "{{json .State.Health.Log}}")) or []
        wait_for(lambda: container.health() and len(log()) >= 2, "two checks", 60)
        equal(engine.inspect(container, "{{.State.Health.Status}}"), "starting", "before it serves")
        assert all(entry["ExitCode"] == 1 for entry in log()), log()
        with socket.create_server(("127.0.0.1", gate)):
            wait_until_served(port)
        wait_for(lambda: container.health() == "healthy", "it is healthy", 60)
        container.kill(15)
        wait_for(lambda: container.health() == "unhealthy", "it is unhealthy", 60)
        assert "draining" in log()[-1]["Output"], log()
        assert answers(port), "it does not serve while it drains"
        container.kill(15)
        equal(container.wait(), 0, "the exit code")


# What docs/recipes/github-actions-services.md says of the options of `docker run`.
@case("docker run's --health-interval leaves the image's check, and USHER_PROBE says what it asks", only=("docker",))
def _(engine):
    port = free_port()
    probed = image(Healthcheck={"Test": ["CMD", "/usher", "probe"], "Interval": 3600 * SECOND, "Timeout": 30 * SECOND})
    with engine.run(probed, "/usher", "--", "/service", env={"PORT": port, "USHER_PROBE": f":{port}/healthz"},
                    network="host", words=["--health-interval=250ms"]) as container:
        wait_for(lambda: container.health() == "healthy", "it is healthy", 60)


@case("docker run's --health-cmd needs a shell in the image", only=("docker",))
def _(engine):
    with engine.run(image(), "/usher", "--", "/witness", "catch",
                    words=["--health-cmd=/usher probe ready:", "--health-interval=250ms"]) as container:
        wait_for(lambda: container.health() == "unhealthy", "it is unhealthy", 60)
        told = engine.inspect(container, "{{json .State.Health.Log}}")
        assert "/bin/sh" in told, told
