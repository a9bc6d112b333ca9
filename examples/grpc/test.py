# SPDX-License-Identifier: MIT
"""The probes of pod.yaml, run as the kubelet runs them: by exec, in the container."""
import os

import bases
import example
import harness
import suite
from harness import equal, wait_for
from suite import case


def probes(port):
    """The commands of the pod's probes, by name, for this port."""
    harness.need(os.path.exists("/usr/lib/python3/dist-packages/yaml"), "python3-yaml is not installed")
    import yaml
    with open(os.path.join(os.path.dirname(__file__), "pod.yaml"), encoding="utf-8") as file:
        container, = yaml.safe_load(file)["spec"]["containers"]
    found = {}
    for name in ("startup", "readiness", "liveness"):
        probe = container[f"{name}Probe"]
        assert probe["timeoutSeconds"] > 3, f"{name}: not above usher's own timeout"
        found[name] = [word.replace("50051", str(port)) for word in probe["exec"]["command"]]
    return found


@case("the pod's exec probes tell start, drain and end of a gRPC service", **example.BUILDS)
def _(engine):

    version = bases.installed("python3-grpcio")
    harness.need(version, "python3-grpcio is not installed")
    base = example.base(engine, "python", bases.python)
    image = example.build(engine, __file__, PYTHON=base, GRPCIO=version)
    example.check_configuration(engine, image)
    port = suite.free_port()
    commands = probes(port)
    with example.run(engine, image, env=example.drain(PORT=port),
                     network="host") as container:
        def passes(name):
            return container.exec(*commands[name])[0] == 0
        wait_for(lambda: passes("startup"), "the startup probe passes", 60)
        assert passes("readiness") and passes("liveness"), "a probe fails while it runs"
        example.becomes(container, "healthy")
        example.begin_stop(container)
        wait_for(lambda: container.state() == "draining", "draining")
        assert not passes("readiness"), "it is ready while it drains"
        assert passes("liveness"), "it is not alive while it drains"
        example.end_drain(container)
        equal(container.wait(), 0, "the exit code")
