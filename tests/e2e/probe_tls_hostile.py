# SPDX-License-Identifier: MIT
"""Peers that do their worst through TLS: never a crash, never past the deadline, one line that says why.

As in probe_deadline.py a bound is asserted that a loaded machine keeps, and the contract's 50 ms for the median.
"""
import contextlib
import os
import random
import re
import signal
import socket
import ssl
import statistics
import struct
import threading
import time

from harness import add, equal, test, wait_for
from probe_lab import Peer, http, read_to_end, timed
from tls_lab import (ALERT, CHANGE_CIPHER_SPEC, DATA, ECDHE_RSA, GRPCS, HANDSHAKE, HTTPS, LOCAL, PORT, TLS, TLS_AES_128,
                     answers, ca, certificate, certificates, context, forged, forging, lab, message, probe, read_hello,
                     record, retry, s_server, secured, server_hello, sized, tls)

LIMIT, TRIES = 0.3, 3
GENEROUS, MEDIAN = 0.5, 0.05


def one_line_of(result, check, allowed=(1,)):
    """Asserts that the check ended in order and was told in a line of its own; returns the reason."""
    code, out, err = result
    assert code in allowed and err == "", (code, out, err)
    assert out.startswith(f"{'un' if code else ''}healthy {check}") and out.count("\n") == 1, out
    assert len(out) <= 256 and out[:-1].isprintable(), out
    return out[:-1].partition(f"{check}: ")[2]


def holds(check, reason, *options, command="probe", code=1):
    """Asserts that it ends by the deadline, with this reason, and how late."""
    late = []
    for _ in range(TRIES):
        seconds, (got, out, err) = timed(tls, command, "-t", f"{LIMIT}s", *options, check)
        equal(got, code, f"exit code ({out!r}, {err!r})")
        assert re.search(f"^unhealthy {re.escape(check)}: {reason}$", out, re.MULTILINE), f"{out!r}: no {reason!r}"
        late.append(seconds - LIMIT)
    assert min(late) >= 0, f"too early: {late}"
    assert max(late) < GENEROUS, f"late by {late}"
    assert statistics.median(late) < MEDIAN or os.getloadavg()[0] > os.cpu_count(), f"median {late}"


def ends(check, reason, *options):
    """Asserts that it ends for this reason, before its time."""
    seconds, result = timed(probe, "-t", "20", *options, check)
    told = one_line_of(result, check)
    assert re.fullmatch(reason, told), told
    assert seconds < 10, f"{seconds} s"


# --- floods and drips before there is a key ---------------------------------------------------------

def for_ever(text, first=b"", pause=0.0, hello=True):
    """A talk that reads the hello, and sends `first` and then `text` over and over."""
    def talk(connection, _server):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hello:
            read_hello(connection)
        connection.sendall(first)
        many = text if pause else text * (1 + 65536 // len(text))
        while True:
            connection.sendall(many)
            time.sleep(pause)
    return talk


def drips(text, pause=0.005):
    """A talk that sends `text` byte by byte, and its last byte for ever."""
    def talk(connection, _server):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        read_hello(connection)
        for i in range(100_000):
            connection.sendall(text[i:i + 1] or text[-1:])
            time.sleep(pause)
    return talk


OLD_HELLO = record(HANDSHAKE, server_hello())
NEW_HELLO = record(HANDSHAKE, server_hello(suite=TLS_AES_128, extensions=b"\0\x2b\0\2\3\4" + b"\0\x33\0\x24" +
                                           b"\0\x1d\0\x20\x09" + bytes(31)))
SPEC = record(CHANGE_CIPHER_SPEC, b"\1")
TIME_OUT = "tls: timed out"
REFUSED = r"tls: [a-z][\w ,.()]*"     # any reason, in words or as a number
ANY = f"({TIME_OUT}|{REFUSED})"
LONG = record(HANDSHAKE, b"\x0b" * 16384)

ENDLESS = record(HANDSHAKE, b"\x0b\xff\xff\xff")       # the head of a certificate message
LONGEST = record(HANDSHAKE, b"\x0b\0\x3f\0\0\x3e\xfd")  # of one that there is room for
SLOWLY = 0.005

# True: it goes on until the deadline. None: it may be refused.
for what, talk, late in (
        ("drips a handshake record", drips(record(HANDSHAKE, b"\2\0\x20\0" + b"\3" * 16000)), True),
        ("drips a handshake a byte a record",
         drips(b"".join(record(HANDSHAKE, bytes([x])) for x in server_hello() + certificates(bytes(9000)))), None),
        ("says nothing after its hello", for_ever(b"\x16", OLD_HELLO, 9), True),
        ("floods with change_cipher_spec", for_ever(SPEC), True),
        ("drips change_cipher_spec", for_ever(SPEC, pause=SLOWLY), True),
        ("floods with change_cipher_spec after its hello of 1.2", for_ever(SPEC, OLD_HELLO), None),
        ("floods with change_cipher_spec after its hello of 1.3", for_ever(SPEC, NEW_HELLO), None),
        ("floods with empty handshake records", for_ever(record(HANDSHAKE)), None),
        ("drips empty handshake records", for_ever(record(HANDSHAKE), pause=SLOWLY), None),
        ("floods with empty handshake records after its hello", for_ever(record(HANDSHAKE), OLD_HELLO), None),
        ("floods with empty data records", for_ever(record(DATA), OLD_HELLO), None),
        ("floods with empty alerts", for_ever(record(ALERT)), None),
        ("floods with warning alerts", for_ever(record(ALERT, b"\1\x5a")), True),
        ("drips warning alerts", for_ever(record(ALERT, b"\1\x5a"), pause=SLOWLY), True),
        ("floods with no_renegotiation", for_ever(record(ALERT, b"\1\x64"), OLD_HELLO), None),
        ("floods with HelloRequest", for_ever(record(HANDSHAKE, message(0))), None),
        ("drips HelloRequest after its hello", for_ever(record(HANDSHAKE, message(0)), OLD_HELLO, SLOWLY), None),
        ("sends a certificate without an end", for_ever(LONG, OLD_HELLO + ENDLESS), None),
        ("drips a certificate", for_ever(record(HANDSHAKE, bytes(40)), OLD_HELLO + LONGEST, SLOWLY), True),
        ("sends a hello without an end", for_ever(LONG, record(HANDSHAKE, b"\2\xff\xff\xff")), None),
        ("floods with hellos", for_ever(OLD_HELLO), None),
        ("floods with random bytes", for_ever(random.Random(1).randbytes(60_000)), None)):
    def against(talk=talk, late=late):
        lab()
        Peer(talk, LOCAL)
        if late:
            return holds(HTTPS, TIME_OUT)
        seconds, result = timed(probe, "-t", f"{LIMIT}s", HTTPS)
        told = one_line_of(result, HTTPS)
        assert re.fullmatch(ANY, told) and seconds < LIMIT + GENEROUS, (told, seconds)
    add(f"tls: the deadline holds against a peer that {what}", against, __name__)


@test("tls: a HelloRetryRequest is followed once, and no loop is made of it")
def _():
    lab()
    def loop(*groups):
        def talk(connection, server):
            for i in range(1000):
                session = read_hello(connection)
                connection.sendall(record(HANDSHAKE, retry(session, groups[i % len(groups)])))
                server.requests.append(i)
        return talk
    for port, groups in enumerate(((0x17,), (0x17, 0x18), (0x1d,), (0x1e,), (0x9999,)), PORT):
        server = Peer(loop(*groups), ("127.0.0.1", port))
        ends(f"https://127.0.0.1:{port}/", REFUSED)
        wait_for(lambda server=server: server.ended, "the connection's end")
        assert len(server.requests) <= 2, server.requests


# --- records that are not right ---------------------------------------------------------------------

def all_end(texts, first=b"", close=True):
    """Each of the texts is what one server says; sixteen are asked at once. Returns the reasons."""
    told = []
    for begin in range(0, len(texts), 16):
        some = texts[begin:begin + 16]
        peers = []
        for i, text in enumerate(some):
            def talk(connection, _server, text=text):
                read_hello(connection)
                connection.sendall(first + text)
                if close:
                    connection.shutdown(socket.SHUT_WR)
                read_to_end(connection)
            peers.append(Peer(talk, ("127.0.0.1", 10000 + begin + i)))
        checks = [f"https://127.0.0.1:{10000 + begin + i}/" for i in range(len(some))]
        seconds, (code, out, err) = timed(probe, "-t", "9", *checks)
        equal((code, err), (1, ""), out)
        equal(sorted(x.split()[1].rstrip(":") for x in out.splitlines()), sorted(checks))
        assert all(x.startswith("unhealthy ") and x.isprintable() and len(x) < 256 for x in out.splitlines()), out
        assert seconds < 8, f"{seconds} s: {out}"
        told += [x.partition("/: ")[2] for x in out.splitlines()]
        assert not re.search(r"error -?\d", out), out     # in words, always
        for peer_ in peers:
            peer_.close()
    return told


@test("tls: a reply that begins with any byte at all ends the check, and plaintext is told as such")
def _():
    lab()
    noise = random.Random(2)
    texts = [bytes([x]) + noise.randbytes(noise.choice((1, 4, 5, 40, 400, 20_000))) for x in range(256)]
    told = all_end(texts)
    foreign = [x for x in told if x == "tls: the peer speaks plaintext, not TLS"]
    assert len(foreign) >= 250, set(told)


@test("tls: records that are cut, too long, of an unknown version or kind end the check")
def _():
    lab()
    hello = server_hello()
    texts = [record(HANDSHAKE, hello, length) for length in (0, 1, 3, 4, 5, 16384, 16385, 17000, 18432, 0xffff)]
    texts += [record(kind, hello) for kind in (20, 21, 22)]
    versions = (b"\0\0", b"\2\0", b"\3\0", b"\3\4", b"\4\0", b"\xff\xff")
    texts += [b"\x16" + version + OLD_HELLO[3:] for version in versions]
    texts += [OLD_HELLO[:n] for n in range(1, len(OLD_HELLO))]
    all_end(texts)


@test("tls: hellos of the server that are not right end the check")
def _():
    lab()
    texts = []
    for random_ in (b"\x11" * 24 + b"DOWNGRD\1", b"\x11" * 24 + b"DOWNGRD\0"):
        texts.append(server_hello(random=random_))      # as if 1.3 had been hidden from us
    for suite in (b"\0\0", b"\0\x2f", b"\x13\x01", b"\x13\x05", b"\xc0\x2b", b"\xff\xff", b"\x00\xff"):
        texts.append(server_hello(suite=suite))
    texts.append(message(2, b"\3\3" + bytes(32) + b"\xff" + bytes(40)))
    texts.append(message(2, b"\3\2" + bytes(32) + b"\0" + ECDHE_RSA + b"\0"))
    texts.append(message(2, b"\3\3" + bytes(32) + b"\0" + ECDHE_RSA + b"\1"))
    for kind in (0, 5, 10, 11, 13, 15, 16, 21, 22, 23, 35, 41, 42, 43, 44, 45, 51, 0xff01, 0x4a4a):
        for body in (b"", b"\0", b"\xff\xff", b"\3\4", bytes(40), b"\0\x03\2h2", b"\0\x02\x10"):
            texts.append(server_hello(extensions=kind.to_bytes(2, "big") + sized(2, body)))
            texts.append(server_hello(suite=TLS_AES_128, extensions=b"\0\x2b\0\2\3\4" + kind.to_bytes(2, "big") +
                                      sized(2, body)))
    texts.append(server_hello(extensions=b"\0\x2b\0\xff\3\4"))
    all_end([record(HANDSHAKE, x) for x in texts])


@test("tls: certificates that are broken at any place end the check")
def _():
    lab()
    noise = random.Random(3)
    whole = ssl.PEM_cert_to_DER_cert(open(certificate("server-rsa2048", "rsa2048").cert, encoding="ascii").read())
    texts = []
    for _ in range(256):
        broken = bytearray(whole)
        for _ in range(noise.choice((1, 1, 2, 5))):
            at = noise.randrange(len(broken) if noise.random() < 0.5 else 400)
            broken[at] = noise.choice((0, 1, 0x7f, 0x80, 0x84, 0xff, broken[at] ^ 1, noise.randrange(256)))
        if noise.random() < 0.2:
            broken = broken[:noise.randrange(len(broken))]
        texts.append(record(HANDSHAKE, certificates(bytes(broken))))
    texts += [record(HANDSHAKE, x) for x in (
        certificates(), certificates(b""), certificates(whole, b""), certificates(*[whole] * 12),
        message(11, b"\xff\xff\xff" + whole), message(11, b"\0\0\3\0\0\1"), message(11, b""),
        message(11, b"\0\0\6\xff\xff\xff" + whole), certificates(b"\x30\x84\xff\xff\xff\xff"),
        certificates(b"\x30\x80" * 3000))]
    all_end(texts, OLD_HELLO)


@test("tls: a chain of many certificates is refused or read, and the deadline holds")
def _():
    lab()
    keys = [forged((1 << 2047) + 2 * i + 1, 65537, b"a%d" % i, b"a%d" % (i + 1)) for i in range(30)]
    def talk(connection, _server):
        read_hello(connection)
        connection.sendall(OLD_HELLO + b"".join(
            record(HANDSHAKE, x) for x in [certificates(*keys)[i:i + 16000] for i in range(0, 40_000, 16000)] if x))
        read_to_end(connection)
    Peer(talk, LOCAL)
    for options in ((), ca()):
        seconds, result = timed(probe, "-t", "2", *options, HTTPS)
        one_line_of(result, HTTPS)
        assert seconds < 2 + GENEROUS, f"{seconds} s"


def costly(bits):
    """What a server of TLS 1.2 says whose key costs the most: both its numbers are as long as they can be.

    The client computes signature ^ exponent modulo the key.
    """
    number = random.Random(bits)
    modulus = number.getrandbits(bits) | 1 << (bits - 1) | 1
    exponent = number.getrandbits(bits - 1) | 1 << (bits - 2) | 1
    signature = number.getrandbits(bits - 2).to_bytes(bits // 8, "big")
    exchange = b"\x03\0\x1d" + sized(1, b"\x09" + bytes(31)) + b"\x04\x01" + sized(2, signature)
    return OLD_HELLO + b"".join(record(HANDSHAKE, x) for x in (
        certificates(forged(modulus, exponent)), message(12, exchange), message(14)))


for bits in (4096, 8192, 16384):
    def with_key(bits=bits):
        lab()
        flight, together = costly(bits), threading.Barrier(16)
        def talk(connection, _server):
            read_hello(connection)
            with contextlib.suppress(threading.BrokenBarrierError):
                together.wait(LIMIT / 2)      # so that usher is asked to compute for all of them at once
            connection.sendall(flight)
            read_to_end(connection)
        for i in range(16):
            Peer(talk, ("127.0.0.1", PORT + i))
        checks = [f"https://127.0.0.1:{PORT + i}/" for i in range(16)]
        seconds, (code, out, err) = timed(probe, "-t", f"{LIMIT}s", *checks)
        equal((code, err, out.count("\n")), (1, "", 16))
        assert seconds < LIMIT + GENEROUS, f"{seconds} s: {out}"
    add(f"tls: the deadline holds against RSA keys of {bits} bits with exponents of as many", with_key, __name__)


# --- resets -----------------------------------------------------------------------------------------

def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@test("tls: a reset in each phase is told at once, by its name")
def _():
    lab()
    def at_once(connection, _server):
        reset(connection)
    def after_hello(connection, _server):
        read_hello(connection)
        reset(connection)
    def after_server_hello(connection, _server):
        read_hello(connection)
        connection.sendall(OLD_HELLO)
        reset(connection)
    def in_record(connection, _server):
        read_hello(connection)
        connection.sendall(LONG[:100])
        reset(connection)
    def after_handshake(connection, _server):
        connection.recv(1, socket.MSG_PEEK)
        forger = forging(ssl.TLSVersion.TLSv1_3, lambda forger: None)
        forger(connection, _server)
        reset(connection)
    def after_request(connection, server):
        server.read_request(connection)
        reset(connection)
    def in_reply(connection, server):
        server.read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-")
        reset(connection)
    for port, (phase, talk) in enumerate((("(connect|tls)", at_once), ("tls", after_hello), ("tls", after_server_hello),
                                          ("tls", in_record), ("(send|reply)", after_handshake),
                                          ("reply", secured(after_request)), ("reply", secured(in_reply))), PORT):
        Peer(talk, ("127.0.0.1", port))
        for kind in ("https", "grpcs"):
            # The half reply of HTTP/1 may have been read before the reset came.
            half_read = "|the peer speaks HTTP/1, not gRPC" if (kind, phase) == ("grpcs", "reply") else ""
            ends(f"{kind}://127.0.0.1:{port}",
                 f"{phase}: (Connection reset by peer|Broken pipe|closed without a reply.*{half_read})")


@test("tls: an end of the connection in each phase is told as that")
def _():
    lab()
    def ending(*texts):
        def talk(connection, _server):
            read_hello(connection)
            for text in texts:
                connection.sendall(text)
            connection.shutdown(socket.SHUT_WR)
            read_to_end(connection)
        return talk
    for port, talk in enumerate((ending(), ending(OLD_HELLO), ending(NEW_HELLO), ending(LONG[:100]),
                                 ending(OLD_HELLO, record(HANDSHAKE, certificates())[:7])), PORT):
        Peer(talk, ("127.0.0.1", port))
        ends(f"tls://127.0.0.1:{port}", "tls: (closed during the handshake|malformed message|message against the "
             "protocol)")


# --- after the handshake ----------------------------------------------------------------------------

OK = http(body=b"ok")
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
TICKET = message(4, struct.pack(">II", 7200, 1) + sized(1, bytes(8)) + sized(2, b"t" * 100) + sized(2, b""))
OLD_TICKET = message(4, struct.pack(">I", 7200) + sized(2, b"t" * 100))


@test("tls: the forger of the following tests makes records that usher reads")
def _():
    lab()
    for port, (name, version) in enumerate(VERSIONS.items(), PORT):
        def act(forger):
            forger.connection.sendall(b"".join(forger.encrypt(DATA, OK[i:i + 1]) for i in range(len(OK))))
            read_to_end(forger.connection)
        Peer(forging(version, act), ("127.0.0.1", port))
        code, out, err = probe(f"https://127.0.0.1:{port}/")
        equal((code, err), (0, ""), f"{name}: {out}")


INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"

for version, kind, body, what in (
        ("1.2", DATA, b"", "empty records"),
        ("1.3", DATA, b"", "empty records"),
        ("1.2", HANDSHAKE, b"", "empty handshake records"),
        ("1.3", HANDSHAKE, b"", "empty handshake records"),
        ("1.2", ALERT, b"\1\x5a", "warning alerts"),
        ("1.3", ALERT, b"\1\x5a", "warning alerts"),
        ("1.2", ALERT, b"\1\x64", "no_renegotiation"),
        ("1.2", HANDSHAKE, message(0), "requests to renegotiate"),
        ("1.3", HANDSHAKE, message(0), "requests to renegotiate"),
        ("1.2", HANDSHAKE, OLD_TICKET, "session tickets"),
        ("1.3", HANDSHAKE, TICKET, "session tickets"),
        ("1.3", HANDSHAKE, TICKET * 20, "twenty session tickets a record"),
        ("1.3", HANDSHAKE, b"\4\xff\xff\xff" + bytes(9000), "a ticket without an end"),
        ("1.3", HANDSHAKE, message(24, b"\0"), "key updates"),
        ("1.3", HANDSHAKE, message(24, b"\1"), "key updates that ask for ours"),
        ("1.2", CHANGE_CIPHER_SPEC, b"\1", "change_cipher_spec"),
        ("1.3", CHANGE_CIPHER_SPEC, b"\1", "change_cipher_spec"),
        ("1.2", DATA, INTERIM, "interim replies"),
        ("1.3", DATA, INTERIM, "interim replies")):
    def flooded(version=VERSIONS[version], kind=kind, body=body):
        lab()
        def act(forger):
            forger.flood(kind, body)
        server = Peer(forging(version, act), LOCAL)
        seconds, result = timed(probe, "-t", f"{LIMIT}s", HTTPS)
        told = one_line_of(result, HTTPS)
        assert seconds < LIMIT + GENEROUS, f"{seconds} s: {told}"
        if told.endswith("timed out"):
            holds(HTTPS, "(tls|reply): timed out")
        assert getattr(server, "secured", False), "no handshake was made in time"
    add(f"tls: the deadline holds against a flood of {what} after a handshake of {version}", flooded, __name__)


@test("tls: an endless body in records of one byte is ended by the deadline")
def _():
    lab()
    def act(forger):
        forger.connection.sendall(forger.encrypt(DATA, b"HTTP/1.1 200 OK\r\nX-Long: "))
        forger.flood(DATA, b"x")
    Peer(forging(VERSIONS["1.3"], act), LOCAL)
    seconds, result = timed(probe, "-t", f"{LIMIT}s", HTTPS)
    one_line_of(result, HTTPS, allowed=(0, 1))
    assert seconds < LIMIT + GENEROUS, f"{seconds} s"


@test("tls: a reply between session tickets, empty and padded records is read")
def _():
    lab()
    def new(forger):
        records = [(HANDSHAKE, TICKET), (DATA, OK[:9]), (DATA, b""), (DATA, b""), (HANDSHAKE, TICKET + TICKET),
                   (DATA, b""), (DATA, OK[9:])]
        forger.connection.sendall(b"".join(forger.encrypt(kind, body, padding=200) for kind, body in records))
        read_to_end(forger.connection)
    def old(forger):
        parts = (OK[:9], b"", b"", OK[9:])
        forger.connection.sendall(b"".join(forger.encrypt(DATA, body) for body in parts))
        read_to_end(forger.connection)
    for port, version, act in ((PORT, "1.3", new), (PORT + 1, "1.2", old)):
        Peer(forging(VERSIONS[version], act), ("127.0.0.1", port))
        check = f"https://127.0.0.1:{port}/"
        one_line_of(probe("-t", "5", "--contains", "ok", check), check, allowed=(0,))


@test("tls: a session ticket in the same segment as the reply, or alone before it, delays nothing")
def _():
    lab()
    def act(forger):
        forger.connection.sendall(forger.encrypt(HANDSHAKE, TICKET * 3))
        forger.connection.sendall(forger.encrypt(DATA, OK) + forger.encrypt(HANDSHAKE, TICKET))
        read_to_end(forger.connection)
    Peer(forging(VERSIONS["1.3"], act), LOCAL)
    for _ in range(10):
        seconds, result = timed(probe, "-t", "9", HTTPS)
        one_line_of(result, HTTPS, allowed=(0,))
        assert seconds < 4, f"{seconds} s"


@test("tls: a request to renegotiate is turned down, and the reply is read")
def _():
    lab()
    def act(forger):
        forger.connection.sendall(forger.encrypt(HANDSHAKE, message(0)) + forger.encrypt(DATA, OK))
        read_to_end(forger.connection)
    Peer(forging(VERSIONS["1.2"], act), LOCAL)
    one_line_of(probe("-t", "5", HTTPS), HTTPS, allowed=(0,))


@test("tls: a record that was tampered with is told as that")
def _():
    lab()
    for port, version in enumerate(VERSIONS.values(), PORT):
        def act(forger):
            bad = bytearray(forger.encrypt(DATA, OK))
            bad[-1] ^= 1
            forger.connection.sendall(bad)
            read_to_end(forger.connection)
        Peer(forging(version, act), ("127.0.0.1", port))
        ends(f"https://127.0.0.1:{port}/", "reply: record that was tampered with")


@test("tls: records after the handshake that are too long, or not encrypted, end the check")
def _():
    lab()
    texts = (record(DATA, bytes(100)), record(DATA, b"", 0xffff), record(HANDSHAKE, TICKET), record(ALERT, b"\2\x28"),
             b"HTTP/1.1 200 OK\r\n\r\n", record(DATA, bytes(17_500)))
    for port, text in enumerate(texts, PORT):
        def act(forger, text=text):
            forger.connection.sendall(text)
            read_to_end(forger.connection)
        Peer(forging(VERSIONS["1.3"], act), ("127.0.0.1", port))
        told = one_line_of(probe("-t", "5", f"https://127.0.0.1:{port}/"), f"https://127.0.0.1:{port}/")
        assert told.startswith("reply: ") and "timed out" not in told, told


@test("tls: a record as long as the protocol allows is read to its end, though no more comes")
def _():
    lab()
    head = len(http(body=bytes(10_000))) - 10_000
    text = http(body=b"needle".rjust(16384 - head, b"x"))
    equal(len(text), 16384)
    for port, version in enumerate(VERSIONS.values(), PORT):
        def act(forger):
            forger.connection.sendall(forger.encrypt(DATA, text))
            read_to_end(forger.connection)
        Peer(forging(version, act), ("127.0.0.1", port))
        check = f"https://127.0.0.1:{port}/"
        one_line_of(probe("-t", "5", "--contains", "needle", check), check, allowed=(0,))


@test("tls: bytes that are changed, lost or added on the way end the check in order")
def _():
    lab()
    made = [context(certificate(f"server-{key}", key), version=version)
            for key in ("p256", "rsa2048") for version in VERSIONS.values()]
    def distort(data, noise):
        data = bytearray(data)
        at = noise.randrange(len(data))
        kind = noise.randrange(4)
        if kind == 0:
            data[at] ^= 1 << noise.randrange(8)
        elif kind == 1:
            del data[at:at + noise.randrange(1, 5)]
        elif kind == 2:
            data[at:at] = noise.randbytes(noise.randrange(1, 5))
        else:
            data[at:at + 4] = noise.randbytes(len(data[at:at + 4]))
        return bytes(data)
    def way(seed):
        noise = random.Random(seed)
        def talk(connection, server):
            ours, theirs = socket.socketpair()
            with ours:
                threading.Thread(target=server._handle_inner, args=(theirs,), daemon=True).start()
                threading.Thread(target=copy, args=(connection, ours), daemon=True).start()
                first = noise.randrange(3)      # what is distorted: the first flight, or a later one
                for i in range(100):
                    data = ours.recv(65536)
                    if not data:
                        break
                    connection.sendall(data if i < first else distort(data, noise))
        return talk
    def copy(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
    peers = []
    for i in range(32):
        server = Peer(way(i), ("127.0.0.1", 9000 + i))
        inner = secured(answers(http(body=b"x" * 3000)), made[i % 4])
        def handle(theirs, inner=inner, server=server):
            with contextlib.suppress(OSError, ValueError), theirs:
                inner(theirs, server)
        server._handle_inner = handle
        peers.append(server)
    for first in range(0, 32, 16):
        for options in ((), ca()):
            checks = [f"https://127.0.0.1:{9000 + i}/" for i in range(first, first + 16)]
            code, out, err = probe("-v", "-t", "500ms", *options, *checks)
            assert code in (0, 1) and not re.search(r"error -?\d", out), out
            lines = out.splitlines()
            equal(sorted(x.split()[1].rstrip(":") for x in lines), sorted(checks))
            assert sum(x.startswith("unhealthy") for x in lines) >= 8, out


# --- servers that stop ------------------------------------------------------------------------------

@test("tls: the deadline holds against a server that is stopped")
def _():
    lab()
    server = s_server()
    equal(probe(HTTPS)[0], 0)
    os.kill(server.pid, signal.SIGSTOP)
    for check in (HTTPS, TLS, GRPCS):
        holds(check, TIME_OUT)
    holds(HTTPS, TIME_OUT, command="wait", code=124)


@test("tls: the deadline holds for sixteen checks against peers that flood")
def _():
    lab()
    for i in range(16):
        Peer(for_ever(SPEC, (b"", OLD_HELLO, NEW_HELLO)[i % 3]), ("127.0.0.1", PORT + i))
    checks = [f"https://127.0.0.1:{PORT + i}/" for i in range(16)]
    seconds, (code, out, err) = timed(probe, "-t", f"{LIMIT}s", *checks)
    equal((code, err, out.count("\n")), (1, "", 16))
    assert seconds < LIMIT + GENEROUS, f"{seconds} s"


@test("tls: a peer that floods holds no other check")
def _():
    lab()
    Peer(for_ever(SPEC, NEW_HELLO), ("127.0.0.1", PORT + 1))
    Peer(secured(answers(OK)), LOCAL)
    code, out, _ = probe("-v", "-t", "2", f"https://127.0.0.1:{PORT + 1}/", HTTPS)
    equal(code, 1)
    assert f"healthy {HTTPS} 200 in" in out.splitlines()[1], out
