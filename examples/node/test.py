# SPDX-License-Identifier: MIT
"""Node.js under usher."""
import bases
import example
import suite
from suite import case


@case("Node.js drains, finishes what is under way, and ends with 0", **example.BUILDS)
def _(engine):
    image = example.build(engine, __file__, NODE=example.base(engine, "node", bases.node))
    example.check_configuration(engine, image)
    port = suite.free_port()
    with example.run(engine, image, env=example.drain(PORT=port), network="host") as container:
        example.becomes(container, "healthy")
        example.drains(container, port, work="/work")
