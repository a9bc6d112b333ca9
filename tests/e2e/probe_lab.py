# SPDX-License-Identifier: MIT
"""What the tests of probe and wait share: networks of their own, scripted peers, real servers.

Each test calls network() first: its ports are then its own, so they can be fixed and the lines of
usher be compared whole. Peers are threads of the test, servers are background processes; both end
with the test.
"""
import contextlib
import ctypes
import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
import threading
import time

import harness
from harness import CONFIG, DEADLINE, background, need, peer, run, scratch, skip, start, wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
SERVERS = os.path.join(os.path.dirname(HERE), "servers")
CLONE_NEWNET, MS_BIND, MS_REMOUNT, MS_RDONLY = 0x40000000, 4096, 32, 1
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
TUNSETIFF, IFF_TUN_NO_PI = 0x400454ca, 0x1001
LIBC = ctypes.CDLL(None, use_errno=True)
CRLF = b"\r\n"


def call(name, *args):
    if getattr(LIBC, name)(*args) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{name}: {os.strerror(error)}")


def network():
    """A network namespace for this test, with nothing in it but loopback."""
    call("unshare", CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14s", b"lo", IFF_UP, b"")
        fcntl.ioctl(control, SIOCSIFFLAGS, request)


def ip(*words):
    subprocess.run([peer("ip"), *words], check=True, capture_output=True)


class OtherMachine:
    """Another network namespace, as another machine: 192.0.2.2 and ours 192.0.2.1 see each other."""

    def __init__(self):
        self.init = start("sleep", "inf", pid1=True, namespace=("--net",))
        wait_for(lambda: self.init.comm() not in (None, "pidns"), "the other namespace")
        ours = self._tunnel("192.0.2.1")
        theirs = []
        thread = threading.Thread(target=lambda: theirs.append(self._enter_and_tunnel()))
        thread.start()
        thread.join(DEADLINE)
        for pair in ((ours, theirs[0]), (theirs[0], ours)):
            threading.Thread(target=self._pump, args=pair, daemon=True).start()

    def _enter_and_tunnel(self):
        """In a thread of its own, which then is in the other namespace."""
        with open(f"/proc/{self.init.pid}/ns/net", "rb") as file:
            call("setns", file.fileno(), CLONE_NEWNET)
        return self._tunnel("192.0.2.2")

    @staticmethod
    def _tunnel(address):
        try:
            fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            skip(f"/dev/net/tun: {error}")
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22s", b"eth0", IFF_TUN_NO_PI, b""))
        ip("addr", "add", address + "/24", "dev", "eth0")
        ip("link", "set", "eth0", "up")
        return fd

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while True:
                os.write(sink, os.read(source, 2000))


def replace_file(path, text):
    """Mounts a file of this text over `path`, for this test only: the sandbox has its own mounts."""
    copy = scratch("mounted-" + path.replace("/", "-"))
    with open(copy, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(copy, 0o644)
    call("mount", copy.encode(), path.encode(), None, MS_BIND, None)
    return copy


# --- usher ------------------------------------------------------------------------------------

def probe(*args, **options):
    """(status, stdout, stderr) of `usher probe ARGS`."""
    return run("probe", *args, **options)


def untimed(text):
    """The same text with every "in 4ms" as "in Nms"."""
    return re.sub(r"\bin \d+ms\b", "in Nms", text)


def expect(result, status, out, err=""):
    """Asserts the exit code and the whole stdout and stderr, but for the milliseconds."""
    got = (result[0], untimed(result[1]), untimed(result[2]))
    want = (status, out, err)
    assert got == want, f"got {got!r}, want {want!r}"


def healthy(result, line):
    expect(result, 0, f"healthy {line}\n")


def unhealthy(result, line):
    expect(result, 1, f"unhealthy {line}\n")


def timed(function, *args, **options):
    """(seconds, the function's result)."""
    begin = time.monotonic()
    result = function(*args, **options)
    return time.monotonic() - begin, result


# --- scripted peers ----------------------------------------------------------------------------

class Peer:
    """Listens; every connection is given to `talk(connection)` in a thread of its own.

    What `talk` reads through read_request() is kept in `requests`.
    """

    def __init__(self, talk, address=("127.0.0.1", 8080), backlog=16):
        family = (socket.AF_UNIX if isinstance(address, (str, bytes))
                  else socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
        self.talk = talk
        self.requests = []
        self.accepted = 0
        self.ended = 0          # connections that usher has closed or that talk() is done with
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        if family != socket.AF_UNIX:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        self.socket.bind(address)
        self.socket.listen(backlog)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._handle, args=(connection,), daemon=True).start()

    def _handle(self, connection):
        with contextlib.suppress(OSError), connection:
            self.talk(connection, self)
        self.ended += 1

    def read_request(self, connection):
        data = b""
        while CRLF * 2 not in data:
            part = connection.recv(65536)
            if not part:
                break
            data += part
        self.requests.append(data)
        return data

    def request(self):
        """The first request, once it has come."""
        return wait_for(lambda: self.requests, "a request")[0]

    def close(self):
        self.socket.close()


def replies(*parts, pause=0.0, hold=False):
    """A talk that reads a request and sends these parts, each in a segment of its own.

    hold: keeps the connection open afterwards, as a server with keep-alive does.
    """
    def talk(connection, server):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1) \
            if connection.family != socket.AF_UNIX else None
        server.read_request(connection)
        for i, part in enumerate(parts):
            if i and pause:
                time.sleep(pause)
            connection.sendall(part)
        if hold:
            read_to_end(connection)
    return talk


def read_to_end(connection):
    with contextlib.suppress(OSError):
        while connection.recv(65536):
            pass


def silent(connection, _server):
    read_to_end(connection)


def closing(connection, server):
    """Reads a request, then closes without a word."""
    server.read_request(connection)


def resetting(connection, server):
    """Reads a request, then resets the connection."""
    server.read_request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def dripping(text, pause=0.01):
    """Sends `text` byte by byte, over and over its last byte."""
    def talk(connection, _server):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(100_000):
            connection.sendall(text[i:i + 1] or text[-1:])
            time.sleep(pause)
    return talk


TLS_ALERT = b"\x15\x03\x01\x00\x02\x02\x46"   # fatal, protocol_version: as GnuTLS and rustls send it


def serve_tls(port=8080):
    """A real TLS server: Node's https, that is OpenSSL."""
    done = subprocess.run([peer("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj",
                           "/CN=localhost", "-keyout", scratch("key"), "-out", scratch("cert")],
                          capture_output=True, check=False)
    need(done.returncode == 0, "openssl makes no certificate here")
    script = ("const fs = require('fs'); require('https').createServer({key: fs.readFileSync('key'),"
              f" cert: fs.readFileSync('cert')}}).listen({port}, '127.0.0.1')")
    return serve([peer("node"), "-e", script], ("127.0.0.1", port), cwd=CONFIG.scratch)


def http(status="200 OK", body=b"ok", headers=(), version="1.1"):
    """The bytes of a whole reply."""
    head = [f"HTTP/{version} {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + CRLF * 2 + body


def full_backlog(address):
    """Listens, and fills the queue so that nobody else can connect."""
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen(0)
    held = [listener]
    for _ in range(16):
        client = socket.socket(family, socket.SOCK_STREAM)
        client.setblocking(False)
        held.append(client)
        code = client.connect_ex(address)
        if family == socket.AF_UNIX and code != 0:
            break
    if family == socket.AF_INET:
        # A full queue drops what comes: the last ones stay without an answer.
        time_out = time.monotonic() + 0.2
        while time.monotonic() < time_out and any(not connected(c) for c in held[1:3]):
            time.sleep(0.005)
    return held


def connected(client):
    with contextlib.suppress(OSError):
        client.getpeername()
        return True
    return False


# --- real servers ------------------------------------------------------------------------------

def is_listening(address):
    family = (socket.AF_UNIX if isinstance(address, str)
              else socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    with socket.socket(family, socket.SOCK_STREAM) as client:
        return client.connect_ex(address) == 0


def serve(command, *addresses, deadline=30, **options):
    """Starts a server and waits until it listens on all these addresses."""
    server = background(*command, **options)
    def up():
        assert server.poll() is None, f"{command[0]} ended: {server.lines.text}"
        return all(is_listening(a) for a in addresses)
    wait_for(up, f"{command[0]} listens", deadline)
    return server


def nginx(text):
    """nginx with these server blocks, in one process."""
    program = peer("nginx")
    folder = scratch("nginx")
    os.mkdir(folder)
    paths = "".join(f"{kind}_temp_path {folder}/{kind};\n"
                    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    with open(f"{folder}/nginx.conf", "w", encoding="ascii") as file:
        file.write(f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error;\n"
                   f"user root; events {{ }}\nhttp {{ access_log off;\n{paths}{text}\n}}\n")
    return [program, "-p", folder, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error"]


def built(name, *command, deadline=120, env=None):
    """Builds a program once for all tests of this run, beside the tools; returns its path.

    In `command` stands {output} for the path and {servers} for the folder of the sources.
    """
    output = os.path.join(CONFIG.tools, "built-" + name)
    with open(output + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(output):
            words = [w.format(output=output + ".new", servers=SERVERS) for w in command]
            done = subprocess.run(words, capture_output=True, text=True, timeout=deadline,
                                  check=False, env={**os.environ, **(env or {})})
            need(done.returncode == 0, f"{name} does not build: {done.stderr[-300:]}")
            os.rename(output + ".new", output)
    return output
