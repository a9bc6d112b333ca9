#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The release binary under random command lines and environments, as PID 1 and not.

    tests/fuzz/whole_program.py [--usher PATH] [--seconds N] [--seed N] [-j N]

Whatever it is told, it ends: by itself or after a TERM, by no signal, with an exit code that is
documented for how it was called, and all that it prints are lines without control characters.

It runs in namespaces of its own (processes, mounts, network), in a root that holds nothing but
usher under its names and a few harmless programs, as a user who may do nothing. A failure tells the
seed and the call; the same seed makes the same calls.
"""
import argparse
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "e2e"))
sys.dont_write_bytecode = True

import harness  # noqa: E402
import sandbox  # noqa: E402

CLONE_NEWNET, CLONE_NEWPID = 0x40000000, 0x20000000
NOBODY = 65534
TERM_AFTER, HUNG_AFTER = 2.0, 60.0   # the machine may be busy
PEERS = ["tini", "docker-init", "dumb-init", "catatonit", "gosu", "su-exec"]
PROGRAMS = ["exits", "dies", "stays", "forks", "nothing"]
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP)
SUBCOMMANDS = ["probe", "wait", "sleep", "status"]
# What the programs end with, and what codes are remapped to.
OWN_CODES = {0, 7, 42}
SIGNAL_CODES = set(range(129, 193))
STARTED = OWN_CODES | SIGNAL_CODES | {126, 127}
ENDED_BY_US = {128 + signal.SIGTERM, 128 + signal.SIGINT}
DOCUMENTED = {
    "usher": STARTED | {125},
    "probe": {0, 1, 125} | ENDED_BY_US,
    "wait": STARTED | {124, 125},
    "sleep": {0, 125} | ENDED_BY_US,
    "status": {0, 1, 125},
    "tini": STARTED | {1},
    "docker-init": STARTED | {1},
    "dumb-init": STARTED | {1, 2},
    "catatonit": STARTED | {1},
    "gosu": STARTED | {0, 1},
    "su-exec": STARTED | {0, 1},
}

SIGNALS = ["TERM", "INT", "HUP", "QUIT", "USR1", "WINCH", "CONT", "TSTP", "15", "64", "RTMIN+3",
           "SIGRTMAX-1", "0", "32", "65", "KILL", "CHLD", "sigterm", "nope", "-1"]
DURATIONS = ["0", "5s", "250ms", "0.01", "1m30s", "2h", "inf", "-1", "1e3", "9e99", "soon", "1x",
             "106751d", "99999999999999999999"]
CHECKS = ["http://127.0.0.1/", ":8080/healthz", "http://unix:/x:/y", "tcp://127.0.0.1:1",
          "tcp://[::1]:9", "unix:/none", "unix:@none", "grpc://127.0.0.1:1/s", "file:/bin/exits",
          "file:/none", "file:/bin?max-age=1h&min-size=1", "pid:1", "pid:4000000", "pid:/bin/exits",
          "pid:/none", "ready:", "live:", "https://h/", "tcp://10.1.2.3:1", "tcp://name:1",
          "${SET}", "tcp://${SET:-h}:1", "${UNSET}", "tcp://", "x"]
VALUES = ["main", "group", "all", "text", "json", "TERM:QUIT", "HUP:0", "1:2", "15:0", "143",
          "143:42", "7:7", "300", "GET", "K: V", "K", "200-399", "200,204", "99", "ok", "", "1",
          "true", "maybe", "TERM,INT", "QUIT,,INT", "-e", "--", "-"]


def options_in_help(usher):
    """Every option that --help tells of, in any form."""
    words = set()
    for call in ([usher, "--help"], *([usher, name, "--help"] for name in SUBCOMMANDS)):
        text = subprocess.run(call, capture_output=True, text=True, check=True).stdout
        words |= set(re.findall(r"(?<![\w-])--?[a-zA-Z][a-z-]*", text))
    return sorted(words)


def noise(rng):
    return bytes(rng.choice(b"\x01\x07\x1b\n\r\t\x7f\x80\xc3\xff aZ09-=:,${}%[]?&#")
                 for _ in range(rng.randrange(12)))


def spoiled(rng, word):
    """The word with a byte put in, taken out or changed."""
    at = rng.randrange(len(word) + 1)
    return word[:at] + rng.choice([b"", noise(rng)[:1]]) + word[at + rng.randrange(2):]


class Generator:
    def __init__(self, rng, options):
        self.rng = rng
        self.options = options

    def word(self, *lists):
        word = self.rng.choice(self.rng.choice(lists)).encode()
        if self.rng.random() < 0.06:
            word = spoiled(self.rng, word)
        return noise(self.rng) if self.rng.random() < 0.03 else word

    def option(self):
        rng = self.rng
        option = self.word(self.options)
        value = self.word(SIGNALS, DURATIONS, VALUES)
        form = rng.random()
        if form < 0.35 and option.startswith(b"--"):
            return [option + b"=" + value]
        return [option, value] if form < 0.7 else [option]

    def program(self):
        name = self.word(PROGRAMS)
        numbers = {b"exits": OWN_CODES, b"dies": [0, 1, 9, 15, 34, 64]}.get(name, [0])
        return [name, str(self.rng.choice(sorted(numbers))).encode(), noise(self.rng)]

    def call(self):
        """argv and the environment."""
        rng = self.rng
        name = rng.choice(["usher"] * 8 + PEERS)
        argv = [name.encode()]
        command = rng.choice(SUBCOMMANDS + ["usher"] * 3) if name == "usher" else "usher"
        if command != "usher":
            argv.append(command.encode())
        for _ in range(rng.choice([0, 0, 1, 1, 2, 3, 6])):
            argv += self.option()
        if command in ("probe", "wait"):
            # Or a `wait` would last for half a minute.
            argv += [b"-t", b"100ms"] if rng.random() < 0.9 else []
            argv += [self.word(CHECKS) for _ in range(rng.choice([0, 1, 1, 2, 5, 17]))]
        elif command == "sleep":
            argv += [self.word(["0", "0.01", "1ms"], DURATIONS) for _ in range(rng.randrange(3))]
        if rng.random() < 0.5:
            argv.append(b"--")
        if rng.random() < 0.8:
            argv += self.program()
        return argv, self.environment()

    def environment(self):
        rng = self.rng
        names = ["USHER_" + o[2:].upper().replace("-", "_") for o in self.options if o[:2] == "--"]
        names += ["USHER_PROBE", "USHER_PROBE_TIMEOUT", "USHER_NESTED", "USHER_X", "TINI_VERBOSITY",
                  "TINI_SUBREAPER", "DUMB_INIT_DEBUG", "DUMB_INIT_SETSID", "CATATONIT_DEBUG",
                  "CATATONIT_LOG", "LISTEN_PID", "SET"]
        entries = {b"PATH": b"/bin"}
        for _ in range(rng.choice([0, 0, 0, 1, 2, 4])):
            entries[self.word(names).replace(b"=", b"")] = self.word(SIGNALS, DURATIONS, VALUES,
                                                                     CHECKS)
        return {name.replace(b"\0", b""): value for name, value in entries.items() if name}


def make_root(usher):
    root = harness.scratch("root")
    os.makedirs(os.path.join(root, "bin"))
    for name in ("proc", "dev", "empty"):
        os.mkdir(os.path.join(root, name))
    for name in ["usher", *PEERS]:
        shutil.copy(usher, os.path.join(root, name))
    for name in PROGRAMS:
        shutil.copy(harness.CONFIG.tools, os.path.join(root, "bin", name))
    open(os.path.join(root, "dev", "null"), "w", encoding="ascii").close()
    sandbox.call("mount", b"/dev/null", os.path.join(root, "dev", "null").encode(), None, 4096, None)
    os.chmod(root, 0o755)
    return root


def become_usher(root, argv, environment, outputs):
    os.chroot(root)
    os.chdir("/empty")
    for fd, output in ((0, os.open("/dev/null", os.O_RDONLY)), (1, outputs[0]), (2, outputs[1])):
        os.dup2(output, fd)
    os.closerange(3, 64)
    for limit, most in ((resource.RLIMIT_CORE, 0), (resource.RLIMIT_CPU, 10),
                        (resource.RLIMIT_FSIZE, 1 << 20)):
        resource.setrlimit(limit, (most, most))
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    for number in range(1, 65):
        if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    os.execve(b"/" + argv[0], argv, environment)


def wait_for_end(pid):
    """How it ended, or None if it had to be killed."""
    begin = time.monotonic()
    told = 0
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        since = time.monotonic() - begin
        if since > HUNG_AFTER:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None
        # Again: on a busy machine it may not have come so far as to block it, and PID 1 loses it then.
        if since > TERM_AFTER * (told + 1):
            told += 1
            os.kill(pid, signal.SIGTERM)
        signal.sigtimedwait([signal.SIGCHLD], TERM_AFTER / 4)


def one_run(root, argv, environment, outputs, as_pid1):
    """In a process of its own, for the namespace: the exit code, or None."""
    read_end, write_end = os.pipe()
    launcher = os.fork()
    if launcher == 0:
        try:
            sandbox.die_with_parent()
            os.setsid()
            if as_pid1:
                sandbox.call("unshare", CLONE_NEWPID | sandbox.CLONE_NEWNS)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
            pid = os.fork()
            if pid == 0:
                try:
                    sandbox.call("mount", b"proc", os.path.join(root, "proc").encode(), b"proc",
                                 sandbox.MS_NOSUID_NODEV_NOEXEC, None) if as_pid1 else None
                    become_usher(root, argv, environment, outputs)
                finally:
                    os._exit(99)
            os.write(write_end, json.dumps(wait_for_end(pid)).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as answer:
        text = answer.read()
    os.waitpid(launcher, 0)
    return json.loads(text)


def what_is_wrong(argv, code, printed):
    if code is None:
        return "it did not end"
    # `usher wait ... -- PROGRAM` becomes PROGRAM, and what ends that is its own business.
    becomes_program = argv[:2] == [b"usher", b"wait"] and b"--" in argv
    if code < 0 and becomes_program and (b"dies" in argv or -code not in CRASHES):
        return None
    if code < 0:
        return f"it was ended by signal {-code}"
    name = argv[0].decode()
    command = name
    if name == "usher" and len(argv) > 1 and argv[1].decode("latin-1") in SUBCOMMANDS:
        command = argv[1].decode()
    if code not in DOCUMENTED[command]:
        return f"exit code {code} is not documented for {command}"
    for text in printed:
        if re.search(rb"[^\n -~]", text):
            return f"control characters in {text[-300:]!r}"
        if text and not text.endswith(b"\n"):
            return f"a line without end: {text[-300:]!r}"
        for line in text.splitlines():
            if line.startswith(b'{"timestamp"'):
                json.loads(line)
    return None


def fuzz(seed, seconds, options, report):
    sandbox.call("unshare", CLONE_NEWNET)
    root = make_root(harness.CONFIG.usher)
    sandbox.call("mount", b"proc", os.path.join(root, "proc").encode(), b"proc",
                 sandbox.MS_NOSUID_NODEV_NOEXEC, None)
    generator = Generator(random.Random(seed), options)
    end = time.monotonic() + seconds
    codes = {}
    while time.monotonic() < end:
        argv, environment = generator.call()
        as_pid1 = generator.rng.random() < 0.3
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            code = one_run(root, argv, environment, (out.fileno(), err.fileno()), as_pid1)
            printed = []
            for file in (out, err):
                file.seek(0)
                printed.append(file.read())
        wrong = what_is_wrong(argv, code, printed)
        assert not wrong, (f"{wrong}\nseed {seed}, {'PID 1' if as_pid1 else 'not PID 1'}\n"
                           f"argv {argv}\nenvironment {environment}\nprinted {printed}")
        codes[code] = codes.get(code, 0) + 1
    with open(report, "w", encoding="ascii") as out:
        json.dump(codes, out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--usher", default=os.path.join(TOP, "build", "release", "usher"))
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("-j", type=int, default=os.cpu_count() or 1, metavar="N")
    arguments = parser.parse_args()
    reason = sandbox.can_sandbox()
    if reason:
        print(f"whole_program.py: {reason}", file=sys.stderr)
        return 1
    codes = {}
    failed = False
    with tempfile.TemporaryDirectory(prefix="usher-fuzz-") as folder:
        os.chmod(folder, 0o755)
        harness.CONFIG.scratch = folder
        harness.CONFIG.usher = os.path.join(folder, "usher")
        harness.CONFIG.tools = os.path.join(folder, "harmless")
        shutil.copy(arguments.usher, harness.CONFIG.usher)
        subprocess.run(["c++", "-std=c++20", "-O1", "-static", "-o", harness.CONFIG.tools,
                        os.path.join(HERE, "harmless.cpp")], check=True)
        options = options_in_help(harness.CONFIG.usher)
        tests = []
        for number in range(arguments.j):
            seed = arguments.seed + number
            report = os.path.join(folder, f"report-{number}")
            tests.append(harness.Test(
                f"random calls of seed {seed}",
                lambda seed=seed, report=report: fuzz(seed, arguments.seconds, options, report),
                "fuzz", "fuzz", arguments.seconds + 2 * HUNG_AFTER))
        for test, kind, message, _ in sandbox.perform_all(tests, arguments.j):
            if kind != "passed":
                failed = True
                print(f"{kind}: {test.title}: {message}", flush=True)
        for name in os.listdir(folder):
            if name.startswith("report-"):
                with open(os.path.join(folder, name), encoding="ascii") as report:
                    for code, count in json.load(report).items():
                        codes[int(code)] = codes.get(int(code), 0) + count
    told = ", ".join(f"{code}: {codes[code]}" for code in sorted(codes))
    print(f"whole program: seed {arguments.seed}, {sum(codes.values())} calls; exit codes {told}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
