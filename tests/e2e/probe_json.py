# SPDX-License-Identifier: MIT
"""--json-field: bodies of real servers, of scripted ones, and random ones against Python's json."""
import decimal
import json
import os
import random
import time

from harness import CONFIG, equal, peer, run, scratch, test
from probe_lab import (Peer, SERVERS, expect, healthy, http, network, nginx, probe, replies, serve,
                       unhealthy)

LOCAL = "http://127.0.0.1:8080/healthz"
SPRING = b'{"status":"UP","components":{"db":{"status":"UP"},"disk.free":{"status":"DOWN"}}}'


def answering(body, *headers, status="200 OK"):
    network()
    return Peer(replies(http(status, body, headers), hold=True))


def fields(*texts):
    return [word for text in texts for word in ("--json-field", text)]


# --- what holds ---------------------------------------------------------------------------------

@test("json: a field that has the value is healthy")
def _():
    answering(SPRING)
    healthy(probe(*fields("status=UP", "components.db.status=UP", r"components.disk\.free.status=DOWN"), LOCAL),
            f"{LOCAL} 200 in Nms")


@test("json: the first field that does not hold is told, and nothing of the body")
def _():
    answering(b'{"status":"secret-word","n":7,"off":false,"nil":null}')
    for field, says in (("status=UP", "field 'status' is not 'UP'"), ("n=8", "field 'n' is not '8'"),
                        ("off", "field 'off' is false or null"), ("nil", "field 'nil' is false or null"),
                        ("db.ok", "field 'db.ok' is missing"), ("status.x", "field 'status.x' is missing")):
        unhealthy(probe(*fields("status", field, "other"), LOCAL), f"{LOCAL}: reply: {says}")


@test("json: items of lists, numbers by their value, strings with escapes")
def _():
    answering(br'{"checks":[{"name":"db","ok":true},{"name":"c\u00e4che \ud83d\ude00","ms":1.50e1}]}')
    healthy(probe(*fields("checks.0.ok=true", "checks.1.name=cäche 😀", "checks.1.ms=15", "checks.0"), LOCAL),
            f"{LOCAL} 200 in Nms")
    equal(probe(*fields("checks.2"), LOCAL)[0], 1)


@test("json: it holds together with --status and --contains")
def _():
    answering(SPRING, status="503 Down")
    unhealthy(probe(*fields("status=UP"), LOCAL), f"{LOCAL}: status 503, want 200-399")
    healthy(probe("--status", "503", "--contains", "disk", *fields("status=UP"), LOCAL), f"{LOCAL} 503 in Nms")
    unhealthy(probe("--status", "503", "--contains", "tape", *fields("status=UP"), LOCAL),
              f"{LOCAL}: reply: text not found 'tape'")
    equal(probe("--status", "503", "--contains", "disk", *fields("status=DOWN"), LOCAL)[0], 1)


@test("json: several checks of a call share the fields, and --not turns them round")
def _():
    network()
    Peer(replies(http(body=SPRING), hold=True))
    Peer(replies(http(body=b'{"status":"DOWN"}'), hold=True), ("127.0.0.1", 8081))
    code, out, _ = probe(*fields("status=UP"), ":8080/", ":8081/")
    equal(code, 1)
    assert out.startswith("unhealthy :8081/: reply: field 'status' is not 'UP'"), out
    equal(probe("--not", *fields("status=UP"), ":8081/")[0], 0)


# --- what is no JSON ----------------------------------------------------------------------------

@test("json: what is not JSON, cut short, followed by more, too deep or too long is unhealthy")
def _():
    network()
    bodies = []
    Peer(lambda connection, server: replies(http(body=bodies[-1]), hold=True)(connection, server))
    for body, says in ((b"<html>", "not JSON"), (b"", "JSON cut short"), (b'{"a":1', "JSON cut short"),
                       (b'{"a":1}}', "not JSON"), (b"{'a':1}", "not JSON"), (b'{"a":1,}', "not JSON"),
                       (b'{"a":01}', "not JSON"), (b'{"a":"\xff"}', "not JSON"), (b'{"a":NaN}', "not JSON"),
                       (b"[" * 65 + b"]" * 65, "JSON over 64 levels deep"),
                       (b'{"a":1}' + b" " * 262144, "JSON over 256 KiB")):
        bodies.append(body)
        unhealthy(probe(*fields("a"), LOCAL), f"{LOCAL}: reply: {says}")
    bodies.append(b'\xef\xbb\xbf {"a":1}' + b" " * (262144 - 11))
    healthy(probe(*fields("a"), LOCAL), f"{LOCAL} 200 in Nms")


@test("json: a document that is whole in a reply that is not is unhealthy")
def _():
    network()
    Peer(replies(b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a":1}'))
    unhealthy(probe(*fields("a"), LOCAL), f"{LOCAL}: reply: reply cut short")


@test("json: in chunks, up to the close, and byte by byte")
def _():
    network()
    wholes = [[b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{"a\r\n6\r\n":true\r\n1\r\n}\r\n0\r\n\r\n'],
              [b'HTTP/1.0 200 OK\r\n\r\n{"a":true}'],
              [bytes([c]) for c in http(body=b'{"a":true}')]]
    Peer(lambda connection, server: replies(*wholes.pop(0), pause=0.001)(connection, server))
    for _ in range(3):
        healthy(probe(*fields("a=true"), LOCAL), f"{LOCAL} 200 in Nms")


@test("json: a body that never ends is unhealthy at 256 KiB, a dripping one when the time is up")
def _():
    network()
    def endless(connection, server):
        server.read_request(connection)
        connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n{"a":"')
        while True:
            connection.sendall(b"x" * 4096)
    def drip(connection, server):
        server.read_request(connection)
        connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n[')
        while True:
            connection.sendall(b"1,")
            time.sleep(0.01)
    Peer(endless)
    Peer(drip, ("127.0.0.1", 8081))
    unhealthy(probe("-t", "9", *fields("a"), LOCAL), f"{LOCAL}: reply: JSON over 256 KiB")
    unhealthy(probe("-t", "300ms", *fields("a"), ":8081/"), ":8081/: reply: timed out")


# --- as an option -------------------------------------------------------------------------------

@test("json: a field that is none, a ninth, or a check that has no body is called wrongly")
def _():
    accepted = "accepted: PATH[=VALUE] such as status=UP, up to 256 bytes"
    for text in ("", "=UP", "a\\x", "a\\", "x" * 257):
        expect(probe("--json-field", text, ":1/"), 125, "",
               f"usher: --json-field: not a field '{text}'; {accepted}\n")
    expect(probe(*fields(*"abcdefghi"), ":1/"), 125, "",
           "usher: --json-field: one field too many: 'i'; accepted: up to 8\n")
    expect(probe(*fields("a"), "tcp://127.0.0.1:1", "redis://127.0.0.1"), 125, "",
           "usher: --json-field: no check of this call can use it; accepted: http://, :PORT/PATH\n")


@test("json: `wait` goes on when the body says so")
def _():
    network()
    bodies = [b'{"db":{"connected":false}}', b'{"db":{"connected":true}}']
    def talk(connection, server):
        replies(http(body=bodies[0] if len(bodies) == 1 else bodies.pop(0)), hold=True)(connection, server)
    Peer(talk)
    code, out, err = run("wait", "--interval", "10ms", *fields("db.connected=true"), LOCAL)
    equal(code, 0)
    assert "reply: field 'db.connected' is not 'true'" in err and out.startswith("healthy"), (out, err)


# --- real servers -------------------------------------------------------------------------------

@test("json: nginx, Python's http.server and Node serve what is found")
def _():
    network()
    folder = scratch("site")
    os.mkdir(folder)
    with open(os.path.join(folder, "health.json"), "w", encoding="utf-8") as file:
        json.dump({"status": "UP", "db": {"connected": True}, "n": [1, 2.5]}, file, indent=2)
    serve(nginx(f"server {{ listen 127.0.0.1:8080; root {folder}; gzip on; }}"), ("127.0.0.1", 8080))
    serve([peer("python3"), "-m", "http.server", "--bind", "127.0.0.1", "-d", folder, "8081"], ("127.0.0.1", 8081))
    script = ("require('http').createServer((q, r) => { r.write('{\"status\":\"U'); setTimeout(() => "
              "r.end('P\",\"db\":{\"connected\":true},\"n\":[1,25e-1]}'), 20) }).listen(8082, '127.0.0.1')")
    serve([peer("node"), "-e", script], ("127.0.0.1", 8082), cwd=CONFIG.scratch)
    urls = [f"http://127.0.0.1:{port}/health.json" for port in (8080, 8081, 8082)]
    code, out, err = probe(*fields("status=UP", "db.connected", "n.1=2.50"), *urls)
    equal((code, len(out.splitlines()), err), (0, 3, ""))


# --- against Python -----------------------------------------------------------------------------

KEYS = ["a", "b", "0", "1", "x.y", "e=f", "back\\slash", "", "ä"]


def random_value(rng, depth=0):
    kind = rng.randrange(7 if depth < 4 else 5)
    if kind == 0:
        return rng.choice([True, False, None])
    if kind == 1:
        return decimal.Decimal(rng.choice(["0", "1", "-1", "1.0", "10e-1", "2.5", "1e400", "123456789012345678901"]))
    if kind < 5:
        return rng.choice(["", "1", "true", "null", "UP", "a\"b", "new\nline", "😀"])
    if kind == 5:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(3))]
    return {rng.choice(KEYS): random_value(rng, depth + 1) for _ in range(rng.randrange(4))}


def written(value, rng):
    """The value as JSON, with blanks and escapes by chance."""
    blank = rng.choice(["", "", " ", "\n\t"])
    if isinstance(value, decimal.Decimal):
        text = str(value)
    elif isinstance(value, list):
        text = "[" + ",".join(written(x, rng) for x in value) + blank + "]"
    elif isinstance(value, dict):
        pairs = [json.dumps(k, ensure_ascii=rng.random() < .5) + blank + ":" + written(v, rng) for k, v in value.items()]
        pairs += rng.choices(pairs, k=1) if pairs and rng.random() < .1 else []
        text = "{" + ",".join(pairs) + "}"
    else:
        text = json.dumps(value, ensure_ascii=rng.random() < .5)
    return blank + text + blank


def random_path(rng, value):
    """Mostly one that is there."""
    path = []
    while len(path) < 4 and (not path or isinstance(value, (dict, list))) and rng.random() < .95:
        names = list(value) if isinstance(value, dict) else list(map(str, range(len(value)))) if isinstance(value, list) else []
        name = rng.choice(names) if names and rng.random() < .95 else rng.choice(KEYS)
        value = value.get(name) if isinstance(value, dict) else value[int(name)] if name in names else None
        path.append(name)
    return path


def escaped(name):
    return name.replace("\\", "\\\\").replace(".", "\\.").replace("=", "\\=")


def holds(document, path, wanted):
    value = document
    for name in path:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name in [str(i) for i in range(len(value))]:
            value = value[int(name)]
        else:
            return False
    if wanted is None:
        return value is not None and value is not False
    if isinstance(value, str):
        return value == wanted
    if isinstance(value, (bool, type(None))):
        return json.dumps(value) == wanted
    if isinstance(value, decimal.Decimal):
        return wanted[:1].isdigit() and value == decimal.Decimal(wanted)
    return False


@test("json: of 300 random documents each field holds that holds for Python's json")
def _():
    network()
    rng = random.Random(16)
    bodies = []
    Peer(lambda connection, server: replies(http(body=bodies[-1]), hold=True)(connection, server))
    held = 0
    for _ in range(300):
        body = written({key: random_value(rng) for key in rng.sample(KEYS, 3)}, rng).encode()
        document = json.loads(body, parse_int=decimal.Decimal, parse_float=decimal.Decimal)
        path = random_path(rng, document)
        wanted = rng.choice([None, None, "1", "1.00", "true", "null", "UP", "", "😀", "2.5", "1e400"])
        if path in ([], [""]):
            continue      # an empty path is refused
        bodies.append(body)
        expected = holds(document, path, wanted)
        held += expected
        field = ".".join(map(escaped, path)) + ("" if wanted is None else "=" + wanted)
        code, out, err = probe("-t", "20", *fields(field), LOCAL)
        assert code == (0 if expected else 1) and not err, (body, field, expected, out, err)
    assert held > 20, held
