# SPDX-License-Identifier: MIT
"""A container whose health is in a JSON body."""
import bases
import example
from harness import equal
from suite import case


@case("a server that answers 200 is unhealthy when a field of its body says so", **example.BUILDS)
def _(engine):
    base = example.base(engine, "python", bases.python)
    image = example.build(engine, __file__, PYTHON=base)
    example.check_configuration(engine, image)
    with example.run(engine, image, memory=64, pids=16,
                     words=["--health-start-period=0s", "--health-retries=1"]) as container:
        example.becomes(container, "healthy")
        for part, says in (("database", "field 'database.connected' is not 'true'"),
                           ("cache", "field 'cache.connected' is false or null")):
            equal(container.probe(f":8080/set/{part}/off"), 0, "the answer")
            example.becomes(container, "unhealthy")
            status, output = container.exec("/usher", "probe", "--json-field", "database.connected=true",
                                            "--json-field", "cache.connected", ":8080/health")
            equal((status, output.strip()), (1, f"unhealthy :8080/health: reply: {says}"), "the probe")
            equal(container.probe(f":8080/set/{part}/on"), 0, "the answer")
            example.becomes(container, "healthy")
        container.stop()
        equal(container.wait(), 0, "the exit code")
