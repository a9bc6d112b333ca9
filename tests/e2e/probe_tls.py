# SPDX-License-Identifier: MIT
"""https://, grpcs:// and tls:// of usher-tls, against real servers."""
import os
import re
import shutil
import socket
import ssl
import struct
import subprocess

from harness import (CONFIG, TERM, add, both, children, comm, equal, inside, need, one_line, peer, proc_status, run,
                     scratch, test, wait_for, witness)
from limits import MAX_DIRTY, file_system, more_on_i386, smaps
from probe_lab import OtherMachine, Peer, SERVERS, built, healthy, http, nginx, serve, silent, unhealthy, untimed
from tls_lab import (AUTHORITY, GRPCS, HTTPS, LOCAL, NAMES, PORT, TLS, answers, authority, ca, certificate, context,
                     https_peer, identity, joined, lab, openssl, probe, s_server, secured, start_tls, tls)

GOOD = "healthy {} 200 in Nms"
WEAK = ("-cipher", "DEFAULT@SECLEVEL=0")    # openssl refuses to show weak certificates otherwise


def says(line, options=(), check=HTTPS):
    """Asserts the whole line that probing `check` prints; without a line, that it is healthy."""
    code, out, err = probe(*options, check)
    want = line.format(check)
    equal((untimed(out), err), (want + "\n", ""))
    equal(code, 0 if want.startswith("healthy") else 1)


def bad(why):
    return "unhealthy {}: tls: " + why


CERTIFICATE = "the server's certificate: "
NOT_SIGNED = bad(CERTIFICATE + "no authority here has signed it")
OTHER_NAME = bad(CERTIFICATE + "it is for another name")
EXPIRED = bad(CERTIFICATE + "it has expired")
NOT_YET = bad(CERTIFICATE + "it is not valid yet")


def given(what, line, server=(), shown=None, options=(), others=()):
    """Registers a test of one set-up of openssl s_server. shown: makes the certificate; options: makes usher's.

    others: options that make it healthy.
    """
    def set_up():
        lab()
        s_server(*server, shown=shown() if shown else None)
        says(line, options() if callable(options) else options)
        for each in others:
            says(GOOD, each)
    add(f"tls: openssl s_server, {what}, is {line.split()[0]}", set_up, __name__)


# --- versions, groups and suites --------------------------------------------------------------------

for version in ("1.2", "1.3"):
    flag = "-tls" + version.replace(".", "_")
    given(f"TLS {version} alone", GOOD, (flag,))
    given(f"TLS {version} alone, verified", GOOD, (flag,), options=ca)
    for group in ("X25519", "P-256", "P-384", "P-521"):
        given(f"TLS {version} with {group} alone", GOOD, (flag, "-groups", group), options=ca)
    for key in ("rsa2048", "rsa3072", "rsa4096", "p256", "p384", "p521"):
        given(f"TLS {version} with a certificate of {key}", GOOD, (flag,),
              lambda key=key: certificate(f"server-{key}", key), ca)
    given(f"TLS {version} with a group that usher lacks", bad("alert 40 handshake failure"), (flag, "-groups", "X448"))
given("both versions", GOOD)

for suite in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"):
    for kind, key in (("RSA", "rsa2048"), ("ECDSA", "p256")):
        given(f"ECDHE-{kind}-{suite}", GOOD, ("-tls1_2", "-cipher", f"ECDHE-{kind}-{suite}"),
              lambda key=key: certificate(f"server-{key}", key), ca)
for suite in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
    given(suite, GOOD, ("-tls1_3", "-ciphersuites", suite), options=ca)

NOTHING_IN_COMMON = bad("alert 40 handshake failure")
OLD = ("-tls1_2", "-cipher")
RSA = lambda: certificate("server-rsa2048", "rsa2048")  # noqa: E731
given("CBC suites alone", NOTHING_IN_COMMON, (*OLD, "ECDHE-RSA-AES128-SHA256:ECDHE-RSA-AES256-SHA"), RSA)
given("RSA key exchange alone", NOTHING_IN_COMMON, (*OLD, "AES128-GCM-SHA256:AES256-GCM-SHA384"), RSA)
given("DHE alone", NOTHING_IN_COMMON, (*OLD, "DHE-RSA-AES128-GCM-SHA256"), RSA)
given("CCM alone", NOTHING_IN_COMMON, (*OLD, "ECDHE-ECDSA-AES128-CCM"))
given("TLS 1.1 alone", bad("alert 70 protocol version"), ("-tls1_1", *WEAK), RSA)
given("TLS 1.2 with an Ed25519 certificate", NOTHING_IN_COMMON, ("-tls1_2",),
      lambda: certificate("server-ed25519", "ed25519"))
given("TLS 1.3 with an Ed25519 certificate", NOTHING_IN_COMMON, ("-tls1_3",),
      lambda: certificate("server-ed25519", "ed25519"))


# --- certificates -----------------------------------------------------------------------------------

def self_signed():
    return certificate("self-signed", issuer=None)


def intermediate():
    return authority("intermediate", issuer=authority())


def leaf():
    return certificate("leaf", issuer=intermediate())


def chained(what, line, sent, options):
    def set_up():
        lab()
        chain = ("-cert_chain", joined("chain", *(x().cert for x in sent))) if sent else ()
        s_server(*chain, shown=leaf())
        says(line, options())
    add(f"tls: a leaf of an intermediate, {what}, is {line.split()[0]}", set_up, __name__)


chained("which is sent", GOOD, (intermediate,), ca)
chained("which is sent with the root", GOOD, (intermediate, authority), ca)
chained("the root first", GOOD, (authority, intermediate), ca)
chained("which is missing", NOT_SIGNED, (), ca)
chained("which is in our file", GOOD, (), lambda: ("--tls-ca-cert", joined("bundle", authority().cert,
                                                                           intermediate().cert)))
chained("trusted itself", GOOD, (), lambda: ("--tls-ca-cert", intermediate().cert))
# Only what signs itself is an authority; so says openssl too, without -partial_chain.
chained("the leaf itself being in our file", NOT_SIGNED, (), lambda: ("--tls-ca-cert", leaf().cert))
chained("sent with a stranger's root", NOT_SIGNED, (lambda: authority("stranger"),), ca)

OLD_DATES, NEW_DATES = ("20200101000000Z", "20210101000000Z"), ("20480101000000Z", "20491231000000Z")
for what, line, made in (
        ("that has expired", EXPIRED, lambda: certificate("expired", dates=OLD_DATES)),
        ("that is not valid yet", NOT_YET, lambda: certificate("future", dates=NEW_DATES)),
        ("for another name", OTHER_NAME, lambda: certificate("other", names="DNS:other.example")),
        ("of a strange authority", NOT_SIGNED, lambda: certificate("strange", issuer=authority("stranger"))),
        ("that signs itself", NOT_SIGNED, self_signed),
        ("for clients alone", bad(CERTIFICATE + "it is not for servers"),
         lambda: certificate("for-clients", extensions="extendedKeyUsage=clientAuth")),
        ("for servers and clients", GOOD,
         lambda: certificate("for-both", extensions="extendedKeyUsage=serverAuth,clientAuth")),
        ("that may not sign", bad(CERTIFICATE + "it is not for servers"),
         lambda: certificate("for-agreement", extensions="keyUsage=critical,keyAgreement")),
        ("with an RSA key of 1024 bits", bad(CERTIFICATE + "its key is too weak"),
         lambda: certificate("server-rsa1024", "rsa1024")),
        ("of an authority that has expired", NOT_SIGNED,
         lambda: certificate("orphan", issuer=authority("ca-expired", dates=OLD_DATES)))):
    given(f"a certificate {what}, if verified,", line, WEAK, made, ca, ((), ("-k",)))
UNKNOWN = "certificate of an unknown kind"
given("a certificate with a SHA-1 signature", bad(UNKNOWN), WEAK, lambda: certificate("sha1", digest="sha1"))
given("a certificate with a SHA-1 signature, verified", bad(UNKNOWN), WEAK,
      lambda: certificate("sha1", digest="sha1"), ca)
given("a certificate that signs itself and is the authority", GOOD, (), self_signed,
      lambda: ("--tls-ca-cert", self_signed().cert))
given("several flaws at once", bad(CERTIFICATE + "it has expired, no authority here has signed it, it is for another "
      "name"), (), lambda: certificate("flawed", issuer=None, names="DNS:other.example", dates=OLD_DATES), ca)


def no_authority():
    """What is no authority has signed it all the same."""
    return certificate("signed-by-leaf", issuer=certificate())


def under(name, extensions, **options):
    return certificate(f"under-{name}", issuer=certificate(name, issuer=authority(), names="", extensions=extensions,
                                                           **options))


chained_by = {
    "a leaf": (no_authority, certificate),
    "an authority that may not sign": (lambda: under("no-sign", "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,"
                                                     "digitalSignature"),
                                       lambda: certificate("no-sign", names="", extensions="basicConstraints=critical,"
                                                           "CA:TRUE\nkeyUsage=critical,digitalSignature")),
}
for what, (made, sent) in chained_by.items():
    def by_nobody(made=made, sent=sent):
        lab()
        s_server("-cert_chain", sent().cert, shown=made())
        says(NOT_SIGNED, ca())
        says(GOOD)
    add(f"tls: a certificate that {what} has signed is not trusted", by_nobody, __name__)


def ladder(count, extensions=AUTHORITY, key="p256"):
    """A leaf, and so many intermediates between it and the root, the nearest first."""
    above, chain = authority(), []
    for i in range(count):
        above = certificate(f"step-{i}-{len(extensions)}", key, above, names="", extensions=extensions)
        chain.insert(0, above)
    return certificate(f"top-of-{count}-{len(extensions)}", issuer=above), chain


@test("tls: a chain may have eight intermediates; a longer one is told as that")
def _():
    lab()
    for port, count, line in ((PORT, 8, GOOD), (PORT + 1, 9, bad("chain of certificates that is too long"))):
        shown, chain = ladder(count)
        s_server("-cert_chain", joined(f"chain{count}", *(x.cert for x in chain)), shown=shown, port=port)
        says(line, ca(), f"https://127.0.0.1:{port}/")
        says(GOOD, (), f"https://127.0.0.1:{port}/")


@test("tls: an intermediate below one of pathlen:0 is not trusted")
def _():
    lab()
    shown, chain = ladder(2, AUTHORITY.replace("TRUE", "TRUE,pathlen:0"))
    s_server("-cert_chain", joined("chain", *(x.cert for x in chain)), shown=shown)
    says(NOT_SIGNED, ca())


@test("tls: of several authorities of one name the right one is found")
def _():
    lab()
    others = [authority(f"namesake-{key}", key, subject="/CN=ca").cert for key in ("p384", "rsa2048")]
    others.append(authority("ca-old", subject="/CN=ca", dates=OLD_DATES).cert)     # the same key, and expired
    s_server()
    for order in ((*others, authority().cert), (authority().cert, *others)):
        says(GOOD, ("--tls-ca-cert", joined("bundle", *order)))
    says(NOT_SIGNED, ("--tls-ca-cert", joined("bundle", *others[:2])))


given("a certificate with three hundred names", GOOD, (), lambda: certificate(
    "names", names=NAMES + "," + ",".join(f"DNS:host-{i}.example" for i in range(300))), ca)
for version in ("1_2", "1_3"):
    given(f"in records of at most 512 bytes, TLS {version.replace('_', '.')}", GOOD,
          (f"-tls{version}", "-max_send_frag", "512"), RSA, ca, ((),))
given("with a key of RSA-PSS", NOTHING_IN_COMMON, ("-tls1_3",), lambda: certificate("pss", "RSA-PSS"))
given("with the curve secp256k1", NOTHING_IN_COMMON, ("-tls1_2",), lambda: certificate("k1", "ec-secp256k1"))


@test("tls: a NUL within a name of the certificate does not end it")
def _():
    lab()
    evil = b"localhost\0.evil.example"
    name = bytes([0x30, len(evil) + 2, 0x82, len(evil)]) + evil
    s_server(shown=certificate("nul", names="", extensions="subjectAltName=DER:" + name.hex(":")))
    says(OTHER_NAME, ca(), LOCALHOST)


# --- names ------------------------------------------------------------------------------------------

def named(what, is_good, names, options, subject=None, check=HTTPS):
    label = re.sub(r"\W+", "-", what)
    def set_up():
        lab()
        s_server(shown=certificate(label, names=names, subject=subject), address="::1" if "[" in check else "127.0.0.1")
        says(GOOD if is_good else OTHER_NAME, (*ca(), *options), check)
    add(f"tls: a name: {what}", set_up, __name__)


LOCALHOST, SIX = f"https://localhost:{PORT}/", f"https://[::1]:{PORT}/"
AS = "--tls-server-name"
named("the address 127.0.0.1 is in iPAddress", True, "IP:127.0.0.1", ())
named("another address in iPAddress does not count", False, "IP:127.0.0.2", ())
named("the address ::1 is in iPAddress", True, "IP:::1", (), check=SIX)
named("an IPv4 address does not count for an IPv6 one", False, "IP:127.0.0.1", (), check=SIX)
named("an address in a DNS name does not count", False, "DNS:127.0.0.1", ())
named("an IPv6 address in a DNS name does not count", False, "DNS:::1", (), check=SIX)
named("an address in the CN does not count", False, "", (), subject="/CN=127.0.0.1")
named("a host's name as iPAddress's bytes does not count", False, "IP:97.98.99.100", (AS, "abcd"))
named("localhost is a DNS name", True, "DNS:localhost", (), check=LOCALHOST)
named("localhost does not stand for its address", False, "IP:127.0.0.1", (), check=LOCALHOST)
named("letters of either case are the same", True, "DNS:LocalHost", (), check=LOCALHOST)
named("the second of several names counts", True, "DNS:a.example,DNS:localhost", (), check=LOCALHOST)
named("a name that begins alike does not count", False, "DNS:localhost.example", (), check=LOCALHOST)
named("a part of the name does not count", False, "DNS:host", (), check=LOCALHOST)
named("--tls-server-name is what counts", True, "DNS:app.example", (AS, "app.example"))
named("--tls-server-name hides the address", False, "IP:127.0.0.1", (AS, "app.example"))
named("--tls-server-name may be an address", True, "IP:192.0.2.7", (AS, "192.0.2.7"))
named("--tls-server-name may be an IPv6 address", True, "IP:2001:db8::7", (AS, "2001:db8::7"))
named("--host is what counts", True, "DNS:app.example", ("--host", "app.example"))
named("--host with a port is the name before it", True, "DNS:app.example", ("--host", "app.example:443"))
named("--host may be an IPv6 address", True, "IP:2001:db8::7", ("--host", "[2001:db8::7]:443"))
named("--tls-server-name wins over --host", True, "DNS:a.example", (AS, "a.example", "--host", "b.example"))
named("a wildcard covers one label", True, "DNS:*.example", (AS, "a.example"))
named("a wildcard does not cover two labels", False, "DNS:*.example", (AS, "a.b.example"))
named("a wildcard does not cover none", False, "DNS:*.example", (AS, "example"))
named("a wildcard within a label does not count", False, "DNS:a*.example", (AS, "ab.example"))
named("a wildcard in the second label does not count", False, "DNS:a.*.example", (AS, "a.b.example"))
named("a wildcard alone does not count", False, "DNS:*", (), check=LOCALHOST)
named("without a subjectAltName the CN counts", True, "", (), subject="/CN=localhost", check=LOCALHOST)
named("beside a subjectAltName the CN does not count", False, "DNS:other.example", (), subject="/CN=localhost",
      check=LOCALHOST)


# --- client certificates ----------------------------------------------------------------------------

def wants_clients():
    return "-Verify", "3", "-verify_return_error", "-CAfile", authority().cert


def wants_client(what, version, line, options, check=HTTPS, shown=None):
    """A server that lets in only whom our authority has signed."""
    def set_up():
        lab()
        s_server(f"-tls{version.replace('.', '_')}", *wants_clients(), shown=shown() if shown else None)
        says(line, options(), check)
    kind = check.partition(":")[0]
    add(f"tls: a server of TLS {version} that wants a client's certificate, {what}, is {line.split()[0]} by {kind}",
        set_up, __name__)


def client(key):
    return certificate(f"client-{key}", key, extensions="extendedKeyUsage=clientAuth")


def client_chain():
    """A client's certificate, and behind it the intermediate that has signed it."""
    one = certificate("client-leaf", issuer=intermediate())
    return one._replace(cert=joined("client-chain", one.cert, intermediate().cert))


def strange_client():
    return certificate("strange", issuer=authority("stranger"))


GOOD_TLS = {"1.2": "healthy {} TLSv1.2 in Nms", "1.3": "healthy {} TLSv1.3 in Nms"}
REQUIRED = "alert 116 certificate required"
for version in ("1.2", "1.3"):
    for key in ("rsa2048", "p256", "p384", "p521"):
        wants_client(f"given one of {key}", version, GOOD, lambda key=key: identity(client(key)))
    wants_client("given one, verified too", version, GOOD, lambda: (*ca(), *identity(client("p256"))),
                 shown=lambda: certificate("server-rsa2048", "rsa2048"))
    wants_client("given a chain", version, GOOD, lambda: identity(client_chain()))
    wants_client("given one", version, GOOD_TLS[version], lambda: identity(client("p256")), TLS)
# In TLS 1.2 the server refuses within the handshake, in 1.3 after it.
wants_client("given none", "1.2", bad("alert 40 handshake failure"), lambda: ())
wants_client("given none", "1.2", bad("alert 40 handshake failure"), lambda: (), TLS)
wants_client("given none", "1.3", "unhealthy {}: reply: " + REQUIRED, lambda: ())
wants_client("given none", "1.3", GOOD_TLS["1.3"], lambda: (), TLS)
wants_client("given a stranger's", "1.2", bad("alert 48 unknown CA"), lambda: identity(strange_client()))
wants_client("given a stranger's", "1.3", "unhealthy {}: reply: alert 48 unknown CA",
             lambda: identity(strange_client()))


@test("tls: a client's certificate is shown only to a server that asks")
def _():
    lab()
    seen = []
    def talk(connection, server):
        seen.append(connection.getpeercert(True))
        answers(http())(connection, server)
    made = context()
    Peer(secured(talk, made), LOCAL)
    says(GOOD, identity(client("p256")))
    made.load_verify_locations(authority().cert)
    made.verify_mode = 1    # CERT_OPTIONAL
    says(GOOD, identity(client("p256")))
    says(GOOD)
    equal([bool(x) for x in seen], [False, True, False])


# --- what the server sees ---------------------------------------------------------------------------

class Listening:
    """A server that keeps what SNI and ALPN said."""

    def __init__(self, alpn=("h2", "http/1.1"), port=PORT):
        self.names, self.protocols = [], []
        made = context(alpn=alpn)
        made.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self.peer = Peer(secured(self.talk, made), ("127.0.0.1", port))

    def talk(self, connection, server):
        self.protocols.append(connection.selected_alpn_protocol())
        answers(http())(connection, server)

    def hears(self, name, protocol, *words, check=HTTPS):
        self.names.clear()
        self.protocols.clear()
        probe("-t", "5", *words, check)
        wait_for(lambda: self.protocols, "a handshake")
        equal((self.names, self.protocols), ([name], [protocol]), f"{words} {check}")


@test("tls: SNI is the host's name, --host or --tls-server-name, and no address")
def _():
    lab()
    server = Listening()
    for name, *words in ((None,), ("app.example", "--host", "app.example"), ("app.example", "--host", "app.example:8"),
                         (None, "--host", "192.0.2.1"), (None, "--host", "[2001:db8::1]:8"),
                         ("b.example", AS, "b.example", "--host", "a.example"), (None, AS, "192.0.2.1"),
                         (None, AS, "2001:db8::1")):
        server.hears(name, "http/1.1", *words)
    server.hears("localhost", "http/1.1", check=LOCALHOST)


@test("tls: ALPN is http/1.1, h2 for gRPC, and nothing for tls://")
def _():
    lab()
    server = Listening()
    server.hears(None, "http/1.1")
    server.hears(None, "h2", check=GRPCS)
    server.hears(None, None, check=TLS)
    # To HTTP it is no matter if the server knows nothing of it.
    other = Listening(alpn=(), port=PORT + 1)
    other.hears(None, None, check=f"https://127.0.0.1:{PORT + 1}/")


@test("tls: a server that refuses our protocol is told as that")
def _():
    lab()
    s_server("-alpn", "imap")
    says(bad("alert 120 no application protocol"))
    says("healthy {} TLSv1.3 in Nms", check=TLS)


@test("tls: a server with several names shows each its own certificate")
def _():
    lab()
    a, b = (certificate(f"{x}.example", names=f"DNS:{x}.example") for x in "ab")
    s_server("-servername", "b.example", "-cert2", b.cert, "-key2", b.key, shown=a)
    for name in ("a.example", "b.example"):
        says(GOOD, (*ca(), AS, name))
        says(GOOD, (*ca(), "--host", name))
    says(OTHER_NAME, (*ca(), AS, "c.example"))


@test("tls: a server that refuses a name that it does not know is told as that")
def _():
    lab()
    a, b = (certificate(f"{x}.example", names=f"DNS:{x}.example") for x in "ab")
    s_server("-servername", "b.example", "-servername_fatal", "-cert2", b.cert, "-key2", b.key, shown=a)
    says(GOOD, (AS, "b.example"))
    says(bad("alert 112 unrecognized name"), (AS, "c.example"))


# --- what it prints ---------------------------------------------------------------------------------

@test("tls: -v says whether the certificate was verified, and the version")
def _():
    lab()
    s_server()
    for options, word in (((), "not verified"), (("-k",), "not verified"), (ca(), "verified")):
        code, _, err = probe("-v", *options, HTTPS)
        equal(code, 0)
        lines = [x for x in err.splitlines() if "secured" in x]
        equal(len(lines), 1, err)
        assert re.search(rf": secured(,| and) {word}, TLSv1.3 at \d+ms$", lines[0]), lines


@test("tls: tls:// tells the version, and never sends more than the handshake")
def _():
    lab()
    got = []
    def talk(connection, _server):
        got.append(connection.recv(100))
    server = Peer(secured(talk), LOCAL)
    says("healthy {} TLSv1.3 in Nms", check=TLS)
    wait_for(lambda: server.ended, "the connection's end")
    equal(got, [b""])     # that is a close_notify


# --- over unix sockets, and IPv6 --------------------------------------------------------------------

@test("tls: https and tls over a unix socket, for the name localhost")
def _():
    lab()
    path = scratch("s")
    server = https_peer(http(), address=path)
    says(GOOD, (), f"https://unix:{path}:/health")
    says(GOOD, ca(), f"https://unix:{path}")
    says("healthy {} TLSv1.3 in Nms", ca(), f"tls://unix:{path}")
    says(OTHER_NAME, (*ca(), AS, "app.example"), f"tls://unix:{path}")
    assert server.requests[0].startswith(b"GET /health HTTP/1.1\r\nHost: localhost\r\n"), server.requests
    unhealthy(probe("tls://unix:/no"), "tls://unix:/no: connect: No such file or directory")


@test("tls: https has port 443 where none is given, and the Host is without it")
def _():
    lab()
    server = https_peer(http(), address=("127.0.0.1", 443))
    says(GOOD, ca(), "https://127.0.0.1/x")
    says(GOOD, ca(), "HTTPS://localhost/x")
    assert b"\r\nHost: 127.0.0.1\r\n" in server.requests[0], server.requests
    assert b"\r\nHost: localhost\r\n" in server.requests[1], server.requests
    other = https_peer(http(), address=LOCAL)
    says(GOOD, ca())
    assert b"\r\nHost: 127.0.0.1:4433\r\n" in other.requests[0], other.requests


@test("tls: https over IPv6, and localhost where IPv4 refuses")
def _():
    lab()
    https_peer(http(), address=("::1", PORT))
    says(GOOD, ca(), SIX)
    says(GOOD, ca(), LOCALHOST)


# --- the files that are given -----------------------------------------------------------------------

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
SECRET = "s3cr3t"


def refused(line, *options, check=HTTPS):
    """Asserts that nothing is tried, and the one line that says why."""
    for words in (("probe",), ("wait", "-t", "9")):
        code, out, err = tls(*words, *options, check)
        equal((code, out, err), (125, "", f"usher: {line}\n"))


def text_of(path):
    with open(path, encoding="ascii") as file:
        return file.read()


def written(name, data, mode=0o644):
    path = scratch(name)
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    os.chmod(path, mode)
    return path


@test("tls: our authority is found wherever it is in a bundle, and beside kinds that usher does not know")
def _():
    lab()
    need(os.path.exists(BUNDLE), "ca-certificates is not installed")
    s_server()
    unknown = certificate("ed25519-ca", "ed25519", None, names="", extensions="basicConstraints=CA:TRUE").cert
    old = authority("ca-sha1", digest="sha1").cert
    says(GOOD, ("--tls-ca-cert", joined("a", authority().cert, BUNDLE)))
    says(GOOD, ("--tls-ca-cert", joined("b", BUNDLE, authority().cert)))
    says(GOOD, ("--tls-ca-cert", joined("c", unknown, old, authority().cert)))
    says(GOOD, ("--tls-ca-cert", joined("d", authority().cert, old, unknown)))
    says(NOT_SIGNED, ("--tls-ca-cert", BUNDLE))
    with_text = openssl("x509", "-in", authority().cert, "-text")
    says(GOOD, ("--tls-ca-cert", written("e", "# Our own\r\n" + with_text.replace("\n", "\r\n"))))
    says(GOOD, ("--tls-ca-cert", written("f", text_of(authority().cert).rstrip("\n"))))


@test("tls: a certificate or key in DER is read as well")
def _():
    lab()
    s_server(*wants_clients())
    mine = client("p256")
    for name, *words in (("ca", "x509", "-in", authority().cert), ("cert", "x509", "-in", mine.cert),
                         ("key", "pkey", "-in", mine.key)):
        openssl(*words, "-outform", "DER", "-out", scratch(name))
    says(GOOD, ("--tls-ca-cert", scratch("ca"), "--tls-client-cert", scratch("cert"), "--tls-client-key",
                scratch("key")))


@test("tls: a private key may be in PKCS#8, SEC1 or PKCS#1, and in one file with its certificate")
def _():
    lab()
    s_server(*wants_clients())
    for key in ("p256", "rsa2048"):
        mine = client(key)
        old = written(f"{key}-old", openssl("pkey", "-traditional", "-in", mine.key))
        assert "PRIVATE KEY" in text_of(old) and text_of(old) != text_of(mine.key)
        both_in_one = joined(f"{key}-one", mine.cert, mine.key)
        for cert, file in ((mine.cert, old), (both_in_one, both_in_one)):
            says(GOOD, ("--tls-client-cert", cert, "--tls-client-key", file))


@test("tls: a file that is missing, empty, a folder, a FIFO, garbage or something else is refused")
def _():
    lab()
    mine = client("p256")
    os.mkdir(scratch("folder"))
    os.mkfifo(scratch("fifo"))
    files = {"no such file:": scratch("missing"), "cannot be read:": scratch("folder")}
    useless = [written("empty", ""), written("garbage", os.urandom(3000)), written("text", "hello\n"), scratch("fifo"),
               "/dev/null", written("cut", text_of(mine.cert)[:300]),
               written("nul", text_of(mine.cert).replace("M", "\0")),
               written("wrong", text_of(mine.cert).replace("M", "N"))]
    for why, file in [*files.items(), *(("nothing of use in", x) for x in useless)]:
        refused(f"--tls-ca-cert: {why} '{file}'; accepted: certificates in PEM", "--tls-ca-cert", file)
        refused(f"--tls-client-cert: {why} '{file}'; accepted: a certificate in PEM, RSA or ECDSA",
                "--tls-client-cert", file, "--tls-client-key", mine.key)
        refused(f"--tls-client-key: {why} '{file}'; accepted: a private key in PEM, without a passphrase",
                "--tls-client-cert", mine.cert, "--tls-client-key", file)


@test("tls: what is no certificate, or not the key of it, is refused and not shown")
def _():
    lab()
    mine, other = client("p256"), client("rsa2048")
    not_key = "; accepted: a private key in PEM, without a passphrase"
    refused(f"--tls-ca-cert: nothing of use in '{mine.key}'; accepted: certificates in PEM", "--tls-ca-cert", mine.key)
    refused(f"--tls-client-key: nothing of use in '{mine.cert}'{not_key}", "--tls-client-cert", mine.cert,
            "--tls-client-key", mine.cert)
    locked = written("locked", openssl("pkey", "-in", mine.key, "-aes128", "-passout", f"pass:{SECRET}"))
    older = written("older", openssl("pkey", "-traditional", "-in", other.key, "-aes128", "-passout",
                                     f"pass:{SECRET}"))
    assert "ENCRYPTED" in text_of(locked) and "ENCRYPTED" in text_of(older)
    for cert, key in ((mine.cert, locked), (other.cert, older)):
        refused(f"--tls-client-key: nothing of use in '{key}'{not_key}", "--tls-client-cert", cert, "--tls-client-key",
                key)
    for cert, key in ((mine.cert, other.key), (other.cert, mine.key),
                      (mine.cert, certificate("p256-ca", "p256", None, extensions="basicConstraints=CA:TRUE").key)):
        refused(f"--tls-client-key: is not the key of the certificate: '{key}'; accepted: the two that belong together",
                "--tls-client-cert", cert, "--tls-client-key", key)
    strange = certificate("client-ed25519", "ed25519")
    refused(f"--tls-client-cert: nothing of use in '{strange.cert}'; accepted: a certificate in PEM, RSA or ECDSA",
            *identity(strange))


@test("tls: a file that may not be read is refused")
def _():
    lab()
    mine = client("p256")
    hidden = written("hidden", text_of(mine.key), 0o600)
    code, out, err = probe("--tls-client-cert", mine.cert, "--tls-client-key", hidden, HTTPS,
                           before=("--uid", "1000"))
    equal((code, out), (125, ""))
    assert f"--tls-client-key: cannot be read: '{hidden}'" in err, err


@test("tls: a bundle that is too large is refused, not cut")
def _():
    lab()
    s_server()
    size = 1 << 20
    many = text_of(authority("stranger").cert)
    large = written("large", many * (size // len(many) + 1) + text_of(authority().cert))
    assert os.path.getsize(large) > size
    code, out, err = probe("--tls-ca-cert", large, HTTPS)
    assert code == 0 or ((code, out) == (125, "") and "large" in err), f"{code} {out!r} {err!r}"


@test("tls: contradictions, and options that no check can use, are refused")
def _():
    lab()
    mine = client("p256")
    refused("--tls-no-verify: contradicts --tls-ca-cert; accepted: one of them", "-k", *ca())
    pair = "is of no use alone; accepted: --tls-client-cert and --tls-client-key"
    refused(f"--tls-client-cert: {pair}", "--tls-client-cert", mine.cert)
    refused(f"--tls-client-key: {pair}", "--tls-client-key", mine.key)
    for option in ("--tls-ca-cert", "--tls-client-cert", "--tls-client-key"):
        refused(f"{option}: not given: ''; accepted: a file", f"{option}=")
    refused(f"{AS}: not given: ''; accepted: a host's name", f"{AS}=")
    for words in (("-k",), ca(), identity(mine), (AS, "x")):
        unused = "no check of this call can use it; accepted: https://, grpcs://, tls://"
        for check in ("http://127.0.0.1:1/", "tcp://127.0.0.1:1", "grpc://127.0.0.1:1", "redis://127.0.0.1:1"):
            code, out, err = probe(*words, check)
            equal((code, out), (125, ""))
            assert unused in err and err.count("\n") == 1, err
        equal(probe(*words, "http://127.0.0.1:1/", TLS)[0], 1)     # one that can is enough


@test("tls: a name that is too long for a host is refused")
def _():
    lab()
    https_peer(http())
    code, out, err = probe(AS, "x" * 300, HTTPS)
    equal((code, out), (125, ""))
    assert AS in err, err


# --- real servers -----------------------------------------------------------------------------------

def python_command(*words):
    done = subprocess.run(["/usr/bin/python3", "-c", "import grpc"], capture_output=True, check=False)
    need(done.returncode == 0, "python3-grpcio is not installed")
    return ["/usr/bin/python3", os.path.join(SERVERS, "grpc_tls_python.py"), "%s:%d" % LOCAL, *words]


def go_command(kind, *words):
    need(os.path.isdir("/usr/share/gocode/src/google.golang.org/grpc/health"),
         "golang-google-grpc-dev is not installed")
    settings = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOCACHE": os.path.join(CONFIG.tools, "go-cache"),
                "GOFLAGS": ""}
    program = built("tls-go", peer("go"), "build", "-o", "{output}", "{servers}/tls_go/main.go", env=settings)
    return [program, kind, "%s:%d" % LOCAL, *words]


def node_command(kind, *words):
    folder = ""
    if kind == "grpc":
        folder = next((f for f in os.environ.get("TEST_NODE_PATH", "").split(":") + [
            os.path.join(SERVERS, "node_modules"), "/usr/local/lib/node_modules"]
            if os.path.isdir(os.path.join(f, "grpc-health-check"))), None)
        need(folder, "grpc-js and grpc-health-check are not installed (npm; TEST_NODE_PATH)")
    return [peer("env"), f"NODE_PATH={folder}", peer("node"), os.path.join(SERVERS, "tls_node.js"), kind, str(PORT),
            *words]


def server_refuses(check, options=()):
    code, out, err = probe(*options, check)
    equal((code, err), (1, ""))
    reasons = "alert (40|42|48|116) .*|Connection reset by peer|Broken pipe|closed without a reply.*"
    assert re.fullmatch(rf"unhealthy {check}: (reply|tls): ({reasons})\n", out), out
    assert "does it speak TLS" not in out, out


def served(kind, check, line, command, group=None):
    """Registers the tests of a real server: alone, for each key, and with clients that it knows."""
    def alone():
        lab()
        for key in ("p256", "rsa2048"):
            shown = certificate(f"server-{key}", key)
            server = serve(command(shown.cert, shown.key), LOCAL)
            for options in ((), ("-k",), ca()):
                says(line, options, check)
            says(OTHER_NAME, (*ca(), AS, "other.example"), check)
            server.kill()
            server.wait()
        unhealthy(probe(check), f"{check}: connect: Connection refused")

    def mutual():
        lab()
        shown = certificate()
        serve(command(shown.cert, shown.key, authority().cert), LOCAL)
        for key in ("p256", "rsa2048"):
            says(line, (*ca(), *identity(client(key))), check)
        server_refuses(check)
        server_refuses(check, identity(strange_client()))
    add(f"tls: {kind} is healthy, verified and not", alone, __name__, group, timeout=150)
    add(f"tls: {kind} that wants a client's certificate lets ours in, and no other", mutual, __name__, group,
        timeout=150)


SERVING = "healthy {} SERVING in Nms"
served("node's https", HTTPS, GOOD, lambda *words: node_command("https", *words))
served("Go's net/http", HTTPS, GOOD, lambda *words: go_command("https", *words), "grpc-go")
served("a gRPC server of C-core", GRPCS, SERVING, python_command)
served("a gRPC server of Go", GRPCS, SERVING, lambda *words: go_command("grpc", *words), "grpc-go")
served("a gRPC server of Node", GRPCS, SERVING, lambda *words: node_command("grpc", *words), "grpc-node")


def nginx_with(text):
    """nginx with TLS of both versions; {cert}, {key} and {ca} stand in its server block for ours."""
    shown = certificate()
    return serve(nginx(f"server {{ listen 127.0.0.1:{PORT} ssl http2; ssl_certificate {shown.cert}; "
                       f"ssl_certificate_key {shown.key}; {text} }}"), LOCAL)


@test("tls: nginx is healthy for https and, before a gRPC server, for grpcs")
def _():
    lab()
    serve([*python_plain(), "127.0.0.1:50051"], ("127.0.0.1", 50051))
    nginx_with("location = /up { return 200 up; } location = /down { return 503; } "
               "location /grpc.health.v1.Health/ { grpc_pass grpc://127.0.0.1:50051; }")
    for options in ((), ca()):
        says(GOOD, options, HTTPS + "up")
        says("unhealthy {}: status 503, want 200-399", options, HTTPS + "down")
        says(GOOD, ("--contains", "up", *options), HTTPS + "up")
        says(SERVING, options, GRPCS)
        says("unhealthy {}: NOT_SERVING", options, GRPCS + "/down")


def python_plain():
    done = subprocess.run(["/usr/bin/python3", "-c", "import grpc"], capture_output=True, check=False)
    need(done.returncode == 0, "python3-grpcio is not installed")
    return ["/usr/bin/python3", os.path.join(SERVERS, "grpc_python.py")]


@test("tls: nginx that wants a client's certificate answers 400 to who has none")
def _():
    lab()
    nginx_with(f"ssl_client_certificate {authority().cert}; ssl_verify_client on; location / {{ return 200; }}")
    says(GOOD, identity(client("p256")))
    says("unhealthy {}: status 400, want 200-399")
    says("unhealthy {}: status 400, want 200-399", identity(strange_client()))


@test("tls: HAProxy with strict-sni lets in only who names the host")
def _():
    lab()
    shown = certificate("app.example", names="DNS:app.example")
    both_in_one = joined("haproxy.pem", shown.cert, shown.key)
    config = written("haproxy", "defaults\n mode http\n timeout client 9s\n timeout server 9s\n timeout connect 9s\n"
                     f"frontend f\n bind 127.0.0.1:{PORT} ssl crt {both_in_one} strict-sni\n"
                     " http-request return status 200\n")
    serve([peer("haproxy"), "-db", "-f", config], LOCAL)
    says(GOOD, (*ca(), AS, "app.example"))
    says(GOOD, (*ca(), "--host", "app.example"))
    for options in ((), ca(), (AS, "other.example")):
        says(bad("alert 112 unrecognized name"), options)


@test("tls: over a unix socket Python's ssl and a gRPC server are healthy")
def _():
    lab()
    path, shown = scratch("grpc.sock"), certificate()
    serve([*python_command()[:2], f"unix:{path}", shown.cert, shown.key], path)
    says(SERVING, (), f"grpcs://unix:{path}")
    says(SERVING, ca(), f"grpcs://unix:{path}")
    says("healthy {} TLSv1.3 in Nms", ca(), f"tls://unix:{path}")


# --- TLS and none -----------------------------------------------------------------------------------

@test("tls: a plain server is told as such by every check of TLS")
def _():
    lab()
    serve(nginx(f"server {{ listen 127.0.0.1:{PORT}; location / {{ return 200; }} }}"), LOCAL)
    plain = "unhealthy {}: tls: the peer speaks plaintext, not TLS"
    for check in (HTTPS, TLS, GRPCS):
        says(plain, (), check)
        says(plain, ca(), check)
    for port, greeting in ((2222, b"SSH-2.0-OpenSSH_9.2p1\r\n"), (2525, b"220 mail.example ESMTP\r\n"),
                           (3306, b"\x49\0\0\0\x0a5.5.5-10.11.6-MariaDB\0"), (6379, b"-ERR unknown command\r\n"),
                           (5555, b"\0\0\x12\4\0\0\0\0\0")):
        def greet(connection, _server, greeting=greeting):
            connection.sendall(greeting)
            connection.recv(4096)
        Peer(greet, ("127.0.0.1", port))
        says(plain, (), f"tls://127.0.0.1:{port}")


@test("tls: a server of TLS is told as such by plain checks, and tcp:// is healthy")
def _():
    lab()
    nginx_with("location / { return 200; }")
    code, out, _ = probe(f"http://127.0.0.1:{PORT}/")
    equal(code, 1)
    assert "status 400" in out, out     # nginx sees that it is HTTP
    healthy(probe(f"tcp://127.0.0.1:{PORT}"), f"tcp://127.0.0.1:{PORT} in Nms")
    s_server(port=PORT + 1)
    for check in (f"http://127.0.0.1:{PORT + 1}/", f"grpc://127.0.0.1:{PORT + 1}"):
        code, out, _ = probe(check)
        equal(code, 1)
        assert "TLS" in out, out


@test("tls: a server that closes at once, one that resets and one that never answers")
def _():
    lab()
    Peer(lambda connection, _: None, LOCAL)
    def reset(connection, _server):
        connection.recv(4096)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    Peer(reset, ("127.0.0.1", PORT + 1))
    Peer(silent, ("127.0.0.1", PORT + 2))
    for check in ("https", "tls", "grpcs"):
        at = check + "://127.0.0.1:%d"
        code, out, _ = probe("-t", "9", at % PORT)
        # The hello may meet an end of the connection that has been there before.
        assert code == 1 and re.search(r": tls: (closed during the handshake|Connection reset by peer|Broken pipe)\n$",
                                       out), out
        unhealthy(probe("-t", "9", at % (PORT + 1)), at % (PORT + 1) + ": tls: Connection reset by peer")
        unhealthy(probe("-t", "200ms", at % (PORT + 2)), at % (PORT + 2) + ": tls: timed out")
    unhealthy(probe(f"https://127.0.0.1:{PORT + 3}/"), f"https://127.0.0.1:{PORT + 3}/: connect: Connection refused")


# --- replies through TLS ----------------------------------------------------------------------------

def answered(*parts, made=None, hold=False):
    lab()
    return https_peer(*parts, made=made, hold=hold)


@test("tls: redirects, --status, --contains and --json-field are as without TLS")
def _():
    redirect = http("302 Found", headers=("Location: https://elsewhere.example/",))
    answered(redirect)
    says("healthy {} 302 in Nms")
    says("unhealthy {}: status 302 (a redirect, which is not followed), want 200", ("--status", "200"))
    https_peer(http(body=b'{"status": "UP", "db": {"ok": true}}'), address=("127.0.0.1", PORT + 1))
    check = f"https://127.0.0.1:{PORT + 1}/"
    says(GOOD, ("--contains", "UP", "--json-field", "status=UP", "--json-field", "db.ok"), check)
    code, out, _ = probe("--json-field", "status=DOWN", check)
    assert code == 1 and "status" in out, out
    code, out, _ = probe("--contains", "DOWN", check)
    assert code == 1 and "DOWN" in out, out


VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def large(version, parts):
    server = answered(*parts, made=context(version=version))
    says(GOOD, ("--contains", "needle"))
    wait_for(lambda: server.ended, "the connection's end")
    server.close()


LARGE = b"x" * 60_000 + b"needle" + b"y" * 1_000_000
for version in VERSIONS:
    name = version.name.replace("_", ".")
    def in_records(version=version):
        large(version, [http(body=LARGE)])

    def in_small_records(version=version):
        whole = http(body=LARGE[:64_000] + b"y" * 2000)
        large(version, [whole[i:i + 7] for i in range(0, len(whole), 7)])

    def in_chunks(version=version):
        parts = [LARGE[i:i + 999] for i in range(0, len(LARGE), 999)]
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(x), x) for x in parts)
        large(version, [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"])
    add(f"tls: a body of 1 MB is read, through {name}", in_records, __name__)
    add(f"tls: a body in thousands of small records is read, through {name}", in_small_records, __name__)
    add(f"tls: a body in chunks is read, through {name}", in_chunks, __name__)


@test("tls: a server that keeps the connection open after its reply is healthy at once")
def _():
    server = answered(http(), hold=True)
    says(GOOD, ("-t", "60"))
    wait_for(lambda: server.ended, "the connection's end")


@test("tls: a body without a length ends with the connection, with and without a close_notify")
def _():
    lab()
    def rude(connection, server):
        answers(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000 + b"needle")(connection, server)
    def polite(connection, server):
        rude(connection, server)
        connection.unwrap()
    for port, talk in ((PORT, rude), (PORT + 1, polite)):
        for version in VERSIONS:
            server = Peer(secured(talk, context(version=version)), ("127.0.0.1", port))
            check = f"https://127.0.0.1:{port}/"
            says(GOOD, ("--contains", "needle"), check)
            code, out, _ = probe("--contains", "nothing of it", check)
            assert code == 1 and "nothing of it" in out, out
            port += 10
            server.close()


@test("tls: usher ends a connection with a close_notify, and lets the server say all")
def _():
    lab()
    ends = []
    def talk(connection, server):
        server.read_request(connection)
        connection.sendall(http(body=b"x" * 500_000))
        try:
            while connection.recv(4096):
                pass
            ends.append("close_notify")
        except OSError as error:
            ends.append(error)
    for port, version in enumerate(VERSIONS, PORT):
        server = Peer(secured(talk, context(version=version)), ("127.0.0.1", port))
        says(GOOD, (), f"https://127.0.0.1:{port}/")
        wait_for(lambda server=server: server.ended, "the connection's end")
    equal(ends, ["close_notify"] * 2)


@test("tls: a server that closes after the request without a reply is told as that")
def _():
    lab()
    Peer(secured(answers()), LOCAL)
    code, out, _ = probe(HTTPS)
    equal(code, 1)
    assert out.startswith(f"unhealthy {HTTPS}: reply: closed without a reply"), out
    assert "does it speak TLS" not in out, out


@test("tls: the request through TLS is the contract's, with our options in it")
def _():
    server = answered(http())
    says(GOOD, ("--method", "POST", "-H", "X-Token: ${TOKEN:-abc}", "--host", "app.example"), HTTPS + "a?b")
    request = server.request().decode()
    assert request.startswith("POST /a?b HTTP/1.1\r\nHost: app.example\r\nUser-Agent: usher/"), request
    assert "\r\nX-Token: abc\r\n" in request and "Connection: close\r\n" in request, request


# --- other machines ---------------------------------------------------------------------------------

def there(other, *words):
    done = subprocess.run(["nsenter", "-t", str(other.pid), "-n", CONFIG.usher_tls, *words], capture_output=True,
                          text=True, timeout=20, check=False)
    return done.returncode, untimed(done.stdout), done.stderr


@test("tls: a server on another machine must be verified, or -k be given, before a byte is sent")
def _():
    lab()
    shown = certificate("machine", names="IP:192.0.2.1")
    with OtherMachine().init as other:
        server = https_peer(http(), made=context(shown), address=("192.0.2.1", PORT))
        checks = [f"{x}://192.0.2.1:{PORT}" for x in ("https", "tls", "grpcs")]
        for check in checks:
            for words in (("probe", "--allow-remote"), ("wait", "-t", "9")):
                code, out, err = there(other, *words, check)
                equal(code, 125)
                assert "not this container's own address: 192.0.2.1 (needs --tls-ca-cert FILE, or -k)" in out + err, err
            # An authority alone does not permit probe to leave the container.
            for words in ((), ca(), ("-k",)):
                code, out, err = there(other, "probe", *words, check)
                assert code == 125 and "192.0.2.1" in out + err, (code, out, err)
        equal(server.accepted, 0)
        for words in (("-k",), ca()):
            for check, said in zip(checks, ("200", "TLSv1.3")):
                for command in (("probe", "--allow-remote"), ("wait", "-t", "9")):
                    code, out, err = there(other, *command, *words, check)
                    equal((code, out, err), (0, f"healthy {check} {said} in Nms\n", ""))
        code, out, _ = there(other, "probe", "--allow-remote", "--tls-ca-cert", authority("stranger").cert, checks[0])
        equal((code, out), (1, NOT_SIGNED.format(checks[0]) + "\n"))
        # The run form, too, before the program: nothing is waited for that is never right.
        code, out, err = there(other, "--wait-for", checks[0], "--wait-timeout", "9", "--", "echo", "started")
        equal((code, out), (125, ""))
        assert "needs --tls-ca-cert FILE" in err, err
        equal(there(other, "--wait-for", checks[0], *ca(), "--", "echo", "started")[:2], (0, "started\n"))


@test("tls: this container's own addresses need no authority, whatever name leads there")
def _():
    lab()
    https_peer(http(), address=("0.0.0.0", PORT))
    for host in ("127.0.0.1", "127.3.2.1", "localhost", "0.0.0.0", ""):
        says(GOOD, (), f"https://{host}:{PORT}/")


# --- several at once, and waiting -------------------------------------------------------------------

@test("tls: sixteen checks at once, each with its own server, verified")
def _():
    lab()
    checks = []
    for i in range(16):
        kind = ("https", "tls")[i % 2]
        made = context(certificate("server-rsa2048", "rsa2048") if i % 3 else None, version=VERSIONS[i % 2])
        https_peer(http(), made=made, address=("127.0.0.1", PORT + i))
        checks.append(f"{kind}://127.0.0.1:{PORT + i}")
    code, out, err = probe("-t", "9", *ca(), *checks)
    equal((code, err), (0, ""))
    equal([x.split()[1] for x in out.splitlines()], checks)
    code, out, _ = probe("-t", "9", "--tls-ca-cert", authority("stranger").cert, *checks)
    equal((code, out.splitlines()), (1, [NOT_SIGNED.format(x) for x in checks]))


@test("tls: checks with and without TLS go together")
def _():
    lab()
    https_peer(http())
    Peer(lambda connection, server: (server.read_request(connection), connection.sendall(http())), ("127.0.0.1", 8080))
    code, out, err = probe(*ca(), HTTPS, "http://127.0.0.1:8080/", TLS, "tcp://127.0.0.1:8080")
    equal((code, untimed(out), err), (0, f"healthy {HTTPS} 200 in Nms\nhealthy http://127.0.0.1:8080/ 200 in Nms\n"
                                      f"healthy {TLS} TLSv1.3 in Nms\nhealthy tcp://127.0.0.1:8080 in Nms\n", ""))


@test("tls: --not is healthy where the certificate is not right")
def _():
    lab()
    https_peer(http())
    equal(probe("--not", *ca(), HTTPS)[0], 1)
    code, out, _ = probe("--not", "--tls-ca-cert", authority("stranger").cert, HTTPS)
    equal(code, 0, out)


@test("tls: wait goes on until the server shows the right certificate")
def _():
    lab()
    made = context(certificate("expired", dates=OLD_DATES))
    with start_tls("wait", "-t", "60", "--interval", "10ms", *ca(), HTTPS, "--", "echo", "started") as waiter:
        waiter.err.expect("connect: Connection refused")
        peer_ = https_peer(http(), made=made)
        waiter.err.expect("it has expired")
        good = certificate()
        made.load_cert_chain(good.cert, good.key)     # for the next connection
        equal(waiter.wait(), 0)
        assert "started" in waiter.out.lines, waiter.out.text
    assert peer_.accepted >= 2


@test("tls: wait tries again many times, and its memory does not grow")
def _():
    lab()
    server = https_peer(http(), made=context(certificate("expired", dates=OLD_DATES)))
    with start_tls("wait", "-t", "inf", "--interval", "0", *ca(), HTTPS) as waiter:
        wait_for(lambda: server.ended >= 20, "20 tries", 30)
        before = smaps(waiter.pid)["Rss"]
        wait_for(lambda: server.ended >= 150, "150 tries", 60)
        after = smaps(waiter.pid)["Rss"]
        assert after <= before + 16, f"{before} KiB, then {after}"
        folder = f"/proc/{waiter.pid}/fd"
        assert len(os.listdir(folder)) <= 6, os.listdir(folder)


# --- the run form -----------------------------------------------------------------------------------

@test("tls: --wait-for starts the program when the server is there and right, also by the environment")
def _():
    lab()
    https_peer(http())
    mine = client("p256")
    environment = {"USHER_WAIT_FOR": HTTPS, "USHER_TLS_CA_CERT": authority().cert, "USHER_TLS_CLIENT_CERT": mine.cert,
                   "USHER_TLS_CLIENT_KEY": mine.key, "USHER_TLS_SERVER_NAME": "localhost"}
    equal(tls("--", "echo", "started", env=environment)[:2], (0, "started\n"))
    equal(tls("--wait-for", HTTPS, *ca(), "--", "echo", "started")[:2], (0, "started\n"))
    equal(tls("--wait-for", HTTPS, "--", "echo", "started")[:2], (0, "started\n"))
    equal(tls("--", "echo", "started", env={"USHER_WAIT_FOR": HTTPS, "USHER_TLS_NO_VERIFY": "1"})[:2], (0, "started\n"))
    environment["USHER_TLS_SERVER_NAME"] = "other.example"
    code, out, err = tls("--wait-timeout", "100ms", "--", "echo", "started", env=environment)
    equal((code, out), (124, ""))
    assert "it is for another name" in err, err


@test("tls: the run form refuses files and contradictions before the program starts")
def _():
    lab()
    missing, mine = scratch("missing"), client("p256")
    for form in ("--heal", "--wait-for"):
        for words, why in ((("--tls-ca-cert", missing), f"--tls-ca-cert: no such file: '{missing}'"),
                           (("--tls-ca-cert", mine.key), "--tls-ca-cert: nothing of use in"),
                           (("--tls-client-cert", mine.cert, "--tls-client-key", client("rsa2048").key),
                            "--tls-client-key: is not the key of the certificate"),
                           (("--tls-client-cert", mine.cert), "--tls-client-cert: is of no use alone"),
                           (("--tls-no-verify", *ca()), "--tls-no-verify: contradicts --tls-ca-cert")):
            code, out, err = tls(form, HTTPS, *words, "--", "echo", "started")
            equal((code, out), (125, ""))
            assert err.startswith(f"usher: {why}") and err.count("\n") == 1, err
    code, out, err = tls("--heal", HTTPS, "--", "echo", "started", env={"USHER_TLS_CA_CERT": missing})
    equal((code, out), (125, ""))
    assert err.startswith(f"usher: USHER_TLS_CA_CERT: no such file: '{missing}'"), err
    for words in (ca(), ("--tls-no-verify",), (AS, "x")):
        code, out, err = tls(*words, "--", "echo", "started")
        equal((code, out), (125, ""))


@test("tls: --heal ends a program whose certificate has become a wrong one, with 69")
def _():
    lab()
    good, expired = certificate(), certificate("expired", dates=OLD_DATES)
    made = context(good)
    https_peer(http(), made=made)
    with start_tls("-v", "--heal", HTTPS, *ca(), "--heal-interval", "30ms", "--heal-retries", "2", "--",
                   *witness("catch", "--exit", "15:0")) as init:
        init.ready()
        init.err.expect("healthy https:")
        made.load_cert_chain(expired.cert, expired.key)
        init.err.expect("unhealthy .*it has expired, 2 of 2")
        equal(init.wait(30), 69)


@test("tls: --heal reads the authority anew when its watcher is started anew, and lives on where it is gone")
def _():
    lab()
    https_peer(http())
    mine = joined("mine", authority().cert)
    with start_tls("-v", "--heal", HTTPS, "--tls-ca-cert", mine, "--heal-interval", "30ms", "--",
                   *witness("catch", "--exit", "15:0")) as init:
        init.ready()
        init.err.expect("healthy https:")
        os.unlink(mine)
        equal(init.state(), "running")
        init.kill(TERM)
        equal(init.wait(), 0)


@test("tls: a file that was renewed counts from the next try, and one that is broken meanwhile does not")
def _():
    lab()
    made = context()
    made.load_verify_locations(authority().cert)
    made.verify_mode = ssl.CERT_REQUIRED
    https_peer(http(), made=made)
    stranger, right = strange_client(), client("p256")
    def give(trusted, shown):
        for name, source in (("ca", trusted), ("cert", shown.cert), ("key", shown.key)):
            shutil.copy(source, scratch(name + ".new"))
            os.rename(scratch(name + ".new"), scratch(name))
    give(authority("stranger").cert, stranger)
    with start_tls("wait", "-t", "60", "--interval", "10ms", "--tls-ca-cert", scratch("ca"), "--tls-client-cert",
                   scratch("cert"), "--tls-client-key", scratch("key"), HTTPS) as waiter:
        waiter.err.expect("no authority here has signed it")
        written("ca", "broken")
        os.unlink(scratch("key"))
        held = len(waiter.err.lines)
        give(authority().cert, stranger)
        waiter.err.expect("unknown CA|reset by peer|Broken pipe|closed without")
        give(authority().cert, right)
        equal(waiter.wait(30), 0)
        assert held >= 1 and "broken" not in waiter.err.text, waiter.err.text


@test("tls: --heal goes on with what it has read while the file is gone or broken, and takes a new one")
def _():
    lab()
    https_peer(http())
    mine = joined("mine", authority().cert)
    with start_tls("-v", "--heal", HTTPS, "--tls-ca-cert", mine, "--heal-interval", "20ms", "--heal-retries", "2", "--",
                   *witness("catch", "--exit", "15:0")) as init:
        init.ready()
        init.err.expect("healthy https:")
        watcher_ = next(p for p in children(init.pid) if (comm(p) or "").startswith("heal:"))
        def rounds(count):
            before = int(proc_status(watcher_)["voluntary_ctxt_switches"])
            wait_for(lambda: int(proc_status(watcher_)["voluntary_ctxt_switches"]) > before + 3 * count, "rounds")
        os.unlink(mine)
        rounds(5)
        written("mine", "broken")
        rounds(5)
        assert not init.err.find("unhealthy"), init.err.text
        shutil.copy(authority("stranger").cert, mine)
        init.err.expect("unhealthy .*no authority here has signed it, 2 of 2")
        equal(init.wait(30), 69)


@test("tls: --heal is not held by a peer that floods, and signals go on")
def _():
    lab()
    def flood(connection, _server):
        connection.recv(4096)
        while True:
            connection.sendall(b"\x14\3\3\0\1\1" * 10_000)
    Peer(flood, LOCAL)
    with start_tls("--heal", HTTPS, "--heal-interval", "20ms", "--heal-timeout", "200ms", "--heal-start-period", "0",
                   "--heal-retries", "3", "--", *witness("catch", "--exit", "15:0")) as init:
        init.ready()
        init.err.expect("unhealthy .*: tls: timed out, 1 of 3")
        init.kill(10)
        init.out.expect("^got 10 ")
        equal(init.wait(30), 69)


# --- usher-tls is all that usher is -----------------------------------------------------------------

@both("tls: signals, exit codes and orphans of the run form are as usher's")
def _(pid1):
    need(CONFIG.usher_tls, "usher-tls was not built")
    with start_tls("--", *witness("catch", "--exit", "15:7"), pid1=pid1) as init:
        init.ready().wait_state("running")
        init.kill(10)
        init.out.expect("^got 10 ")
        init.kill(TERM)
        equal(init.wait(), 7)
    for script, code in (("exit 3", 3), ("kill -9 $$", 137), ("(exit 1) & exec true", 0)):
        equal(tls("--", "sh", "-c", script, pid1=pid1)[0], code)
    equal(tls("--", "/no/such", pid1=pid1)[0], 127)
    equal(tls("--", "/etc/passwd", pid1=pid1)[0], 126)
    with start_tls("--", *witness("orphans", 50), pid1=pid1) as init:
        init.out.expect("^spawned 50$")
        wait_for(lambda: len(children(init.pid)) == 1, "all are reaped")


@test("tls: --version, --help and --license name what is inside")
def _():
    need(CONFIG.usher_tls, "usher-tls was not built")
    equal([tls(x)[0] for x in ("--version", "--help", "--license")], [0] * 3)
    assert "Mbed TLS" in tls("--version")[1], tls("--version")
    assert "Mbed TLS" in tls("--license")[1] and "Apache" in tls("--license")[1]
    equal(tls("--version")[1].split()[1], run("--version")[1].split()[1])
    for words in (("--help",), ("probe", "--help"), ("wait", "--help")):
        assert "--tls-ca-cert" in tls(*words)[1] and "--tls-ca-cert" not in run(*words)[1], words
    assert "Mbed TLS" not in "".join(run("--version")[1:] + run("--license")[1:])


@test("tls: status, sleep, install and the names of the peers work")
def _():
    need(CONFIG.usher_tls, "usher-tls was not built")
    with start_tls("--", *witness("forever"), pid1=True) as init:
        init.ready().wait_state("running")
        code, out, _ = inside(init, CONFIG.usher_tls, "status")
        assert code == 0 and "running" in out, out
        equal(inside(init, CONFIG.usher_tls, "probe", "ready:", "live:")[0], 0)
    equal(tls("sleep", "0.01")[0], 0)
    equal(tls("install", scratch("copy"))[0], 0)
    equal(run("--version", binary=scratch("copy"))[1], tls("--version")[1])
    os.symlink(CONFIG.usher_tls, scratch("tini"))
    code, out, _ = run("--version", binary=scratch("tini"))
    assert code == 0 and out.startswith("tini version"), out
    equal(run("-s", "--", "sh", "-c", "exit 9", binary=scratch("tini"))[0], 9)


@test("tls: plain usher says where TLS is, for each check and option")
def _():
    for check in ("https://127.0.0.1/", "grpcs://127.0.0.1:1", "tls://127.0.0.1:1", "https://unix:/s", "HTTPS://x"):
        for words in (("probe", check), ("wait", check), ("--wait-for", check, "--", "true"),
                      ("--heal", check, "--", "true")):
            code, out, err = run(*words)
            equal((code, out), (125, ""))
            assert "usher-tls" in one_line(err) and check in err, err
    for option in ("--tls-ca-cert", "--tls-client-cert", "--tls-client-key", "--tls-server-name", "--tls-no-verify",
                   "-k"):
        value = () if option in ("-k", "--tls-no-verify") else ("/x",)
        for words in (("probe", option, *value, "http://127.0.0.1/"), ("wait", option, *value, "http://127.0.0.1/")):
            code, out, err = run(*words)
            equal((code, out), (125, ""))
            assert "usher-tls" in one_line(err) and option in err, err


# --- limits -----------------------------------------------------------------------------------------

TLS_RSS = 40     # KiB


def rests(*words, pid1):
    need(CONFIG.usher_tls, "usher-tls was not built")
    need(file_system(CONFIG.usher_tls) not in ("tmpfs", "ramfs"), "the binary lies in memory here")
    os.sync()
    worst = {"Rss": 0, "Private_Dirty": 0}
    for _ in range(10):
        with start_tls(*words, "--", *witness("forever"), pid1=pid1, bare=True) as init:
            init.ready().wait_state("running")
            wait_for(lambda i=init: proc_status(i.pid)["State"].startswith("S"), "usher is idle")
            seen = smaps(init.pid)
            worst = {key: max(value, seen[key]) for key, value in worst.items()}
            folder = f"/proc/{init.pid}/fd"
            equal(sorted(map(int, os.listdir(folder))), [0, 1, 2])
            kinds = [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)]
            assert not [x for x in kinds if x.startswith(("socket:", "anon_inode:"))], kinds
    assert worst["Rss"] <= TLS_RSS + more_on_i386(4) and worst["Private_Dirty"] <= MAX_DIRTY, f"KiB: {worst}"


@both("tls: the idle init has at most 40 KiB resident and 20 KiB dirty")
def _(pid1):
    rests(pid1=pid1)


@both("tls: it has no more where PID 1 has looked at the files of --heal before")
def _(pid1):
    lab()
    mine = client("p256")
    rests("--heal", "https://127.0.0.1:1/", *ca(), *identity(mine), pid1=pid1)
