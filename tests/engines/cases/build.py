# SPDX-License-Identifier: MIT
"""An image built from a Dockerfile, without a registry: its base is made of the machine's files."""
import shutil

import images
from suite import case, equal, program, scratch

DOCKERFILE = """\
ARG BASE=python:3.11-slim
FROM ${BASE}
COPY usher /usher
RUN ["/usr/bin/python3", "-c", "import ssl, json"]
USER 65532:65532
ENTRYPOINT ["/usher", "--"]
CMD ["/usr/bin/python3", "-c", "import os; os._exit(os.getuid() % 100)"]
"""


def built_and_run(engine, dockerfile, buildkit):
    base = images.make("python", images.python)
    engine.load(base)
    shutil.copy(program("usher"), scratch("usher"))
    with open(scratch("Dockerfile"), "w", encoding="ascii") as file:
        file.write(dockerfile)
    built = engine.build(scratch(), build_args={"BASE": base.name}, buildkit=buildkit)
    with engine.run_built(built) as container:
        equal(container.wait(), 32, "the exit code")


@case("usher runs Python in an image that was built", needs={"build"})
def _(engine):
    built_and_run(engine, DOCKERFILE, buildkit=False)


@case("usher runs Python in an image that BuildKit has built", only=("docker",))
def _(engine):
    # The classic builder refuses this option.
    built_and_run(engine, DOCKERFILE.replace("RUN ", "RUN --mount=type=tmpfs,target=/mnt "),
                  buildkit=True)
