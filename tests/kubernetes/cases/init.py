# SPDX-License-Identifier: MIT
"""Init containers: usher install, and usher wait with the DNS of a real pod."""
import os
import socket
import struct
import threading
import time

import cluster
import lab
from lab import MOODY, RESTRICTED, case, container, create, equal, note, run, snippet, start, wait


@case("an init container installs usher for an image that has none, with the lines of docs/containers.md")
def _():
    spec = snippet("docs/containers.md", "## usher without building it in")["spec"]
    create({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": spec})
    pod = lab.Pod("app").wait_ready()
    pid, = pod.processes()["usher:running"]
    equal(os.readlink(f"/proc/{pid}/exe"), "/shared/usher", "what PID 1 is")
    pod.delete()
    equal(pod.end()[1], 0, "the exit code")


class NameServer(threading.Thread):
    """Answers for the names in `zone`; the Service `dns` has the address that every pod's resolv.conf names."""

    def __init__(self):
        super().__init__(daemon=True)
        self.zone = {}     # name: address
        self.asked = set()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((cluster.NODE_ADDRESS, 0))
        port = self.socket.getsockname()[1]
        create({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "dns"},
                "spec": {"clusterIP": cluster.DNS_ADDRESS, "ports": [{"port": 53, "protocol": "UDP"}]}},
               {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "dns"}, "subsets": [
                   {"addresses": [{"ip": cluster.NODE_ADDRESS}], "ports": [{"port": port, "protocol": "UDP"}]}]})
        self.start()

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(1500)
            self.socket.sendto(self.reply(query), peer)

    def reply(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode())
            at += 1 + query[at]
        name, (kind,) = ".".join(labels), struct.unpack_from(">H", query, at + 1)
        self.asked.add(name)
        address = self.zone.get(name)
        answer = b""
        if address and kind == 1:
            answer = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 5, 4) + socket.inet_aton(address)
        flags = 0x8580 if address else 0x8583   # authoritative; the name is not there
        return query[:2] + struct.pack(">HHHHH", flags, 1, bool(answer), 0, 0) + query[12:at + 5] + answer


def waiting(name, timeout):
    """A pod whose init container waits for the port 8080 of `name`."""
    return start(container(), name=f"for-{name}", restartPolicy="Never", initContainers=[
        {"name": "wait", "image": MOODY, "command": ["/usher", "wait", "-t", timeout, f"tcp://{name}:8080"],
         "securityContext": RESTRICTED}])


@case("usher wait in an init container waits for a name that comes later, by the search list of the pod")
def _():
    names = NameServer()
    app = waiting("db", "100s")
    full = f"db.{lab.NAMESPACE}.svc.cluster.local"
    wait(lambda: full in names.asked, "it asks for the name")
    wait(lambda: "unhealthy tcp://db:8080" in app.log("wait"), "it tells why it waits")
    database = run(container(), name="db")
    begin = time.monotonic()
    names.zone[full] = database.address
    app.wait_ready()
    note(f"ready {time.monotonic() - begin:.1f} s after the name was there")

    late = waiting("nobody", "3s")
    gave_up = wait(lambda: late.status("wait").get("state", {}).get("terminated"), "it gives up")
    equal(gave_up["exitCode"], 124, "its exit code")

    ended = waiting("nothing", "1000s")
    wait(lambda: "unhealthy" in ended.log("wait"), "it waits")
    wait(lambda: "running" in ended.status("wait").get("state", {}), "the kubelet says that it runs")
    began = ended.delete()
    when, code = ended.end("wait")
    # A kubelet of 1.20 takes a pod that is deleted this early for one that has ended, and kills what is in its cgroup
    # while the TERM is on its way: seen in its log at -v 4, and for other programs than usher.
    assert code in (143, 137), f"one that is deleted while it waits ended with {code}"
    note(f"deleted while it waited: exit code {code} after {when - began:.1f} s")
    assert when - began < 25, when - began   # not the kubelet's 30 s
