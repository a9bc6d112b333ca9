# SPDX-License-Identifier: MIT
"""Python in an image without a shell, and what it sees of its restrictions from inside: the only view
that there is where the processes are not the machine's."""
import json

from suite import NONROOT, case, equal, free_port, python_image, wait_for, wait_until_served

SEES = """
import json, os
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
try:
    open("/open/new", "w").close()
    os.unlink("/open/new")
    write = "made"
except OSError as error:
    write = os.strerror(error.errno)
print(json.dumps({"uid": os.getuid(), "gid": os.getgid(), "write": write,
                  "capabilities": [int(status[x], 16) for x in ("CapPrm", "CapEff", "CapBnd")],
                  "no_new_privs": status.get("NoNewPrivs", "").strip(),
                  "shell": os.path.exists("/bin/sh")}))
"""
SERVER = """
import http.server, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def python(engine, code, *options, **restrictions):
    return engine.run(python_image(User=NONROOT), "/usher", *options, "--", "/usr/bin/python3", "-c",
                      code, **restrictions)


def seen(engine, **restrictions):
    with python(engine, SEES, **restrictions) as container:
        equal(container.wait(), 0, "the exit code")
        return json.loads(container.logs().splitlines()[-1])


@case("a program sees its user, a read-only root and no capability")
def _(engine):
    got = seen(engine, read_only=True, drop_capabilities=True, no_new_privileges=True)
    equal((got["uid"], got["gid"]), (65532, 65532), "the user")
    equal(got["write"], "Read-only file system", "a file where all may write")
    equal(got["capabilities"], [0, 0, 0], "capabilities")
    equal(got["shell"], False, "a shell")
    if engine.name != "gvisor":   # it does not tell
        equal(got["no_new_privs"], "1", "no_new_privs")


@case("without the restrictions it sees capabilities, and can write")
def _(engine):
    got = seen(engine)
    equal(got["write"], "made", "a file where all may write")
    assert got["capabilities"][2], "no capability, although none was taken away"


@case("Python without a shell is probed, drains and ends with its own code")
def _(engine):
    port = free_port()
    with python(engine, SERVER, "-v", "--pre-stop", "1h", env={"PORT": port}, network="host",
                read_only=True, drop_capabilities=True) as container:
        wait_until_served(port)
        equal(container.probe("ready:", f":{port}/"), 0, "healthy")
        container.kill(15)
        container.wait_log("draining")
        equal(container.probe("ready:"), 1, "ready: while it drains")
        wait_for(lambda: container.probe(f":{port}/") == 0, "it serves while it drains", 30)
        container.kill(15)
        equal(container.wait(), 0, "the exit code")
