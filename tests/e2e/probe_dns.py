# SPDX-License-Identifier: MIT
"""usher's resolver against a real dnsmasq, a scripted name server, and getaddrinfo of musl and glibc.

Every name is asked of usher, which tries all addresses it found and tells them with -v, of a static
program that calls musl's getaddrinfo, and of Python, which calls glibc's, with the same resolv.conf
and hosts. What either of them finds usher must find.
"""
import contextlib
import ipaddress
import re
import socket
import struct
import subprocess
import threading
import time

from harness import DEADLINE, add, equal, need, peer, run, scratch, test, wait_for
from probe_lab import Peer, built, healthy, network, probe, replace_file, serve, silent, timed

SERVER = "nameserver 127.0.0.1\n"
FAILURES = {"-2": "no such name", "-3": "no answer from the name servers",
            "-4": "the name server refused", "-5": "the name has no address"}
MOST = 16      # addresses that usher keeps; musl keeps 48


def musl_lookup(*names):
    """What musl's getaddrinfo gives for each name: a set of addresses, or the error's text."""
    program = built("musl-lookup", peer("musl-gcc"), "-static", "-O1", "-o", "{output}",
                    "{servers}/musl_lookup.c")
    done = subprocess.run([program, *names], capture_output=True, text=True, timeout=50, check=True)
    return [verdict(line) for line in done.stdout.splitlines()]


def verdict(line):
    if line.startswith("error "):
        return FAILURES.get(line[6:], line)
    return {plain(word) for word in line.split()}


def plain(text):
    address = ipaddress.ip_address(text)
    return str(getattr(address, "ipv4_mapped", None) or address)


def usher_lookup(name, *options, timeout="20s"):
    """What usher found, told by the addresses it tried; or the text of the failure."""
    code, out, err = run("probe", "-v", "-t", timeout, "--allow-remote", *options, f"tcp://{name}:1",
                         deadline=30)
    tried = re.findall(r"connecting to (\S+) at", err)
    if tried:
        equal(len(tried), len(set(tried)), f"addresses tried twice ({tried})")
        return {plain(a) for a in tried}
    equal(code, 1, out + err)
    match = re.search(r": resolve: (.*)$", out)
    assert match, out + err
    return match[1]


GLIBC = """import socket, sys
for name in sys.argv[1:]:
    try:
        print(*(a[4][0] for a in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)))
    except UnicodeError:
        print("error -2")
    except socket.gaierror as error:
        print("error", error.errno)
"""


def glibc_lookup(*names):
    """The same of glibc's getaddrinfo, which is Python's."""
    done = subprocess.run(["/usr/bin/python3", "-c", GLIBC, *names], capture_output=True, text=True,
                          timeout=50, check=True)
    return [verdict(line) for line in done.stdout.splitlines()]


# What usher tells where musl, and glibc, have another word. musl 1.2.3 has one number for a name
# without an address and for no such name; both hide a refusal.
SAME_FAILURE = {("the name has no address", "no such name"),
                ("the name server refused", "no answer from the name servers")}


def is_right(got, musl, glibc):
    if isinstance(got, str):
        return all(isinstance(x, str) for x in (musl, glibc)) and \
            (got in (musl, glibc) or any((got, x) in SAME_FAILURE for x in (musl, glibc)))
    return got in (musl, glibc)


def same(*names):
    """Asserts for each of the names that usher finds what musl or glibc finds."""
    differences = [f"{name}: usher {got}, musl {musl}, glibc {glibc}"
                   for name, musl, glibc in zip(names, musl_lookup(*names), glibc_lookup(*names),
                                                strict=True)
                   if not is_right(got := usher_lookup(name), musl, glibc)]
    assert not differences, "\n".join(differences)


# --- dnsmasq --------------------------------------------------------------------------------------

RECORDS = """
address 192.0.2.4 four.example.test four.corp.test only.corp.test a.b.corp.test
address 2001:db8::6 six.example.test
address 192.0.2.10 both.example.test
address 2001:db8::10 both.example.test
address 192.0.2.21 two.example.test
address 192.0.2.22 two.example.test
address 192.0.2.30 second.example.test
address 192.0.2.40 web.default.svc.cluster.test
address 192.0.2.41 other.infra.svc.cluster.test
address 192.0.2.50 plain
address 192.0.2.60 UPPER.example.test
""".strip()
OPTIONS = ("--cname=alias.example.test,both.example.test",
           "--cname=c1.example.test,c2.example.test", "--cname=c2.example.test,c3.example.test",
           "--cname=c3.example.test,c4.example.test", "--cname=c4.example.test,four.example.test",
           "--txt-record=text.example.test,hello", "--local=/test/b/default/infra/svc/example/wrong/", "--domain-needed")


def dnsmasq(resolv=SERVER, listen=("127.0.0.1",), hosts=""):
    network()
    many = "".join(f"2001:db8:5::{i} dozen.{'x' * 60}.example.test\n" for i in range(1, 15))
    huge = "".join(f"198.18.{i // 100}.{i % 100 + 1} huge.example.test\n" for i in range(300))
    both = "".join(f"192.0.4.{i} wide.example.test\n2001:db8:4::{i:x} wide.example.test\n"
                   for i in range(1, 31))
    with open(scratch("zone"), "w", encoding="ascii") as file:
        file.write(RECORDS.replace("address ", "") + "\n" + many + huge + both)
    replace_file("/etc/resolv.conf", resolv)
    replace_file("/etc/hosts", hosts)
    return serve([peer("dnsmasq"), "--no-daemon", "--conf-file=/dev/null", "--no-resolv",
                  "--no-hosts", f"--addn-hosts={scratch('zone')}", "--user=root", "--bind-interfaces",
                  "--pid-file=", *(f"--listen-address={a}" for a in listen), *OPTIONS],
                 *((a, 53) for a in listen))


NAMES = ("four.example.test", "six.example.test", "both.example.test", "two.example.test",
         "alias.example.test", "c1.example.test", "c4.example.test", "text.example.test",
         "nothing.example.test", "four", "only", "second", "plain", "a.b", "nothing", "web",
         "web.default", "other.infra", "other.infra.svc", "four.example.test.", "four.", "plain.",
         "FOUR.example.TEST", "upper.example.test", "x.y.z.nothing.test", "four.example",
         "text", "six", "c1", "alias")
SEARCH = "search corp.test example.test\n"
for title, resolv in (
        ("one server and nothing else", SERVER),
        ("a search list", SERVER + SEARCH),
        ("a search list and ndots:2", SERVER + SEARCH + "options ndots:2\n"),
        ("a search list and ndots:0", SERVER + SEARCH + "options ndots:0\n"),
        ("Kubernetes' search list with ndots:5", "search default.svc.cluster.test svc.cluster.test "
         "cluster.test\nnameserver 127.0.0.1\noptions ndots:5\n"),
        ("a domain line", SERVER + "domain corp.test\n"),
        ("the last of domain and search", SERVER + "domain corp.test\nsearch example.test\n"),
        ("a suffix that is NXDOMAIN, then the next", SERVER + "search no.test gone.test corp.test "
         "example.test\n"),
        ("comments, tabs, blanks and unknown lines", "# a comment\n; another\n\nnameserver\t"
         "127.0.0.1\t# trailing\nsortlist 10.0.0.0\nsearch \t corp.test \t example.test  \n"
         "options  rotate ndots:2 edns0\nnameserver not-an-address\n"),
        ("no final newline", "search corp.test\nnameserver 127.0.0.1"),
        ("no nameserver line: 127.0.0.1", SEARCH),
        ("an empty file", ""),
        ("two servers, the first dead", "nameserver 127.0.0.99\n" + SERVER + SEARCH),
        ("two servers, the second dead", SERVER + "nameserver 127.0.0.99\n" + SEARCH),
        ("four servers, of which the first three count", "nameserver 127.0.0.97\nnameserver "
         "127.0.0.98\nnameserver 127.0.0.1\nnameserver 127.0.0.99\n"),
        ("absurd options", SERVER + SEARCH + "options ndots:99999999999 timeout:999999 "
         "attempts:999999 ndots:x\n")):
    def compared(resolv=resolv):
        dnsmasq(resolv)
        same(*NAMES)
    add(f"dnsmasq, {title}: {len(NAMES)} names as getaddrinfo", compared, __name__)

for title, resolv, listen in (
        ("an IPv6 server", "nameserver ::1\n", ("::1",)),
        ("an IPv6 server and an IPv4 one that is dead", "nameserver 127.0.0.1\nnameserver ::1\n",
         ("::1",)),
        ("an IPv4 server and an IPv6 one that is dead", "nameserver ::1\nnameserver 127.0.0.1\n",
         ("127.0.0.1",)),
        ("a server of either family", "nameserver ::1\nnameserver 127.0.0.1\n",
         ("127.0.0.1", "::1"))):
    def families(resolv=resolv, listen=listen):
        dnsmasq(resolv + SEARCH, listen)
        same(*NAMES)
    add(f"dnsmasq, {title}: {len(NAMES)} names as getaddrinfo", families, __name__)


@test("dnsmasq: IPv6 switched off in the kernel, with an IPv6 server listed")
def _():
    dnsmasq("nameserver ::1\nnameserver 127.0.0.1\n")
    with open("/proc/sys/net/ipv6/conf/all/disable_ipv6", "w", encoding="ascii") as file:
        file.write("1")
    same("four.example.test", "two.example.test", "nothing.example.test")


@test("dnsmasq: 12 IPv6 addresses do not fit a datagram and come over TCP, all of them")
def _():
    # musl 1.2.3 has no TCP fallback: it takes what was in the truncated datagram.
    dnsmasq()
    want = {plain(f"2001:db8:5::{i}") for i in range(1, 15)}
    equal(usher_lookup("dozen." + "x" * 60 + ".example.test"), want)
    found = musl_lookup("dozen." + "x" * 60 + ".example.test")[0]
    assert found <= want or found == "no such name", found


@test("dnsmasq: of 30 IPv4 and 30 IPv6 addresses some of each family are tried")
def _():
    dnsmasq()
    zone = ({f"192.0.4.{i}" for i in range(1, 31)} |
            {plain(f"2001:db8:4::{i:x}") for i in range(1, 31)})
    found = usher_lookup("wide.example.test")
    assert found <= zone and len(found) >= MOST, found
    equal({":" in a for a in found}, {True, False}, "families")


@test("dnsmasq: 300 addresses are no trap: as many as there is room for")
def _():
    dnsmasq()
    found = usher_lookup("huge.example.test")
    assert MOST <= len(found) and all(a.startswith("198.18.") for a in found), len(found)


@test("dnsmasq: the resolved server is really connected to")
def _():
    dnsmasq(hosts="")
    replace_file("/etc/hosts", "127.0.0.5 web.local\n")
    Peer(silent, ("127.0.0.5", 8080))
    healthy(probe("tcp://web.local:8080"), "tcp://web.local:8080 in Nms")


@test("dnsmasq: a name with 16 checks at once")
def _():
    dnsmasq()
    checks = [f"tcp://{name}.example.test:1" for name in ("four", "two", "both", "nothing")] * 4
    code, out, _ = probe("--allow-remote", *checks)
    equal((code, out.count("Network is unreachable"), out.count("no such name")), (1, 12, 4), out)


@test("dnsmasq: the http Host header is the name, and not what it resolved to")
def _():
    from probe_lab import http, replies
    dnsmasq(hosts="127.0.0.1 web.local\n")
    server = Peer(replies(http()))
    healthy(probe("http://web.local:8080/"), "http://web.local:8080/ 200 in Nms")
    assert b"\r\nHost: web.local:8080\r\n" in server.request()


@test("no name server at all: the failure is quick to tell, and names the phase")
def _():
    network()
    replace_file("/etc/resolv.conf", SERVER + "options timeout:1 attempts:1\n")
    replace_file("/etc/hosts", "")
    same("four.example.test")


# --- hosts ----------------------------------------------------------------------------------------

HOSTS = """# a comment
127.0.0.5 one first.example.test
127.0.0.6\ttabbed   spaced
::1 six-here
127.0.0.7 twice
127.0.0.8 twice
127.0.0.9 both-here
::2 both-here
127.0.0.10 commented # hidden
not-an-address wrong
127.0.0.11
  127.0.0.12 indented
127.0.0.13 MixedCase
127.0.0.14 four.example.test
fe80::1%lo scoped
127.0.0.15 prefix-longer
"""
for name in ("one", "first.example.test", "tabbed", "spaced", "six-here", "twice", "both-here",
             "commented", "hidden", "wrong", "indented", "MixedCase", "four.example.test", "prefix",
             "prefix-longer", "longer"):
    def in_hosts(name=name):
        dnsmasq(SERVER, hosts=HOSTS)
        same(name)
    add(f"/etc/hosts: `{name}` as getaddrinfo", in_hosts, __name__)


@test("/etc/hosts: a last line without a newline counts (musl 1.2.3 does not see it)")
def _():
    network()
    replace_file("/etc/hosts", "127.0.0.16 last")
    replace_file("/etc/resolv.conf", SERVER)
    equal(usher_lookup("last"), {"127.0.0.16"})


@test("/etc/hosts: a name there is never asked of a name server")
def _():
    with scripted(lambda query: [answer(query, "192.0.2.1")], hosts="127.0.0.1 db\n") as asked:
        equal(usher_lookup("db"), {"127.0.0.1"})
        equal(asked, [])


@test("/etc/hosts: 20,000 lines are read in no time")
def _():
    network()
    replace_file("/etc/hosts", "".join(f"10.0.{i // 250}.{i % 250} host{i}\n" for i in range(20000)))
    replace_file("/etc/resolv.conf", SERVER)
    seconds, found = timed(usher_lookup, "host19999")
    equal(found, {"10.0.79.249"})
    assert seconds < 1, seconds


@test("/etc/hosts and resolv.conf that are missing, or that may not be read")
def _():
    import os
    with scripted(lambda query: [answer(query, "192.0.2.1")]):
        for path in ("/etc/hosts", "/etc/resolv.conf"):
            os.chmod(scratch("mounted-" + path.replace("/", "-")), 0)
        code, _, err = probe("-v", "--allow-remote", "tcp://db.test:1", before=("--uid", 65534))
        equal(code, 1)
        assert "connecting to 192.0.2.1 at" in err, err


# --- a scripted name server -----------------------------------------------------------------------

A, AAAA, CNAME = 1, 28, 5


def question(query):
    end = query.index(b"\0", 12) + 5
    return query[12:end]


def kind(query):
    return int.from_bytes(question(query)[-4:-2], "big")


def record(data, type_, name=b"\xc0\x0c", length=None):
    return name + struct.pack(">HHIH", type_, 1, 60, len(data) if length is None else length) + data


def message(query, *records, flags=0x8180, id_=None, asked=None, count=None):
    head = query[:2] if id_ is None else id_
    asked = question(query) if asked is None else asked
    return (head + struct.pack(">HHHHH", flags, 1 if asked else 0,
                               len(records) if count is None else count, 0, 0) + asked +
            b"".join(records))


def answer(query, four=None, six=None, **options):
    """A reply with this address where its family was asked for, else one without a record."""
    if kind(query) == A and four:
        return message(query, record(socket.inet_aton(four), A), **options)
    if kind(query) == AAAA and six:
        return message(query, record(socket.inet_pton(socket.AF_INET6, six), AAAA), **options)
    return message(query, **options)


@contextlib.contextmanager
def scripted(replies_to, resolv=SERVER, hosts="", over_tcp=None):
    """A name server: replies_to(query) gives the datagrams; a (datagram, socket) goes out there."""
    network()
    replace_file("/etc/resolv.conf", resolv)
    replace_file("/etc/hosts", hosts)
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))
    asked = []

    def serve_queries():
        with contextlib.suppress(OSError):
            while True:
                query, source = server.recvfrom(2000)
                asked.append(query)
                for reply in replies_to(query):
                    data, out = reply if isinstance(reply, tuple) else (reply, server)
                    out.sendto(data, source)
    threading.Thread(target=serve_queries, daemon=True).start()

    def talk(connection, _server):
        length = int.from_bytes(receive(connection, 2), "big")
        query = receive(connection, length)
        for part in over_tcp(query):
            connection.sendall(part)
    if over_tcp:
        Peer(talk, ("127.0.0.1", 53))
    yield asked


def receive(connection, length):
    data = b""
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise OSError("closed")
        data += part
    return data


def swapped(query):
    """The same question for another name of the same length."""
    text = bytearray(question(query))
    text[1] = ord("x")
    return bytes(text)


def looped(query):
    """A reply whose record's name is a compression pointer to itself."""
    here = 12 + len(question(query))
    return message(query, record(socket.inet_aton("192.0.2.9") if kind(query) == A else b"x" * 16,
                                 kind(query), name=struct.pack(">H", 0xc000 | here)))


# What comes before the good reply, and must not count.
FORGED = {
    "with a wrong id": lambda q: answer(q, "192.0.2.66", "2001:db8::66",
                                        id_=bytes([q[0] ^ 1, q[1]])),
    "with another name in the question": lambda q: answer(q, "192.0.2.66", "2001:db8::66",
                                                          asked=swapped(q)),
    "without a question": lambda q: answer(q, "192.0.2.66", "2001:db8::66", asked=b""),
    "that is a query": lambda q: answer(q, "192.0.2.66", "2001:db8::66", flags=0x0100),
    "of another opcode": lambda q: answer(q, "192.0.2.66", "2001:db8::66", flags=0xa980),
    "of 3 bytes": lambda q: q[:2] + b"\x81",
    "of nothing": lambda q: b"",
    "that is cut in its header": lambda q: answer(q, "192.0.2.66")[:11],
    "of the query itself": lambda q: q,
}
for title, forge in FORGED.items():
    def forged(forge=forge):
        with scripted(lambda q: [forge(q), answer(q, "192.0.2.1", "2001:db8::1")]):
            equal(usher_lookup("db.example.test"), {"192.0.2.1", "2001:db8::1"})
    add(f"a forged reply {title} is passed over", forged, __name__)

for title, address in (("another port", ("127.0.0.1", 5353)), ("another address", ("127.0.0.2", 53))):
    def from_elsewhere(address=address):
        sockets = []
        def talk(query):
            if not sockets:
                sockets.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                sockets[0].bind(address)
            return [(answer(query, "192.0.2.66", "2001:db8::66"), sockets[0]),
                    answer(query, "192.0.2.1", "2001:db8::1")]
        with scripted(talk):
            equal(usher_lookup("db.example.test"), {"192.0.2.1", "2001:db8::1"})
    add(f"a reply from {title} than was asked is passed over", from_elsewhere, __name__)

# Replies that are taken: what usher makes of them is what musl makes of them.
TAKEN = {
    "a record whose name is a compression loop": lambda q: [looped(q)],
    "a name of pointers to pointers": lambda q: [message(q, record(
        socket.inet_aton("192.0.2.9"), A, name=b"\x01a\xc0\x0c"))] if kind(q) == A else [answer(q)],
    "a CNAME before the address": lambda q: [message(
        q, record(b"\x01b\xc0\x0c", CNAME), record(socket.inet_aton("192.0.2.9"), A))]
        if kind(q) == A else [answer(q)],
    "a CNAME to itself and no address": lambda q: [message(q, record(b"\xc0\x0c", CNAME))],
    "records of unknown types": lambda q: [message(
        q, record(b"x" * 30, 999), record(socket.inet_aton("192.0.2.9"), A))]
        if kind(q) == A else [answer(q)],
    "NXDOMAIN": lambda q: [message(q, flags=0x8183)],
    "SERVFAIL": lambda q: [message(q, flags=0x8182)],
    "REFUSED": lambda q: [message(q, flags=0x8185)],
    "NOTIMP": lambda q: [message(q, flags=0x8184)],
    "no record": lambda q: [message(q)],
    "an address for A and NXDOMAIN for AAAA": lambda q: [
        answer(q, "192.0.2.9") if kind(q) == A else message(q, flags=0x8183)],
    "an address for AAAA and NXDOMAIN for A": lambda q: [
        answer(q, six="2001:db8::9") if kind(q) == AAAA else message(q, flags=0x8183)],
    "an address for A and no answer for AAAA": lambda q: [answer(q, "192.0.2.9")]
        if kind(q) == A else [],
    "an address for A and REFUSED for AAAA": lambda q: [
        answer(q, "192.0.2.9") if kind(q) == A else message(q, flags=0x8185)],
    "an address for A and NOTIMP for AAAA": lambda q: [
        answer(q, "192.0.2.9") if kind(q) == A else message(q, flags=0x8184)],
    "an address for A and SERVFAIL for AAAA": lambda q: [
        answer(q, "192.0.2.9") if kind(q) == A else message(q, flags=0x8182)],
    "SERVFAIL three times, then the address": None,
}
for title, talk in TAKEN.items():
    def taken(talk=talk, title=title):
        count = {}
        def failing_first(query):
            count[query] = count.get(query, 0) + 1
            return [answer(query, "192.0.2.9", "2001:db8::9") if count[query] > 2
                    else message(query, flags=0x8182)]
        with scripted(talk or failing_first, SERVER + "options timeout:1 attempts:2\n"):
            same("db.example.test")
    add(f"{title}: as getaddrinfo", taken, __name__)


# musl takes no such record since 1.2.4; before, it did.
@test("an AAAA record that was not asked for gives no address")
def _():
    def talk(query):
        return [message(query, record(socket.inet_pton(socket.AF_INET6, "2001:db8::9"), AAAA),
                        record(socket.inet_aton("192.0.2.9"), A))] if kind(query) == A else [answer(query)]
    with scripted(talk, SERVER + "options timeout:1 attempts:2\n"):
        equal(usher_lookup("db.example.test"), {"192.0.2.9"})


# Replies that are broken: no more than an end in time, and no address that is not there, is wanted.
BROKEN = {
    "a record longer than the reply": lambda q: message(q, record(b"\1\2", A, length=400)),
    "an A record of 5 bytes": lambda q: message(q, record(b"\1\2\3\4\5", A)),
    "an A record of none": lambda q: message(q, record(b"", A)),
    "more records promised than come": lambda q: message(q, record(b"\1", 999), count=65535),
    "a label of the reserved kind": lambda q: message(q, record(b"\1\2\3\4", A, name=b"\x80x")),
    "a name that runs past the end": lambda q: message(q, b"\x3fabc"),
    "a pointer without its second byte": lambda q: message(q, b"\xc0"),
    "noise behind a right question": lambda q: message(q, bytes(range(256)) * 2, count=9),
}
for title, reply in BROKEN.items():
    def broken(reply=reply):
        with scripted(lambda q: [reply(q)], SERVER + "options timeout:1 attempts:1\n"):
            found = usher_lookup("db.example.test", timeout="4s")
            assert isinstance(found, str), found
    add(f"a broken reply with {title} gives no address, and an end", broken, __name__)


def truncated(query):
    return message(query, record(socket.inet_aton("192.0.2.66"), A), flags=0x8380) \
        if kind(query) == A else answer(query)


def long_reply(query, count):
    reply = message(query, *(record(socket.inet_aton(f"10.1.{i // 250}.{i % 250 + 1}"), A)
                             for i in range(count)))
    return struct.pack(">H", len(reply)) + reply


for title, over_tcp, want in (
        ("whole", lambda q: [long_reply(q, 5)], {f"10.1.0.{i}" for i in range(1, 6)}),
        ("byte by byte", lambda q: [bytes([b]) for b in long_reply(q, 5)],
         {f"10.1.0.{i}" for i in range(1, 6)}),
        ("of nothing: what the datagram held must do", lambda q: [], {"192.0.2.66"}),
        ("with a wrong id", lambda q: [long_reply(bytes([q[0] ^ 1]) + q[1:], 5)], {"192.0.2.66"})):
    def tcp_reply(over_tcp=over_tcp, want=want):
        with scripted(lambda q: [truncated(q)], over_tcp=over_tcp):
            equal(usher_lookup("db.example.test"), want)
    add(f"a truncated answer leads to TCP; a reply there {title}", tcp_reply, __name__)


@test("a truncated answer leads to TCP; 300 records there are as many as there is room for")
def _():
    with scripted(lambda q: [truncated(q)], over_tcp=lambda q: [long_reply(q, 300)]):
        found = usher_lookup("db.example.test")
        assert len(found) >= MOST and all(a.startswith("10.1.") for a in found), found


@test("a truncated answer with TCP refused: what the datagram held must do")
def _():
    with scripted(lambda q: [truncated(q)]):
        equal(usher_lookup("db.example.test"), {"192.0.2.66"})


@test("the queries: two at once, A and AAAA, recursion wanted, each with an id of its own")
def _():
    with scripted(lambda q: [answer(q, "192.0.2.1", "2001:db8::1")]) as asked:
        for _ in range(4):
            usher_lookup("db.example.test")
        equal(sorted(kind(q) for q in asked), [A] * 4 + [AAAA] * 4)
        for query in asked:
            equal(query[2:12], b"\1\0\0\1\0\0\0\0\0\0")
        assert len({q[:2] for q in asked}) > 4, "ids"


@test("a server that is silent at first is asked again")
def _():
    count = {}
    def second_time(query):
        count[query] = count.get(query, 0) + 1
        return [answer(query, "192.0.2.1")] if count[query] > 1 else []
    with scripted(second_time, SERVER + "options timeout:2 attempts:4\n"):
        equal(usher_lookup("db.example.test"), {"192.0.2.1"})


@test("attempts:0 still asks once (musl 1.2.3 divides by it)")
def _():
    with scripted(lambda q: [answer(q, "192.0.2.1")], SERVER + "options attempts:0\n"):
        equal(usher_lookup("db.example.test"), {"192.0.2.1"})


@test("attempts:1 asks once")
def _():
    with scripted(lambda q: [], SERVER + "options timeout:1 attempts:1\n") as asked:
        equal(usher_lookup("db.example.test"), "no answer from the name servers")
        equal(len(asked), 2)


@test("names that are no names are refused by both")
def _():
    dnsmasq(SERVER + SEARCH)
    same("x" * 63 + ".test", "x" * 64 + ".test", "a..b", "-", "_http._tcp.example.test")


# --- what glibc finds and musl does not, or the other way round -------------------------------------

def finds(name, *addresses):
    """usher and one of the others find these."""
    equal(usher_lookup(name), set(addresses))
    same(name)


for title, code in (("SERVFAIL", 0x8182), ("no data", 0x8180), ("REFUSED", 0x8185), ("NXDOMAIN", 0x8183)):
    def passed_over(code=code, title=title):
        def talk(query):
            if b"\3bad" in query:
                return [message(query, flags=code)]
            return [answer(query, "192.0.2.9")]
        with scripted(talk, SERVER + "search bad.test good.test\noptions timeout:1\n"):
            equal(usher_lookup("db"), {"192.0.2.9"})
            if title != "REFUSED":    # usher alone goes on then
                same("db")
    add(f"a search domain that answers {title} is passed over", passed_over, __name__)


@test("ndots:0 and one label: the search list comes after the name itself")
def _():
    dnsmasq(SERVER + SEARCH + "options ndots:0\n")
    finds("only", "192.0.2.4")


@test("a name with a dot is looked for in the search list, too")
def _():
    dnsmasq(SERVER + SEARCH)
    finds("a.b", "192.0.2.4")


@test("/etc/hosts: letters may be of another case")
def _():
    dnsmasq(SERVER, hosts="127.0.0.5 One.LOCAL two\n")
    finds("one.local", "127.0.0.5")
    finds("TWO", "127.0.0.5")


@test("options timeout:0 is no time to give up in")
def _():
    with scripted(lambda q: [answer(q, "192.0.2.9")], SERVER + "options timeout:0\n"):
        finds("db.test", "192.0.2.9")


@test("a name server with a scope is asked, and not 127.0.0.1")
def _():
    for scope in ("lo", "1"):
        with scripted(lambda q: [answer(q, "192.0.2.66")], f"nameserver ::1%{scope}\n") as asked:
            server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            server.bind(("::1", 53))
            threading.Thread(target=serve_one, args=(server, lambda q: [answer(q, "192.0.2.9")]),
                             daemon=True).start()
            equal(usher_lookup("db.test"), {"192.0.2.9"})
            equal(asked, [])


def serve_one(server, replies_to):
    with contextlib.suppress(OSError):
        while True:
            query, source = server.recvfrom(2000)
            for reply in replies_to(query):
                server.sendto(reply, source)


@contextlib.contextmanager
def two_servers(first, second, options=""):
    with scripted(first, SERVER + "nameserver 127.0.0.2\n" + options):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(("127.0.0.2", 53))
        threading.Thread(target=serve_one, args=(server, second), daemon=True).start()
        yield


def later(reply, seconds=0.3):
    def talk(query):
        time.sleep(seconds)    # a server that is slow, and what it is compared with
        return reply(query)
    return talk


for title, code in (("NXDOMAIN", 0x8183), ("REFUSED", 0x8185), ("no data", 0x8180), ("SERVFAIL", 0x8182)):
    def other_knows(code=code):
        worse = lambda q: [message(q, flags=code)]
        better = later(lambda q: [answer(q, "192.0.2.9")], 0.05)
        for servers in ((worse, better), (better, worse)):
            with two_servers(*servers):
                equal(usher_lookup("db.test"), {"192.0.2.9"})
    add(f"a name server that says {title} does not end it while another knows", other_knows, __name__)


@test("all name servers refuse: told as such, and at once")
def _():
    refusing = lambda q: [message(q, flags=0x8185)]
    with two_servers(refusing, refusing):
        seconds, got = timed(usher_lookup, "db.test")
        equal(got, "the name server refused")
        assert seconds < 1, seconds


@test("no name server is there: told at once")
def _():
    network()
    replace_file("/etc/hosts", "")
    for servers in ("nameserver 127.0.0.1\n", "nameserver ::1\nnameserver 127.0.0.9\n",
                    "nameserver 192.0.2.1\n", "nameserver fe80::1\n"):
        replace_file("/etc/resolv.conf", servers)
        seconds, got = timed(usher_lookup, "db.test")
        equal(got, "no answer from the name servers")
        assert seconds < 1, (servers, seconds)
