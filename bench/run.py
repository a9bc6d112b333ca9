#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the benchmarks, prints the tables, judges the limits. scripts/bench builds and starts it.

    bench/run.py --tools DIR --programs DIR --peers DIR [--usher FILE] [--also NAME=FILE]... [--only A,B] [--full]

It needs root, and a PID and a network namespace of its own: whatever it starts dies with them.
"""
import argparse
import contextlib
import datetime
import glob
import json
import os
import platform
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path.insert(0, HERE)
sys.path.insert(1, f"{TOP}/tests/servers")
sys.dont_write_bytecode = True

import databases  # noqa: E402
import limits  # noqa: E402

PEERS = ("tini", "tini-static", "dumb-init", "catatonit")
INIT_FIGURES = ("size", "calls", "launch", "launch_plain", "signal", "storm", "orphans", "tree_stop",
                "memory", "fifty", "idle")
DATABASE_FIGURES = ("probe_redis", "probe_postgres", "probe_mysql")
HTTPS_FIGURES = ("probe_https_rsa", "probe_https_ecdsa")
PROBE_FIGURES = ("probe_http", *HTTPS_FIGURES, "probe_json", "probe_unix", "probe_tcp", "probe_grpc",
                 *DATABASE_FIGURES)
FIGURES = (*INIT_FIGURES, "early", *PROBE_FIGURES, "heal", "own", "core")
HTTP_PORT, GRPC_PORT, HEAL_PORT = 8080, 50051, 8090
HTTPS_PORTS = {"rsa": 8443, "ecdsa": 8444}
REDIS_PORT, POSTGRES_PORT, MYSQL_PORT = 6379, 5432, 3306


def say(text):
    print(text, file=sys.stderr, flush=True)


# --- control groups ---------------------------------------------------------------------------

def own_group(controller):
    """(folder, version) of this process's control group; None: there is none here."""
    with open("/proc/self/mounts", encoding="ascii") as mounts:
        rows = [line.split() for line in mounts]
    with open("/proc/self/cgroup", encoding="ascii") as groups:
        paths = {name: path for line in groups
                 for _, names, path in [line.strip().split(":", 2)] for name in names.split(",")}
    for _, where, kind, options, *_ in rows:
        if kind == "cgroup" and controller in options.split(",") and controller in paths:
            return os.path.normpath(where + paths[controller]), 1
    for _, where, kind, *_ in rows:
        controllers = f"{where}/cgroup.controllers"
        if kind == "cgroup2" and controller in open(controllers, encoding="ascii").read().split():
            return where, 2
    return None


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


@contextlib.contextmanager
def control_groups(number):
    """A CPU group with a large share, for this process and all it starts: then other load of the
    machine disturbs little, and no session gets a share of its own (autogroup). The groups for
    memory are made in, or beside, one of ours."""
    made = []
    homes = []
    try:
        for controller, setting, share in (("cpu", "cpu.shares", "262144"), ("memory", None, None)):
            found = own_group(controller)
            if not found:
                say(f"no control group for {controller} here")
                continue
            folder, version = found
            group = f"{folder}/usher-bench-{number}"
            if version == 1:
                os.mkdir(group)
                made.append(group)
                homes.append(f"{folder}/cgroup.procs")
                if setting:
                    write(f"{group}/{setting}", share)
                write(f"{group}/cgroup.procs", "0")
            elif group not in made:
                os.mkdir(group)
                os.mkdir(f"{group}/self")
                made += [group, f"{group}/self"]
                homes.append(f"{folder}/cgroup.procs")
                write(f"{group}/cgroup.subtree_control", "+cpu +memory")
                write(f"{group}/cpu.weight", "10000")
                write(f"{group}/self/cgroup.procs", "0")
    except OSError as error:
        say(f"no control groups here, other load will disturb more: {error}")
    try:
        yield
    finally:
        for home in homes:
            write(home, "0")
        for group in reversed(made):
            for left in glob.glob(f"{group}/usher-bench-*"):
                with contextlib.suppress(OSError):
                    os.rmdir(left)
            deadline = time.monotonic() + 5
            while os.path.isdir(group) and time.monotonic() < deadline:
                try:
                    os.rmdir(group)
                except OSError:
                    time.sleep(0.01)   # what we killed is still on its way out


# --- what runs ---------------------------------------------------------------------------------

class Results:
    def __init__(self):
        self.rows = []

    def take(self, text):
        for line in text.splitlines():
            if line.startswith("{"):
                self.rows.append(json.loads(line))

    def run(self, what, command, **options):
        begin = time.monotonic()
        if "input" not in options:
            options["stdin"] = subprocess.DEVNULL
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, **options)
        self.take(done.stdout)
        say(f"  {what}: {time.monotonic() - begin:.0f} s")
        if done.returncode != 0:
            say(f"  {what} FAILED with {done.returncode}")
            self.rows.append({"figure": what, "candidate": "all",
                              "failed": f"exit code {done.returncode}"})


def measure_inits(results, options, inits):
    for figure in options.wanted(INIT_FIGURES):
        results.run(figure, [f"{options.tools}/side_by_side", "--programs", options.programs,
                             "--only", figure, *(["--full"] if options.full else []),
                             *[f"{name}={path}" for name, path in inits.items()]])


def measure_early(results, options, inits):
    """Signals that come 0-3 ms after the start; nobody is PID 1. Each loss takes --patience."""
    if not options.wanted(("early",)):
        return
    for name, path in inits.items():
        tries = 300 if name == "usher" or options.full else 100
        done = subprocess.run([f"{options.tools}/early", "--tries", str(tries), "--patience-ms", "500",
                               "--", path, shutil.which("sleep"), "60"], stdout=subprocess.PIPE,
                              text=True, check=True)
        words = done.stdout.split()
        lost = int(words[words.index("lost") + 1])
        results.rows.append({"figure": "early_lost", "candidate": name, "unit": f"of {tries}",
                             "rounds": tries, "median": lost, "q1": lost, "q3": lost,
                             "best": lost, "worst": lost})
    say("  early")


@contextlib.contextmanager
def server(command, address, deadline=30, **options):
    """Runs it until the end of the block; entered when it listens."""
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)
    try:
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
        end = time.monotonic() + deadline
        while True:
            with socket.socket(family) as client:
                if client.connect_ex(address) == 0:
                    break
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{command[0]} does not listen")
            time.sleep(0.01)
        yield
    finally:
        process.kill()
        process.wait()


def certificates(folder):
    """Of localhost, signed by itself: FOLDER/rsa.pem and ecdsa.pem, with the keys in rsa.key and ecdsa.key."""
    for name, key in (("rsa", ("rsa:2048",)), ("ecdsa", ("ec", "-pkeyopt", "ec_paramgen_curve:P-256"))):
        subprocess.run(["openssl", "req", "-x509", "-newkey", *key, "-nodes", "-days", "9", "-subj", "/CN=localhost",
                        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/{name}.key", "-out",
                        f"{folder}/{name}.pem"], check=True, capture_output=True)


def nginx(folder):
    certificates(folder)
    https = "".join(f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/{name}.pem; ssl_certificate_key "
                    f'{folder}/{name}.key; location / {{ return 200 "ok\\n"; }} }}\n'
                    for name, port in HTTPS_PORTS.items())
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n"
                    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(f"{folder}/nginx.conf", "w", encoding="ascii") as file:
        file.write(f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;\n"
                   f"user root; events {{ }}\nhttp {{ access_log off;\n{paths}"
                   f"{https}server {{ listen 127.0.0.1:{HTTP_PORT}; listen unix:{folder}/http.sock;\n"
                   'location /healthz { return 200 "ok\\n"; } location /json { default_type application/json; '
                   'return 200 \'{"status":"UP","db":{"connected":true}}\'; } }\n}\n')
    return [shutil.which("nginx"), "-p", folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error"]


def https_commands(usher, folder, kind):
    url = f"https://127.0.0.1:{HTTPS_PORTS[kind]}/"
    authority = f"{folder}/{kind}.pem"
    return {
        "usher": [usher, "probe", url],
        "usher, verified": [usher, "probe", "--tls-ca-cert", authority, url],
        "curl -k": ["curl", "-fsSk", "-o", "/dev/null", url],
        "curl --cacert": ["curl", "-fsS", "--cacert", authority, "-o", "/dev/null", url],
    }


def probe_commands(usher, usher_tls, folder):
    """The probes that are compared: figure -> {name: command}."""
    url = f"http://127.0.0.1:{HTTP_PORT}/healthz"
    http_socket = f"{folder}/http.sock"
    bash_connect = f"exec 3<>/dev/tcp/127.0.0.1/{HTTP_PORT}"
    urllib = f"import urllib.request; urllib.request.urlopen('{url}', timeout=3)"
    fetch = f"fetch('{url}').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"
    grpc = f"127.0.0.1:{GRPC_PORT}"
    json_url = f"http://127.0.0.1:{HTTP_PORT}/json"
    jq = f"curl -fsS {json_url} | jq -e '.db.connected == true' >/dev/null"
    return {
        "probe_http": {
            "usher": [usher, "probe", url],
            "curl": ["curl", "-fsS", "-o", "/dev/null", url],
            "wget": ["wget", "-q", "-O", "/dev/null", url],
            "busybox wget": ["busybox", "wget", "-q", "-O", "/dev/null", url],
            "python3": ["/usr/bin/python3", "-c", urllib],
            "node": ["node", "-e", fetch],
        },
        **{f"probe_https_{kind}": https_commands(usher_tls, folder, kind) for kind in HTTPS_PORTS},
        "probe_json": {
            "usher": [usher, "probe", "--json-field", "db.connected=true", json_url],
            "curl and jq": ["sh", "-c", jq],
        },
        "probe_redis": {
            "usher": [usher, "probe", f"redis://127.0.0.1:{REDIS_PORT}"],
            "redis-cli ping": ["redis-cli", "-p", str(REDIS_PORT), "ping"],
        },
        "probe_postgres": {
            "usher": [usher, "probe", f"postgres://127.0.0.1:{POSTGRES_PORT}"],
            "pg_isready": [databases.postgres_program("pg_isready") or "pg_isready", "-q", "-h", "127.0.0.1", "-p",
                           str(POSTGRES_PORT)],
        },
        "probe_mysql": {
            "usher": [usher, "probe", f"mysql://root@127.0.0.1:{MYSQL_PORT}"],
            "mysqladmin ping": ["mysqladmin", "--no-defaults", "-s", "-h", "127.0.0.1", "-P", str(MYSQL_PORT), "-u",
                                "root", "ping"],
        },
        "probe_unix": {
            "usher": [usher, "probe", f"http://unix:{http_socket}:/healthz"],
            "curl": ["curl", "-fsS", "-o", "/dev/null", "--unix-socket", http_socket,
                     "http://localhost/healthz"],
        },
        "probe_tcp": {
            "usher": [usher, "probe", f"tcp://127.0.0.1:{HTTP_PORT}"],
            "nc": ["nc", "-z", "127.0.0.1", str(HTTP_PORT)],
            "bash": ["bash", "-c", bash_connect],
        },
        "probe_grpc": {
            "usher": [usher, "probe", f"grpc://{grpc}"],
            "python3 grpcio": ["/usr/bin/python3", f"{HERE}/grpc_client.py", grpc],
            "node grpc-js": ["node", f"{HERE}/grpc_client.js", grpc],
        },
    }


def start_database(figure, folder, stack):
    """Debian's own server, with a new data folder."""
    databases.give_away(folder)
    init, command, port = {
        "probe_redis": (None, databases.redis, REDIS_PORT),
        "probe_postgres": (databases.init_postgres, databases.postgres, POSTGRES_PORT),
        "probe_mysql": (databases.init_mariadb, databases.mariadb, MYSQL_PORT)}[figure]
    if init:
        subprocess.run(init(folder), check=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL)
    stack.enter_context(server(command(folder, port), ("127.0.0.1", port), cwd="/", stderr=subprocess.DEVNULL))


def measure_probes(results, options):
    with tempfile.TemporaryDirectory(prefix="usher-bench-") as folder, contextlib.ExitStack() as stack:
        groups = probe_commands(os.path.abspath(options.usher), os.path.abspath(options.usher_tls), folder)
        wanted = options.wanted(PROBE_FIGURES)
        if any(figure not in ("probe_grpc", *DATABASE_FIGURES) for figure in wanted):
            stack.enter_context(server(nginx(folder), ("127.0.0.1", HTTP_PORT)))
        if "probe_grpc" in wanted:
            stack.enter_context(server(["/usr/bin/python3", f"{TOP}/tests/servers/grpc_python.py",
                                        f"127.0.0.1:{GRPC_PORT}"], ("127.0.0.1", GRPC_PORT)))
        for figure in [f for f in wanted if f in DATABASE_FIGURES]:
            start_database(figure, f"{folder}/{figure}", stack)
        for figure in wanted:
            rounds = {"probe_grpc": 10}.get(figure, 60) * (5 if options.full else 1)
            commands = {name: [shutil.which(words[0]), *words[1:]]
                        for name, words in groups[figure].items()}
            for name in [name for name, words in commands.items() if words[0] is None]:
                say(f"  {figure}: no {name} here")
                del commands[name]
            lines = "".join("\t".join([name, *words]) + "\n" for name, words in commands.items())
            load = ["--seconds", "10" if options.full else "2"] if figure == "probe_http" else []
            results.run(figure, [f"{options.tools}/commands", figure, "--rounds", str(rounds), *load,
                                 "--environment", f"PATH={os.environ['PATH']}", "--environment",
                                 f"NODE_PATH={TOP}/build/npm/node_modules"], input=lines)


class Counted:
    """An HTTP server in threads of this process that counts its requests."""

    def __init__(self):
        self.requests = 0
        self.socket = socket.create_server(("127.0.0.1", HEAL_PORT))
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            client, _ = self.socket.accept()
            with contextlib.suppress(OSError), client:
                client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
            self.requests += 1


def until(condition):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("the watcher does not work")
        time.sleep(0.002)


def cpu_of(pid):
    """Nanoseconds, also of a zombie."""
    with open(f"/proc/{pid}/schedstat", encoding="ascii") as file:
        return int(file.read().split()[0])


def field(pid, name, key):
    with open(f"/proc/{pid}/{name}", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith(key)).split()[1])


def watcher_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        for child in file.read().split():
            with open(f"/proc/{child}/comm", encoding="ascii") as comm:
                if comm.read().startswith("heal:healthy"):
                    return int(child)
    return None


def measure_heal(results, options):
    """One watcher's rounds, and `usher probe` with the same check; 5 turns of 100 rounds each."""
    if not options.wanted(("heal",)):
        return
    server = Counted()
    url = f"http://127.0.0.1:{HEAL_PORT}/healthz"
    usher = os.path.abspath(options.usher)
    found = {"heal_cpu": [], "heal_probe_cpu": [], "heal_wake_ups": [], "heal_rss": [], "heal_private_dirty": [],
             "heal_init_wake_ups": []}
    with subprocess.Popen([usher, "--heal", url, "--heal-interval", "5ms", "--", shutil.which("sleep"), "inf"],
                          env={}, stdin=subprocess.DEVNULL) as init:
        until(lambda: watcher_of(init.pid))
        pid = watcher_of(init.pid)
        for _ in range(5):
            before = (server.requests, cpu_of(pid), field(pid, "status", "voluntary"),
                      field(init.pid, "status", "voluntary"))
            until(lambda: server.requests >= before[0] + 100)
            rounds = server.requests - before[0]
            found["heal_cpu"].append((cpu_of(pid) - before[1]) / rounds / 1000)
            found["heal_wake_ups"].append((field(pid, "status", "voluntary") - before[2]) / rounds)
            found["heal_init_wake_ups"].append(field(init.pid, "status", "voluntary") - before[3])
            found["heal_rss"].append(field(pid, "smaps_rollup", "Rss"))
            found["heal_private_dirty"].append(field(pid, "smaps_rollup", "Private_Dirty"))
            for _ in range(20):
                probe = subprocess.Popen([usher, "probe", "-q", url], env={}, stdin=subprocess.DEVNULL)
                os.waitid(os.P_PID, probe.pid, os.WEXITED | os.WNOWAIT)
                found["heal_probe_cpu"].append(cpu_of(probe.pid) / 1000)
                probe.wait()
        init.kill()
    for figure, values in found.items():
        values.sort()
        results.rows.append({"figure": figure, "candidate": "usher", "rounds": len(values),
                             "median": values[len(values) // 2], "q1": values[len(values) // 4],
                             "q3": values[-1 - len(values) // 4], "best": values[0], "worst": values[-1]})
    say("  heal")


def measure_own(results, options):
    """A tree given to one user and to another by turns: --own, and chown -R."""
    if not options.wanted(("own",)):
        return
    count = 1_000_000 if options.full else 100_000
    found = {}
    with tempfile.TemporaryDirectory() as top:
        for i in range(count // 1000):
            folder = f"{top}/{i}"
            os.mkdir(folder)
            for j in range(1000):
                os.close(os.open(f"{folder}/{j}", os.O_CREAT | os.O_WRONLY, 0o600))
        for turn in range(7):
            for name, owner in (("usher", f"{1000 + turn}:1000"), ("chown -R", f"{2000 + turn}:2000")):
                command = [os.path.abspath(options.usher), "--user", owner, "--own", top, "--", shutil.which("true")] \
                    if name == "usher" else [shutil.which("chown"), "-R", owner, top]
                began = time.monotonic()
                child = subprocess.Popen(command, env={}, stdin=subprocess.DEVNULL)
                peak = 0
                while os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
                    with contextlib.suppress(TypeError):    # it has just ended
                        peak = field(child.pid, "status", "VmHWM")
                    time.sleep(0.01)
                took = time.monotonic() - began
                _, status, usage = os.wait4(child.pid, 0)
                child.returncode = status
                if status != 0:
                    results.rows.append({"figure": "own_wall", "candidate": name, "failed": f"status {status}"})
                    return
                if turn > 0:    # the first finds nothing in memory
                    for figure, value in (("own_wall", took * 1e9 / count), ("own_peak", peak),
                                          ("own_cpu", (usage.ru_utime + usage.ru_stime) * 1e9 / count)):
                        found.setdefault((figure, name), []).append(value)
    for (figure, name), values in found.items():
        values.sort()
        results.rows.append({"figure": figure, "candidate": name, "rounds": len(values),
                             "median": values[len(values) // 2], "q1": values[len(values) // 4],
                             "q3": values[-1 - len(values) // 4], "best": values[0], "worst": values[-1]})
    say("  own")


def measure_core(results, options):
    """Google Benchmark's own rounds."""
    if not options.wanted(("core",)):
        return
    rounds = 5 if options.full else 3
    done = subprocess.run([f"{options.tools}/core_bench", "--benchmark_format=json",
                           f"--benchmark_repetitions={rounds}",
                           f"--benchmark_min_time={0.2 if options.full else 0.05}"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    times = {}
    for run in json.loads(done.stdout)["benchmarks"]:
        if run["run_type"] == "iteration":
            times.setdefault(run["run_name"], []).append(run)
    for name, runs in times.items():
        per_byte = [1e9 / r["bytes_per_second"] for r in runs if "bytes_per_second" in r]
        values = sorted(per_byte or [r["cpu_time"] for r in runs])
        results.rows.append({"figure": f"core {name}", "candidate": "usher", "rounds": len(values),
                             "unit": "ns a byte" if per_byte else "ns",
                             "median": values[len(values) // 2], "q1": values[len(values) // 4],
                             "q3": values[-1 - len(values) // 4], "best": values[0],
                             "worst": values[-1]})
    say("  core")


# --- telling ------------------------------------------------------------------------------------

def machine():
    model = "unknown CPU"
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        for line in file:
            if line.startswith(("model name", "Model")):
                model = line.split(":", 1)[1].strip()
                break
    return {"cpu": model, "cpus": os.cpu_count(), "kernel": f"Linux {platform.release()}",
            "architecture": platform.machine(),
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
            "load": round(os.getloadavg()[0], 1)}


def versions():
    packages = ["tini", "dumb-init", "catatonit", "curl", "wget", "busybox", "netcat-openbsd",
                "python3-grpcio", "nginx-light", "jq", "redis-tools", "postgresql-client-15", "mariadb-client"]
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *packages],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if line.count(" ") == 1)


def end_with_stdin():
    """A SIGTERM to this process when whoever started it is gone."""
    def watch():
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
    threading.Thread(target=watch, daemon=True).start()


class Options(argparse.Namespace):
    def wanted(self, names):
        return [name for name in names if not self.only or name in self.only]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tools", required=True, help="the folder of side_by_side and its like")
    parser.add_argument("--programs", required=True, help="the folder of floor, empty, program")
    parser.add_argument("--peers", required=True, help="the folder of tini-musl and its like, if built")
    parser.add_argument("--usher", default=f"{TOP}/build/release/usher")
    parser.add_argument("--usher-tls", default=f"{TOP}/build/release-tls/usher-tls")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=FILE",
                        help="one more init, such as an usher of another build (repeatable)")
    parser.add_argument("--only", type=lambda text: text.split(","), default=[],
                        help=f"of: {' '.join(FIGURES)}")
    parser.add_argument("--full", action="store_true", help="more rounds")
    parser.add_argument("--number", default=str(os.getpid()), help="names the control groups")
    parser.add_argument("--until-eof", action="store_true", help="end when standard input ends")
    parser.add_argument("--results", default=f"{HERE}/results")
    options = parser.parse_args(namespace=Options())
    for name in set(options.only) - set(FIGURES):
        parser.error(f"unknown figure '{name}'; accepted: {' '.join(FIGURES)}")
    return options


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if options.until_eof:
        end_with_stdin()
    inits = {"usher": options.usher, "floor": f"{options.programs}/floor",
             "floor-vfork": f"{options.programs}/floor-vfork",
             **{name: shutil.which(name) for name in PEERS if shutil.which(name)},
             **{name: f"{options.peers}/{name}" for name in limits.MUSL_PEERS
                if os.path.exists(f"{options.peers}/{name}")}}
    also = dict(word.split("=", 1) for word in options.also)
    inits |= also
    inits = {name: os.path.abspath(path) for name, path in inits.items()}
    results = Results()
    about = machine()   # its load is that of others, before ours
    begin = time.monotonic()
    with control_groups(options.number):
        measure_inits(results, options, inits)
        measure_early(results, options, inits)
        measure_probes(results, options)
        measure_heal(results, options)
        measure_own(results, options)
        measure_core(results, options)
    for row in results.rows:
        row |= {"also": True} if row["candidate"] in also else {}   # no peer
    os.makedirs(options.results, exist_ok=True)
    report = {"machine": about, "versions": versions(), "full": options.full,
              "figures": results.rows, "limits": limits.judge(results.rows, partial=bool(options.only))}
    path = f"{options.results}/{'latest' if not options.only else 'part'}.json"
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1)
    limits.print_tables(report)
    subprocess.run([f"{HERE}/chart", path, f"{options.results}/charts"], check=True)
    say(f"{time.monotonic() - begin:.0f} s; {os.path.relpath(path)}")
    # Ratios of times (" x ") are told; a machine that is busy with something else moves them.
    missed = any(x["kind"] == "must" and not x["holds"] and
                 (" x " not in x["limit"] or x["measured"] == "not measured") for x in report["limits"])
    return 1 if missed or any(row["candidate"] == "all" for row in results.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
