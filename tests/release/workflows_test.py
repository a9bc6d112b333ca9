# SPDX-License-Identifier: MIT
"""The workflows can be read, pin every action, and call only scripts that are there."""
import glob
import os
import re
import unittest

from release_lab import TOP, architectures, text_of

try:
    import yaml
except ImportError:
    yaml = None

FILES = sorted(glob.glob(os.path.join(TOP, ".github", "workflows", "*.yml")))


@unittest.skipUnless(yaml, "python3-yaml is not installed")
class Workflows(unittest.TestCase):
    def steps(self):
        for path in FILES:
            with self.subTest(os.path.basename(path)):
                jobs = yaml.safe_load(text_of(path))["jobs"]
                yield from (step for job in jobs.values() for step in job["steps"])

    def test_every_action_is_pinned_by_a_digest(self):
        self.assertGreaterEqual(len(FILES), 4)
        for step in self.steps():
            if "uses" in step:
                self.assertRegex(step["uses"], r"^[\w/-]+@[0-9a-f]{40}$")

    def test_every_script_is_there(self):
        called = {name for step in self.steps() for name in re.findall(r"scripts/[\w-]+", step.get("run", ""))}
        self.assertIn("scripts/release", called)
        for name in called:
            self.assertTrue(os.access(os.path.join(TOP, name), os.X_OK), name)

    def test_the_matrix_has_every_architecture(self):
        path = os.path.join(TOP, ".github", "workflows", "release.yml")
        matrix = yaml.safe_load(text_of(path))["jobs"]["architecture"]["strategy"]["matrix"]["include"]
        self.assertEqual({x["arch"] for x in matrix}, set(architectures()))
