# SPDX-License-Identifier: MIT
"""Clang builds usher, too: the releases are GCC's."""
import os

from release_lab import TOP, VERSION, TestCase, run


class Compilers(TestCase):
    def test_clang_builds_a_binary_that_works(self):
        self.need("clang-16", "clang++-16")
        build = self.folder()
        run("cmake", "--preset", "release", "-B", build, cwd=TOP,
            env={**os.environ, "CC": "clang-16", "CXX": "clang++-16"})
        run("cmake", "--build", build, "--target", "usher")
        self.assertIn(f"usher {VERSION} (", run(f"{build}/usher", "--version"))
        run("/usr/bin/python3", f"{TOP}/tests/e2e/run.py", "--usher", f"{build}/usher",
            "-g", "cli", "-g", "grace", "-g", "linger", "-g", "probe_http")
