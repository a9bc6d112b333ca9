# SPDX-License-Identifier: MIT
"""A migration that waits for a real PostgreSQL server."""
import bases
import example
import suite
from harness import equal
from suite import case


def server(engine, base, port):
    """PostgreSQL on a new data folder in memory."""
    start = ("initdb --auth=trust --no-sync --locale=C --encoding=UTF8 --pgdata=/tmp/data >/dev/null && "
             f"exec postgres -D /tmp/data -k /tmp -h 127.0.0.1 -p {port} -c fsync=off")
    return engine.run_built(base, "sh", "-c", start, user="999:999", network="host", words=["--tmpfs=/tmp"])


@case("a migration starts when PostgreSQL is there, and not before", **example.BUILDS)
def _(engine):
    base = example.base(engine, "postgres", bases.postgres)
    image = example.build(engine, __file__, POSTGRES=base)
    example.check_configuration(engine, image)
    port = suite.free_port()
    database = {"PGHOST": "127.0.0.1", "PGPORT": port, "PGUSER": "postgres"}
    with example.run(engine, image, env=database, memory=64, pids=16, network="host") as migration:
        migration.wait_log("Connection refused")
        equal(migration.probe("ready:"), 1, "ready: while it waits")
        with server(engine, base, port):
            equal(migration.wait(), 0, "the exit code")
            assert "migrated" in migration.logs(), migration.logs()


@case("a migration without a database ends with 124 when its time is up", **example.BUILDS)
def _(engine):
    base = example.base(engine, "postgres", bases.postgres)
    image = example.build(engine, __file__, POSTGRES=base)
    variables = {"PGHOST": "127.0.0.1", "PGPORT": suite.free_port(), "USHER_WAIT_TIMEOUT": "1s"}
    with example.run(engine, image, env=variables, network="host") as migration:
        equal(migration.wait(), 124, "the exit code")
