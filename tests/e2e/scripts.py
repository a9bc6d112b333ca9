# SPDX-License-Identifier: MIT
"""Every script says what it does when it is asked, and then does nothing else."""
import fnmatch
import glob
import os
import shutil
import subprocess

import affected
from harness import add, equal, peer, scratch, test

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What a script may have until it has looked at its words: with no more in PATH it installs, builds and
# starts nothing.
COMMANDS = ("bash", "sh", "env", "dirname", "realpath", "sed", "python3", "id", "date")
# They hand their words on to a program that they have to build or install for first.
HAND_ON = {"bench", "test-architecture", "test-release"}


def names():
    """The scripts; what cannot be executed is there for the others to source."""
    return sorted(os.path.basename(path) for path in glob.glob(os.path.join(TOP, "scripts", "*"))
                  if os.access(path, os.X_OK) and os.path.isfile(path))


def files_below(folder):
    """{path: (size, when it was changed)}; folders, too."""
    return {path: (entry.st_size, entry.st_mtime_ns)
            for path in glob.glob(os.path.join(folder, "**"), recursive=True, include_hidden=True)
            for entry in [os.lstat(path)]}


def copy_of_the_tree():
    """A tree of the test's own, so that a script that does something does it there."""
    tree = scratch("tree")
    for name in ("scripts", "src", "docs", "packaging", "tests"):
        shutil.copytree(os.path.join(TOP, name), os.path.join(tree, name), symlinks=True,
                        ignore=shutil.ignore_patterns("__pycache__"))
    return tree


def call(tree, script, word):
    """The status and output of the script in that tree, with nearly nothing in PATH."""
    programs = scratch("bin")
    os.makedirs(programs, exist_ok=True)
    for name in COMMANDS:
        if not os.path.lexists(f"{programs}/{name}"):
            os.symlink(peer(name), f"{programs}/{name}")
    done = subprocess.run([f"{tree}/scripts/{script}", word], env={"PATH": programs}, cwd="/", text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=10)
    return done.returncode, done.stdout, done.stderr


def check_help(script):
    tree = copy_of_the_tree()
    before = files_below(tree)
    for word in ("--help", "-h"):
        status, out, err = call(tree, script, word)
        equal((status, err), (0, ""), f"status and stderr with {word}, stdout {out!r}")
        assert f"scripts/{script}" in out, f"{word} does not say how it is called: {out!r}"
        assert "SPDX" not in out and "#!" not in out, out
    equal(files_below(tree), before, "the files after it")


def check_refusal(script):
    tree = copy_of_the_tree()
    before = files_below(tree)
    status, out, err = call(tree, script, "--no-such-option")
    equal((status, out, len(err.splitlines())), (2, "", 1), f"status, stdout, lines of {err!r}")
    assert script in err, err
    equal(files_below(tree), before, "the files after it")


for _name in names():
    add(f"scripts/{_name} --help says what it does, and does nothing", lambda n=_name: check_help(n), __name__)
    if _name not in HAND_ON:
        add(f"scripts/{_name} refuses an unknown option with one line", lambda n=_name: check_refusal(n), __name__)


@test("what scripts/test quick chooses from is there")
def _():
    modules = {os.path.basename(x)[:-3] for x in glob.glob(os.path.join(TOP, "tests", "e2e", "*.py"))}
    for patterns, chosen in affected.SOURCES + affected.SHARED + affected.OTHERS:
        for pattern in chosen.split():
            assert fnmatch.filter(modules, pattern), f"{patterns}: no module {pattern}"


@test("scripts/test quick chooses by what a file is called, and a few always")
def _():
    for paths, want in (([], "cli exit_status"), (["tests/e2e/harness.py", "Makefile"], "cli exit_status"),
                        (["tests/e2e/drain.py"], "drain"), (["tests/e2e/wait_.py"], "wait"),
                        (["tests/e2e/gone.py"], "cli exit_status"), (["README.md", "scripts/fuzz"], "docs scripts"),
                        (["src/core/options.cpp"], "cli environment"), (["src/any/deep/hpack.hpp"], "probe_grpc")):
        equal(affected.affected(paths), want.split(), f"modules for {paths}")
