# SPDX-License-Identifier: MIT
"""Every image and every manifest that people copy gives the engine more time than usher may take, and
they mean the same images. (Nomad's file is read in examples/nomad/test.py.)"""
import glob
import os
import re

import harness
import manifests
from suite import TOP, equal

EXAMPLE = "Dockerfile.example"
DOCKER_WAITS = 10.0   # seconds, where nothing else is said
DOCKERFILES = [EXAMPLE, *sorted(os.path.relpath(path, TOP)
                                for path in glob.glob(f"{TOP}/examples/*/Dockerfile"))]


def text_of(path):
    with open(os.path.join(TOP, path), encoding="utf-8") as file:
        return file.read()


def check(title):
    return harness.test(title, group="manifests")


def register(dockerfile):
    @check(f"{dockerfile}: the engine waits longer than usher may take")
    def _():
        needed = manifests.stop_seconds(manifests.image_environment(dockerfile))
        # As the comment at its top runs it.
        commands = re.findall(r"^#   docker run (?:.*\\\n)*.*", text_of(dockerfile), re.MULTILINE)
        assert commands, "it does not say how it is run"
        for command in commands:
            said = re.search(r"--stop-timeout[ =](\d+)", command)
            manifests.fits(float(said.group(1)) if said else DOCKER_WAITS, needed, command)


for _dockerfile in DOCKERFILES:
    register(_dockerfile)


@check("what holds the images to the arithmetic can fail")
def _():
    equal(manifests.stop_seconds({"USHER_GRACE": "6s"}), 9.0, "with the default linger")
    equal(manifests.stop_seconds({"USHER_GRACE": "6s"}, {"USHER_PRE_STOP": "1m", "USHER_LINGER": 0}),
          66.0, "the manifest's values win")
    for broken in (lambda: manifests.stop_seconds({}), lambda: manifests.fits(10, 10.0, "")):
        try:
            broken()
        except AssertionError:
            continue
        raise AssertionError("it was taken")


@check("every service of Compose and Swarm is given longer than usher may take")
def _():
    image = manifests.image_environment(EXAMPLE)
    for path in (("compose", "compose.yaml"), ("swarm", "stack.yaml")):
        services = manifests.documents(*path)[0]["services"]
        assert services, path
        for name, service in services.items():
            manifests.fits(manifests.seconds(service["stop_grace_period"]),
                           manifests.stop_seconds(image, service["environment"]), f"{path}, {name}")


@check("the files mean one image of Dockerfile.example, with its version")
def _():
    named = set()
    for path in [EXAMPLE, "README.md", *glob.glob(f"{TOP}/docs/*.md"),
                 *glob.glob(f"{TOP}/examples/**/*", recursive=True)]:
        if os.path.isfile(os.path.join(TOP, path)) and not path.endswith(".py"):
            named.update(re.findall(r"(?<![\w./-])usher-example[\w.:-]*", text_of(path)))
    # :ci is built and used within one workflow.
    equal(named - {"usher-example:ci"}, {"usher-example:0.1.0"}, "the names")
