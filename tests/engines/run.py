#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The engine tests: the release binary in containers of every engine that is there.

    tests/engines/run.py [--usher BINARY] [-k PATTERN] [-e ENGINE] [-j N] [--repeat N] [--table]

Runs tests/engines/cases/*.py and examples/*/test.py. Needs root, Python 3, ip and a C++ compiler;
an engine that is not installed is a counted skip. It all happens in a sandbox that leaves nothing
(isolation.py). The last line is `N passed, N failed, N skipped`; the exit status is 1 if a test
failed.
"""
import argparse
import concurrent.futures
import glob
import importlib.util
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "e2e")]
sys.dont_write_bytecode = True

import engines  # noqa: E402
import harness  # noqa: E402
import isolation  # noqa: E402
import sandbox  # noqa: E402
import suite  # noqa: E402

SOURCES = {"witness": "tests/tools/witness.cpp", "onlooker": "tests/tools/onlooker.cpp",
           "service": "examples/static-scratch/service.cpp"}


def parse_arguments():
    names = ["manifests", *(engine.name for engine in engines.ENGINES)]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-k", action="append", metavar="PATTERN", default=[],
                        help="only tests in whose `module: title, engine` this pattern is found")
    parser.add_argument("-e", action="append", metavar="ENGINE", default=[], choices=names,
                        help=f"only this engine, or the files (repeatable): {', '.join(names)}")
    parser.add_argument("--list", action="store_true", help="tell the tests, run nothing")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="run each N times")
    parser.add_argument("-j", type=int, default=2 * (os.cpu_count() or 1), metavar="N",
                        help="this many at a time")
    parser.add_argument("--usher", default=os.path.join(TOP, "build", "release", "usher"))
    parser.add_argument("--table", action="store_true", help="a table of the times at the end")
    parser.add_argument("-v", action="store_true", help="tell each test that passed, too")
    return parser.parse_args()


def collect(options):
    """Imports the modules, which register their tests."""
    for path in sorted(glob.glob(f"{HERE}/cases/*.py") + glob.glob(f"{TOP}/examples/*/test.py")):
        folder, file = os.path.split(path)
        name = file[:-3] if folder.endswith("cases") else f"example {os.path.basename(folder)}"
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    tests = [t for t in harness.TESTS if all(re.search(k, t.title) for k in options.k)]
    # First what needs no engine (group manifests); then one engine after the other, so that the
    # cases that load the machine do not meet.
    names = ["manifests", *(engine.name for engine in engines.ENGINES)]
    return sorted((t for t in tests if t.group in (options.e or names)),
                  key=lambda t: names.index(t.group))


def prepare(usher):
    """The programs that the containers run, static."""
    folder = f"{isolation.WORK}/programs"
    engines.compile_programs(folder, SOURCES)
    for path in (f"{folder}/usher", *(f"{isolation.WORK}/{name}-init" for name in
                                      ("docker", "podman"))):
        with open(path, "wb") as file:
            file.write(usher)
        os.chmod(path, 0o755)


def start(wanted):
    """Starts the engines that are here: {name: why its tests are skipped, or how it failed}."""
    missing, broken = {}, {}

    def bring_up(engine):
        reason = engine.available()
        if reason:
            missing[engine.name] = reason
            return
        try:
            engine.start()
        except Exception as error:  # told with each of its tests
            broken[engine.name] = f"{engine.name} does not start: {error}"
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(bring_up, wanted))
    return missing, broken


def keep(test, result_fd):
    """In a process of its own, next to the engines."""
    sandbox.die_with_parent()
    os.setsid()
    harness.CONFIG.scratch = tempfile.mkdtemp(prefix="t-")
    os.chmod(harness.CONFIG.scratch, 0o755)
    harness.CONFIG.tools = f"{isolation.WORK}/programs"
    kind, message = harness.outcome(test)
    sandbox.tell(result_fd, (kind, "; ".join([*suite.NOTES, message] if message else suite.NOTES)))
    os._exit(0)


def table(results):
    """Titles down, engines across; seconds of the slowest round."""
    names = [engine.name for engine in engines.ENGINES]
    rows = {}
    on_engines = [r for r in results if r[0].group in names]
    for test, kind, seconds in sorted(on_engines, key=lambda r: harness.TESTS.index(r[0])):
        row = rows.setdefault(test.title.rpartition(", ")[0], {})
        text = f"{seconds:.1f}" if kind == "passed" else kind
        row[test.group] = max(row.get(test.group, ""), text, key=lambda x: (x[:1].isalpha(), x))
    lines = [["seconds", *names], ["---", *(["---:"] * len(names))]]
    lines += [[title, *(row.get(name, "") for name in names)] for title, row in rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def perform(options, tests, usher):
    """Runs inside the sandbox."""
    os.environ.update(engines.environment())
    os.environ["PATH"] = engines.PATH
    prepare(usher)
    used = {test.group for test in tests}
    here = [engine for engine in engines.ENGINES if engine.name in used]
    missing, broken = start(here)
    results, skips = [], {}

    def tell(test, kind, message, seconds):
        results.append((test, kind, seconds))
        if kind == "skipped":
            skips.setdefault((test.group, message), []).append(test)
        if kind == "failed" or options.v or (kind == "passed" and message):   # it has a note
            text = message.rstrip("\n").replace("\n", "\n    ")
            print(f"{kind}: {test.title} ({seconds:.1f} s){': ' if text else ''}{text}", flush=True)

    for test in tests:
        for kind, reasons in (("skipped", missing), ("failed", broken)):
            if test.group in reasons:
                tell(test, kind, reasons[test.group], 0)
    rest = [t for t in tests if t.group not in missing and t.group not in broken]
    for result in sandbox.perform_all(rest * options.repeat, options.j, keep):
        tell(*result)
    if not options.v:
        for (group, reason), skipped in skips.items():
            print(f"skipped: {len(skipped)} of {group}: {reason}", flush=True)
    left = 0
    for engine in here:
        if engine.name not in missing and engine.name not in broken:
            names = engine.containers()
            left += bool(names)
            if names:
                print(f"failed: left in {engine.name}: {' '.join(names)}", flush=True)
            engine.stop()
    if options.table:
        print(table(results))
    counts = {kind: sum(r[1] == kind for r in results) for kind in ("passed", "failed", "skipped")}
    counts["failed"] += left
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts), flush=True)
    return 1 if counts["failed"] else 0


def main():
    options = parse_arguments()
    tests = collect(options)
    return isolation.main(options, tests, perform)


if __name__ == "__main__":
    sys.exit(main())
