# SPDX-License-Identifier: MIT
"""scripts/musl builds musl itself only where Debian has none, and never because something failed."""
import os

from release_lab import TOP, TestCase, run

NOBODY_LISTENS = "http://127.0.0.1:9"


class Musl(TestCase):
    def test_lists_that_cannot_be_fetched_end_it(self):
        clone = self.folder()
        run("git", "clone", "--quiet", "--no-local", f"file://{TOP}", clone)
        for arch, debian in (("arm64", "arm64"), ("riscv64", "riscv64")):
            with self.subTest(arch):
                with self.assertRaises(AssertionError) as caught:
                    run(f"{clone}/scripts/musl", arch, env={**os.environ, "http_proxy": NOBODY_LISTENS,
                                                            "https_proxy": NOBODY_LISTENS, "LC_ALL": "C"})
                said = [x for x in str(caught.exception).splitlines() if x.startswith("scripts/musl: ")]
                self.assertRegex(said[-1], f"could not fetch the lists for {debian}, so whether it has a musl "
                                           "is not known: Failed to fetch ")
                self.assertEqual(os.listdir(f"{clone}/build/musl/{arch}"), [])
