# SPDX-License-Identifier: MIT
"""Dockerfile.example: compiled in a container, then run with nothing but usher and the service."""
import bases
import example
import suite
from harness import equal
from suite import case

REVISION = "0123456789abcdef0123456789abcdef01234567"
SOURCE = "https://git.example/them/service"


@case("usher and a static service are compiled, run restricted, probed, drained and stopped",
      **{**example.BUILDS, "timeout": 900.0})
def _(engine):
    image = engine.build(suite.TOP, "Dockerfile.example", build_args={
        "BUILDER": example.base(engine, "builder", bases.builder), "REVISION": REVISION,
        "SOURCE": SOURCE})
    labels = example.check_configuration(engine, image)
    equal([labels[f"org.opencontainers.image.{x}"] for x in ("revision", "source")],
          [REVISION, SOURCE], "where it is from")
    port = suite.free_port()
    with example.run(engine, image, env=example.drain(PORT=port), memory=64,
                     network="host") as container:
        example.becomes(container, "healthy")
        version = container.exec("/usher", "--version")[1]
        assert version.startswith("usher 0.1.0 (commit 0123456789ab,"), version
        example.drains(container, port)
