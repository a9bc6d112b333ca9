# SPDX-License-Identifier: MIT
"""Asks the API server, on one connection a thread, and watches what it tells."""
import http.client
import json
import os
import ssl
import threading
import time

HOST, PORT, TOKEN = "127.0.0.1", 16443, "tests"   # a user of system:masters, in this sandbox alone
CONTEXT = ssl._create_unverified_context()
HEADERS = {"Authorization": f"Bearer {TOKEN}"}
MERGE = "application/merge-patch+json"
LOCAL = threading.local()


class Refused(Exception):
    """The server's answer is an error; `status` is its number."""

    def __init__(self, status, text):
        super().__init__(f"{status}: {text}")
        self.status = status


def connect(deadline):
    return http.client.HTTPSConnection(HOST, PORT, context=CONTEXT, timeout=deadline)


def ask(method, path, body=None, kind="application/json"):
    """The answer's bytes. A connection that the server has closed meanwhile is made anew."""
    sent = None if body is None else json.dumps(body)
    for last in (False, True):
        if getattr(LOCAL, "owner", None) != os.getpid():
            LOCAL.connection, LOCAL.owner = connect(30), os.getpid()
        try:
            LOCAL.connection.request(method, path, sent, {**HEADERS, "Content-Type": kind})
            response = LOCAL.connection.getresponse()
            data = response.read()
            break
        except (http.client.HTTPException, OSError):
            LOCAL.owner = None
            if last:
                raise
    if response.status >= 300:
        raise Refused(response.status, data.decode(errors="replace")[:2000])
    return data


def call(method, path, body=None, kind="application/json"):
    return json.loads(ask(method, path, body, kind))


def path_of(version, kind, namespace, name=""):
    """Of objects of that kind, or of one."""
    top = "/api/v1" if version == "v1" else f"/apis/{version}"
    plural = kind.lower() + ("" if kind.endswith("s") else "s")
    return f"{top}/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def create(namespace, described):
    return call("POST", path_of(described["apiVersion"], described["kind"], namespace), described)


def stream(path):
    """Yields the lines of an answer that goes on until the server ends it."""
    connection = connect(600)
    connection.request("GET", path, headers=HEADERS)
    response = connection.getresponse()
    if response.status != 200:
        raise Refused(response.status, response.read().decode(errors="replace")[:2000])
    while line := response.readline():
        yield line


class Watch(threading.Thread):
    """Every change of the objects at `path`: (when, object, deleted) in `seen`, in that order. `told` is
    called with each."""

    def __init__(self, path, told=None):
        super().__init__(daemon=True)
        self.path, self.told = path, told
        self.seen = []
        self.began = threading.Event()

    def __enter__(self):
        self.start()
        assert self.began.wait(30), f"the watch of {self.path} did not begin"
        return self

    def __exit__(self, kind, error, trace):
        """The thread ends with its process: nothing else ends a read."""

    def run(self):
        listed = call("GET", self.path)
        for item in listed["items"]:
            self.take(item, False)
        version = listed["metadata"]["resourceVersion"]
        lines = stream(f"{self.path}?watch=1&resourceVersion={version}")
        self.began.set()
        for line in lines:
            event = json.loads(line)
            self.take(event["object"], event["type"] == "DELETED")

    def take(self, item, deleted):
        entry = (time.monotonic(), item, deleted)
        self.seen.append(entry)
        if self.told:
            self.told(*entry)
