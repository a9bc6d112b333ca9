#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the tests of a release. The last line is `N passed, N failed, N skipped`; no test that passed
is a failure, too. Words: -k PATTERN, as for python3 -m unittest."""
import argparse
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-k", action="append", metavar="PATTERN", default=[])
    parser.add_argument("-v", action="store_true", help="tell each test")
    options = parser.parse_args()
    loader = unittest.TestLoader()
    loader.testNamePatterns = [x if "*" in x else f"*{x}*" for x in options.k] or None
    tests = loader.discover(HERE, "*_test.py")
    result = unittest.TextTestRunner(verbosity=2 if options.v else 1, descriptions=False).run(tests)
    for test, reason in result.skipped:
        print(f"skipped: {test.id()}: {reason}")
    # One test can fail several times, with other parts of it.
    failed = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
    skipped = {getattr(test, "test_case", test).id() for test, _ in result.skipped} - failed
    passed = result.testsRun - len(failed) - len(skipped)
    print(f"{passed} passed, {len(failed)} failed, {len(skipped)} skipped", flush=True)
    return 0 if passed > 0 and not failed and result.wasSuccessful() else 1


sys.exit(main())
