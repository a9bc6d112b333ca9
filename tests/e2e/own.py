# SPDX-License-Identifier: MIT
"""--own: a tree becomes the user's, once, and nothing else does, whatever others do in it meanwhile."""
import json
import os
import shutil
import socket
import stat
import subprocess
import time

from harness import (CONFIG, TERM, background, both, equal, need, one_line, peer, run, scratch, start,
                     test, wait_for)
from probe_lab import call
from user import MS_BIND, accounts, as_user, refuses

UID, GID = 1000, 1001
OWNER = (UID, GID)
ROOT = (0, 0)
MS_RDONLY, MS_REMOUNT = 1, 32


def owner(path):
    facts = os.lstat(path)
    return facts.st_uid, facts.st_gid


def touch(*parts, mode=0o644):
    path = scratch(*parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write("x")
    os.chmod(path, mode)
    return path


def everything(path):
    found = [path]
    for folder, folders, files in os.walk(path):
        found += [os.path.join(folder, x) for x in folders + files]
    return found


def own(*paths, words=(), **options):
    return run("-u", "app", *[x for path in paths for x in ("--own", path)], *words, "--", "true", **options)


def owns(path, **options):
    with accounts():
        equal(own(path, **options), (0, "", ""))


def fails(path, *parts, words=(), **options):
    with accounts():
        refuses(["-u", "app", "--own", path, *words], "usher: --own ", *parts, **options)


@both("every entry becomes the user's and the group's, links themselves, not what they point to")
def _(pid1):
    outside = touch("outside")
    for name in ("data/a/b/c", "data/a/f", "data/f", "data/new\nline", "data/a/\x1b[31m"):
        touch(name)
    os.symlink(outside, scratch("data/link"))
    os.symlink(scratch(), scratch("data/a/up"))
    os.symlink("nowhere", scratch("data/dangling"))
    os.mkfifo(scratch("data/fifo"))
    os.mknod(scratch("data/null"), 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(scratch("data/socket"))
    owns(scratch("data"), pid1=pid1)
    equal({owner(x) for x in everything(scratch("data"))}, {OWNER})
    equal((owner(outside), owner(scratch())), (ROOT, ROOT))


@test("it is done once: when the user owns the top, nothing below is looked at")
def _():
    touch("data/a")
    os.chown(scratch("data"), UID, 7)
    owns(scratch("data"))
    equal((owner(scratch("data")), owner(scratch("data/a"))), ((UID, 7), ROOT))


@test("a file alone may be given, and several trees, and USHER_OWN lists them")
def _():
    paths = [touch("one"), os.path.dirname(touch("two/a")), touch("three")]
    with accounts():
        equal(own(*paths[:2]), (0, "", ""))
        status, _, err = run("true", env={"USHER_USER": "app", "USHER_OWN": ",".join(paths)})
        equal((status, err), (0, ""))
    equal([owner(x) for x in paths], [OWNER] * 3)


@test("what is the user's already keeps its set-uid bit; what is given loses it, and its capabilities")
def _():
    mine, given = touch("data/mine"), touch("data/given")
    os.chown(mine, *OWNER)
    setcap = shutil.which("setcap")
    capable = touch("data/capable")
    if setcap:
        subprocess.run([setcap, "cap_net_raw+ep", capable], check=True)
    for path in (mine, given):
        os.chmod(path, 0o6755)
    owns(scratch("data"))
    equal((oct(os.stat(mine).st_mode & 0o7777), oct(os.stat(given).st_mode & 0o7777)), (oct(0o6755), oct(0o755)))
    assert "security.capability" not in os.listxattr(capable)


@test("a line tells what was done, with -v alone, and a JSON log has the event")
def _():
    for name in ("data/a/b", "data/c"):
        touch(name)
    with accounts():
        _, _, err = run("-v", "-u", "app", "--own", scratch("data"), "true")
        equal(err.splitlines()[0], f"usher: --own {scratch('data')}: gave 4 entries to {UID}:{GID}")
        _, _, err = run("-v", "-u", "app", "--own", scratch("data"), "true")
        assert "--own" not in err, err
        os.chown(scratch("data"), 0, 0)
        _, _, err = run("-v", "--log-format=json", "-u", "app", "--own", scratch("data"), "true")
        equal((json.loads(err.splitlines()[0])["event"], json.loads(err.splitlines()[0])["level"]), ("own", "info"))


@test("folders with thousands of entries and long names are given whole")
def _():
    for i in range(3000):
        touch("data", "n" * 200 + str(i))
    for i in range(300):
        os.makedirs(scratch("data", f"d{i}", "e"))
    owns(scratch("data"))
    equal({owner(x) for x in everything(scratch("data"))}, {OWNER})


@test("256 folders deep are walked, and one more is told")
def _():
    os.makedirs(scratch("data/" + "d/" * 255))
    owns(scratch("data"))
    equal({owner(x) for x in everything(scratch("data"))}, {OWNER})
    os.makedirs(scratch("deep/" + "d/" * 256))
    fails(scratch("deep"), "/d/d/d", ": more than 256 folders deep")
    equal(owner(scratch("deep")), ROOT)


@test("what is not there, and a link, are told by name, and nothing runs")
def _():
    os.symlink(os.path.dirname(touch("real/a")), scratch("link"))
    fails(scratch("nothing"), scratch("nothing") + ": open: No such file or directory")
    fails(scratch("link"), scratch("link") + ": is a link")
    fails("/" + "x" * 5000, "File name too long")
    equal(owner(scratch("real")), ROOT)


@test("an entry that refuses is told by name, the top stays as it was, and the next start goes on")
def _():
    chattr = peer("chattr")
    path = touch("data/a/b/fixed")
    done = subprocess.run([chattr, "+i", path], capture_output=True, check=False)
    need(done.returncode == 0, "no file can be made immutable here")
    try:
        fails(scratch("data"), f"{path}: chown: Operation not permitted; that needs CAP_CHOWN")
        equal(owner(scratch("data")), ROOT)
    finally:
        subprocess.run([chattr, "-i", path], check=True)
    owns(scratch("data"))
    equal({owner(x) for x in everything(scratch("data"))}, {OWNER})


@test("a file system that is read-only is told")
def _():
    os.mkdir(scratch("data"))
    with accounts():
        call("mount", b"none", scratch("data").encode(), b"tmpfs", MS_RDONLY, None)
        refuses(["-u", "app", "--own", scratch("data")], scratch("data") + ": chown: Read-only file system")


@test("without CAP_CHOWN it tells so")
def _():
    with accounts():
        touch("data/a")
        refuses(["--bounding-set", "-chown", "--inh-caps", "-chown", CONFIG.usher, "-u", "app", "--own", scratch("data")],
                "data/a: chown: Operation not permitted; that needs CAP_CHOWN", binary=peer("setpriv"))


@test("what is mounted below is left alone: another file system, a folder or a file of the same one")
def _():
    for name in ("data/other/x", "data/same/x", "elsewhere/y"):
        touch(name)
    touch("data/config")
    config = touch("config-outside")
    with accounts():
        call("mount", b"none", scratch("data/other").encode(), b"tmpfs", 0, None)
        touch("data/other/there")
        call("mount", scratch("elsewhere").encode(), scratch("data/same").encode(), None, MS_BIND, None)
        call("mount", config.encode(), scratch("data/config").encode(), None, MS_BIND, None)
        status, _, err = run("-v", "-u", "app", "--own", scratch("data"), "true")
        equal((status, err.splitlines()[0]), (0, f"usher: --own {scratch('data')}: gave 1 entries to {UID}:{GID}; "
                                              "left alone: 3 of other file systems"))
        for path in ("data/other/there", "data/other", "elsewhere", "elsewhere/y"):
            equal(owner(scratch(path)), ROOT, path)
    equal((owner(config), owner(scratch("data"))), (ROOT, OWNER))


@test("where the kernel keeps nobody from linking to others' files, one with several names is left alone")
def _():
    for value, want in (("1", OWNER), ("0", ROOT), ("", ROOT)):
        folder = f"data{value}"
        outside, mine = touch(f"outside{value}"), touch(folder, "mine")
        os.link(outside, scratch(folder, "planted"))
        with accounts():
            with open(scratch("sysctl"), "w", encoding="ascii") as file:
                file.write(value)
            call("mount", scratch("sysctl").encode(), b"/proc/sys/fs/protected_hardlinks", None, MS_BIND, None)
            status, _, err = own(scratch(folder))
        equal((status, owner(outside), owner(mine)), (0, want, OWNER), value)
        told = [] if value == "1" else [
            f"usher: warning: --own {scratch(folder)}: gave 2 entries to {UID}:{GID}; "
            "left alone: 1 with several names (fs.protected_hardlinks is off)"]
        equal(err.splitlines(), told)


@both("a stop signal ends it, and the next start goes on")
def _(pid1):
    data = scratch("data")
    for i in range(2000):
        touch("data", str(i))
    slow = [peer("strace"), "-D", "-o", "/dev/null", "-e", "trace=fchownat", "-e", "inject=fchownat:delay_enter=2000"]
    with accounts():
        with start(*slow[1:], CONFIG.usher, "-u", "app", "--own", data, "--", "echo", "ran", binary=slow[0],
                   pid1=pid1) as init:
            wait_for(lambda: any(owner(x) == OWNER for x in everything(data)), "the walk has begun")
            equal(init.state(), "starting")
            init.kill(TERM)
            equal(init.wait(), 128 + TERM)
            equal(init.out.finish(), "")
        equal(owner(data), ROOT)
        assert ROOT in {owner(x) for x in everything(data)[1:]}, "it has gone through the tree before"
        equal(own(data), (0, "", ""))
    equal({owner(x) for x in everything(data)}, {OWNER})


@test("who renames and links meanwhile, as root or as a user who may write there, gets no file outside", timeout=120.0)
def _():
    # What must stay root's: files and a folder beside the tree, on the same file system.
    victims = [touch("victims/a"), touch("victims/folder/b"), touch("victims/set-uid", mode=0o4755)]
    folders = [scratch("victims"), scratch("victims/folder")]
    os.chmod(scratch(), 0o755)
    source = scratch("swapper.cpp")
    with open(source, "w", encoding="ascii") as file:
        file.write(SWAPPER)
    subprocess.run(["c++", "-O1", "-o", scratch("swapper"), source], check=True)
    walks = changes = 0
    with accounts():
        for user in ("0", "4321"):
            data = scratch(f"data{user}")
            os.mkdir(data)
            for i in range(20):
                for j in range(20):
                    touch(data, f"d{i}", f"f{j}")
            for path in everything(data):
                os.chmod(path, 0o777)
            swapper = background("setpriv", "--reuid", user, "--clear-groups", scratch("swapper"), data,
                                 scratch("victims"))
            end = time.monotonic() + 6
            while time.monotonic() < end:
                os.chown(data, 0, 0)
                status, _, err = own(data)
                walks += 1
                assert status in (0, 125), err
                for path in [*victims, *folders]:
                    equal(owner(path), ROOT, path)
            swapper.terminate()
            equal(swapper.wait(10), 0)
            changes += int(swapper.lines.finish())
    assert walks > 20 and changes > 2000, f"{walks} walks, {changes} swaps"


# Puts links to what is outside in the place of files and folders, and these back, as fast as it can.
SWAPPER = r"""
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string>
#include <unistd.h>
static volatile sig_atomic_t over = 0;
static void end(int) { over = 1; }
int main(int, char** argv) {
    signal(SIGTERM, end);
    const std::string data = argv[1], victims = argv[2];
    long swaps = 0;
    for (unsigned n = 0; !over; n = n * 1103515245 + 12345) {
        const std::string folder = data + "/d" + std::to_string(n / 65536 % 20);
        const std::string file = folder + "/f" + std::to_string(n / 1048576 % 20);
        const std::string away = data + "/away";
        if (rename(file.c_str(), away.c_str()) == 0) {
            swaps += symlink((victims + "/a").c_str(), file.c_str()) == 0;
            unlink(file.c_str());
            rename(away.c_str(), file.c_str());
        }
        if (rename(folder.c_str(), away.c_str()) == 0) {
            swaps += symlink(victims.c_str(), folder.c_str()) == 0;
            unlink(folder.c_str());
            rename(away.c_str(), folder.c_str());
        }
        // Only root may, where fs.protected_hardlinks is on; then what it links is its own to give.
        if (getuid() != 0 && link((victims + "/set-uid").c_str(), (folder + "/planted").c_str()) == 0) ++swaps;
    }
    printf("%ld\n", swaps);
}
"""
