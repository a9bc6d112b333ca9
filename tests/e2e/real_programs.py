# SPDX-License-Identifier: MIT
"""Servers as Debian packages them, with requests in flight: none is lost by a stop or by a reload.

A request begins, tells so in a file, and is held until the gate, another file, is there; then it takes
WORK more. So it is in flight when the signal comes, and long enough after that, on any machine. Each test
has a network of its own, so that the port can be fixed.
"""
import contextlib
import glob
import http.client
import http.server
import os
import resource
import socket
import struct
import subprocess
import threading

from harness import TERM, both, equal, need, peer, scratch, start, test, wait_for
from probe_lab import network
from signals import HUP, USR1, USR2

PORT, BEHIND = 8080, 8081
CLIENTS = 3
WORK = 0.7
LONG = 20.0


def write(name, text, mode=0o644):
    path = scratch(name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


# --- the programs: each function writes what its program needs and returns the command -----------------

PYTHON_WORK = f"""import os, time
def work(folder):
    with open(folder + "/begun", "a") as file:
        file.write("begun\\n")
    while not os.path.exists(folder + "/gate"):
        time.sleep(0.005)
    time.sleep({WORK})
"""

PYTHON_SERVER = """import http.server, os, signal, sys, threading
from work import work
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/work":
            work(sys.path[0])
        self.send_response(200)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"done")
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
server.daemon_threads = False
def stop(number, frame):
    signal.signal(signal.SIGTERM, lambda *_: os._exit(1))     # the second one: force
    threading.Thread(target=server.shutdown).start()
signal.signal(signal.SIGTERM, stop)
server.serve_forever()
server.server_close()       # waits for its threads
"""

WSGI = """import os
from work import work
def app(environ, start_response):
    if environ["PATH_INFO"] == "/work":
        work(os.path.dirname(os.path.abspath(__file__)))
    start_response("200 OK", [("Content-Length", "4")])
    return [b"done"]
"""

# Each process hears of the stop by itself, as on ^C, and takes a second TERM for force. A HUP to the
# primary replaces the workers.
NODE = """const cluster = require("cluster"), fs = require("fs"), http = require("http");
const [port, work] = process.argv.slice(2).map(Number);
if (cluster.isPrimary) {
  let stopping = false;
  cluster.fork(); cluster.fork();
  process.on("SIGTERM", () => { stopping = true; });
  process.on("SIGHUP", () => {
    for (const old of Object.values(cluster.workers))
      cluster.fork().on("listening", () => old.disconnect());
  });
  cluster.on("exit", () => { if (stopping && !Object.keys(cluster.workers).length) process.exit(0); });
  setInterval(() => {}, 1000);
} else {
  const server = http.createServer((request, response) => {
    const answer = () => { response.setHeader("Connection", "close"); response.end("done"); };
    if (request.url !== "/work") return answer();
    fs.appendFileSync(__dirname + "/begun", "begun\\n");
    const held = setInterval(() => {
      if (!fs.existsSync(__dirname + "/gate")) return;
      clearInterval(held);
      setTimeout(answer, work * 1000);
    }, 5);
  }).listen(port, "127.0.0.1");
  let told = false;
  process.on("SIGTERM", () => {
    if (told) process.exit(1);
    told = true;
    server.close(() => process.exit(0));
  });
}
"""

PHP = f"""<?php
if ($_SERVER["REQUEST_URI"] == "/work") {{
    file_put_contents(__DIR__ . "/begun", "begun\\n", FILE_APPEND);
    while (!file_exists(__DIR__ . "/gate")) {{ clearstatcache(); usleep(5000); }}
    for ($end = microtime(true) + {WORK}; microtime(true) < $end;) usleep(5000);
}}
echo "done";
"""

CGI = f"""#!/bin/sh
if [ "$QUERY_STRING" = work ]; then
    cd "${{0%/*}}"
    echo begun >>begun
    while [ ! -e gate ]; do sleep 0.01; done
    sleep {WORK}
fi
printf 'Content-Length: 4\\r\\n\\r\\ndone'
"""


def python_server():
    write("work.py", PYTHON_WORK)
    return ["/usr/bin/python3", write("server.py", PYTHON_SERVER), str(PORT)]


def gunicorn():
    path = peer("gunicorn")
    write("work.py", PYTHON_WORK)
    write("app.py", WSGI)
    return [path, "--chdir", scratch(), "-w", str(CLIENTS), "-b", f"127.0.0.1:{PORT}", "app:app"]


def node():
    return [peer("node"), write("cluster.js", NODE), str(PORT), str(WORK)]


def php_fpm(port=PORT, wait="process_control_timeout = 10s"):
    paths = sorted(glob.glob("/usr/sbin/php-fpm*"))
    need(paths, "php-fpm is not installed")
    write("index.php", PHP)
    settings = write("fpm.conf", f"""[global]
error_log = /dev/stderr
{wait}
[www]
user = nobody
group = nogroup
listen = 127.0.0.1:{port}
pm = static
pm.max_children = {CLIENTS}
""")
    return [paths[0], "-n", "-F", "-R", "-y", settings]


def httpd():
    path = peer("apache2")
    folder = "/usr/lib/apache2/modules"
    modules = ("mpm_prefork", "authz_core", "alias", "cgi")
    for name in modules:
        need(os.path.exists(f"{folder}/mod_{name}.so"), f"httpd's mod_{name} is not installed")
    script = write("work.cgi", CGI, 0o755)
    settings = write("httpd.conf", "".join(f"LoadModule {x}_module {folder}/mod_{x}.so\n" for x in modules) + f"""
ServerRoot {scratch()}
ServerName localhost
DefaultRuntimeDir {scratch()}
PidFile {scratch("httpd.pid")}
ErrorLog /dev/stderr
User nobody
Group nogroup
Listen 127.0.0.1:{PORT}
StartServers {CLIENTS + 1}
MinSpareServers {CLIENTS}
ScriptAlias / {script}/
<Directory {scratch()}>
    Require all granted
</Directory>
""")
    return [path, "-DFOREGROUND", "-f", settings]


def nginx(passes=f"proxy_pass http://127.0.0.1:{BEHIND};"):
    path = peer("nginx")
    settings = write("nginx.conf", f"""daemon off;
user root;
worker_processes 2;
pid {scratch("nginx.pid")};
error_log stderr;
events {{}}
http {{
    access_log off;
    {" ".join(f"{x}_temp_path {scratch(x)};" for x in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))}
    server {{
        listen 127.0.0.1:{PORT};
        location / {{ {passes} }}
    }}
}}
""")
    return [path, "-e", "stderr", "-c", settings]


def nginx_before_python():
    serve_behind_nginx()
    return nginx()


def serve_behind_nginx():
    """What nginx asks: a thread of the test."""
    rooms = {}
    exec(compile(PYTHON_WORK, "work", "exec"), rooms)    # pylint: disable=exec-used

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/work":
                rooms["work"](scratch())
            self.send_response(200)
            self.send_header("Content-Length", "4")
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(b"done")

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", BEHIND), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()


# --- clients ------------------------------------------------------------------------------------------

def ask_http(path):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=LONG)
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read()


def ask_cgi(path):
    return ask_http("/?work" if path == "/work" else "/")


def ask_fastcgi(path):
    def record(kind, content):
        return struct.pack(">BBHHBB", 1, kind, 1, len(content), 0, 0) + content
    variables = {"SCRIPT_FILENAME": scratch("index.php"), "REQUEST_URI": path, "REQUEST_METHOD": "GET"}
    pairs = b"".join(bytes([len(k), len(v)]) + k.encode() + v.encode() for k, v in variables.items())
    out, ended = b"", False
    with socket.create_connection(("127.0.0.1", PORT), LONG) as connection:
        connection.sendall(record(1, struct.pack(">HB5x", 1, 0)) + record(4, pairs) + record(4, b"") +
                           record(5, b""))
        with connection.makefile("rb") as file:
            while not ended and len(head := file.read(8)) == 8:
                _, kind, _, length, padding, _ = struct.unpack(">BBHHBB", head)
                content = file.read(length + padding)[:length]
                out += content if kind == 6 else b""
                ended = kind == 3
    return 200 if ended else 0, out.partition(b"\r\n\r\n")[2]


class Client:
    """Asks for work in a thread; `answer` is then what came, or the error."""

    def __init__(self, ask):
        self.ask = ask
        self.answer = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            self.answer = self.ask("/work")
        except (OSError, http.client.HTTPException) as error:
            self.answer = repr(error)


def answers(ask):
    try:
        return ask("/") == (200, b"done")
    except (OSError, http.client.HTTPException):
        return False


def begun():
    with open(scratch("begun"), encoding="ascii") as file:
        return len(file.readlines())


# --- the cases ----------------------------------------------------------------------------------------

def serving(program, ask, *words, shell=False, pid1=True):
    """usher with the program behind it, which answers."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))    # a shell that ends by QUIT leaves none
    network()
    write("begun", "", 0o666)
    command = program()
    if shell:
        command = ["/bin/sh", "-c", '"$@"; true', "sh", *command]
    init = start("-v", *words, "--", *command, pid1=pid1)
    wait_for(lambda: answers(ask) or not init.running(), "it answers", LONG)
    assert init.running(), "it has ended"
    return init


def signal_in_flight(init, ask, sig):
    """Sends it while requests are in flight; what the clients got."""
    clients = [Client(ask) for _ in range(CLIENTS)]
    wait_for(lambda: begun() == CLIENTS, "the requests are in flight", LONG)
    init.kill(sig)
    wait_for(lambda: "usher: sent " in init.err.text, "usher has passed it on")
    write("gate", "")
    for client in clients:
        client.thread.join(LONG)
    return [client.answer for client in clients]


ALL_ANSWERED = [(200, b"done")] * CLIENTS

# The program, how it is asked, usher's options, the exit code behind a shell. php-fpm makes a session of its
# own behind a shell, so the linger tells it, with its own signal. The shell takes no notice of WINCH; httpd
# ends its group with TERM when it is done.
STOPS = {
    "a Python server": (python_server, ask_http, (), 143),
    "gunicorn": (gunicorn, ask_http, (), 143),
    "a node cluster": (node, ask_http, (), 143),
    "php-fpm": (php_fpm, ask_fastcgi, ("-r", "TERM:QUIT", "--linger-signal", "QUIT"), 131),
    "httpd": (httpd, ask_cgi, ("-r", "TERM:WINCH"), 143),
    "nginx": (nginx_before_python, ask_http, ("-r", "TERM:QUIT"), 131),
}
for _name, _case in STOPS.items():
    for _shell in (False, True):
        @test(f"a stop of {_name}{' behind a shell without exec' if _shell else ''} cuts no request")
        def _(case=_case, shell=_shell):
            program, ask, words, status = case
            with serving(program, ask, *words, shell=shell) as init:
                equal(signal_in_flight(init, ask, TERM), ALL_ANSWERED)
                equal(init.wait(LONG), status if shell else 0)


# The program, how it is asked, its signal; whether the signal in its workers cuts what they do.
RELOADS = {
    "HUP to gunicorn": (gunicorn, ask_http, HUP, True),
    "HUP to a node cluster": (node, ask_http, HUP, True),
    "USR2 to php-fpm": (php_fpm, ask_fastcgi, USR2, True),
    "USR1 to httpd": (httpd, ask_cgi, USR1, True),
    "HUP to nginx": (nginx_before_python, ask_http, HUP, False),
}
for _name, _case in RELOADS.items():
    @test(f"{_name}, a reload, cuts no request")
    def _(case=_case):
        program, ask, sig, _ = case
        with serving(program, ask) as init:
            equal(signal_in_flight(init, ask, sig), ALL_ANSWERED)
            wait_for(lambda: answers(ask), "it answers after the reload", LONG)
            equal(init.state(), "running")

    if _case[3]:
        @test(f"{_name} with --forward group cuts requests: what split is for")
        def _(case=_case):
            program, ask, sig, _ = case
            with serving(program, ask, "-g") as init:
                assert signal_in_flight(init, ask, sig) != ALL_ANSWERED, "all were answered"


def rq_worker():
    """A worker of RQ with a job in flight: its work horse, which is in a session of its own."""
    redis, path = peer("redis-server"), peer("rq")
    network()
    write("begun", "", 0o666)
    write("work.py", PYTHON_WORK + """
def job(folder):
    work(folder)
    open(folder + "/saved", "w").close()
""")
    init = start("--", redis, "--port", str(PORT), "--bind", "127.0.0.1", "--save", "", pid1=False)
    enqueue = write("enqueue.py", f"""import redis, rq, sys
rq.Queue(connection=redis.Redis(port={PORT})).enqueue("work.job", {scratch()!r})
""")
    wait_for(lambda: subprocess.run(["/usr/bin/python3", enqueue], stderr=subprocess.DEVNULL,
                                    check=False).returncode == 0, "redis answers", LONG)
    return init, [path, "worker", "--url", f"redis://127.0.0.1:{PORT}", "--path", scratch()]


# Behind a shell nothing protects the horse from the linger, which tells who is in no group that was told.
for _words, _shell in (((), False), (("--linger-signal", "0"), True)):
    @test(f"a stop of an RQ worker{' behind a shell without exec' if _shell else ''} cuts no job")
    def _(words=_words, shell=_shell):
        redis, command = rq_worker()
        if shell:
            command = ["/bin/sh", "-c", '"$@"; true', "sh", *command]
        with redis, start("-v", *words, "--", *command) as init:
            wait_for(lambda: begun() == 1, "the job is in flight", LONG)
            init.kill(TERM)
            wait_for(lambda: "usher: sent " in init.err.text, "usher has passed it on")
            write("gate", "")
            equal(init.wait(LONG), 143 if shell else 0)
            assert os.path.exists(scratch("saved")), init.err.text


@both("a second TERM is force to the Python server: the check sees a cut")
def _(pid1):
    with serving(python_server, ask_http, pid1=pid1) as init:
        clients = [Client(ask_http) for _ in range(CLIENTS)]
        wait_for(lambda: begun() == CLIENTS, "the requests are in flight", LONG)
        init.kill(TERM)
        wait_for(lambda: not answers(ask_http), "it has heard of the stop")
        init.kill(TERM)
        equal(init.wait(), 1)
        for client in clients:
            client.thread.join(LONG)
        assert all(client.answer != (200, b"done") for client in clients), clients
