# SPDX-License-Identifier: MIT
"""What the cases are written with.

A case is a function under @case("a sentence that must hold"); it gets an engine and is registered
once for each engine. Where an engine lacks what the case needs it is a skip that says why.
examples/*/test.py are written the same way.
"""
import contextlib
import http.client
import threading
import time

import engines
import harness
import images
import isolation
from harness import comes_true, equal, need, scratch, skip, wait_for  # noqa: F401, what cases import from here

NONROOT = "65532:65532"
NOTES = []   # what a test has to tell although it passed
TOP = isolation.TOP


def case(title, *, needs=(), only=(), timeout=300.0):
    """needs: words of Engine.lacks. only: names of engines that the case is about; else all."""
    def perform(function, engine):
        lacking = [f"{word}: {engine.lacks[word]}" for word in needs if word in engine.lacks]
        need(not lacking, "; ".join(lacking))
        function(engine)

    def register(function):
        for engine in engines.ENGINES:
            if not only or engine.name in only:
                harness.add(f"{title}, {engine.name}", lambda e=engine: perform(function, e),
                            function.__module__, engine.name, timeout)
        return function
    return register


def need_user_namespaces():
    """A skip where the kernel has none, or gives none."""
    with contextlib.suppress(FileNotFoundError), \
            open("/proc/sys/user/max_user_namespaces", encoding="ascii") as file:
        if int(file.read()) > 0:
            return
    skip("no user namespace can be made here")


def note(text):
    """Tells something with the test's result."""
    NOTES.append(text)


def program(name):
    """The path of usher, witness, onlooker or service on this side of the container."""
    return f"{isolation.WORK}/programs/{name}"


def image(**config):
    """An image of nothing but usher and static programs; the configuration as in images.Image."""
    name = "programs" if not config else f"programs-{abs(hash(str(config)))}"
    files = {f"/{x}": images.File(program(x), 0o755)
             for x in ("usher", "witness", "onlooker", "service")}
    return images.make(name, {**files, "/text": b"not a program\n"}, config)


def python_image(**config):
    """As a distroless image: Python and usher, no shell and no tool. All may write to /open: gVisor
    mounts a /tmp of its own."""
    name = f"distroless-{abs(hash(str(config)))}"
    return images.make(name, lambda: {**images.python(),
                                      "/usher": images.File(program("usher"), 0o755),
                                      "/open": images.Folder(0o1777)}, config)


def free_port():
    """A port of the sandbox's loopback, which containers with network="host" share."""
    with images.lock("ports"):
        path = f"{isolation.WORK}/ports"
        last = 20000
        with contextlib.suppress(FileNotFoundError), open(path, encoding="ascii") as file:
            last = int(file.read())
        with open(path, "w", encoding="ascii") as file:
            file.write(str(last + 1))
    return last + 1


def get(port, path="/"):
    """The status of one GET, on a connection of its own; OSError when there is no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        response.read()
        return response.status
    except http.client.HTTPException as error:
        raise OSError(str(error)) from None
    finally:
        connection.close()


def answers(port, path="/"):
    try:
        return get(port, path) == 200
    except OSError:
        return False


def wait_until_served(port, path="/"):
    wait_for(lambda: answers(port, path), f"an answer on port {port}", engines.LONG)


class Requests:
    """Clients that ask without a pause until the `with` ends; (end, answered) of each in `done`."""

    def __init__(self, port, path="/", clients=2):
        self.done = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self._ask, args=(port, path), daemon=True)
                        for _ in range(clients)]

    def _ask(self, port, path):
        while not self.stop.is_set():
            answered = answers(port, path)
            self.done.append((time.monotonic(), answered))
            if not answered:
                time.sleep(0.01)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        wait_for(lambda: self.done, "a first answer")
        return self

    def __exit__(self, kind, error, trace):
        self.stop.set()
        for thread in self.threads:
            thread.join(15)

    def between(self, begin, end):
        """(answered, refused) of the requests that ended in that time."""
        inside = [answered for when, answered in self.done if begin <= when < end]
        return sum(inside), len(inside) - sum(inside)
