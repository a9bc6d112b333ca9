# SPDX-License-Identifier: MIT
"""Checks of tcp: and unix:, loopback's two families, and which addresses `probe` may reach."""
import os
import re
import socket
import subprocess
import time

from harness import CONFIG, DEADLINE, add, equal, one_line, run, scratch, test, wait_for
from probe_lab import (OtherMachine, Peer, expect, full_backlog, healthy, http, ip, network, probe, replace_file, replies,
                       silent, timed, unhealthy)


@test("tcp: a port that accepts is healthy, and nothing is sent")
def _():
    network()
    got = []
    server = Peer(lambda connection, _: got.append(connection.recv(100)))
    healthy(probe("tcp://127.0.0.1:8080"), "tcp://127.0.0.1:8080 in Nms")
    wait_for(lambda: server.ended == 1, "the connection's end")
    equal(got, [b""])


@test("tcp: a closed port is refused")
def _():
    network()
    unhealthy(probe("tcp://127.0.0.1:5432"), "tcp://127.0.0.1:5432: connect: Connection refused")


@test("tcp: over IPv6")
def _():
    network()
    Peer(silent, ("::1", 8080))
    healthy(probe("tcp://[::1]:8080"), "tcp://[::1]:8080 in Nms")
    unhealthy(probe("tcp://[::1]:8081"), "tcp://[::1]:8081: connect: Connection refused")


@test("tcp: an empty host means loopback")
def _():
    network()
    Peer(silent)
    healthy(probe("tcp://:8080"), "tcp://:8080 in Nms")


for host in ("0.0.0.0", "127.1.2.3", "[::]", "[::ffff:127.0.0.1]"):
    def loopback(host=host):
        network()
        Peer(silent, ("::" if host == "[::]" else "0.0.0.0", 8080))
        healthy(probe(f"tcp://{host}:8080"), f"tcp://{host}:8080 in Nms")
    add(f"tcp: {host} counts as loopback", loopback, __name__)


@test("unix: a socket that accepts is healthy")
def _():
    Peer(silent, scratch("s"))
    healthy(probe(f"unix:{scratch('s')}"), f"unix:{scratch('s')} in Nms")


@test("unix: an abstract socket that accepts is healthy")
def _():
    network()
    Peer(silent, b"\0usher-abstract")
    healthy(probe("unix:@usher-abstract"), "unix:@usher-abstract in Nms")


@test("unix: a socket that nobody listens on is refused")
def _():
    server = Peer(silent, scratch("s"))
    server.socket.shutdown(socket.SHUT_RDWR)
    server.close()
    unhealthy(probe(f"unix:{scratch('s')}"), f"unix:{scratch('s')}: connect: Connection refused")


@test("unix: no socket there, a plain file there, no right to it: each has its reason")
def _():
    unhealthy(probe("unix:/no/such"), "unix:/no/such: connect: No such file or directory")
    path = scratch("plain")
    with open(path, "w", encoding="ascii"):
        os.chmod(path, 0o666)
    unhealthy(probe(f"unix:{path}"), f"unix:{path}: connect: Connection refused")
    Peer(silent, scratch("s"))
    os.chmod(scratch("s"), 0o600)
    unhealthy(probe(f"unix:{scratch('s')}", before=("--uid", 65534)),
              f"unix:{scratch('s')}: connect: Permission denied")


@test("unix: a path of 107 bytes works, one of 108 is refused as wrong")
def _():
    path = scratch("x" * (107 - len(scratch(""))))
    Peer(silent, path)
    equal(len(path), 107)
    equal(probe(f"unix:{path}")[0], 0)
    code, out, err = probe(f"unix:{path}y")
    equal((code, out), (125, ""))
    one_line(err)


# --- localhost ----------------------------------------------------------------------------------

for check in ("tcp://localhost:8080", "tcp://LocalHost:8080", "tcp://:8080",
              "http://localhost:8080/", ":8080/"):
    for family, address in (("IPv4", "127.0.0.1"), ("IPv6", "::1")):
        def localhost(check=check, address=address):
            network()
            replace_file("/etc/hosts", "203.0.113.1 localhost\n")
            replace_file("/etc/resolv.conf", "nameserver 203.0.113.1\n")
            Peer(silent if check[0] == "t" else replies(http()), (address, 8080))
            seconds, (code, out, err) = timed(probe, check)
            equal((code, err), (0, ""), f"status and stderr of {out!r}")
            assert seconds < 1, f"{seconds} s"
        add(f"localhost: {check} reaches a server that is {family} only, without any resolver",
            localhost, __name__)


@test("localhost: the IPv4 server is asked first")
def _():
    network()
    four, six = Peer(silent), Peer(silent, ("::1", 8080))
    equal(probe("tcp://localhost:8080")[0], 0)
    wait_for(lambda: four.accepted == 1, "the connection")
    equal(six.accepted, 0)


@test("localhost: without a server the refusal is told once")
def _():
    network()
    unhealthy(probe("tcp://localhost:8080"), "tcp://localhost:8080: connect: Connection refused")


@test("localhost: where IPv6 is switched off the IPv4 refusal is the reason")
def _():
    network()
    with open("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w", encoding="ascii") as file:
        file.write("1")
    unhealthy(probe("tcp://localhost:8080"), "tcp://localhost:8080: connect: Connection refused")


# --- which addresses --------------------------------------------------------------------------

def with_own_address():
    network()
    ip("link", "add", "eth0", "type", "bridge")
    ip("addr", "add", "192.0.2.7/24", "dev", "eth0")
    ip("addr", "add", "2001:db8::7/64", "dev", "eth0", "nodad")
    ip("link", "set", "eth0", "up")


for address in ("192.0.2.7", "[2001:db8::7]"):
    def own(address=address):
        with_own_address()
        Peer(silent, (address.strip("[]"), 8080))
        healthy(probe(f"tcp://{address}:8080"), f"tcp://{address}:8080 in Nms")
    add(f"own addresses: {address} of an own interface counts as local", own, __name__)

for check, address in (("tcp://192.0.2.8:8080", "192.0.2.8"),
                       ("http://192.0.2.8:8080/x", "192.0.2.8"),
                       ("grpc://192.0.2.8:8080", "192.0.2.8"),
                       ("tcp://[2001:db8::8]:8080", "2001:db8::8"),
                       ("tcp://[::ffff:192.0.2.8]:80", "::ffff:c000:208"),
                       ("tcp://169.254.169.254:80", "169.254.169.254")):
    def refused(check=check, address=address):
        with_own_address()
        expect(probe(check), 125, f"unhealthy {check}: not this container's own address: {address} "
               "(--allow-remote permits it)\n")
    add(f"remote addresses: {check} is refused, called wrongly", refused, __name__)


@test("remote addresses: --not does not make a refusal healthy")
def _():
    with_own_address()
    code, out, _ = probe("--not", "tcp://192.0.2.8:1")
    equal(code, 125)
    assert "unhealthy" in out and "--allow-remote" in out, out


@test("remote addresses: -q keeps the refusal, whose reason must be told")
def _():
    with_own_address()
    code, out, err = probe("-q", "tcp://192.0.2.8:1")
    equal(code, 125)
    assert "--allow-remote" in out + err


@test("remote addresses: a name that leads out is refused after resolving, before any packet")
def _():
    with_own_address()
    replace_file("/etc/hosts", "192.0.2.8 db\n")
    expect(probe("tcp://db:5432"), 125, "unhealthy tcp://db:5432: not this container's own address:"
           " 192.0.2.8 (--allow-remote permits it)\n")


@test("remote addresses: one that leads out among own ones is enough to be refused")
def _():
    with_own_address()
    replace_file("/etc/hosts", "192.0.2.7 db\n192.0.2.8 db\n")
    equal(probe("tcp://db:5432")[0], 125)


@test("remote addresses: --allow-remote lets the check out")
def _():
    with_own_address()
    code, out, err = probe("--allow-remote", "-t", "100ms", "tcp://198.51.100.1:80")
    equal((code, err), (1, ""))
    equal(out, "unhealthy tcp://198.51.100.1:80: connect: Network is unreachable\n")


@test("remote addresses: wait has no such limit")
def _():
    with_own_address()
    code, out, err = run("wait", "-t", "100ms", "tcp://198.51.100.1:80")
    equal(code, 124)
    assert "Network is unreachable" in out and "own address" not in out + err, out + err


@test("remote addresses: probe --allow-remote and wait reach a server on another machine")
def _():
    network()
    with OtherMachine().init as other:
        Peer(replies(http()), ("192.0.2.1", 8080))
        for words in (("probe", "--allow-remote"), ("wait",)):
            code, out, err = there(other, *words, "tcp://192.0.2.1:8080",
                                   "http://192.0.2.1:8080/x")
            expect((code, out, err), 0, "healthy tcp://192.0.2.1:8080 in Nms\n"
                   "healthy http://192.0.2.1:8080/x 200 in Nms\n")
        equal(there(other, "probe", "tcp://192.0.2.1:8080")[0], 125)


def there(other, *words):
    done = subprocess.run(["nsenter", "-t", str(other.pid), "-n", CONFIG.usher, *words],
                          capture_output=True, text=True, timeout=10, check=False)
    return done.returncode, done.stdout, done.stderr


# --- errors that teach --------------------------------------------------------------------------

for check in ("tcp://db", "tcp://127.0.0.1", "grpc://127.0.0.1", "grpc://[::1]/service"):
    def without_port(check=check):
        code, out, err = probe(check)
        equal((code, out), (125, ""))
        line = one_line(err)
        assert "needs a port" in line and check.split("//")[1].split("/")[0] in line, line
    add(f"errors that teach: {check} needs a port", without_port, __name__)


@test("errors that teach: a name that does not resolve is named with its phase")
def _():
    network()
    replace_file("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    begin = time.monotonic()
    unhealthy(probe("-t", "9s", "tcp://no.such.name:80"),
              "tcp://no.such.name:80: resolve: no answer from the name servers")
    assert time.monotonic() - begin < 5


@test("localhost: a lost SYN to 127.0.0.1 is sent again by the kernel, and the answer counts")
def _():
    network()
    listener, *_ = held = full_backlog(("127.0.0.1", 7000))    # drops what comes
    with subprocess.Popen([CONFIG.usher, "probe", "-v", "-t", "2s", ":7000/"], stderr=subprocess.PIPE,
                          stdout=subprocess.PIPE, text=True) as usher:
        while "connecting to ::1" not in usher.stderr.readline():
            assert usher.poll() is None
        listener.settimeout(DEADLINE)
        names = {client.getsockname() for client in held[1:]}
        while (accepted := listener.accept())[1] in names:
            held.append(accepted[0])
        with accepted[0] as connection:
            connection.recv(4096)
            connection.sendall(http())
            out, _ = usher.communicate(timeout=DEADLINE)
    match = re.fullmatch(r"healthy :7000/ 200 in (\d+)ms\n", out)
    assert match and 900 < int(match[1]) < 2000, out


@test("localhost: where 127.0.0.1 does not answer, ::1 is tried a quarter of a second later")
def _():
    network()
    held = full_backlog(("127.0.0.1", 7000))
    Peer(replies(http()), ("::1", 7000))
    code, out, _ = probe(":7000/")
    match = re.fullmatch(r"healthy :7000/ 200 in (\d+)ms\n", out)
    assert code == 0 and match and 250 <= int(match[1]) < 900, out
    del held


@test("tcp: a connection to itself is a refused one, and keeps no server from the port")
def _():
    network()
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as file:
        file.write("50050 50053")    # the kernel soon picks the port that is asked for
    code, out, err = run("wait", "-t", "500ms", "--interval", "5ms", "tcp://127.0.0.1:50052", "--",
                         "echo", "STARTED")
    equal((code, out), (124, ""), err)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 50052))    # a TIME-WAIT there would refuse it


@test("an address is this container's own or not, whatever ip_nonlocal_bind says")
def _():
    network()
    ip("addr", "add", "192.0.2.1/24", "dev", "lo")
    ip("addr", "add", "2001:db8::1/64", "dev", "lo", "nodad")
    ip("route", "add", "198.51.100.0/24", "dev", "lo")
    for nonlocal_bind in ("0", "1"):
        for family in ("ipv4", "ipv6"):
            with open(f"/proc/sys/net/{family}/ip_nonlocal_bind", "w", encoding="ascii") as file:
                file.write(nonlocal_bind)
        for own in ("192.0.2.1", "[2001:db8::1]", "[::ffff:192.0.2.1]", "127.9.9.9"):
            unhealthy(probe(f"tcp://{own}:1"), f"tcp://{own}:1: connect: Connection refused")
        for other in ("192.0.2.2", "[2001:db8::2]", "[::ffff:192.0.2.2]", "198.51.100.1", "203.0.113.1"):
            code, out, _ = probe("-t", "1s", f"tcp://{other}:1")
            equal(code, 125, out)
    replace_file("/etc/hosts", "192.0.2.1 mixed\n192.0.2.2 mixed\n192.0.2.1 own\n127.0.0.1 own\n")
    equal(probe("tcp://own:1")[0], 1)
    equal(probe("tcp://mixed:1")[0], 125)
