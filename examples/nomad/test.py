# SPDX-License-Identifier: MIT
"""The job file is HCL, and its times fit together. There is no Nomad here to run it."""
import json

import harness
import manifests
from suite import equal

PARSE = """
require('@cdktf/hcl2json').parse('web.hcl', require('fs').readFileSync(process.argv[2], 'utf8'))
    .then(x => console.log(JSON.stringify(x)), e => { console.log(String(e)); process.exit(1); });
"""


def task():
    status, output = manifests.node("@cdktf/hcl2json", PARSE,
                                    manifests.path("nomad", "web.nomad.hcl"))
    equal(status, 0, f"the parser's status ({output.strip()[:500]})")
    return json.loads(output)["job"]["web"][0]["group"]["web"][0]["task"]["web"][0]


@harness.test("the job is HCL, and restricts its task", group="manifests")
def _():
    config = task()["config"][0]
    equal((config["readonly_rootfs"], config["cap_drop"], config["security_opt"]),
          (True, ["all"], ["no-new-privileges"]), "the restrictions")


@harness.test("Nomad waits longer than pre-stop, grace and linger together", group="manifests")
def _():
    found = task()
    image = manifests.image_environment("Dockerfile.example")
    manifests.fits(manifests.seconds(found["kill_timeout"]),
                   manifests.stop_seconds(image, found["env"][0]), "kill_timeout")
