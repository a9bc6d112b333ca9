# SPDX-License-Identifier: MIT
"""redis://, postgres:// and mysql://: Debian's own servers in the states that matter."""
import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

from harness import CONFIG, add, background, children, equal, need, peer, run, scratch, start, test, wait_for
from probe_lab import (Peer, SERVERS, TLS_ALERT, healthy, is_listening, network, probe, timed, unhealthy,
                       untimed)

sys.path.insert(0, SERVERS)
import databases  # noqa: E402

SECRET = "s3cr3t@/:%41"
REDIS, POSTGRES, MYSQL = ("127.0.0.1", 6379), ("127.0.0.1", 5432), ("127.0.0.1", 3306)


def data_folder(name, init):
    """A folder of this test's own, copied from one that was made once for all tests of this run."""
    model = os.path.join(CONFIG.tools, f"data-{name}")
    with open(model + ".lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(model):
            databases.give_away(model + ".new")
            done = subprocess.run(init(model + ".new"), capture_output=True, text=True, timeout=120, check=False,
                                  cwd="/", stdin=subprocess.DEVNULL)
            need(done.returncode == 0, f"{name}: {done.stdout[-300:]} {done.stderr[-300:]}")
            os.rename(model + ".new", model)
    folder = scratch(name)
    databases.give_away(os.path.dirname(folder))
    subprocess.run(["cp", "-a", model, folder], check=True)
    return folder


class Log:
    """What a server says, in a file: a line that it wrote before it answered is there when the answer is."""

    def __init__(self):
        self.descriptor, self.path = tempfile.mkstemp(dir=CONFIG.scratch)
        self.seen = 0

    @property
    def text(self):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def news(self):
        """What came since the last look."""
        text = self.text
        news, self.seen = text[self.seen:], len(text)
        return news


@contextlib.contextmanager
def running(command, way_to_end=signal.SIGKILL, **options):
    """A server; it and its children are gone at the end."""
    log = Log()
    server = background(*command, stdout=log.descriptor, stderr=subprocess.STDOUT, **options)
    os.close(log.descriptor)
    server.log = log
    try:
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(server.pid, way_to_end)
        server.wait(60)


@contextlib.contextmanager
def full(is_full, *command):
    """As many clients as there is room for. A place may come free after one was turned away."""
    started = []

    def filled():
        if is_full():
            return True
        started.append(background(*command))
        return False
    try:
        wait_for(filled, "it is full", 30)
        yield
    finally:
        for client in started:
            client.kill()
            client.wait()


@contextlib.contextmanager
def redis(*options, port=6379):
    need(shutil.which("redis-server"), "redis-server is not installed")
    folder = scratch("redis")
    os.makedirs(folder, exist_ok=True)
    with running(databases.redis(folder, port, *options)) as server:
        wait_for(lambda: is_listening(REDIS), "redis listens")
        yield server


def redis_cli(*words):
    return subprocess.run([peer("redis-cli"), *words], capture_output=True, text=True, timeout=30, check=True,
                          stdin=subprocess.DEVNULL).stdout


@contextlib.contextmanager
def postgres(*settings, folder=None, accepting=True):
    need(databases.postgres_program("postgres"), "postgresql is not installed")
    folder = folder or data_folder("postgres", databases.init_postgres)
    with running(databases.postgres(folder, 5432, *settings), signal.SIGQUIT, cwd="/") as server:
        server.folder = folder
        wait_for(lambda: is_listening(POSTGRES), "postgres listens", 60)
        if accepting:
            wait_for(lambda: accepts(server), "postgres accepts", 60)
        yield server


def accepts(server):
    """Whether a client is let in."""
    return subprocess.run([databases.postgres_program("pg_isready"), "-q", "-h", server.folder], check=False,
                          stdin=subprocess.DEVNULL).returncode == 0


def sql(server, text):
    return subprocess.run([databases.postgres_program("psql"), "-h", server.folder, "-U", "postgres", "-qAtc", text],
                          capture_output=True, text=True, timeout=60, check=True, stdin=subprocess.DEVNULL).stdout


@contextlib.contextmanager
def mariadb(*options, users="", folder=None):
    need(os.path.exists("/usr/sbin/mariadbd") and shutil.which("mariadb-install-db"), "mariadb-server is not installed")
    folder = folder or data_folder("mariadb", databases.init_mariadb)
    with running(databases.mariadb(folder, 3306, *options), cwd="/") as server:
        server.folder = folder
        wait_for(lambda: is_listening(f"{folder}/s.sock"), "mariadbd listens", 60)
        if users:
            mysql(server, users)
        yield server


def mysql(server, text):
    return subprocess.run(["mariadb", "--no-defaults", "-S", f"{server.folder}/s.sock", "-u", "root", "-Ne", text],
                          capture_output=True, text=True, timeout=60, check=True, stdin=subprocess.DEVNULL).stdout


@contextlib.contextmanager
def stopped(pid):
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def hides(result):
    """The result, which does not show the password."""
    for text in result[1:]:
        assert SECRET not in text and "s3cr3t" not in text, text
    return result


# --- Redis --------------------------------------------------------------------------------------

@test("databases: redis that is up is healthy, by TCP and over its socket, and logs nothing")
def _():
    network()
    with redis("--unixsocket", scratch("r.sock")) as server:
        redis_cli("ping")
        server.log.news()
        for check in ("redis://127.0.0.1", "redis://:6379", "redis://localhost/3", f"redis://unix:{scratch('r.sock')}"):
            healthy(probe(check), f"{check} PONG in Nms")
        equal(server.log.news(), "")


@test("databases: redis that wants a password is alive without it, and says which it was not")
def _():
    network()
    env = {"PW": SECRET, "URL": "redis://:s3cr3t%40%2F%3A%2541@127.0.0.1", "BAD": "s3cr3t"}
    shown = "redis://127.0.0.1"
    with redis("--requirepass", SECRET, "--user", "bob", "on", ">b0b", "+ping", "~*"):
        healthy(probe(shown), f"{shown} NOAUTH: wants a password in Nms")
        healthy(hides(probe("redis://:${PW}@127.0.0.1", env=env)), f"{shown} PONG in Nms")
        healthy(hides(probe("redis://default:${PW}@127.0.0.1", env=env)), f"{shown} PONG in Nms")
        healthy(hides(probe("${URL}", env=env)), f"{shown} PONG in Nms")
        healthy(probe("redis://bob:${B}@127.0.0.1", env={"B": "b0b"}), f"{shown} PONG in Nms")
        unhealthy(hides(probe("redis://:${BAD}@127.0.0.1", env=env)), f"{shown}: WRONGPASS")
        # One in the check itself is warned of, where somebody may look.
        code, out, err = hides(probe("-v", "redis://:s3cr3t%40%2F%3A%2541@127.0.0.1"))
        equal((code, untimed(out)), (0, f"healthy {shown} PONG in Nms\n"))
        says = f"warning: the password of {shown} can be read in /proc and by inspect; write ${{NAME}} in its place"
        assert says in err, err


@test("databases: redis that loads its data, or is a replica without a master, is unhealthy")
def _():
    network()
    check = "redis://127.0.0.1"
    with redis("--enable-debug-command", "yes"):
        redis_cli("debug", "populate", "100000")
        redis_cli("save")
    with redis("--key-load-delay", "300", "--loading-process-events-interval-bytes", "1024"):
        unhealthy(probe(check), f"{check}: LOADING Redis is loading the dataset in memory")
        waiter = start("wait", "-t", "100", check, "--", peer("redis-cli"), "dbsize")
        waiter.err.expect("waiting: unhealthy .*LOADING")
        redis_cli("config", "set", "key-load-delay", "0")
        # An open port was not enough: what is asked then is answered.
        waiter.out.expect("^100000$", 90)
    os.unlink(scratch("redis", "dump.rdb"))
    with redis("--replicaof", "127.0.0.1 1", "--replica-serve-stale-data", "no"):
        code, out, _ = probe(check)
        equal(code, 1)
        assert out.startswith(f"unhealthy {check}: MASTERDOWN Link with MASTER is down"), out


@test("databases: redis that is busy, full, stopped, gone or speaks TLS alone is unhealthy")
def _():
    network()
    check = "redis://127.0.0.1"
    unhealthy(probe(check), f"{check}: connect: Connection refused")
    with redis("--maxclients", "3", "--lua-time-limit", "50") as server:
        with stopped(server.pid):
            unhealthy(probe("-t", "300ms", check), f"{check}: reply: timed out")
        held = []

        def full_up():
            if probe(check)[1] == f"unhealthy {check}: ERR max number of clients reached\n":
                return True
            held.append(socket.create_connection(REDIS))
            return False
        wait_for(full_up, "it is full")
        for client in held:
            client.close()
        wait_for(lambda: probe(check)[0] == 0, "there is room")
        script = socket.create_connection(REDIS)
        script.sendall(b"EVAL 'while true do end' 0\r\n")
        wait_for(lambda: probe(check)[1].startswith(f"unhealthy {check}: BUSY "), "it is busy")
    subprocess.run([peer("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout",
                    scratch("k"), "-out", scratch("c")], check=True, capture_output=True)
    with redis("--tls-port", "6379", "--tls-cert-file", scratch("c"), "--tls-key-file", scratch("k"),
               "--tls-ca-cert-file", scratch("c"), port=0):
        code, out, _ = probe("-t", "2", check)
        equal(code, 1)
        assert re.search(r"TLS|reset by peer", out), out


# --- PostgreSQL ---------------------------------------------------------------------------------

@test("databases: postgres that is up is healthy, and its log stays clean", timeout=120)
def _():
    network()
    with postgres() as server:
        server.log.news()
        for check in ("postgres://127.0.0.1", "postgresql://:5432/postgres?sslmode=disable",
                      f"postgres://postgres@unix:{server.folder}/.s.PGSQL.5432:/postgres"):
            healthy(probe(check), f"{check.replace('postgres@', '').partition('?')[0]} in Nms")
        healthy(hides(probe("postgres://postgres:${PW}@127.0.0.1", env={"PW": SECRET})), "postgres://127.0.0.1 in Nms")
        equal(server.log.news(), "")
        # What an operator sees of a role or a database that is not there: docs/databases.md says to name one that is.
        for check, shown, says in (("postgres://nobody@127.0.0.1", "postgres://127.0.0.1", 'role "nobody"'),
                                   ("postgres://127.0.0.1/none", "postgres://127.0.0.1/none", 'database "none"')):
            healthy(probe(check), f"{shown} in Nms")
            wait_for(lambda says=says: f"FATAL:  {says} does not exist" in server.log.text, says)


@test("databases: postgres that wants a password, or TLS, takes connections", timeout=120)
def _():
    network()
    with postgres() as server:
        sql(server, f"create role app login password '{SECRET}'")
        with open(os.path.join(server.folder, "pg_hba.conf"), "w", encoding="ascii") as file:
            file.write("local all all trust\nhost all app 127.0.0.1/32 scram-sha-256\n"
                       "hostssl all all 127.0.0.1/32 trust\n")
        sql(server, "select pg_reload_conf()")
        wait_for(lambda: "pg_hba.conf" in probe("postgres://127.0.0.1")[1], "the rules are read")
        code, out, _ = probe("postgres://127.0.0.1")
        equal(code, 0)
        assert out.startswith("healthy postgres://127.0.0.1 28000 no pg_hba.conf entry for host"), out
        server.log.news()
        for check in ("postgres://app@127.0.0.1", "postgres://app@127.0.0.1/app"):
            healthy(probe(check), f"{check.replace('app@', '')} in Nms")
        equal(server.log.news(), "")


@test("databases: postgres in recovery is unhealthy, and --wait-for waits until that is over", timeout=180)
def _():
    network()
    need(databases.postgres_program("postgres"), "postgresql is not installed")
    folder = data_folder("postgres", databases.init_postgres)
    with open(os.path.join(folder, "standby.signal"), "w", encoding="ascii"):
        pass
    check = "postgres://127.0.0.1"
    with postgres("hot_standby=off", "primary_conninfo=", folder=folder, accepting=False) as server:
        wait_for(lambda: "57P03" in probe(check)[1], "it recovers", 60)
        code, out, _ = probe(check)
        equal(code, 1)
        assert re.fullmatch(f"unhealthy {check}: 57P03 the database system is (starting up|not accepting "
                            r"connections|not yet accepting connections)\n", out), out
        waiter = start("--wait-for", check, "--wait-timeout", "100", "--", "echo", "started")
        waiter.err.expect("waiting: unhealthy .*57P03")
        subprocess.run([*databases.NOBODY, databases.postgres_program("pg_ctl"), "promote", "-W", "-D", folder],
                       check=True, capture_output=True, cwd="/")
        waiter.out.expect("started", 90)
        # An open port was not enough: now a client is let in at once.
        equal(sql(server, "select 1"), "1\n")


@test("databases: postgres that recovers from a crash is waited for until it takes queries", timeout=300)
def _():
    network()
    with postgres("checkpoint_timeout=1h", "max_wal_size=4GB") as server:
        sql(server, "create table t as select g, md5(g::text) from generate_series(1, 200000) g; create index on t (md5)")
        for pid in [*children(server.pid), server.pid]:
            with contextlib.suppress(ProcessLookupError):   # the server ends its children when one has crashed
                os.kill(pid, signal.SIGKILL)
        server.wait(60)
    wait_for(lambda: not is_listening(POSTGRES), "the port is closed")
    os.unlink(os.path.join(server.folder, "postmaster.pid"))
    with running(databases.postgres(server.folder, 5432), signal.SIGQUIT, cwd="/"):
        code, out, err = run("wait", "-t", "100", "--interval", "1ms", "postgres://127.0.0.1", "--",
                             databases.postgres_program("psql"), "-h", "127.0.0.1", "-U", "postgres", "-Atc",
                             "select count(*) from t", deadline=150)
        equal((code, out), (0, "200000\n"), err)


@test("databases: postgres that is full is up, one that shuts down or hangs is not", timeout=180)
def _():
    network()
    check = "postgres://127.0.0.1"
    with postgres("max_connections=4", "superuser_reserved_connections=0", "max_wal_senders=0") as server:
        with full(lambda: "53300" in probe(check)[1], databases.postgres_program("psql"), "-h", server.folder, "-U",
                  "postgres", "-c", "select pg_sleep(600)"):
            healthy(probe(check), f"{check} 53300 sorry, too many clients already in Nms")
            with stopped(server.pid):
                unhealthy(probe("-t", "300ms", check), f"{check}: reply: timed out")
            os.kill(server.pid, signal.SIGTERM)      # it waits for the clients
            wait_for(lambda: "shutting down" in probe(check)[1], "it shuts down")
            unhealthy(probe(check), f"{check}: 57P03 the database system is shutting down")
    unhealthy(probe(check), f"{check}: connect: Connection refused")


# --- MariaDB, MySQL -----------------------------------------------------------------------------

USERS = ("create user health@'%'; create user app@'%' identified by 'x'; create user tls@'%' require ssl; "
         "create user locked@'%' account lock; ")
ABORTED = ("select sum(variable_value) from information_schema.global_status "
           "where variable_name in ('aborted_connects', 'aborted_clients')")


@test("databases: mariadb that is up is healthy, and a user of its own leaves nothing in its log", timeout=180)
def _():
    network()
    with mariadb("--skip-name-resolve", users=USERS) as server:
        server.log.news()
        before = mysql(server, ABORTED)
        for check in ("mysql://health@127.0.0.1", "mysql://health@:3306/shop",
                      f"mysql://health@unix:{server.folder}/s.sock", *["mysql://health@127.0.0.1"] * 5):
            healthy(probe(check), f"{check.replace('health@', '')} in Nms")
        equal((server.log.news(), mysql(server, ABORTED)), ("", before))


@test("databases: mariadb that denies the access is up, and its log says so", timeout=180)
def _():
    network()
    with mariadb("--skip-name-resolve", users=USERS) as server:
        for user, says in (("app", "1045 Access denied for user 'app'"), ("tls", "1045 Access denied for user 'tls'"),
                           ("locked", "4151 Access denied, this account is locked")):
            code, out, _ = probe(f"mysql://{user}@127.0.0.1")
            equal(code, 0)
            assert out.startswith(f"healthy mysql://127.0.0.1 {says}"), out
        equal(probe("mysql://127.0.0.1")[0], 0)
        wait_for(lambda: "Access denied for user 'app'@" in server.log.text, "the log says so")


@test("databases: probes that are denied do not block the host", timeout=180)
def _():
    network()
    with mariadb("--skip-name-resolve", "--max-connect-errors=2", users=USERS) as server:
        mysql(server, "install soname 'auth_ed25519'; create user ed@'%' identified via ed25519 using password('x')")
        for user in ("app", "ed", "none", ""):
            for _ in range(4):
                code, out, err = probe(f"mysql://{user}@127.0.0.1")
                equal((code, err), (0, ""), f"{user}: {out}")
        equal(probe("mysql://health@127.0.0.1")[0], 0)


@test("databases: mariadb that is full, hangs or has no network is unhealthy", timeout=180)
def _():
    network()
    check, shown = "mysql://health@127.0.0.1", "mysql://127.0.0.1"
    with mariadb("--skip-name-resolve", "--max-connections=10", users=USERS) as server:
        with stopped(server.pid):
            unhealthy(probe("-t", "300ms", check), f"{shown}: reply: timed out")
        with full(lambda: probe(check) == (1, f"unhealthy {shown}: 1040 Too many connections\n", ""), "mariadb", "--no-defaults", "-S", f"{server.folder}/s.sock", "-u",
                  "health", "-e", "select sleep(600)"):
            pass
        wait_for(lambda: probe(check)[0] == 0, "there is room")
    with mariadb("--skip-networking", folder=server.folder):
        unhealthy(probe(check), f"{shown}: connect: Connection refused")
        equal(probe(f"mysql://health@unix:{server.folder}/s.sock")[0], 0)


@test("databases: mariadb that wants TLS is up", timeout=180)
def _():
    network()
    with mariadb("--skip-name-resolve", "--require-secure-transport=ON", users=USERS):
        code, out, _ = probe("mysql://health@127.0.0.1")
        equal(code, 0)
        assert re.match(r"healthy mysql://127.0.0.1 (1045|3159) ", out), out


def greeting(version=b"8.0.36", plugin=b"caching_sha2_password"):
    """MySQL 8's: protocol 10."""
    body = (b"\x0a" + version + b"\0" + b"\x08\0\0\0" + b"A" * 8 + b"\0" + b"\xff\xff" + b"\xff" + b"\x02\0" +
            b"\xff\xdf" + b"\x15" + bytes(10) + b"B" * 12 + b"\0" + plugin + b"\0")
    return packet(0, body)


def packet(number, body):
    return len(body).to_bytes(3, "little") + bytes([number]) + body


def read_packet(connection):
    head = connection.recv(4, socket.MSG_WAITALL)
    return connection.recv(int.from_bytes(head[:3], "little"), socket.MSG_WAITALL)


@test("databases: MySQL 8's change of the authentication method is an answer, and is answered")
def _():
    network()
    heard = []
    def talk(connection, _server):
        connection.sendall(greeting())
        heard.append(read_packet(connection))
        connection.sendall(packet(2, b"\xfecaching_sha2_password\0" + b"C" * 20 + b"\0"))
        heard.append(read_packet(connection))
        connection.sendall(packet(4, b"\xff\x15\x04#28000Access denied for user 'x'@'y'"))
        heard.append(read_packet(connection))
        heard.append(connection.recv(100))
    Peer(talk, MYSQL)
    healthy(probe("mysql://me@127.0.0.1"), "mysql://127.0.0.1 in Nms")
    wait_for(lambda: len(heard) == 4, "the end")
    assert b"\0me\0" in heard[0], heard
    equal(heard[1:], [b"", b"\x01", b""])      # an empty password, COM_QUIT for who lets us in, the end


# --- hostile servers ----------------------------------------------------------------------------

def says(*parts, after_request=True, then=lambda connection: None):
    def talk(connection, _server):
        if after_request:
            connection.recv(4096)
        for part in parts:
            connection.sendall(part)
        then(connection)
    return talk


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def flood(part):
    """Without an end; whoever reads must end it."""
    def talk(connection, _server):
        while True:
            connection.sendall(part * 500)
    return talk


HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
GREETING = greeting()
KINDS = {"redis": (REDIS, "not a Redis reply", b"+PONG\r\n"),
         "postgres": (POSTGRES, "not a PostgreSQL reply", b"R\0\0\0\x08\0\0\0\0"),
         "mysql": (MYSQL, "not a MySQL greeting", GREETING)}
CLOSED = "closed without a reply (does it speak TLS?)"
RESET = "Connection reset by peer"
TLS = "the peer speaks TLS, not plaintext"


def hostile():
    for kind, (address, foreign, good) in KINDS.items():
        first = kind != "mysql"      # who speaks first
        yield kind, "closes", says(after_request=first), {CLOSED}
        yield kind, "resets before a word", says(after_request=first, then=reset), {RESET, CLOSED}
        yield kind, "is cut short", says(good[:-2], after_request=first), {"reply cut short"}
        yield kind, "resets in a word", says(good[:-2], after_request=first, then=reset), {RESET, "reply cut short"}
        yield kind, "speaks HTTP", says(HTTP, after_request=first), {foreign}
        yield kind, "speaks TLS", says(TLS_ALERT, after_request=first), {TLS}
        yield kind, "talks garbage", says(bytes(range(128, 256)), after_request=first), {foreign}
        yield kind, "floods with zeros", flood(bytes(64)), {foreign}
        yield kind, "floods with text", flood(b"-" + b"x" * 63), {foreign, "x" * 20}
    yield "redis", "sends a bulk reply", says(b"$4\r\nPONG\r\n"), {"not a Redis reply"}
    yield "redis", "sends a list without end", says(b"*2147483647\r\n"), {"not a Redis reply"}
    yield "postgres", "sends notices without end", flood(b"N\0\0\0\x08Mx\0\0"), {"not a PostgreSQL reply"}
    yield "postgres", "claims a huge message", says(b"R\x7f\xff\xff\xff"), {"not a PostgreSQL reply"}
    yield "postgres", "claims a tiny message", says(b"R\0\0\0\0"), {"not a PostgreSQL reply"}
    yield "mysql", "claims a huge packet", says(b"\xff\xff\xff\0\x0a", after_request=False), {"not a MySQL greeting"}
    yield "mysql", "greets in protocol 9", says(packet(0, b"\x09" + b"x" * 40), after_request=False), {"not a MySQL greeting"}
    yield "mysql", "answers a login with a greeting", says(GREETING, GREETING, after_request=False), {"not a MySQL greeting"}
    yield "mysql", "closes after its greeting", says(GREETING, after_request=False), {"reply cut short", RESET}


for _kind, _what, _talk, _reasons in hostile():
    def bears(kind=_kind, talk=_talk, reasons=_reasons):
        network()
        Peer(talk, KINDS[kind][0])
        seconds, (code, out, err) = timed(probe, "-t", "20", f"{kind}://127.0.0.1")
        equal((code, err), (1, ""))
        assert any(reason in out for reason in reasons), out
        assert seconds < 10, f"only the deadline ended it: {seconds} s"
    add(f"databases: a {_kind} server that {_what} is unhealthy, with a reason", bears, __name__)


# --- what is none -------------------------------------------------------------------------------

@test("databases: `probe` refuses a server elsewhere, `wait` does not")
def _():
    network()
    code, out, _ = probe("redis://10.1.2.3")
    equal((code, out), (125, "unhealthy redis://10.1.2.3: not this container's own address: 10.1.2.3 "
                             "(--allow-remote permits it)\n"))
    code, _, err = run("wait", "-t", "50ms", "--interval", "10ms", "redis://10.1.2.3")
    equal(code, 124)
    assert "Network is unreachable" in err or "timed out" in err, err


@test("databases: what is not set, or no check, is called wrongly and shows no password")
def _():
    for check in (f"redis://:{SECRET}@db:x", f"redis://:{SECRET}@", f"redis://:{SECRET}@[::1", f"mysql://{SECRET}@a b",
                  f"postgres://u:{SECRET}@h:70000", "redis://:${NOT_SET}@db"):
        result = hides(probe(check, env={"PW": SECRET}))
        if check != f"redis://:{SECRET}@":
            equal((result[0], result[1]), (125, ""), check)
            equal(len(result[2].splitlines()), 1, check)
    for text in (f"redis://:${{PW}}@db:${{PW}}", "redis://${PW}"):
        code, out, _ = probe(text, env={"PW": "a b"})
        equal((code, out), (125, ""))
