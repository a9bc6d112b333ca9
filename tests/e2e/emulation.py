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
                file.write("0 0 4294967295")
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


# What qemu-user 7.2 does otherwise, how many tests may fail for it, and in which (`module: name`) it may show. The number is
# what was seen at most when all architectures were run, and a few more for a busy machine. Many of the tests pass all the same;
# one that fails is excused. More than that are no limit of qemu's, but a fault.
LIMITS = (
    ("has no child subreaper", 310,
     r"as a subreaper$|not PID 1|^subreaper: |^probe_program: |adopts orphans"
     r"|command lines of (tini|catatonit)|USHER_LINGER and|RQ worker behind a shell|^wait_for: (JSON: time is up|a literal password)"),
    ("starts no child with an end signal of its own, as the watcher is", 45,
     r"^heal: |--heal|^notify: a watcher"),
    ("runs CLONE_VFORK as a plain fork, so a failed exec is not seen", 4,
     r"^exec_errors: |on exec gives|a failed exec|a lone -|command lines of dumb-init|^slips: a shell-form CMD"),
    ("keeps signals, masks and dispositions of its own", 56,
     r"^signals: |USHER_REWRITE|that signal N ended|exit statuses of|mask and dispositions|inherit"
     r"|no disposition is touched|real-time signals|the same as without usher|^compat: who gets which signal"
     r"|^wait_for: (each signal|every other signal|a PIPE|each line of the JSON)|ready: fails while lingering"
     # A TERM by default ends no PID 1, but qemu-user waits for that end for ever.
     r"|^install: a signal that comes meanwhile"),
    ("has memory, threads, descriptors and system calls of its own", 56,
     r"^limits: |^probe_limits: |^privileges: |newer system calls|closed|environment that usher got"
     r"|names who did not stop|after su|strace|as little memory|the idle init|it uses no heap"
     r"|^install: (one that|no descriptor|without /proc)|^own: every entry|^user: files that cannot|statx is refused"
     r"|^wait_for: (where (no process|RLIMIT_NPROC)|after it usher has)"
     r"|its memory does not grow"),
    ("takes too long to start or to look up", 32,
     r"^early_signals: |a TERM that comes before wait|^wait: (out of time|the interval|signal)"
     r"|started with &|tostop|the script's again|a deep tree|the deadline holds against|a reset in each phase"),
)
# usher's own words where it cannot adopt orphans: as itself, and in the place of tini and catatonit.
NO_SUBREAPER = re.compile(r"not PID 1 and no child subreaper")


class Excuses:
    """Which failures need not hold under qemu-user, and whether they are too many."""

    def __init__(self):
        self.counts = dict.fromkeys((reason for reason, _, _ in LIMITS), 0)

    def find(self, title, message):
        """Why this test may have failed; empty: there is no such reason. Counts it."""
        reason = next((reason for reason, _, pattern in LIMITS if re.search(pattern, title)), "")
        # What differed was that warning, and not only that it stood in what the run printed.
        if NO_SUBREAPER.search(message.partition("\n")[0]):
            reason = LIMITS[0][0]
        if reason:
            self.counts[reason] += 1
        return reason

    def total(self):
        return sum(self.counts.values())

    def told(self):
        """One line a reason that excused something."""
        return [f"excused {self.counts[reason]} (at most {most}): qemu-user {reason}"
                for reason, most, _ in LIMITS if self.counts[reason]]

    def too_many(self, repeat=1):
        """The reasons that excused more tests than are known."""
        return [reason for reason, most, _ in LIMITS if self.counts[reason] > most * repeat]
