# SPDX-License-Identifier: MIT
"""--user and --own: their system calls fail, or lie. The program is exactly who was
asked for, or nothing ran; the top of a tree is the user's only when the whole tree is."""
import os

from errnos import SUCCESS
from harness import both, equal, scratch, test
from lab import GOES_ON, Point, Scene, assert_fatal, explore
from own import OWNER, ROOT, everything, owner, touch
from supervise import BEFORE_MAIN, LOGGING
from user import accounts

REFUSES = "is fatal"
SUPERVISED = ("wait4",)   # see supervise.py
WHO = ("sh", "-c", "echo $(id -u) $(id -g) $(id -G); exit 7")
# Without its file nobody is in a group, and what is gone meanwhile needs no owner.
ABSENT = ("openat", "ENOENT"), ("getdents64", "ENOENT")


def outcome(seen, point, inner="1000 1001 1001 33 44\n"):
    status = seen.finish()
    if point.call in BEFORE_MAIN:
        return "crashes in the C library's start"
    if seen.out:
        equal(status, 7, "status")
        if (point.call, point.error) in ABSENT:
            inner = inner if "33" in seen.out else "1000 1001 1001\n"
        equal(seen.out, inner, "who ran")
        return GOES_ON
    assert_fatal(seen, status, said=point.call not in LOGGING)
    return REFUSES


@both("--user", timeout=600)
def _(pid1):
    with accounts():
        explore(f"--user, pid1={pid1}", lambda scene, point: outcome(
            scene.attempt(point, ["-u", "app", "-p", "TERM", "--", *WHO], inject=["--pid1"] if pid1 else []), point),
                skipped=SUPERVISED)


@test("--own", timeout=600)
def _():
    for name in ("data/a/b/c", "data/d", "data/e"):
        touch(name)
    os.symlink("/etc/passwd", scratch("data/link"))
    data = scratch("data")

    def play(scene, point):
        for path in everything(data):
            os.lchown(path, 0, 0)
        code = outcome(scene.attempt(point, ["-u", "app", "--own", data, "--", *WHO]), point)
        owners = {owner(x) for x in everything(data)}
        if code == GOES_ON:
            assert owners == {OWNER} or (point.call, point.error) in ABSENT, owners
        elif owner(data) == OWNER:
            equal(owners, {OWNER}, "all is done when the top is")
        assert owners <= {OWNER, ROOT}, owners
        return code
    with accounts():
        explore("--own", play, skipped=SUPERVISED)


@test("a kernel that says yes and changes nothing is found out", timeout=100)
def _():
    with accounts():
        for call, nth in (("setgroups", 1), ("setresgid", 1), ("setresuid", 1), ("setresuid", 2)):
            def play(scene, point):
                return outcome(scene.attempt(point, ["-u", "app", "--", *WHO]), point)
            scene = Scene(play)
            equal(scene.at(Point(call, SUCCESS, nth), 100), (REFUSES, True), f"{call} {nth}")
            scene.close()
