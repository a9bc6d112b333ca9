#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The end-to-end tests: the real static binary, as a real PID 1 and as a subreaper.

    tests/e2e/run.py --usher build/release/usher [-k PATTERN] [-g GROUP] [-j N] [--repeat N]

Needs root (for the PID namespaces), Python 3 and, without --tools, a C++ compiler. The last line is
`N passed, N failed, N skipped`; the exit status is 1 if a test failed. Under an emulator, failures that
are its own are told as excused and counted apart (emulation.py), and too many of them are a failure.
"""
import argparse
import glob
import importlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True

import emulation  # noqa: E402
import harness  # noqa: E402
import sandbox  # noqa: E402

NOT_TESTS = {"run", "harness", "sandbox", "emulation", "affected"}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-k", action="append", metavar="PATTERN", default=[],
                        help="only tests whose `module: name` this regular expression finds")
    parser.add_argument("-g", action="append", metavar="GROUP", default=[],
                        help="only tests of this group (repeatable)")
    parser.add_argument("-x", action="append", metavar="GROUP", default=[],
                        help="no test of this group (repeatable)")
    parser.add_argument("--list", action="store_true", help="tell the tests, run nothing")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="run each N times")
    # A test waits more than it computes.
    parser.add_argument("-j", type=int, default=3 * (os.cpu_count() or 1) // 2, metavar="N",
                        help="this many at a time")
    parser.add_argument("--usher", default=os.path.join(TOP, "build", "release", "usher"))
    parser.add_argument("--usher-tls", default=os.path.join(TOP, "build", "release-tls", "usher-tls"))
    parser.add_argument("--tools", metavar="DIR", help="pidns, witness, ... ready built")
    parser.add_argument("--emulator", metavar="ARCH", default="",
                        help="the binary is another architecture's: run it under qemu-ARCH")
    parser.add_argument("-v", action="store_true", help="tell each test that passed, too")
    return parser.parse_args()


def chosen(options):
    for path in sorted(glob.glob(os.path.join(HERE, "*.py"))):
        name = os.path.basename(path)[:-3]
        if name not in NOT_TESTS:
            importlib.import_module(name)
    tests = [t for t in harness.TESTS if all(re.search(k, t.title) for k in options.k)]
    tests = [t for t in tests if not options.g or t.group in options.g]
    return [t for t in tests if t.group not in options.x]


def build_tools(folder):
    """Static, so that they also run where there is no library."""
    for source in sorted(glob.glob(os.path.join(TOP, "tests", "tools", "*.cpp"))):
        output = os.path.join(folder, os.path.basename(source)[:-4])
        subprocess.run(["c++", "-std=c++20", "-O1", "-static", "-o", output, source], check=True)


def prepare(options, folder):
    """Copies of the binaries that every user can execute, and that no build changes meanwhile."""
    os.chmod(folder, 0o755)
    tools = os.path.join(folder, "tools")
    os.mkdir(tools)
    if options.tools:
        for source in glob.glob(os.path.join(TOP, "tests", "tools", "*.cpp")):
            shutil.copy(os.path.join(options.tools, os.path.basename(source)[:-4]), tools)
    else:
        build_tools(tools)
    harness.CONFIG.tools = tools
    harness.CONFIG.scratch = folder
    harness.CONFIG.usher = os.path.join(folder, "usher")
    harness.CONFIG.original = os.path.abspath(options.usher)
    shutil.copy(options.usher, harness.CONFIG.usher)
    os.chmod(harness.CONFIG.usher, 0o755)
    subprocess.run([harness.CONFIG.usher, "--version"], check=True, capture_output=True)
    if os.path.exists(getattr(options, "usher_tls", "")):
        harness.CONFIG.usher_tls = os.path.join(folder, "usher-tls")
        shutil.copy(options.usher_tls, harness.CONFIG.usher_tls)
        os.chmod(harness.CONFIG.usher_tls, 0o755)
    os.sync()   # pages that are not written back yet count as private and dirty


def reset_signals():
    """What is run here ignores and blocks nothing, though this was started by nohup or with &."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals():
        if signal.getsignal(number) == signal.SIG_IGN and number != signal.SIGPIPE:   # that is Python's own
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def main():
    options = parse_arguments()
    reset_signals()
    tests = chosen(options)
    if options.list:
        for test in tests:
            print(f"{test.title}  [{test.group}]")
        return 0
    if options.emulator:
        emulation.enter(options.emulator)
    reason = sandbox.can_sandbox()
    if reason:
        print(f"run.py: {reason}", file=sys.stderr)
        return 1
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    excuses = emulation.Excuses()
    with tempfile.TemporaryDirectory(prefix="usher-e2e-") as folder:
        prepare(options, folder)
        tests = [t for t in tests for _ in range(options.repeat)]
        for test, kind, message, seconds in sandbox.perform_all(tests, options.j):
            reason = excuses.find(test.title, message) if options.emulator and kind == "failed" else ""
            if reason:
                kind, message = "excused", f"qemu-user {reason}: {message.splitlines()[0]}"
            else:
                counts[kind] += 1
            if kind != "passed" or options.v:
                text = message.replace("\n", "\n    ")
                print(f"{kind}: {test.title} ({seconds:.1f} s){': ' if text else ''}{text}",
                      flush=True)
        for left in glob.glob(f"/sys/fs/cgroup/**/{os.path.basename(folder)}-*", recursive=True):
            os.rmdir(left)   # of a test that was ended by its timeout
    too_many = excuses.too_many(options.repeat)
    for line in [*excuses.told(), *(f"failed: more excused than known: qemu-user {x}" for x in too_many)]:
        print(line)
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    return 1 if counts["failed"] or too_many else 0


if __name__ == "__main__":
    sys.exit(main())
