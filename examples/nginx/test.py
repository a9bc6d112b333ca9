# SPDX-License-Identifier: MIT
"""nginx behind a load balancer that believes the probe: what is lost at a stop is counted."""
import contextlib
import socket
import threading
import time

import bases
import engines
import example
import images
import suite
from harness import equal, wait_for
from suite import case


class LoadBalancer:
    """Sends requests without a pause, from two clients, as long as the last check was good. The
    next check begins when the one before has ended. `lost` has what went wrong."""

    def __init__(self, container, port):
        self.container, self.port = container, port
        self.open, self.ended = True, False
        self.answered, self.lost = 0, []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=target, daemon=True)
                        for target in (self._check, self._ask, self._ask)]
        for thread in self.threads:
            thread.start()

    def _check(self):
        while self.open and not self.ended:
            if self.container.probe("ready:", ":8080/healthz") != 0:
                self.open = False
            time.sleep(0.1)

    def _ask(self):
        while self.open and not self.ended:
            try:
                status = suite.get(8080)
                problem = None if status == 200 else f"status {status}"
            except OSError as error:
                problem = repr(error)
            with self.lock:
                self.answered += problem is None
                self.lost += [problem] if problem else []

    def busy(self):
        """True while it may still send a request or waits for an answer."""
        return any(thread.is_alive() for thread in self.threads)

    def end(self):
        self.ended = True
        for thread in self.threads:
            thread.join(engines.LONG)


def stop_behind_load_balancer(engine, drains, also=contextlib.nullcontext):
    """Stops nginx under load, with `also(container)` around it: (answered after the stop, lost). The
    pre-stop ends when the load balancer has let go."""
    image = example.build(engine, __file__, NGINX=example.base(engine, "nginx", bases.nginx))
    example.check_configuration(engine, image)
    variables = example.drain() if drains else {"USHER_PRE_STOP": 0}
    with images.lock("port-8080"), \
            example.run(engine, image, env=variables, memory=64, network="host",
                        words=["--tmpfs=/tmp"]) as container:
        example.becomes(container, "healthy")
        balancer = LoadBalancer(container, 8080)
        try:
            wait_for(lambda: balancer.answered > 100, "100 answers", engines.LONG)
            before = balancer.answered
            with also(container):
                example.begin_stop(container)
                if drains:
                    wait_for(lambda: not balancer.busy(), "the load balancer lets go", engines.LONG)
                    example.end_drain(container)
            equal(container.wait(), 0, "the exit code")
        finally:
            balancer.end()
        return balancer.answered - before, balancer.lost


@contextlib.contextmanager
def slow_client(container):
    """One that has sent half of its request before the stop, and the rest when nginx has been told."""
    with socket.create_connection(("127.0.0.1", 8080)) as client:
        client.settimeout(engines.LONG)
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n")
        yield
        wait_for(lambda: container.state() == "stopping", "stopping", engines.LONG)
        client.sendall(b"Connection: close\r\n\r\n")
        answer = client.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 200"), f"the slow client was answered {answer[:100]}"


@case("nginx drains, then quits: no request is lost, not even a slow client's", **example.BUILDS)
def _(engine):
    answered, lost = stop_behind_load_balancer(engine, True, slow_client)
    suite.note(f"{answered} answered after the stop, {len(lost)} lost")
    assert answered > 0, "nothing was answered after the stop"
    equal(lost, [], f"lost after the stop (answered: {answered})")


@case("without the drain requests are lost: the count can fail", **example.BUILDS)
def _(engine):
    _, lost = stop_behind_load_balancer(engine, False)
    assert lost, "nothing was lost without a drain"
