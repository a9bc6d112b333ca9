# SPDX-License-Identifier: MIT
"""What fails under qemu-user is excused for known reasons only, and only so often."""
import os
import sys
import unittest

from release_lab import TOP

sys.path.append(os.path.join(TOP, "tests", "e2e"))

import emulation  # noqa: E402

WARNING = "usher: warning: not PID 1 and no child subreaper: orphans will not be reaped here"


class Emulation(unittest.TestCase):
    def setUp(self):
        self.excuses = emulation.Excuses()

    def test_an_unknown_failure_is_a_failure(self):
        self.assertEqual(self.excuses.find("drain: it drains, as PID 1", "drain.py:1: wrong"), "")
        self.assertEqual(self.excuses.total(), 0)

    def test_the_warning_excuses_only_where_it_made_the_difference(self):
        self.assertEqual(self.excuses.find("docs: all is told", f"docs.py:1: got {WARNING!r}\ncommand: usher"),
                         "has no child subreaper")
        self.assertEqual(self.excuses.find("docs: all is told", f"docs.py:1: wrong\nstderr: {WARNING!r}"), "")

    def test_more_than_known_is_too_many(self):
        for reason, most, _ in emulation.LIMITS:
            with self.subTest(reason):
                self.excuses.counts[reason] = most
                self.assertEqual(self.excuses.too_many(), [])
                self.excuses.counts[reason] = most + 1
                self.assertEqual(self.excuses.too_many(), [reason])
                self.assertEqual(self.excuses.too_many(repeat=2), [])
                self.excuses.counts[reason] = 0

    def test_every_excuse_is_counted_and_told(self):
        self.excuses.find("signals: one", "x")
        self.excuses.find("signals: two", "x")
        self.assertEqual(self.excuses.total(), 2)
        line, = self.excuses.told()
        self.assertRegex(line, r"^excused 2 \(at most \d+\): qemu-user keeps signals")
