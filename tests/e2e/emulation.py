# SPDX-License-Identifier: MIT
"""Runs the binary of another architecture under qemu-user, as PID 1 too.

The kernel starts an interpreter of binfmt_misc for it; since Linux 6.7 a user namespace can have
interpreters of its own, so nothing is registered outside.
"""
import os
import re

from sandbox import CLONE_NEWNS, MS_REC_PRIVATE, call

CLONE_NEWUSER = 0x10000000
REGISTER = "/proc/sys/fs/binfmt_misc"


def become_root_of_new_namespace():
    """All ids stay what they are; only a process outside may say so."""
    outside, inside = os.pipe()
    pid = os.getpid()
    helper = os.fork()
    if helper == 0:
        os.read(outside, 1)
        for kind in ("uid", "gid"):
            with open(f"/proc/{pid}/{kind}_map", "w", encoding="ascii") as file:
                file.write("0 0 65536")
        os._exit(0)
    call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    os.write(inside, b"g")
    assert os.waitstatus_to_exitcode(os.waitpid(helper, 0)[1]) == 0, "the ids could not be mapped"
    os.close(outside)
    os.close(inside)


def enter(emulator):
    """From here on this process and its children can execute programs for qemu-`emulator`."""
    become_root_of_new_namespace()
    call("mount", None, b"/", None, MS_REC_PRIVATE, None)
    call("mount", b"binfmt_misc", REGISTER.encode(), b"binfmt_misc", 0, None)
    with open(f"/usr/lib/binfmt.d/qemu-{emulator}.conf", encoding="ascii") as file:
        rule = file.read().strip()
    with open(f"{REGISTER}/register", "w", encoding="ascii") as file:
        file.write(rule)


# What qemu-user 7.2 does otherwise, and the tests (`module: name`) in which it may show. Many of them
# pass all the same; one that fails is a skip.
LIMITS = (
    ("has no child subreaper",
     r"as a subreaper$|not PID 1|^subreaper: |^probe_program: |adopts orphans"),
    ("runs CLONE_VFORK as a plain fork, so a failed exec is not seen",
     r"^exec_errors: |on exec gives|a failed exec|a lone -|command lines of dumb-init"),
    ("keeps signals, masks and dispositions of its own",
     r"^signals: |USHER_REWRITE|that signal N ended|exit statuses of|mask and dispositions|inherit"
     r"|no disposition is touched|real-time signals|the same as without usher"),
    ("has memory, threads, descriptors and system calls of its own",
     r"^limits: |^probe_limits: |^privileges: |newer system calls|closed|environment that usher got"
     r"|names who did not stop|after su|strace"),
    ("takes too long to start or to look up",
     r"^early_signals: |a TERM that comes before wait|^wait: (out of time|the interval|signal)"
     r"|started with &|tostop|the script's again"),
)


def excuse(test, message):
    """Why a failed test need not hold under qemu-user; empty: there is no such reason."""
    if "no child subreaper" in message:     # usher's own warning of it
        return f"qemu-user {LIMITS[0][0]}"
    for reason, pattern in LIMITS:
        if re.search(pattern, test.title):
            return f"qemu-user {reason}"
    return ""
