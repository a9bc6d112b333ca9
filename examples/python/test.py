# SPDX-License-Identifier: MIT
"""uvicorn under usher."""
import bases
import example
import suite
from suite import case, need


@case("uvicorn drains, finishes what is under way, and ends with 0", **example.BUILDS)
def _(engine):
    version = bases.installed("python3-uvicorn")
    need(version, "python3-uvicorn is not installed")
    base = example.base(engine, "python", bases.python)
    image = example.build(engine, __file__, PYTHON=base, UVICORN=version)
    example.check_configuration(engine, image)
    port = suite.free_port()
    with example.run(engine, image, env=example.drain(PORT=port), network="host") as container:
        example.becomes(container, "healthy")
        example.drains(container, port, work="/work")
