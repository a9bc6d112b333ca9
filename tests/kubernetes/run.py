#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The tests on a real kubelet: the release binary in the pods of a cluster of one node.

    tests/kubernetes/run.py [--usher BINARY] [--programs FOLDER | --k3s BINARY] [-k PATTERN] [-j N] [-v]

Runs tests/kubernetes/cases/*.py. Needs root, Python 3 with yaml, ip, iptables, openssl and a C++ compiler, and the
programs of scripts/kubernetes, or k3s. It all happens in a sandbox that leaves nothing (tests/engines/isolation.py).
The last line is `N passed, N failed, N skipped`; the exit status is 1 if a test failed, or none passed.
"""
import argparse
import glob
import importlib.util
import os
import re
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "engines"), os.path.join(TOP, "tests", "e2e")]
sys.dont_write_bytecode = True

import cluster  # noqa: E402
import engines  # noqa: E402
import harness  # noqa: E402
import images  # noqa: E402
import isolation  # noqa: E402
import lab  # noqa: E402
import sandbox  # noqa: E402

SOURCES = {"moody": "tests/tools/moody.cpp", "pause": "tests/tools/pause.cpp",
           "service": "examples/static-scratch/service.cpp"}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-k", action="append", metavar="PATTERN", default=[],
                        help="only tests in whose `module: title` this pattern is found")
    parser.add_argument("--list", action="store_true", help="tell the tests, run nothing")
    parser.add_argument("-j", type=int, default=5 * (os.cpu_count() or 1), metavar="N", help="this many at a time")
    parser.add_argument("--usher", default=os.path.join(TOP, "build", "release", "usher"))
    parser.add_argument("--programs", metavar="FOLDER", help="what scripts/kubernetes has built")
    parser.add_argument("--k3s", metavar="BINARY", help="a cluster of this one instead")
    parser.add_argument("-v", action="store_true", help="tell each test that passed, too")
    return parser.parse_args()


def collect(patterns):
    """Imports the modules, which register their tests; first those that run alone, and those that take long."""
    for path in sorted(glob.glob(f"{HERE}/cases/*.py")):
        name = os.path.basename(path)[:-3]
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    chosen = [t for t in harness.TESTS if all(re.search(k, t.title) for k in patterns)]
    return sorted(chosen, key=lambda t: (t.group, -t.timeout))


def compile_programs(usher):
    folder = f"{isolation.WORK}/programs"
    engines.compile_programs(folder, SOURCES)
    with open(f"{folder}/usher", "wb") as file:
        file.write(usher)
    return {name: images.File(f"{folder}/{name}", 0o755) for name in (*SOURCES, "usher")}


def make_images(programs):
    """What the pods are made of. The names are those that the manifests and the docs have."""
    usher, moody = programs["usher"], programs["moody"]
    supervised = {"Entrypoint": ["/usher", "--"], "User": "65532:65532"}
    return [
        images.make("pause", {"/pause": programs["pause"]}, {"Entrypoint": ["/pause"]}, cluster.PAUSE),
        images.make("moody", {"/usher": usher, "/moody": moody}, {**supervised, "Cmd": ["/moody"]}, lab.MOODY),
        # Dockerfile.example, file by file.
        images.make("example", {"/usher": usher, "/service": programs["service"]},
                    {**supervised, "Cmd": ["/service"], "Env": ["PORT=8080", "USHER_GRACE=6s"],
                     "StopSignal": "SIGTERM"}, lab.EXAMPLE),
        images.make("app", {"/usher": usher, "/app": moody, "/text": b"not a program\n"},
                    {**supervised, "Cmd": ["/app"]}, lab.PLAIN),
        images.make("usher", {"/usher": usher}, {"Entrypoint": ["/usher"]}, "usher:0.1.0"),
    ]


def keep(test, result_fd):
    """In a process of its own, next to the cluster."""
    sandbox.die_with_parent()
    os.setsid()
    harness.CONFIG.scratch = tempfile.mkdtemp(prefix="t-")

    def perform():
        with lab.namespace():
            test.function()
    kind, message = harness.outcome(harness.Test(test.name, perform, test.module, test.group, test.timeout))
    sandbox.tell(result_fd, (kind, "; ".join([*lab.NOTES, message] if message else lab.NOTES)))
    os._exit(0)


def perform(options, tests, usher):
    """Runs inside the sandbox."""
    os.environ.update(engines.environment())
    lab.CLUSTER = cluster.K3s(os.path.abspath(options.k3s)) if options.k3s else cluster.Debian(options.programs)
    lab.CLUSTER.start(make_images(compile_programs(usher)))
    print(f"Kubernetes {lab.CLUSTER.full_version}", flush=True)
    counts = dict.fromkeys(("passed", "failed", "skipped"), 0)
    for group, jobs in (("alone", 1), ("together", options.j)):
        for test, kind, message, seconds in sandbox.perform_all([t for t in tests if t.group == group], jobs, keep):
            counts[kind] += 1
            if options.v or message or kind != "passed":   # it has a note, or a reason
                text = message.rstrip("\n").replace("\n", "\n    ")
                print(f"{kind}: {test.title} ({seconds:.0f} s){': ' if text else ''}{text}", flush=True)
    for name, popen in lab.CLUSTER.started.items():
        if popen.poll() is not None:
            counts["failed"] += 1
            print(f"failed: {name} ended: {lab.CLUSTER.last_lines(name)}", flush=True)
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts), flush=True)
    return 1 if counts["failed"] or not counts["passed"] else 0   # nothing that was seen is no success


def main():
    options = parse_arguments()
    tests = collect(options.k)
    if not (options.list or options.k3s or options.programs):
        raise SystemExit("run.py: --programs FOLDER or --k3s BINARY is needed")
    return isolation.main(options, tests, perform, needed=True)


if __name__ == "__main__":
    sys.exit(main())
