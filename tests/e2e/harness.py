# SPDX-License-Identifier: MIT
"""Starts inits and programs for the end-to-end tests, and registers the tests.

A test is a function under @test("a sentence that must hold"). Each one runs in a sandbox of its own
(see sandbox.py): a PID namespace, so that nothing a test does, and no bug of the init under test,
reaches a process outside. start() runs an init, as the PID 1 of one more namespace or plainly.
"""
import contextlib
import ctypes
import dataclasses
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

DEADLINE = 10.0
PR_SET_CHILD_SUBREAPER = 36
ALL_SIGNALS = range(1, 65)
KILL, STOP, CHLD, CONT, TERM = 9, 19, 17, 18, 15
FULL_MASK = (1 << 64) - 1 & ~(1 << (KILL - 1)) & ~(1 << (STOP - 1))


class Skip(Exception):
    """The test cannot be run here; the text says why."""


@dataclasses.dataclass
class Test:
    name: str
    function: object
    module: str
    group: str
    timeout: float

    @property
    def title(self):
        return f"{self.module}: {self.name}"


@dataclasses.dataclass
class Config:
    usher: str = ""      # the binary under test: a copy that every user can execute
    usher_tls: str = ""  # usher-tls, the same; empty: it was not built
    original: str = ""   # where it was built
    tools: str = ""      # the folder of pidns, witness and early
    scratch: str = ""    # this test's own folder, removed after it


TESTS = []
CONFIG = Config()


def test(name, *, group=None, timeout=60.0):
    """Registers a test. `name` is a sentence: what must hold. One behaviour per test."""
    def register(function):
        add(name, function, function.__module__, group, timeout)
        return function
    return register


def add(name, function, module, group=None, timeout=60.0):
    """Registers one test made by a loop; `module` is the caller's __name__."""
    module = module.rpartition(".")[2].rstrip("_")
    if any(t.module == module and t.name == name for t in TESTS):
        raise ValueError(f"two tests are called {module}: {name}")
    TESTS.append(Test(name, function, module, group or module, timeout))


def both(name, *, group=None, timeout=60.0):
    """Registers a test twice: with the init as PID 1, and as a plain process. It takes `pid1`."""
    def register(function):
        for pid1, where in ((True, "as PID 1"), (False, "as a subreaper")):
            add(f"{name}, {where}", lambda pid1=pid1: function(pid1), function.__module__, group,
                timeout)
        return function
    return register


def skip(reason):
    raise Skip(reason)


def need(condition, reason):
    if not condition:
        skip(reason)


def peer(name):
    """The path of a peer program, or a skip when Debian's package is not installed."""
    path = shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin")
    need(path, f"{name} is not installed")
    return path


def scratch(*parts):
    """A path in this test's own folder."""
    return os.path.join(CONFIG.scratch, *parts)


def tool(name):
    return os.path.join(CONFIG.tools, name)


def witness(*args):
    """The command of the supervised test program; see the top of witness.cpp."""
    return [tool("witness"), *map(str, args)]


def equal(got, want, what="value"):
    assert got == want, f"{what}: got {got!r}, want {want!r}"


def comes_true(condition, deadline):
    """Polls until condition() is true, and returns its value; a false one when time is up."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value or time.monotonic() >= end:
            return value
        time.sleep(0.002)


def wait_for(condition, what, deadline=DEADLINE):
    """The same, and fails when time is up."""
    value = comes_true(condition, deadline)
    assert value, f"not within {deadline} s: {what}"
    return value


def holds_for(condition, seconds, what):
    """Fails if condition() stops being true within that time: for things that must not happen."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert condition(), f"did not stay so for {seconds} s: {what}"
        time.sleep(0.005)


# --- /proc ----------------------------------------------------------------------------------

def read_proc(pid, name):
    """The text of /proc/PID/NAME, or None when there is no such process any more."""
    try:
        with open(f"/proc/{pid}/{name}", "rb") as file:
            return file.read().decode("latin-1")
    except (FileNotFoundError, ProcessLookupError):
        return None


def comm(pid):
    text = read_proc(pid, "comm")
    return None if text is None else text[:-1]


def proc_status(pid):
    text = read_proc(pid, "status")
    if text is None:
        return {}
    return {key: value.strip() for key, _, value in (x.partition(":") for x in text.splitlines())}


def proc_state(pid):
    """R, S, T, Z, ... or None when the process is gone."""
    text = read_proc(pid, "stat")
    return None if text is None else text.rpartition(")")[2].split()[0]


def signal_mask(pid, field):
    return int(proc_status(pid).get(field, "0"), 16)


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def parent_of(pid):
    text = read_proc(pid, "stat")
    return None if text is None else int(text.rpartition(")")[2].split()[1])


def children(pid):
    return sorted(p for p in processes() if parent_of(p) == pid)


def descendants(pid):
    parents = {p: parent_of(p) for p in processes()}
    found, layer = [], [pid]
    while layer:
        layer = [p for p, parent in parents.items() if parent in layer]
        found += layer
    return found


def alive(pid):
    return proc_state(pid) not in (None, "Z", "X")


def inner_pid(pid):
    """The pid of a process as its innermost PID namespace sees it; 0: it is gone."""
    return int(proc_status(pid).get("NSpid", "0").split()[-1])


# --- running --------------------------------------------------------------------------------

class Stream:
    """Reads a pipe in a thread, as lines."""

    def __init__(self, fd):
        self.fd = fd
        self.data = b""
        self.ended = False
        self.cursor = 0
        self.changed = threading.Condition()
        self.thread = threading.Thread(target=self._pump, daemon=True)
        self.thread.start()

    def _pump(self):
        while True:
            try:
                part = os.read(self.fd, 65536)
            except OSError:
                part = b""
            with self.changed:
                self.data += part
                self.ended = not part
                self.changed.notify_all()
            if not part:
                return

    @property
    def text(self):
        with self.changed:
            return self.data.decode("utf-8", "replace")

    @property
    def lines(self):
        return self.text.splitlines()

    def expect(self, pattern, deadline=DEADLINE):
        """Waits for the next whole line in which `pattern` is found; returns the match."""
        end = time.monotonic() + deadline
        with self.changed:
            while True:
                newline = self.data.find(b"\n", self.cursor)
                if newline >= 0:
                    line = self.data[self.cursor:newline].decode("utf-8", "replace")
                    self.cursor = newline + 1
                    match = re.search(pattern, line)
                    if match:
                        return match
                    continue
                left = end - time.monotonic()
                assert not self.ended and left > 0, f"no line with {pattern!r} came"
                self.changed.wait(left)

    def find(self, pattern):
        """All matches of `pattern` in what has come so far."""
        return re.findall(pattern, self.text, re.MULTILINE)

    def finish(self, deadline=DEADLINE):
        """Waits for the end of the stream and returns its text."""
        self.thread.join(deadline)
        assert self.ended, "the stream was not closed"
        return self.text


def shell_code(popen, deadline):
    """The end, as a shell would tell it: the exit status, or 128+N after signal N."""
    try:
        code = popen.wait(deadline)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"still running after {deadline} s") from None
    return code if code >= 0 else 128 - code


class Run:
    """A started init. `pid` is its pid as seen here; as PID 1 it is 1 in its own namespace."""

    def __init__(self, popen, pid, pid1, command):
        self.popen = popen
        self.pid = pid
        self.pid1 = pid1
        self.command = command
        self.out = Stream(popen.stdout.fileno()) if popen.stdout else None
        self.err = Stream(popen.stderr.fileno()) if popen.stderr else None
        self.leaves = False   # a test sets it when the init may leave processes behind

    def ready(self, deadline=DEADLINE):
        self.out.expect(r"^ready$", deadline)
        return self

    def kill(self, sig):
        os.kill(self.pid, sig)

    def running(self):
        return self.popen.poll() is None

    def wait(self, deadline=DEADLINE):
        code = shell_code(self.popen, deadline)
        if self.out is not None:
            self.out.thread.join(1)     # what the program printed last; others may hold the pipe
        return code

    def signaled(self):
        """True when the init itself was ended by a signal."""
        return self.popen.returncode is not None and self.popen.returncode < 0

    def comm(self):
        return comm(self.pid)

    def state(self):
        """The state that usher tells in its comm."""
        text = comm(self.pid) or ""
        return text.removeprefix("usher:") if text.startswith("usher:") else text

    def wait_state(self, state, deadline=DEADLINE):
        wait_for(lambda: self.state() == state, f"state {state}", deadline)
        return self

    def program(self):
        """The supervised program's pid as seen here: the first child."""
        return wait_for(lambda: children(self.pid), "a child")[0]

    def descendants(self):
        return descendants(self.pid)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        ended = not self.running()
        self.end()
        if ended and not self.pid1 and not any(r.running() for r in RUNS):
            def left():
                return [f"{p} {comm(p)}" for p in processes() if not is_known(p) and alive(p)]
            # A child whose exec failed has told so, and let go of usher's memory, just before it is gone.
            with contextlib.suppress(AssertionError):
                wait_for(lambda: self.leaves or not left(), "nobody is left", 0.5)
            told = ", ".join(left())
            kill_everything()
            assert kind is not None or self.leaves or not told, f"left behind: {told}"

    def end(self):
        """Ends it by force, with all its descendants: only for what is still there."""
        if self.running():
            victims = [self.pid, *self.descendants()]
            for pid in victims:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.popen.wait(DEADLINE)
            wait_for(lambda: not any(map(alive, victims)), "what was killed is gone")

    def story(self):
        lines = [f"command: {' '.join(self.command)}"[:500], f"status: {self.popen.poll()}"]
        for name, stream in (("stdout", self.out), ("stderr", self.err)):
            if stream is not None:
                lines += [f"{name}: {line!r}" for line in stream.lines[-40:]]
        return "\n".join(lines)


RUNS = []
KNOWN = set()   # processes of the sandbox itself and of background() that no init may be blamed for
BACKGROUND = set()   # of these the latter, whose children are their own


def is_known(pid):
    return pid in KNOWN or parent_of(pid) in BACKGROUND


def base_environment():
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


def start(*args, binary=None, pid1=False, namespace=(), before=(), env=None, stdin=None,
          stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=None, pass_fds=(), bare=False):
    """Starts an init with these arguments.

    binary: the init's path, usher when not given. pid1: as PID 1 of a new PID namespace, with
    `namespace` as options of pidns. before: options of `witness with`, which changes itself and
    then execs the init. env: added to a small environment; with `bare` there is none at all.
    """
    command = [binary or CONFIG.usher, *map(str, args)]
    if before:
        command = [*witness("with", *before), "--", *command]
    environment = {**({} if bare else base_environment()), **(env or {})}
    stdin = subprocess.DEVNULL if stdin is None else stdin
    report = None
    if pid1:
        report, write_end = os.pipe()
        command = [tool("pidns"), "--setsid", "--report-fd", str(write_end), *namespace, "--",
                   *command]
        pass_fds = (*pass_fds, write_end)
    popen = subprocess.Popen(command, env=environment, stdin=stdin, stdout=stdout, stderr=stderr,
                             cwd=cwd, pass_fds=pass_fds, start_new_session=True)
    pid = popen.pid
    if report is not None:
        os.close(write_end)
        with os.fdopen(report) as file:
            pid = int(file.readline() or popen.pid)
    run = Run(popen, pid, pid1, command)
    RUNS.append(run)
    return run


def run(*args, deadline=DEADLINE, **options):
    """Runs an init to its end: (status, stdout, stderr)."""
    with start(*args, **options) as init:
        status = init.wait(deadline)
        out = init.out.finish() if init.out else ""
        err = init.err.finish() if init.err else ""
        return status, out, err


def background(*command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options):
    """A process that is no descendant of an init; it is ended with the test."""
    popen = subprocess.Popen(list(command), stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                             start_new_session=True, **options)
    KNOWN.add(popen.pid)
    BACKGROUND.add(popen.pid)
    if popen.stdout:
        popen.lines = Stream(popen.stdout.fileno())
    return popen


@contextlib.contextmanager
def cgroup(name, **limits):
    """A new cgroup of the pids controller: the folder of it. limits: pids_max=1 and the like."""
    top = next((x for x in ("/sys/fs/cgroup/pids", "/sys/fs/cgroup")
                if os.path.exists(x + "/cgroup.procs")), None)
    need(top, "no cgroup with the pids controller")
    folder = f"{top}/{'-'.join(CONFIG.scratch.split('/')[-2:])}-{name}"
    try:
        os.mkdir(folder)
        for limit, value in limits.items():
            with open(f"{folder}/{limit.replace('_', '.')}", "w", encoding="ascii") as file:
                file.write(str(value))
    except OSError as error:
        skip(f"no cgroup can be made here: {error}")
    try:
        yield folder
    finally:
        with open(f"{folder}/cgroup.procs", encoding="ascii") as file:
            for pid in file.read().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
        wait_for(lambda: remove_folder(folder), "the cgroup is empty")


def remove_folder(path):
    try:
        os.rmdir(path)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def traced(pid):
    """Meanwhile a process that is killed stays, for its parent, as if it had not died."""
    seize, detach = 0x4206, 17
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    need(libc.ptrace(seize, pid, None, None) == 0, "no process can be traced here")
    try:
        yield
    finally:
        libc.ptrace(detach, pid, None, None)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def inside(init, *command, user=None, env=None):
    """Runs a command in the namespaces of an init that is PID 1: (status, stdout, stderr)."""
    enter = ["nsenter", "-t", str(init.pid), "-p", "-m"]
    if user is not None:
        enter += ["-S", str(user), "-G", str(user)]
    done = subprocess.run([*enter, "--", *command], env={**base_environment(), **(env or {})},
                          capture_output=True, text=True, timeout=DEADLINE, check=False)
    return done.returncode, done.stdout, done.stderr


def report(*args, pid1=False, **options):
    """Starts `init ARGS -- witness report` and returns what the program saw."""
    status, out, err = run(*args, "--", *witness("report"), pid1=pid1, **options)
    equal(status, 0, f"status (stderr {err!r})")
    return json.loads(out.splitlines()[-1])


def signals_in(mask):
    return {n for n in ALL_SIGNALS if mask >> (n - 1) & 1}


def join(numbers):
    return ",".join(map(str, sorted(numbers)))


def one_line(text):
    """Asserts that an error was told in exactly one line, and returns it."""
    assert text.endswith("\n") and text.count("\n") == 1, f"not one line: {text!r}"
    return text[:-1]


# --- around one test ------------------------------------------------------------------------

def kill_everything():
    """Ends every process of the sandbox but the known ones, and reaps those that came to us."""
    end = time.monotonic() + DEADLINE
    while True:
        left = [p for p in processes() if not is_known(p)]
        if not left or time.monotonic() > end:
            return
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for pid in left:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        time.sleep(0.001)


def place(trace):
    """file:line of the innermost frame that is a test's and not the harness's."""
    found = ""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if file != __file__ or not found:
            found = f"{os.path.basename(file)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


def outcome(item):
    """Calls the test's function: ("passed" | "failed" | "skipped", message)."""
    try:
        item.function()
        return "passed", ""
    except Skip as reason:
        return "skipped", str(reason)
    except Exception as error:  # a test may fail in any way; the run goes on
        where = place(error.__traceback__)
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        story = "\n".join(r.story() for r in RUNS[-3:])
        return "failed", f"{where}: {kind}{error}\n{story}"


def perform(item):
    """Runs one test in this process, and looks at what it left: as outcome()."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    KNOWN.update(processes())
    CONFIG.scratch = tempfile.mkdtemp(prefix="t-", dir=CONFIG.scratch)
    os.chmod(CONFIG.scratch, 0o755)
    own = set(KNOWN)
    result = outcome(item)
    for init in RUNS:
        init.end()
    for pid in KNOWN - own:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)
    KNOWN.intersection_update(own)
    left = [f"{p} {comm(p)}" for p in processes() if p not in KNOWN and alive(p)]
    if left and result[0] == "passed":
        result = ("failed", f"left behind: {', '.join(left)}")
    shutil.rmtree(CONFIG.scratch, ignore_errors=True)
    return result
