# SPDX-License-Identifier: MIT
"""The container engines, behind one interface: run an image, stop it, look at it.

Docker and Podman have a daemon or a store and load images; runc, crun and runsc (gVisor) get a
bundle; containerd is driven by ctr. `engine.lacks` has what an engine cannot do, and why; available()
tells why it is not to be had here. A Container is ended and removed when its `with` ends.
"""
import concurrent.futures
import contextlib
import dataclasses
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess

import bundle
import harness
import isolation
from harness import wait_for

PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
LONG = 120.0   # seconds for one command of an engine on a busy machine
COUNTER = itertools.count(1)


@dataclasses.dataclass
class Options:
    """How a container is run. What is not given is the engine's own default."""
    entrypoint: list = None          # in place of the image's
    env: dict = dataclasses.field(default_factory=dict)
    user: str = None                 # "UID:GID"
    network: str = "none"            # or "host", which is the sandbox's own: loopback only
    tty: bool = False                # run in the foreground, on a pty: see Container.session
    read_only: bool = False
    drop_capabilities: bool = False
    no_new_privileges: bool = False
    pids_limit: int = 0
    memory: int = 0                  # bytes
    pid: object = None               # "host", or the Container whose PID namespace is shared
    user_namespace: bool = False
    init: bool = False               # with the engine's own init as PID 1
    restart: str = ""                # "on-failure:2"
    stop_signal: str = ""
    mounts: dict = dataclasses.field(default_factory=dict)   # folder of the host: in the container
    words: list = dataclasses.field(default_factory=list)    # further words for this engine only


def environment():
    return {"PATH": PATH, "HOME": isolation.WORK, "XDG_RUNTIME_DIR": "/run", "LC_ALL": "C.UTF-8",
            "DOCKER_BUILDKIT": "0"}


def compile_programs(folder, sources):
    """Makes static programs in `folder`, which is made; sources: {name: source, below the top}."""
    os.mkdir(folder)
    compilers = [subprocess.Popen(["c++", "-std=c++20", "-O1", "-static", "-s", "-o",
                                   f"{folder}/{name}", os.path.join(isolation.TOP, source)],
                                  env=environment())
                 for name, source in sources.items()]
    if any([compiler.wait() for compiler in compilers]):
        raise SystemExit("run.py: a test program does not compile")


def call(*words, check=True, stdin=None, deadline=LONG):
    """Runs one command: (status, its output, stderr after stdout)."""
    done = subprocess.run([str(w) for w in words], env=environment(), stdin=stdin or
                          subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, errors="replace", timeout=deadline, check=False)
    output = done.stdout + done.stderr
    assert not check or done.returncode == 0, \
        f"{shlex.join(map(str, words))}: status {done.returncode}: {output.strip()[-1500:]}"
    return done.returncode, output


def answer(*words):
    """The stdout of a command that must succeed."""
    done = subprocess.run([str(w) for w in words], env=environment(), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=LONG, check=False)
    assert done.returncode == 0, \
        f"{shlex.join(map(str, words))}: status {done.returncode}: {done.stderr.strip()[-1500:]}"
    return done.stdout


def unique(prefix="c"):
    # Of one length: runsc takes the beginning of a name for the name.
    return f"{prefix}-{os.getpid()}-{next(COUNTER):04}"


def image_words(image, args, options):
    """The command line as an engine makes it from the image's configuration."""
    entrypoint = options.entrypoint
    if entrypoint is None:
        entrypoint = image.config.get("Entrypoint") or []
        args = args or image.config.get("Cmd") or []
    return [*entrypoint, *map(str, args)]


class Container:
    """A started container. Its `pid` is that of its first process, as seen here."""

    def __init__(self, engine, name, popen=None, log=None, session=None):
        self.engine = engine
        self.name = name
        self.popen = popen        # the engine's client, when that runs as long as the container
        self.log = log            # the file that its output goes to, then
        self.session = session    # of a container on a pty
        self.said = ""            # what the last exec printed

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            with contextlib.suppress(Exception):
                print(f"log of {self.name}:\n{self.logs()[-3000:]}\nlast exec: {self.said}",
                      flush=True)
        self.engine.remove(self)

    @property
    def pid(self):
        return self.engine.pid(self)

    def wait(self, deadline=LONG):
        """The exit code that the engine reports."""
        return self.engine.wait(self, deadline)

    def stop(self, timeout=10):
        """As the engine does it: the stop signal, then after `timeout` seconds its own KILL."""
        self.engine.stop_container(self, timeout)

    def stopping(self, timeout=10):
        """stop() in the background: a future."""
        pool = concurrent.futures.ThreadPoolExecutor(1)
        future = pool.submit(self.stop, timeout)
        pool.shutdown(wait=False)
        return future

    def kill(self, sig):
        self.engine.kill(self, int(sig))

    def logs(self):
        """All that it wrote to stdout and stderr."""
        return self.engine.logs(self)

    def exec(self, *args, user=None):
        """Runs a command in the container: (status, output)."""
        status, self.said = self.engine.exec(self, [str(a) for a in args], user)
        return status, self.said

    def probe(self, *args):
        """The exit status of `usher probe ARGS` in the container."""
        return self.exec("/usher", "probe", *args)[0]

    def health(self):
        return self.engine.health(self)

    def state(self):
        """What usher tells in its comm, seen from outside; None when it cannot be seen."""
        text = harness.comm(self.pid) or ""
        return text.removeprefix("usher:") if text.startswith("usher:") else None

    def wait_log(self, text, deadline=LONG):
        wait_for(lambda: text in self.logs(), f"{text!r} in the log of {self.name}", deadline)


class Engine:
    name = ""
    programs = ()       # what must be in PATH
    lacks = {}          # what a case may need: why this engine has it not

    def available(self):
        """None, or why it cannot be used here."""
        for program in self.programs:
            if not shutil.which(program, path=PATH):
                return f"{program} is not installed"
        return None

    def folder(self, *parts):
        path = os.path.join(isolation.WORK, self.name, *parts)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def start(self):
        """Starts what the tests share; says why not by an exception."""
        os.makedirs(self.folder("x"), exist_ok=True)

    def stop(self):
        pass

    def has_seccomp(self):
        """False where it cannot filter system calls here."""
        return True

    def load(self, image):
        """Makes the image known to the engine."""

    def containers(self):
        """The names of all containers that the engine knows: none, at the end."""
        return []

    def run(self, image, *args, **options):
        options = Options(**options)
        self.load(image)
        return self.launch(image, [str(a) for a in args], options)

    # A client that runs in the foreground as long as its container does.

    def foreground(self, name, command, options):
        container = Container(self, name)
        if options.tty:
            import pty_session
            container.session = pty_session.Session(*command, env=environment())
            container.popen = container.session.popen
            return container
        container.log = self.folder(f"{name}.log")
        # To append: gVisor has an offset for stdout and another for stderr, and would write one over
        # the other.
        with open(container.log, "ab") as log:
            container.popen = subprocess.Popen(command, env=environment(), stdout=log, stderr=log,
                                               stdin=subprocess.DEVNULL, start_new_session=True)
        return container

    def await_start(self, container, started):
        """A container whose start is not seen in time is ended: nobody else has it yet."""
        try:
            wait_for(lambda: container.popen.poll() is not None or started(),
                     f"{container.name} has started", LONG)
        except BaseException:
            self.remove(container)
            raise
        return container

    def await_pid_file(self, container):
        path = self.folder(f"{container.name}.pid")
        return self.await_start(
            container, lambda: os.path.exists(path) and os.path.getsize(path) > 0)

    def pid(self, container):
        with open(self.folder(f"{container.name}.pid"), encoding="ascii") as file:
            return int(file.read())

    def wait(self, container, deadline):
        try:
            status = container.popen.wait(deadline)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{container.name} still runs after {deadline} s") from None
        return status if status >= 0 else 128 - status

    def logs(self, container):
        if container.session:
            return container.session.text
        with open(container.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def stop_container(self, container, timeout):
        """What a daemon does, for those that have none."""
        self.kill(container, signal.SIGTERM)
        try:
            container.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill(container, signal.SIGKILL)
            container.popen.wait(LONG)

    def stop_all(self, containers, timeout):
        """All at once."""
        with concurrent.futures.ThreadPoolExecutor(len(containers)) as pool:
            list(pool.map(lambda c: self.stop_container(c, timeout), containers))

    def end_client(self, container):
        if container.popen:
            try:
                container.popen.wait(5)
            except subprocess.TimeoutExpired:
                container.popen.kill()
                container.popen.wait()
        if container.session:
            with contextlib.suppress(OSError):
                container.session.hang_up()
        for end in ("log", "pid"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.folder(f"{container.name}.{end}"))


# --- runc, crun, runsc --------------------------------------------------------------------------

class OciRuntime(Engine):
    lacks = dict.fromkeys(("health", "restart", "init", "build", "stop-signal"),
                          "a runtime: it runs bundles and does no more")
    options = ()
    quiet = "q"

    def has_seccomp(self):
        return bundle.seccomp(bundle.CAPABILITIES) is not None

    def command(self, *words):
        return [self.programs[0], "--root", self.folder("state"), *self.options, *map(str, words)]

    def cgroup(self, name):
        return f"/{self.name}/{name}"

    def launch(self, image, args, options):
        name = unique(self.name)
        path = self.folder("bundles", name)
        os.makedirs(path)
        bundle.write(path, image, image_words(image, args, options), options, self.cgroup(name),
                     share=options.pid.pid if isinstance(options.pid, Container) else 0)
        command = self.command("run", "--bundle", path, "--pid-file", self.folder(f"{name}.pid"),
                               *options.words, name)
        return self.await_pid_file(self.foreground(name, command, options))

    def kill(self, container, sig):
        call(*self.command("kill", container.name, sig))

    def exec(self, container, args, user):
        words = ["--user", user] if user else []
        return call(*self.command("exec", *words, container.name, *args), check=False)

    def remove(self, container):
        if container.popen.poll() is None:
            call(*self.command("kill", container.name, "9"), check=False)
        self.end_client(container)
        call(*self.command("delete", "--force", container.name), check=False)
        shutil.rmtree(self.folder("bundles", container.name), ignore_errors=True)

    def containers(self):
        if not os.path.isdir(self.folder("state")):
            return []  # none was ever run; newer ones of runc would call that an error
        return answer(*self.command("list", f"-{self.quiet}")).split()


class Runc(OciRuntime):
    name, programs = "runc", ("runc",)


class Crun(OciRuntime):
    name, programs = "crun", ("crun",)
    lacks = {**OciRuntime.lacks,
             "window-size": "`crun run` does not pass the window's size on: it stays 0 0"}
    options = ("--cgroup-manager", "cgroupfs")


class Gvisor(OciRuntime):
    name, programs = "gvisor", ("runsc",)
    _own_kernel = "its processes are its own kernel's, not the machine's"
    lacks = {**OciRuntime.lacks, "controlling-tty": "opening /dev/tty gives EIO",
             "window-size": "opening /dev/tty gives EIO", "limits": "run here without cgroups",
             **dict.fromkeys(("host-pid", "shared-pid", "user-namespace"), _own_kernel)}
    options = ("--network", "host", "--platform", "ptrace", "--ignore-cgroups")
    quiet = "quiet"

    def exec(self, container, args, user):
        words = ["-user", user] if user else []
        return call(*self.command("exec", *words, container.name, *args), check=False)


# --- containerd -------------------------------------------------------------------------------

class Daemon(Engine):
    """An engine with a daemon of its own; it dies with the sandbox if not before."""
    daemon = None

    def launch_daemon(self, *command, ready):
        self.start_log = self.folder("daemon.log")
        with open(self.start_log, "wb") as log:
            self.daemon = subprocess.Popen(command, env=environment(), stdout=log, stderr=log,
                                           stdin=subprocess.DEVNULL, start_new_session=True)

        def answered():
            assert self.daemon.poll() is None, "it ended"
            return subprocess.run(ready, env=environment(), stdin=subprocess.DEVNULL,
                                  capture_output=True, check=False).returncode == 0
        try:
            wait_for(answered, f"{command[0]} answers", LONG)
        except AssertionError as error:
            with open(self.start_log, encoding="utf-8", errors="replace") as log:
                raise AssertionError(f"{error}: {log.read()[-2000:]}") from None

    def stop(self):
        if self.daemon:
            self.daemon.terminate()
            try:
                self.daemon.wait(LONG)
            except subprocess.TimeoutExpired:
                self.daemon.kill()
                self.daemon.wait()


class Containerd(Daemon):
    name, programs = "containerd", ("containerd", "ctr", "runc")
    lacks = {"build": "ctr builds nothing",
             **dict.fromkeys(("health", "restart", "init", "stop-signal"), "ctr has no such option")}

    def start(self):
        super().start()
        with open(self.folder("config.toml"), "w", encoding="ascii") as file:
            file.write('version = 2\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
                       f'root = "{self.folder("root")}"\nstate = "{self.folder("state")}"\n'
                       f'[grpc]\naddress = "{self.folder("sock")}"\n')
        self.launch_daemon("containerd", "-c", self.folder("config.toml"),
                           ready=self.command("version"))

    def command(self, *words):
        return ["ctr", "--address", self.folder("sock"), *map(str, words)]

    def load(self, image):
        loaded = self.folder("loaded", image.name.replace("/", "_"))
        if not os.path.exists(loaded):
            call(*self.command("image", "import", image.archive))
            open(loaded, "w", encoding="ascii").close()

    def launch(self, image, args, options):
        name = unique(self.name)
        words = ["--pid-file", self.folder(f"{name}.pid"), "--cgroup", f"/containerd/{name}"]
        words += ["--net-host"] if options.network == "host" else []
        words += ["--tty"] if options.tty else []
        words += ["--read-only"] if options.read_only else []
        words += [] if options.no_new_privileges else ["--allow-new-privs"]
        words += ["--seccomp"]
        words += [f"--memory-limit={options.memory}"] if options.memory else []
        if options.pid:
            joined = 1 if options.pid == "host" else options.pid.pid
            words += ["--with-ns", f"pid:/proc/{joined}/ns/pid"]
        if options.user_namespace:
            words += ["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"]
        if options.drop_capabilities:
            words += [f"--cap-drop={capability}" for capability in bundle.CAPABILITIES]
        for key, value in options.env.items():
            words += ["--env", f"{key}={value}"]
        for source, target in options.mounts.items():
            words += ["--mount", f"type=bind,src={source},dst={target},options=rbind:rw"]
        args = image_words(image, args, options)
        command = self.command("run", "--rm", *words, *options.words, image.name, name, *args)
        container = self.await_pid_file(self.foreground(name, command, options))
        if options.pids_limit:    # ctr has no option for it
            try:
                self.limit_pids(name, options.pids_limit)
            except BaseException:
                self.remove(container)
                raise
        return container

    @staticmethod
    def limit_pids(name, count):
        for top in (f"{isolation.CGROUPS}/pids", isolation.CGROUPS):
            path = f"{top}/containerd/{name}/pids.max"
            if os.path.exists(path):
                with open(path, "w", encoding="ascii") as file:
                    file.write(str(count))
                return
        harness.skip("no cgroup with the pids controller")

    def kill(self, container, sig):
        call(*self.command("task", "kill", "--signal", sig, container.name))

    def exec(self, container, args, user):
        words = ["--user", user] if user else []
        status, output = call(*self.command("task", "exec", "--exec-id", unique("exec"), *words,
                                            container.name, *args), check=False)
        # ctr's own words, of what it will not do in some later version.
        return status, re.sub(r'(?m)^time="[^"]*" level=warning .*\n', "", output)

    def remove(self, container):
        if container.popen.poll() is None:
            call(*self.command("task", "kill", "--signal", "9", container.name), check=False)
        self.end_client(container)
        call(*self.command("task", "delete", "--force", container.name), check=False)
        call(*self.command("container", "delete", container.name), check=False)

    def containers(self):
        return answer(*self.command("container", "list", "--quiet")).split()


# --- Docker and Podman ------------------------------------------------------------------------

class DockerLike(Daemon):
    """What `docker` and `podman` have in common: most of the command line."""
    def load(self, image):
        loaded = self.folder("loaded", image.name.replace("/", "_"))
        with contextlib.ExitStack() as stack:
            if not os.path.exists(loaded):
                import images
                stack.enter_context(images.lock(f"load-{self.name}"))
            if not os.path.exists(loaded):
                call(*self.command("load", "--input", image.archive))
                open(loaded, "w", encoding="ascii").close()

    def build(self, context, dockerfile=None, tag=None, build_args=None, buildkit=False):
        """`docker build` without any network; by Docker's classic builder unless `buildkit`. Returns
        the image's name."""
        tag = tag or f"localhost/{unique('built')}:test"
        words = ["--network", "none", "--tag", tag]
        words += ["--file", dockerfile] if dockerfile else []
        for key, value in (build_args or {}).items():
            words += ["--build-arg", f"{key}={value}"]
        before = ["env", "DOCKER_BUILDKIT=1"] if buildkit else []
        call(*before, *self.command("build", *self.build_words, *words, context), deadline=900)
        return tag

    def launch(self, image, args, options):
        return self.run_name(image.name, args, options)

    def run_name(self, image, args, options):
        name = unique(self.name)
        words = ["--name", name, "--network", options.network, *self.run_words]
        words += ["--user", options.user] if options.user else []
        words += ["--read-only"] if options.read_only else []
        words += ["--cap-drop", "ALL"] if options.drop_capabilities else []
        words += ["--security-opt", "no-new-privileges"] if options.no_new_privileges else []
        words += [f"--pids-limit={options.pids_limit}"] if options.pids_limit else []
        words += [f"--memory={options.memory}b"] if options.memory else []
        words += ["--init"] if options.init else []
        words += [f"--restart={options.restart}"] if options.restart else []
        words += [f"--stop-signal={options.stop_signal}"] if options.stop_signal else []
        words += self.user_namespace_words if options.user_namespace else []
        if options.pid:
            shared = options.pid == "host"
            words += ["--pid", "host" if shared else f"container:{options.pid.name}"]
        for key, value in options.env.items():
            words += ["--env", f"{key}={value}"]
        for source, target in options.mounts.items():
            words += ["--volume", f"{source}:{target}"]
        if options.entrypoint is not None:
            words += ["--entrypoint", options.entrypoint[0] if options.entrypoint else ""]
            args = [*options.entrypoint[1:], *args]
        words += options.words
        if options.tty:
            command = self.command("run", "--interactive", "--tty", *words, image, *args)
            return self.await_start(self.foreground(name, command, options),
                                    lambda: self.pid_or_none(name))
        container = Container(self, name)
        try:
            container.run_status, container.run_output = call(
                *self.command("run", "--detach", *words, image, *args), check=False)
        except BaseException:   # it took too long, and may yet start
            self.remove(container)
            raise
        return container

    def run_built(self, name, *args, **options):
        """As run(), of an image that build() made."""
        return self.run_name(name, [str(a) for a in args], Options(**options))

    def inspect(self, container, template):
        return answer(*self.command("inspect", "--type", "container", "--format", template,
                                    container.name)).strip()

    def pid_or_none(self, name):
        status, output = call(*self.command("inspect", "--type", "container", "--format",
                                            "{{.State.Pid}}", name), check=False)
        return int(output) if status == 0 and output.strip() not in ("", "0") else None

    def pid(self, container):
        return int(self.inspect(container, "{{.State.Pid}}"))

    def wait(self, container, deadline):
        try:
            done = subprocess.run(self.command("wait", container.name), env=environment(),
                                  capture_output=True, text=True, timeout=deadline, check=False)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{container.name} still runs after {deadline} s") from None
        assert done.returncode == 0, done.stderr
        return int(done.stdout)

    def kill(self, container, sig):
        call(*self.command("kill", "--signal", sig, container.name))

    def stop_container(self, container, timeout):
        self.stop_all([container], timeout)

    def stop_all(self, containers, timeout):
        call(*self.command("stop", "--time", timeout, *(c.name for c in containers)),
             deadline=timeout + LONG * (1 + len(containers) // 10))

    def logs(self, container):
        if container.session:
            return container.session.text
        return call(*self.command("logs", container.name))[1]

    def exec(self, container, args, user):
        words = ["--user", user] if user else []
        return call(*self.command("exec", *words, container.name, *args), check=False)

    def remove(self, container):
        call(*self.command("rm", *self.remove_words, "--volumes", container.name), check=False)
        self.end_client(container)

    def containers(self):
        return answer(*self.command("ps", "--all", "--format", "{{.Names}}")).split()


class Docker(DockerLike):
    name, programs = "docker", ("docker", "dockerd", "containerd", "runc")
    lacks = {"user-namespace": "userns-remap is the whole daemon's, not a container's"}
    build_words = ("--force-rm",)
    run_words = ()
    remove_words = ("--force",)
    user_namespace_words = ()

    def command(self, *words):
        return ["docker", "--host", f"unix://{self.folder('sock')}", *map(str, words)]

    def start(self):
        super().start()
        daemon = ["dockerd", "--data-root", self.folder("root"), "--exec-root", self.folder("exec"),
                  "--pidfile", self.folder("pid"), "--host", f"unix://{self.folder('sock')}",
                  "--bridge=none", "--iptables=false", "--ip6tables=false", "--ip-forward=false",
                  "--ip-masq=false", "--exec-opt", "native.cgroupdriver=cgroupfs",
                  "--storage-driver", "overlay2", "--config-file", self.folder("none.json"),
                  "--init-path", f"{isolation.WORK}/docker-init"]
        with open(self.folder("none.json"), "w", encoding="ascii") as file:
            file.write("{}")
        self.launch_daemon(*daemon, ready=self.command("version"))

    def health(self, container):
        return self.inspect(container, "{{.State.Health.Status}}")


class Podman(DockerLike):
    name, programs = "podman", ("podman", "conmon", "runc")
    build_words = ("--format", "docker", "--force-rm")
    run_words = ("--init-path", f"{isolation.WORK}/podman-init")
    remove_words = ("--force", "--time", "0")
    user_namespace_words = ("--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536")

    def command(self, *words):
        return ["env", f"CONTAINERS_CONF={self.folder('containers.conf')}",
                "DISABLE_HC_SYSTEMD=true", "podman", "--root", self.folder("root"),
                "--runroot", self.folder("runroot"), "--tmpdir", self.folder("tmp"),
                "--cgroup-manager", "cgroupfs", "--events-backend", "file", "--runtime", "runc",
                *map(str, words)]

    def start(self):
        super().start()
        with open(self.folder("containers.conf"), "w", encoding="ascii") as file:
            # The limits of the machine may not be raised here.
            file.write('[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\n'
                       '[network]\nnetwork_backend = "netavark"\n'
                       f'network_config_dir = "{self.folder("networks")}"\n')
        call(*self.command("info"))

    def health(self, container):
        """Runs the check once (there is no timer without systemd); the status after it."""
        call(*self.command("healthcheck", "run", container.name), check=False)
        return self.inspect(container, "{{.State.Health.Status}}")


ENGINES = [Runc(), Crun(), Podman(), Docker(), Containerd(), Gvisor()]
