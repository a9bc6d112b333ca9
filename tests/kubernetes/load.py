# SPDX-License-Identifier: MIT
"""Clients of a Service's pods: each sends a steady stream of requests, each on a connection of its own, to the pods
that it believes in, and counts those that are not answered. They differ in how they follow the cluster:

    terminating            a pod is in while it is Ready and nobody has asked for its end, as endpoints have it
    terminating, 2 s late  the same, but it lets go of a pod 2 s after that
    Ready                  a pod is in while its Ready condition is true: whatever watches that alone
    Service                all goes to the Service's address; kube-proxy decides
"""
import asyncio
import threading
import time

import api
import lab

RATE = 50        # requests a second, of each client
PATIENCE = 20.0  # seconds for an answer: a machine may be busy, a pod that is gone refuses or is unreachable
REQUEST = b"GET %s HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"


class Client:
    def __init__(self, name, late=0.0):
        self.name = name
        self.late = late
        self.pods = {}        # name: address, of those that are in
        self.leaving = {}     # address: until when
        self.sent = 0
        self.lost = []        # (when, address, why)

    def believes(self, item):
        return lab.is_ready(item) and not lab.is_deleted(item)

    def told(self, when, item, deleted):
        name = item["metadata"]["name"]
        if not deleted and self.believes(item):
            self.pods[name] = item["status"]["podIP"]
        elif name in self.pods:
            self.leaving[self.pods.pop(name)] = when + self.late

    def targets(self):
        now = time.monotonic()
        return [*self.pods.values(), *(address for address, until in list(self.leaving.items()) if until > now)]


class ByReady(Client):
    def believes(self, item):
        return lab.is_ready(item)


class ByService(Client):
    def __init__(self, name, address):
        super().__init__(name)
        self.address = address

    def targets(self):
        return [self.address]


async def exchange(client, address, port, path):
    client.sent += 1
    writer = None
    begin = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(address, port)
            writer.write(REQUEST % path.encode())
            await writer.drain()
            reply = await reader.read()
        if not reply.startswith(b"HTTP/1.1 200 ") or not reply.endswith(b"\n"):
            raise ValueError(f"the answer {reply[:40]!r}")
    except (OSError, TimeoutError, ValueError) as error:
        client.lost.append((begin, address, f"{type(error).__name__} {error}"))
    finally:
        if writer:
            writer.close()


class Load:
    """With it, requests flow; after it, counts() has what came of them."""

    def __init__(self, service, path="/work"):
        self.path = path
        described = api.call("GET", api.path_of("v1", "Service", lab.NAMESPACE, service))["spec"]
        self.ports = {described["clusterIP"]: described["ports"][0]["port"]}
        self.clients = [Client("terminating"), Client("terminating, 2 s late", 2.0), ByReady("Ready"),
                        ByService("Service", described["clusterIP"])]
        self.stop = threading.Event()
        self.thread = threading.Thread(target=lambda: asyncio.run(self.all()), daemon=True)
        self.watch = api.Watch(api.path_of("v1", "Pod", lab.NAMESPACE), self.told)

    def told(self, when, item, deleted):
        for client in self.clients:
            client.told(when, item, deleted)

    async def all(self):
        await asyncio.gather(*(self.send(client) for client in self.clients))

    async def send(self, client):
        under_way = set()
        following = time.monotonic()
        for turn in range(1 << 30):
            if self.stop.is_set():
                break
            targets = client.targets()
            if targets:
                address = targets[turn % len(targets)]
                task = asyncio.create_task(exchange(client, address, self.ports.get(address, 8080), self.path))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            following += 1 / RATE
            await asyncio.sleep(max(0.0, following - time.monotonic()))
        if under_way:
            await asyncio.wait(under_way)

    def __enter__(self):
        self.watch.__enter__()
        address, port = next(iter(self.ports.items()))
        lab.wait(lambda: all(lab.answers(address, "/", port) for _ in range(10)), "the Service leads to the pods")
        self.thread.start()
        lab.wait(lambda: all(client.sent > RATE for client in self.clients), "the clients' first requests")
        before = {client.name: client.lost[:3] for client in self.clients if client.lost}
        assert not before, f"requests were lost before anything happened: {before}"
        return self

    def __exit__(self, kind, error, trace):
        self.stop.set()
        self.thread.join(PATIENCE + 5)

    def sent(self):
        return sum(client.sent for client in self.clients)

    def lost(self, name):
        return next(len(client.lost) for client in self.clients if client.name == name)

    def counts(self):
        lost = ", ".join(f"{client.name} {len(client.lost)} of {client.sent}" for client in self.clients)
        first = [f"{client.name}: {client.lost[0]}" for client in self.clients if client.lost]
        return f"lost: {lost}", first
