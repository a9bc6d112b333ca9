# SPDX-License-Identifier: MIT
"""scripts/test-architecture does not pass for want of something to test."""
import os

from release_lab import TOP, TestCase, run


class Architectures(TestCase):
    def refused(self, why, *words, files=()):
        clone = self.folder()
        run("git", "clone", "--quiet", "--no-local", f"file://{TOP}", clone)
        for name in files:
            os.makedirs(f"{clone}/dist", exist_ok=True)
            with open(f"{clone}/dist/{name}", "w", encoding="ascii"):
                pass
        with self.assertRaisesRegex(AssertionError, f"exit status 1.\n(.*: )?{why}"):
            run(f"{clone}/scripts/test-architecture", *words)

    def test_without_a_release_it_fails(self):
        self.refused("no binary in dist/: run scripts/release first")

    def test_without_a_binary_it_fails(self):
        self.refused("no binary in dist/: run scripts/release first", files=["SHA256SUMS", "usher-1.0.0-linux-arm64.deb"])

    def test_without_the_architecture_asked_for_it_fails(self):
        self.refused("no binary for s390x in dist/: run scripts/release s390x first", "s390x",
                     files=["usher-1.0.0-linux-arm64"])

    def test_an_unknown_architecture_is_told(self):
        self.refused("unknown architecture 'arm65'; accepted: x86-64 ", "arm65")
