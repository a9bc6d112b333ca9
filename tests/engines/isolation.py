# SPDX-License-Identifier: MIT
"""Runs the engines where they leave nothing: no process, mount, file, cgroup or rule.

    runner -> keeper (makes the namespaces) -> PID 1 of the sandbox -> the suite
    runner -> janitor (removes the cgroups when the runner has ended, however it ended)

Namespaces for mounts, processes, network and IPC end with their processes; in the sandbox the
machine's root is read-only, and every folder that an engine writes to is a tmpfs. Only cgroups
outlive their namespace: all that the engines make is below one folder in each hierarchy, which the
engines see as the root.
"""
import contextlib
import os
import signal
import subprocess
import sys
import time
import traceback

import sandbox

WORK = "/run/usher-engines"   # inside the sandbox: images, state of the engines, scratch files
CLONE_NEWNS, CLONE_NEWCGROUP = 0x00020000, 0x02000000
CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = 0x08000000, 0x20000000, 0x40000000
MS_RDONLY, MS_REMOUNT, MS_BIND = 1, 32, 4096
CGROUPS = "/sys/fs/cgroup"
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LEAF = "suite"
# Where engines write although they are told otherwise, and where sockets and locks are. The last
# hides AppArmor, into which Docker and Podman would load a profile for the whole machine.
VOLATILE = ("/run", "/dev/shm", "/tmp", "/var/tmp", "/sys/kernel/security")
# Where they make folders when they are started for the first time on a machine (/etc/docker,
# /var/lib/docker), and where there are files that they read.
COVERED = ("/etc", "/var/lib")


def mount(source, target, kind=None, flags=0, data=None):
    encode = [x.encode() if isinstance(x, str) else x for x in (source, target, kind, data)]
    sandbox.call("mount", encode[0], encode[1], encode[2], flags, encode[3])


# --- cgroups ----------------------------------------------------------------------------------

class Hierarchy:
    """One mounted cgroup hierarchy: its controllers, and the folder in it that this run owns."""

    def __init__(self, mounted_at, controllers, own):
        self.controllers = controllers    # "memory", "cpu,cpuacct", "name=x"; "" is version 2
        self.folder = os.path.join(mounted_at, own.lstrip("/"), f"usher-engines-{os.getpid()}")

    def make(self):
        os.mkdir(self.folder)
        if "cpuset" in self.controllers.split(","):
            for name in ("cpuset.cpus", "cpuset.mems"):    # empty in a new one: nothing may run
                with open(os.path.join(os.path.dirname(self.folder), name), "rb") as file:
                    value = file.read()
                with open(os.path.join(self.folder, name), "wb") as file:
                    file.write(value)

        if not self.controllers:
            os.mkdir(os.path.join(self.folder, LEAF))

    def enter(self, part=""):
        with open(os.path.join(self.folder, part, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write("0")

    def settle(self):
        """A version 2 cgroup with processes cannot hand controllers down: they move to a leaf."""
        if not self.controllers:
            self.enter(LEAF)

    def mount_namespaced(self):
        """In the new cgroup namespace: a mount that shows only what is below our folder."""
        if self.controllers:
            name = self.controllers.removeprefix("name=")
            os.mkdir(f"{CGROUPS}/{name}")
            data = self.controllers if name == self.controllers else f"none,{self.controllers}"
            mount("cgroup", f"{CGROUPS}/{name}", "cgroup", 0, data)
            return
        mount("cgroup", CGROUPS, "cgroup2")
        with open(f"{CGROUPS}/cgroup.controllers", encoding="ascii") as file:
            wanted = " ".join("+" + name for name in file.read().split())
        with contextlib.suppress(OSError), \
                open(f"{CGROUPS}/cgroup.subtree_control", "w", encoding="ascii") as file:
            file.write(wanted)

    def remove(self):
        """False while there is a process in it."""
        for path, _, _ in os.walk(self.folder, topdown=False):
            try:
                os.rmdir(path)
            except OSError:
                return False
        return True

    def kill(self):
        for path, _, _ in os.walk(self.folder):
            with contextlib.suppress(OSError), open(f"{path}/cgroup.procs", "rb") as file:
                for pid in map(int, file.read().split()):
                    os.kill(pid, signal.SIGKILL)


def hierarchies():
    """Those of version 1, else the one of version 2: crun refuses a machine with both."""
    mounted = {}
    with open("/proc/self/mountinfo", encoding="utf-8") as file:
        for line in file:
            before, after = line.split(" - ")
            kind, _, options = after.split()
            if kind in ("cgroup", "cgroup2"):
                mounted[options if kind == "cgroup" else ""] = before.split()[4]
    found = []
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        for line in file:
            _, controllers, own = line.rstrip("\n").split(":", 2)
            if controllers:
                for options, place in mounted.items():
                    if set(controllers.split(",")) <= set(options.split(",")):
                        found.append(Hierarchy(place, controllers, own))
    if not found and "" in mounted:
        found = [Hierarchy(mounted[""], "", "/")]
    return found


def janitor(read_end, groups):
    """Waits until nobody holds the other end of the pipe, then removes the cgroups."""
    os.setsid()   # neither ^C nor a signal to the runner's group reaches it
    os.read(read_end, 1)
    end = time.monotonic() + 30
    while not all([group.remove() for group in groups]):
        for group in groups:
            group.kill()
        if time.monotonic() > end:
            os._exit(1)
        time.sleep(0.01)
    os._exit(0)


# --- namespaces -------------------------------------------------------------------------------

def cover(folder):
    """It looks as it is, and what is written to it is not kept."""
    upper, work = (f"/run/covered{folder}/{part}" for part in ("upper", "work"))
    os.makedirs(upper)
    os.makedirs(work)
    mount("overlay", folder, "overlay", 0, f"lowerdir={folder},upperdir={upper},workdir={work}")


def furnish(groups):
    """The mounts of the sandbox, in its new namespaces."""
    mount(None, "/", None, sandbox.MS_REC_PRIVATE)
    mount("proc", "/proc", "proc", sandbox.MS_NOSUID_NODEV_NOEXEC)
    mount("tmpfs", CGROUPS, "tmpfs", 0, "mode=755")
    for group in groups:
        group.mount_namespaced()
    sources = os.open(TOP, os.O_PATH)
    for folder in VOLATILE:
        if os.path.isdir(folder):
            mount("tmpfs", folder, "tmpfs", 0, "mode=755" if folder == "/run" else "mode=1777")
    if not os.path.exists(__file__):   # what is tested lies in one of them
        os.makedirs(TOP)
        mount(f"/proc/self/fd/{sources}", TOP, None, MS_BIND)
    os.close(sources)
    for folder in COVERED:
        cover(folder)
    mount(None, "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY)
    for folder in ("/run/lock", WORK):
        os.mkdir(folder)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def live_as_pid1(groups, suite):
    sandbox.die_with_parent()
    furnish(groups)
    suite_pid = os.fork()
    if suite_pid == 0:
        try:
            os._exit(suite())
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    while True:   # conmon, shims and what containers leave become orphans: reap them
        pid, status = os.wait()
        if pid == suite_pid:
            os._exit(max(0, os.waitstatus_to_exitcode(status)) or (1 if status else 0))


def keep(groups, suite):
    sandbox.die_with_parent()
    for group in groups:
        group.enter()
    sandbox.call("unshare", CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
                 CLONE_NEWCGROUP)
    for group in groups:
        group.settle()
    pid = os.fork()
    if pid == 0:
        try:
            live_as_pid1(groups, suite)
        finally:
            os._exit(1)
    os._exit(1 if os.waitpid(pid, 0)[1] else 0)


def run(suite):
    """Runs suite() in a new sandbox and returns its exit status, 0 or 1."""
    groups = hierarchies()
    read_end, write_end = os.pipe()
    janitor_pid = os.fork()
    if janitor_pid == 0:
        os.close(write_end)
        try:
            janitor(read_end, groups)
        finally:
            os._exit(1)
    os.close(read_end)
    for group in groups:
        group.make()
    keeper = os.fork()
    if keeper == 0:
        os.close(write_end)
        try:
            keep(groups, suite)
        finally:
            os._exit(1)
    try:
        status = os.waitstatus_to_exitcode(os.waitpid(keeper, 0)[1])
    except KeyboardInterrupt:
        os.kill(keeper, signal.SIGKILL)
        os.waitpid(keeper, 0)
        status = 1
    os.close(write_end)
    if os.waitpid(janitor_pid, 0)[1] != 0:
        print(f"left behind: {' '.join(group.folder for group in groups)}", flush=True)
        status = 1
    return status


def main(options, tests, perform, *, needed=False):
    """What a runner of tests does: perform(options, tests, usher) in a sandbox, with the bytes of the binary
    options.usher. Returns its exit status, which is that of a failure where there can be no sandbox and it is `needed`; with
    options.list the tests are only told."""
    if options.list:
        for test in tests:
            print(test.title)
        return 0
    reason = sandbox.can_sandbox()
    if reason:
        print(f"skipped: all: {reason}\n0 passed, 0 failed, {len(tests)} skipped")
        return 1 if needed else 0
    with open(options.usher, "rb") as file:
        usher = file.read()
    sys.stdout.flush()
    return run(lambda: perform(options, tests, usher))
