#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Fault injection: every system call of the release binary fails, one at a time.

    tests/faults/run.py --usher build/release/usher [-k PATTERN] [-j N] [--table]

Needs root and what tests/e2e needs. Says how many points were played, and with --table what came of
each call; the exit status is 1 if a point went wrong.
"""
import argparse
import collections
import importlib
import json
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "e2e"))
sys.dont_write_bytecode = True

import harness  # noqa: E402
import lab  # noqa: E402
import run as e2e  # noqa: E402
import sandbox  # noqa: E402

TESTS = ("supervise", "healing", "commands", "users")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-k", action="append", metavar="PATTERN", default=[],
                        help="only scenarios whose name this regular expression finds")
    parser.add_argument("-j", type=int, default=2 * (os.cpu_count() or 1), metavar="N",
                        help="this many at a time; they wait more than they work")
    parser.add_argument("--usher", default=os.path.join(e2e.TOP, "build", "release", "usher"))
    parser.add_argument("--tools", metavar="DIR", help="inject, witness, ... ready built")
    parser.add_argument("--many", action="store_true", help="more calls of each kind: minutes")
    parser.add_argument("--table", action="store_true", help="what came of each call")
    return parser.parse_args()


def figures(folder):
    path = os.path.join(folder, "figures")
    if not os.path.exists(path):
        return []
    with open(path, encoding="ascii") as file:
        return [json.loads(line) for line in file]


def show(entries, table):
    errors = collections.defaultdict(collections.Counter)
    outcomes = collections.defaultdict(collections.Counter)
    for entry in entries:
        for call, error, count in entry["reached"]:
            errors[call][error] += count
        for call, outcome, count in entry["outcomes"]:
            outcomes[call][outcome] += count
        print(f"{entry['scenario']}: {entry['injected']} points, {entry['kinds']} kinds of calls")
    for call in sorted(errors) if table else ():
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes[call].items())
        print(f"  {call}: {sum(errors[call].values())} points, {len(errors[call])} errors: {told}")
    totals = collections.Counter()
    for counter in outcomes.values():
        totals.update(counter)
    points = sum(totals.values())
    pairs = sum(len(counter) for counter in errors.values())
    print(f"{points} points injected: {len(errors)} calls, {pairs} pairs of call and error; " +
          ", ".join(f"{count} {outcome}" for outcome, count in totals.most_common()))


def main():
    options = parse_arguments()
    lab.MANY = options.many
    for name in TESTS:
        importlib.import_module(name)
    tests = [t for t in harness.TESTS if t.module in TESTS and all(re.search(k, t.title) for k in options.k)]
    reason = sandbox.can_sandbox()
    if reason:
        print(f"run.py: {reason}", file=sys.stderr)
        return 1
    failed = 0
    with tempfile.TemporaryDirectory(prefix="usher-faults-") as folder:
        e2e.prepare(options, folder)
        for test, kind, message, seconds in sandbox.perform_all(tests, options.j):
            if kind != "passed":
                failed += kind == "failed"
                text = message.replace("\n", "\n    ")
                print(f"{kind}: {test.title} ({seconds:.1f} s): {text}", flush=True)
            else:
                print(f"{test.title} ({seconds:.1f} s)", flush=True)
        show(figures(folder), options.table)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
