# SPDX-License-Identifier: MIT
"""What the tests of TLS share: certificates, servers and usher-tls itself.

Certificates and keys are made by openssl when a test first asks for them, once for all tests of a run.
"""
import contextlib
import ctypes
import ctypes.util
import fcntl
import hashlib
import hmac
import os
import shutil
import ssl
import subprocess
import tempfile
import typing

from harness import CONFIG, need, peer, run, scratch, start
from probe_lab import Peer, network, serve

PORT = 4433
HTTPS = f"https://127.0.0.1:{PORT}/"
GRPCS = f"grpcs://127.0.0.1:{PORT}"
TLS = f"tls://127.0.0.1:{PORT}"
LOCAL = ("127.0.0.1", PORT)
NAMES = "DNS:localhost,IP:127.0.0.1,IP:::1"
AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign"
OPENSSL_CA = """[ca]
default_ca=it
[it]
database={0}/index
new_certs_dir={0}
rand_serial=yes
policy=any
unique_subject=no
[any]
commonName=optional
organizationName=optional
[extensions]
{1}
"""


def lab():
    """A network of this test's own, where usher-tls was built."""
    need(CONFIG.usher_tls, "usher-tls was not built")
    peer("openssl")
    network()


def tls(*args, **options):
    """(status, stdout, stderr) of `usher-tls ARGS`."""
    return run(*args, binary=CONFIG.usher_tls, **options)


def probe(*args, **options):
    return tls("probe", *args, **options)


def start_tls(*args, **options):
    return start(*args, binary=CONFIG.usher_tls, **options)


# --- certificates ---------------------------------------------------------------------------------

class Certificate(typing.NamedTuple):
    cert: str
    key: str


def openssl(*words, text=None):
    done = subprocess.run([peer("openssl"), *words], capture_output=True, text=True, check=False, input=text)
    assert done.returncode == 0, f"openssl {' '.join(words)}: {done.stderr[-500:]}"
    return done.stdout


def once(name, make):
    """The path of a file that make(path) has made, now or in an earlier test of this run."""
    folder = os.path.join(CONFIG.tools, "certificates")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            make(path + ".new")
            os.rename(path + ".new", path)
    return path


def private_key(kind, owner=""):
    """kind: rsa2048, p256, ed25519, ..."""
    def make(path):
        if kind.startswith("rsa"):
            words = ["RSA", "-pkeyopt", f"rsa_keygen_bits:{kind[3:]}"]
        elif kind.startswith("p"):
            words = ["EC", "-pkeyopt", f"ec_paramgen_curve:P-{kind[1:]}"]
        elif kind.startswith("ec-"):
            words = ["EC", "-pkeyopt", f"ec_paramgen_curve:{kind[3:]}"]
        else:
            words = [kind]
        openssl("genpkey", "-out", path, "-algorithm", *words)
    return once(f"{kind}{owner}.key", make)


def certificate(name="server", key="p256", issuer="ca", subject=None, names=NAMES, extensions="",
                dates=("20200101000000Z", "20491231000000Z"), digest="sha256"):
    """A certificate called `name`, signed by the one that `issuer` is or names; None: by itself.

    names: its subjectAltName, empty for none. Calls with the same name must ask for the same.
    """
    key_file = private_key(key, owner="-ca" if "CA:TRUE" in extensions else "")
    if issuer == "ca":
        issuer = authority()

    def make(path):
        lines = [extensions] + ([f"subjectAltName={names}"] if names else [])
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/config", "w", encoding="ascii") as file:
                file.write(OPENSSL_CA.format(folder, "\n".join(lines)))
            with open(f"{folder}/index", "w", encoding="ascii"):
                pass
            openssl("req", "-new", "-key", key_file, "-subj", subject or f"/CN={name}", "-out", f"{folder}/request")
            signer = ["-selfsign", "-keyfile", key_file] if issuer is None else [
                "-cert", issuer.cert, "-keyfile", issuer.key]
            openssl("ca", "-batch", "-notext", "-config", f"{folder}/config", "-extensions", "extensions", "-md",
                    "default" if key == "ed25519" else digest, "-startdate", dates[0], "-enddate", dates[1],
                    "-in", f"{folder}/request", "-out", path, *signer)
    return Certificate(once(f"{name}.pem", make), key_file)


def authority(name="ca", key="p256", issuer=None, **options):
    return certificate(name, key, issuer, names="", extensions=AUTHORITY, **options)


def joined(name, *files):
    """A file of this test with the text of all of these."""
    path = scratch(name)
    with open(path, "wb") as out:
        for each in files:
            with open(each, "rb") as file:
                shutil.copyfileobj(file, out)
    return path


def ca():
    """The options that verify with our authority."""
    return "--tls-ca-cert", authority().cert


def identity(who):
    """The options that show this certificate."""
    return "--tls-client-cert", who.cert, "--tls-client-key", who.key


# --- servers --------------------------------------------------------------------------------------

def s_server(*words, shown=None, port=PORT, address="127.0.0.1"):
    """openssl s_server, which answers each request with a page about the connection."""
    shown = shown or certificate()
    where = f"[{address}]" if ":" in address else address
    return serve([peer("openssl"), "s_server", "-accept", f"{where}:{port}", "-cert", shown.cert, "-key", shown.key,
                  "-www", *words], (address, port))


def context(shown=None, alpn=(), version=None):
    """What a server of Python's ssl is made with. version: the only one."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.options &= ~getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 0)    # an end without a close_notify is an error
    shown = shown or certificate()
    made.load_cert_chain(shown.cert, shown.key)
    if alpn:
        made.set_alpn_protocols(list(alpn))
    if version:
        made.minimum_version = made.maximum_version = version
    return made


def secured(talk, made=None):
    """A talk for Peer: the handshake as a server, then talk(secured connection, peer).

    To read at an end without a close_notify is an error.
    """
    made = made or context()

    def through_tls(connection, server):
        with contextlib.suppress(ssl.SSLError), made.wrap_socket(
                connection, server_side=True, suppress_ragged_eofs=False) as inner:
            talk(inner, server)
    return through_tls


def answers(*parts, hold=False):
    """A talk that reads a request and sends these parts, each in a record of its own."""
    def talk(connection, server):
        server.read_request(connection)
        for part in parts:
            connection.sendall(part)
        if hold:
            with contextlib.suppress(OSError):
                while connection.recv(4096):
                    pass
    return talk


def https_peer(*parts, made=None, address=LOCAL, hold=False):
    return Peer(secured(answers(*parts, hold=hold), made), address)


# --- peers that go against the protocol -------------------------------------------------------------

CHANGE_CIPHER_SPEC, ALERT, HANDSHAKE, DATA = 20, 21, 22, 23
HELLO_RETRY = hashlib.sha256(b"HelloRetryRequest").digest()
ECDHE_RSA, TLS_AES_128 = b"\xc0\x2f", b"\x13\x01"


def record(kind, body=b"", length=None):
    return bytes([kind, 3, 3]) + (len(body) if length is None else length).to_bytes(2, "big") + body


def message(kind, body=b"", length=None):
    """A message of the handshake."""
    return bytes([kind]) + (len(body) if length is None else length).to_bytes(3, "big") + body


def sized(width, body):
    return len(body).to_bytes(width, "big") + body


def read_record(connection):
    data = b""
    while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
        part = connection.recv(5 - len(data) if len(data) < 5 else 5 + int.from_bytes(data[3:5], "big") - len(data))
        if not part:
            raise OSError("no record")
        data += part
    return data


def read_hello(connection):
    """The legacy_session_id of the ClientHello that comes next, in one record."""
    while True:
        data = read_record(connection)
        if data[0] == HANDSHAKE:
            at = 5 + 4 + 2 + 32
            return data[at + 1:at + 1 + data[at]]
        if data[0] != CHANGE_CIPHER_SPEC:
            raise OSError("no ClientHello")


def server_hello(session=b"", suite=ECDHE_RSA, random=b"\x11" * 32, extensions=b""):
    """Of TLS 1.2; with extensions that say so, of 1.3."""
    return message(2, b"\3\3" + random + sized(1, session) + suite + b"\0" + sized(2, extensions))


def retry(session, group):
    """A HelloRetryRequest of TLS 1.3 that asks for this group."""
    return server_hello(session, TLS_AES_128, HELLO_RETRY,
                        b"\0\x2b\0\2\3\4" + b"\0\x33\0\2" + group.to_bytes(2, "big"))


def certificates(*chain):
    """The message of TLS 1.2 with these, in DER."""
    return message(11, sized(3, b"".join(sized(3, x) for x in chain)))


def der(tag, *parts):
    body = b"".join(parts)
    if len(body) < 128:
        return bytes([tag, len(body)]) + body
    size = (len(body).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(body).to_bytes(size, "big") + body


def der_integer(number):
    return der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def forged(modulus, exponent, name=b"localhost", issuer=None):
    """A certificate in DER with that RSA key, which nobody has signed."""
    def named(who):
        return der(0x30, der(0x31, der(0x30, bytes.fromhex("0603550403"), der(12, who))))
    sha256_rsa = der(0x30, bytes.fromhex("06092a864886f70d01010b0500"))
    key = der(0x30, der(0x30, bytes.fromhex("06092a864886f70d0101010500")),
              der(3, b"\0", der(0x30, der_integer(modulus), der_integer(exponent))))
    body = der(0x30, der(0xa0, der_integer(2)), der_integer(7), sha256_rsa, named(issuer or name),
               der(0x30, der(23, b"200101000000Z"), der(23, b"491231000000Z")), named(name), key)
    return der(0x30, body, sha256_rsa, der(3, b"\0", b"\x55" * 256))


SUITES = {"TLS_AES_128_GCM_SHA256": ("sha256", 16, "EVP_aes_128_gcm"),
          "TLS_AES_256_GCM_SHA384": ("sha384", 32, "EVP_aes_256_gcm"),
          "TLS_CHACHA20_POLY1305_SHA256": ("sha256", 32, "EVP_chacha20_poly1305"),
          "ECDHE-ECDSA-AES128-GCM-SHA256": ("sha256", 16, "EVP_aes_128_gcm"),
          "ECDHE-ECDSA-AES256-GCM-SHA384": ("sha384", 32, "EVP_aes_256_gcm")}


def libcrypto():
    library = ctypes.util.find_library("crypto")
    need(library, "libcrypto is not installed")
    found = ctypes.CDLL(library)
    for name in ("EVP_CIPHER_CTX_new", *(x[2] for x in SUITES.values())):
        getattr(found, name).restype = ctypes.c_void_p
    return found


class Forger:
    """The server's side of a connection whose records are made here, after a handshake of Python's ssl.

    So it can send what no library would: empty records, floods, messages at the wrong time.
    """

    def __init__(self, connection, version):
        self.connection = connection
        self.version = version
        self.crypto = libcrypto()
        self.sequence = 0
        keys = tempfile.mktemp(dir=scratch())
        made = context(version=version)
        made.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")     # of 1.2
        made.keylog_filename = keys
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        inner = made.wrap_bio(incoming, outgoing, server_side=True)
        sent = b""
        while True:
            try:
                inner.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            part = outgoing.read()
            sent += part
            connection.sendall(part)
            if done:
                break
            got = connection.recv(65536)
            if not got:
                raise OSError("the client went away")
            incoming.write(got)
        with open(keys, encoding="ascii") as file:
            secrets = {x.split()[0]: x.split()[1:] for x in file if not x.startswith("#")}
        self.digest, size, self.cipher = SUITES[inner.cipher()[0]]
        if version == ssl.TLSVersion.TLSv1_3:
            secret = bytes.fromhex(secrets["SERVER_TRAFFIC_SECRET_0"][1])
            self.key, self.iv = self.label(secret, b"key", size), self.label(secret, b"iv", 12)
            self.sequence = len(self.tickets(sent))
        else:
            client, master = map(bytes.fromhex, secrets["CLIENT_RANDOM"])
            server = sent[11:43]
            block = self.expand(master, b"key expansion" + server + client, 2 * size + 8)
            self.key, self.iv = block[size:2 * size], block[2 * size + 4:]
            self.sequence = 1   # after Finished

    def tickets(self, sent):
        """The records that followed the server's Finished: those of the last flight."""
        records, at = [], 0
        while at < len(sent):
            size = int.from_bytes(sent[at + 3:at + 5], "big")
            records.append(sent[at:at + 5 + size])
            at += 5 + size
        # ServerHello, change_cipher_spec, then EncryptedExtensions, Certificate, CertificateVerify and Finished.
        encrypted = [x for x in records if x[0] == DATA]
        return encrypted[4:]

    def expand(self, secret, seed, size):
        """PRF of RFC 5246, section 5."""
        out, a = b"", seed
        while len(out) < size:
            a = hmac.digest(secret, a, self.digest)
            out += hmac.digest(secret, a + seed, self.digest)
        return out[:size]

    def label(self, secret, label, size):
        """HKDF-Expand-Label of RFC 8446, section 7.1; one block is enough."""
        info = size.to_bytes(2, "big") + sized(1, b"tls13 " + label) + b"\0"
        return hmac.digest(secret, info + b"\1", self.digest)[:size]

    def seal(self, nonce, aad, text):
        """The text encrypted, and its tag."""
        context_ = ctypes.c_void_p(self.crypto.EVP_CIPHER_CTX_new())
        length = ctypes.c_int()
        out, tag = ctypes.create_string_buffer(len(text) + 16), ctypes.create_string_buffer(16)
        kind = ctypes.c_void_p(getattr(self.crypto, self.cipher)())
        crypto = self.crypto
        done = (crypto.EVP_EncryptInit_ex(context_, kind, None, self.key, nonce),
                crypto.EVP_EncryptUpdate(context_, None, ctypes.byref(length), aad, len(aad)),
                crypto.EVP_EncryptUpdate(context_, out, ctypes.byref(length), text, len(text)),
                crypto.EVP_EncryptFinal_ex(context_, tag, ctypes.byref(length)),
                crypto.EVP_CIPHER_CTX_ctrl(context_, 16, 16, tag))
        crypto.EVP_CIPHER_CTX_free(context_)
        assert all(done), done
        return out.raw[:len(text)] + tag.raw

    def encrypt(self, kind, body=b"", padding=0):
        """One record, the next one. padding: of TLS 1.3, zeros."""
        number = self.sequence.to_bytes(8, "big")
        self.sequence += 1
        if self.version == ssl.TLSVersion.TLSv1_3:
            text = body + bytes([kind]) + bytes(padding)
            head = bytes([DATA, 3, 3]) + (len(text) + 16).to_bytes(2, "big")
            nonce = bytes(a ^ b for a, b in zip(self.iv, bytes(4) + number))
            return head + self.seal(nonce, head, text)
        aad = number + bytes([kind, 3, 3]) + len(body).to_bytes(2, "big")
        return record(kind, number + self.seal(self.iv + number, aad, body))

    def flood(self, kind, body=b"", before=b"", **options):
        """Sends such records for ever, a thousand at once."""
        self.connection.sendall(before)
        while True:
            self.connection.sendall(b"".join(self.encrypt(kind, body, **options) for _ in range(1000)))


def forging(version, act):
    """A talk for Peer: the handshake, the request, then act(forger)."""
    def talk(connection, server):
        forger = Forger(connection, version)
        server.secured = True
        act(forger)
    return talk
