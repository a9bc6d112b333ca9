# SPDX-License-Identifier: MIT
"""What docs/recipes tells of Celery, a node cluster, PHP behind nginx and a JVM, beyond what real_programs
stops and reloads: with the lines of the page nothing is cut, without them something is."""
import base64
import contextlib
import os
import subprocess

from harness import CONT, STOP, TERM, alive, children, equal, peer, run, scratch, start, test, wait_for
from probe_lab import network
from real_programs import (ALL_ANSWERED, BEHIND, CLIENTS, LONG, PORT, PYTHON_WORK, WORK, Client, ask_http,
                           begun, nginx, php_fpm, serving, signal_in_flight, write)
from signals import HUP


# --- Celery -------------------------------------------------------------------------------------------

CELERY = f"""import pathlib
import celery, celery.signals
from work import work
app = celery.Celery("jobs", broker="redis://127.0.0.1:{PORT}")
beat = pathlib.Path(__file__).with_name("beat")
@celery.signals.heartbeat_sent.connect
def touch(**_):
    beat.touch()
@app.task
def job(folder):
    work(folder)
    open(folder + "/saved", "w").close()
"""


# Now and then a child of the pool waits 30 s for its result to be read, and the main process for the child.
SLOW = 50.0


@contextlib.contextmanager
def celery_worker(*words):
    """A worker with two children, one of which has a task in flight."""
    redis, path = peer("redis-server"), peer("celery")
    network()
    write("begun", "", 0o666)
    write("work.py", PYTHON_WORK)
    write("jobs.py", CELERY)
    send = write("send.py", f"import jobs\njobs.job.delay({scratch()!r})\n")
    with start("--", redis, "--port", str(PORT), "--bind", "127.0.0.1", "--save", "", pid1=False), \
            start("-v", *words, "--", path, "--workdir", scratch(), "-A", "jobs", "worker", "--concurrency", "2",
                  "--loglevel", "INFO", pid1=True) as init:
        wait_for(lambda: subprocess.run(["/usr/bin/python3", send], stderr=subprocess.DEVNULL,
                                        check=False).returncode == 0, "redis answers", LONG)
        wait_for(lambda: begun() == 1, "the task is in flight", LONG)
        yield init


def saved():
    return os.path.exists(scratch("saved"))


def signal_worker(init, sig):
    init.kill(sig)
    wait_for(lambda: "usher: sent " in init.err.text, "usher has passed it on")
    write("gate", "")


@test("a stop of a Celery worker with --forward main cuts no task", timeout=120.0)
def _():
    with celery_worker("-c") as init:
        signal_worker(init, TERM)
        equal(init.wait(SLOW), 0)
        assert saved(), init.err.text


@test("a stop of a Celery worker with --forward split cuts its task: what main is for", timeout=120.0)
def _():
    with celery_worker() as init:
        signal_worker(init, TERM)
        init.wait(SLOW)
        assert not saved(), init.err.text


for _words in (("-c",), ()):
    @test(f"HUP to a Celery worker, a restart, cuts no task{'' if _words else ' with --forward split'}", timeout=120.0)
    def _(words=_words):
        with celery_worker(*words) as init:
            signal_worker(init, HUP)
            wait_for(saved, "the task is done", LONG)
            wait_for(lambda: len(init.err.find(r"ready\.$")) > 1, "it has started anew", SLOW)
            equal(init.state(), "running")


@test("HUP to a Celery worker with --forward group cuts its task: HUP is for the main process", timeout=120.0)
def _():
    with celery_worker("-g") as init:
        pool = children(init.program())
        signal_worker(init, HUP)
        wait_for(lambda: not any(map(alive, pool)), "the children are gone", LONG)
        assert not saved(), init.err.text


@test("a Celery worker that touches a file at each heartbeat is healthy until it stands still", timeout=120.0)
def _():
    with celery_worker("-c") as init:
        check = ("probe", f"file:{scratch('beat')}?max-age=5s")
        wait_for(lambda: run(*check)[0] == 0, "it is healthy", LONG)
        os.kill(init.program(), STOP)
        wait_for(lambda: run(*check)[0] == 1, "it is unhealthy", LONG)
        os.kill(init.program(), CONT)
        wait_for(lambda: run(*check)[0] == 0, "it is healthy again", LONG)


# --- a node cluster whose workers leave the stop to the primary ---------------------------------------

# disconnect() takes a worker off cluster.workers at once: the primary looks at nothing, and ends when they have.
PRIMARY_TELLS = """const cluster = require("cluster"), fs = require("fs"), http = require("http");
const [port, work] = process.argv.slice(2).map(Number);
if (cluster.isPrimary) {
  cluster.fork(); cluster.fork();
  process.on("SIGTERM", () => {
    for (const worker of Object.values(cluster.workers)) worker.disconnect();
  });
} else {
  http.createServer((request, response) => {
    response.setHeader("Connection", "close");
    if (request.url !== "/work") return response.end("done");
    fs.appendFileSync(__dirname + "/begun", "begun\\n");
    const held = setInterval(() => {
      if (!fs.existsSync(__dirname + "/gate")) return;
      clearInterval(held);
      setTimeout(() => response.end("done"), work * 1000);
    }, 5);
  }).listen(port, "127.0.0.1");
}
"""


def cluster_by_primary():
    return [peer("node"), write("primary.js", PRIMARY_TELLS), str(PORT), str(WORK)]


@test("a stop of a node cluster whose primary alone has a handler cuts no request with --forward main")
def _():
    with serving(cluster_by_primary, ask_http, "-c") as init:
        equal(signal_in_flight(init, ask_http, TERM), ALL_ANSWERED)
        equal(init.wait(LONG), 0)


@test("a stop of a node cluster whose primary alone has a handler cuts requests with --forward split")
def _():
    with serving(cluster_by_primary, ask_http) as init:
        assert signal_in_flight(init, ask_http, TERM) != ALL_ANSWERED, "all were answered"


# --- PHP behind nginx, each under an usher of its own -------------------------------------------------

def stop_both(*words, wait="process_control_timeout = 10s"):
    """Stops nginx and then php-fpm behind it with requests in flight through both: what the clients got, and
    the exit codes. `words` are for the usher of php-fpm."""
    behind = []

    def both():
        behind.append(start("-v", *words, "--", *php_fpm(BEHIND, wait), pid1=True))
        return nginx(f"""fastcgi_pass 127.0.0.1:{BEHIND};
            fastcgi_param SCRIPT_FILENAME {scratch("index.php")};
            fastcgi_param REQUEST_URI $request_uri;
            fastcgi_param REQUEST_METHOD $request_method;""")
    with serving(both, ask_http, "-r", "TERM:QUIT") as front, behind[0] as back:
        clients = [Client(ask_http) for _ in range(CLIENTS)]
        wait_for(lambda: begun() == CLIENTS, "the requests are in flight", LONG)
        for init in (front, back):
            init.kill(TERM)
            wait_for(lambda i=init: "usher: sent " in i.err.text, "usher has passed it on")
        write("gate", "")
        for client in clients:
            client.thread.join(LONG)
        return [client.answer for client in clients], [init.wait(LONG) for init in (front, back)]


@test("a stop of nginx and of php-fpm behind it, each under usher, cuts no request")
def _():
    equal(stop_both("-r", "TERM:QUIT"), (ALL_ANSWERED, [0, 0]))


@test("without QUIT for TERM php-fpm cuts requests")
def _():
    assert stop_both()[0] != ALL_ANSWERED, "all were answered"


@test("without process_control_timeout php-fpm cuts requests, also by QUIT")
def _():
    assert stop_both("-r", "TERM:QUIT", wait="")[0] != ALL_ANSWERED, "all were answered"


# --- a JVM that does not stop -------------------------------------------------------------------------

# No JDK is needed for what `javac -g:none --release 8` made of this:
#   public class Stuck extends Thread {
#       static final Object lock = new Object();
#       Stuck() { super("closes the pool"); }
#       public void run() { synchronized (lock) { } }
#       public static void main(String[] words) throws Exception {
#           Runtime.getRuntime().addShutdownHook(new Stuck());
#           synchronized (lock) { System.out.println("ready"); Thread.sleep(1000000000L); }
#       }
#   }
STUCK = """
yv66vgAAADQAPwgAAgEAD2Nsb3NlcyB0aGUgcG9vbAoABAAFBwAGDAAHAAgBABBqYXZhL2xhbmcvVGhyZWFkAQAGPGluaXQ+AQAV
KExqYXZhL2xhbmcvU3RyaW5nOylWCQAKAAsHAAwMAA0ADgEABVN0dWNrAQAEbG9jawEAEkxqYXZhL2xhbmcvT2JqZWN0OwoAEAAR
BwASDAATABQBABFqYXZhL2xhbmcvUnVudGltZQEACmdldFJ1bnRpbWUBABUoKUxqYXZhL2xhbmcvUnVudGltZTsKAAoAFgwABwAX
AQADKClWCgAQABkMABoAGwEAD2FkZFNodXRkb3duSG9vawEAFShMamF2YS9sYW5nL1RocmVhZDspVgkAHQAeBwAfDAAgACEBABBq
YXZhL2xhbmcvU3lzdGVtAQADb3V0AQAVTGphdmEvaW8vUHJpbnRTdHJlYW07CAAjAQAFcmVhZHkKACUAJgcAJwwAKAAIAQATamF2
YS9pby9QcmludFN0cmVhbQEAB3ByaW50bG4FAAAAADuaygAKAAQALAwALQAuAQAFc2xlZXABAAQoSilWBwAwAQAQamF2YS9sYW5n
L09iamVjdAoALwAWAQAEQ29kZQEAA3J1bgEADVN0YWNrTWFwVGFibGUHADYBABNqYXZhL2xhbmcvVGhyb3dhYmxlAQAEbWFpbgEA
FihbTGphdmEvbGFuZy9TdHJpbmc7KVYHADoBABNbTGphdmEvbGFuZy9TdHJpbmc7AQAKRXhjZXB0aW9ucwcAPQEAE2phdmEvbGFu
Zy9FeGNlcHRpb24BAAg8Y2xpbml0PgAhAAoABAAAAAEAGAANAA4AAAAEAAAABwAXAAEAMgAAABMAAgABAAAAByoSAbcAA7EAAAAA
AAEAMwAXAAEAMgAAAEgAAgADAAAAEbIACVlMwivDpwAITSvDLL+xAAIABgAIAAsAAAALAA4ACwAAAAEANAAAABUAAv8ACwACBwAK
BwAvAAEHADX6AAQACQA3ADgAAgAyAAAAYwADAAMAAAAsuAAPuwAKWbcAFbYAGLIACVlMwrIAHBIitgAkFAApuAArK8OnAAhNK8Ms
v7EAAgATACMAJgAAACYAKQAmAAAAAQA0AAAAFQAC/wAmAAIHADkHAC8AAQcANfoABAA7AAAABAABADwACAA+ABcAAQAyAAAAFwAC
AAAAAAALuwAvWbcAMbMACbEAAAAAAAA=
"""


def dump_of_stuck(*words, shell=False):
    """Stops a JVM whose shutdown hook waits for ever, with a grace of 6 s; what it printed."""
    java = peer("java")
    with open(scratch("Stuck.class"), "wb") as file:
        file.write(base64.b64decode(STUCK))
    # Without the file in /tmp that is named after the pid, which other namespaces have as well.
    command = [java, "-Xmx32m", "-XX:-UsePerfData", "-cp", scratch(), "Stuck"]
    if shell:
        command = ["/bin/sh", "-c", '"$@"; true', "sh", *command]
    with start("-v", "-t", "6s", *words, "--", *command, pid1=True) as init:
        init.out.expect("^ready$", LONG)
        init.kill(TERM)
        equal(init.wait(LONG), 143 if shell else 137)
        assert "killing what did not stop" in init.err.text, init.err.text
        return init.out.finish()


for _shell in (False, True):
    @test(f"a QUIT by --escalate shows where a JVM{' behind a shell without exec' if _shell else ''} hangs")
    def _(shell=_shell):
        dump = dump_of_stuck("--escalate", "1s:QUIT", shell=shell)
        assert "Full thread dump" in dump and '"closes the pool"' in dump, dump
        assert "waiting to lock" in dump.partition('"closes the pool"')[2][:500], dump


@test("without --escalate a JVM that hangs is killed and tells nothing")
def _():
    equal(dump_of_stuck(), "ready\n")
