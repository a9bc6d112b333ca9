# SPDX-License-Identifier: MIT
"""scripts/test-architecture does not pass for want of something to test."""
import os

from release_lab import TOP, TestCase, architectures, made, made_architectures, run


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


class Armv6(TestCase):
    def test_nothing_in_it_wants_more_than_armv6(self):
        """What the linker merged of all its parts; and it runs where the CPU has no more."""
        self.need("readelf", "qemu-arm-static")
        if "armv6" not in made_architectures():
            self.skipTest("dist/ has no armv6")
        emulator, _, cpu = architectures()["armv6"]["qemu"].partition(":")
        for binary in ("usher", "usher-tls"):
            path = made("", "armv6", binary)
            attributes = run("readelf", "-A", path)
            self.assertIn("Tag_CPU_arch: v6\n", attributes)
            self.assertNotIn("Tag_FP_arch", attributes)
            self.assertIn("soft-float ABI", run("readelf", "-h", path))
            emulated = (f"qemu-{emulator}-static", "-cpu", cpu, path)
            self.assertRegex(run(*emulated, "--version"), r"^usher .*, arm\)\n")
            self.assertRegex(run(*emulated, "wait", "-t", "1s", f"file:{path}"), "healthy")
