# SPDX-License-Identifier: MIT
"""An engine stops a container: requests while it drains, grace before the engine's own KILL."""
import contextlib
import socket
import time

from suite import (Requests, answers, case, equal, free_port, image, note, wait_for,
                   wait_until_served)

PRE_STOP = 2.0


@contextlib.contextmanager
def serving(engine, port, *options):
    with engine.run(image(), "/usher", "-v", *options, "--", "/service",
                    env={"PORT": port}, network="host") as container:
        wait_until_served(port)
        yield container


@case("with --pre-stop no request is lost while it drains")
def _(engine):
    port = free_port()
    with serving(engine, port, "--pre-stop", f"{PRE_STOP}s") as container:
        with Requests(port) as requests:
            told = time.monotonic()
            stopping = container.stopping(30)
            equal(container.wait(), 0, "the exit code")
            stopping.result()
        # The signal came after `told`: until then nobody may have been refused.
        answered, refused = requests.between(told, told + PRE_STOP)
        note(f"{answered} answered, {refused} refused")
        equal(refused, 0, "requests refused while it drained")
        assert answered > 0, "no request was answered while it drained"


@case("without --pre-stop the program hears of the stop at once and ends what it has")
def _(engine):
    port = free_port()
    with serving(engine, port) as container, Requests(port) as requests, \
            socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\n")
        told = time.monotonic()
        container.kill(15)
        wait_for(lambda: requests.between(told, time.monotonic())[1] > 0, "one is refused", 30)
        client.sendall(b"\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 200 "), "the request under way got no answer"
        equal(container.wait(), 0, "the exit code")
        assert "draining" not in container.logs(), container.logs()
    answered, refused = requests.between(told, told + PRE_STOP)
    note(f"{answered} answered, {refused} refused")


@case("a second stop signal ends the pre-stop delay")
def _(engine):
    port = free_port()
    with serving(engine, port, "--pre-stop", "1h") as container:
        container.kill(15)
        container.wait_log("draining")
        assert answers(port), "it does not serve while it drains"
        container.kill(15)
        equal(container.wait(), 0, "the exit code")


@case("after --grace usher itself kills what is left, and the log names it")
def _(engine):
    with engine.run(image(), "/usher", "-v", "--grace", "1s", "--", "/witness",
                    "catch") as container:
        container.wait_log("ready")
        begin = time.monotonic()
        container.stop(100)
        equal(container.wait(), 137, "the exit code")
        assert time.monotonic() - begin < 60, "it took the engine's KILL"
        container.wait_log("killing what did not stop")
        assert "(witness)" in container.logs(), container.logs()


@case("without --grace the engine's own KILL ends it: nothing is named")
def _(engine):
    with engine.run(image(), "/usher", "-v", "--", "/witness", "catch") as container:
        container.wait_log("ready")
        container.stop(1)
        equal(container.wait(), 137, "the exit code")
        assert "killing what did not stop" not in container.logs(), container.logs()


@case("what outlives the program is told and may save its work")
def _(engine):
    with engine.run(image(), "/usher", "--", "/witness", "catch", "--exit", "15:5", "--member",
                    "setsid,orphan,save=0.5") as container:
        container.wait_log("ready")
        container.stop(60)
        equal(container.wait(), 5, "the exit code")
        container.wait_log("member 1 saved")


@case("TERM is rewritten to the signal that the program wants")
def _(engine):
    with engine.run(image(), "/usher", "--rewrite", "TERM:QUIT", "--", "/witness", "catch",
                    "--exit", "3:4") as container:
        container.wait_log("ready")
        container.stop(60)
        equal(container.wait(), 4, "the exit code")
        assert "got 15" not in container.logs(), container.logs()


@case("the engine's stop signal is one of --stop-signal, and drains", needs={"stop-signal"})
def _(engine):
    with engine.run(image(), "/usher", "-v", "--pre-stop", "1s", "--stop-signal", "QUIT", "--",
                    "/witness", "catch", "--exit", "3:4", stop_signal="SIGQUIT") as container:
        container.wait_log("ready")
        container.stop(60)
        equal(container.wait(), 4, "the exit code")
        assert "draining" in container.logs(), container.logs()
