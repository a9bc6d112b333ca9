# SPDX-License-Identifier: MIT
"""An entrypoint that calls gosu, which is usher."""
import bases
import example
import harness
from engines import LONG
from harness import equal, wait_for
from suite import case


# KILL is for usher, which stays root and is to signal what has become another user.
RIGHTS = ["--cap-drop=ALL", *(f"--cap-add={x}" for x in ("CHOWN", "DAC_OVERRIDE", "KILL", "SETGID", "SETUID"))]


@case("an entrypoint of the usual kind starts PostgreSQL as its user by a gosu that is usher", **example.BUILDS)
def _(engine):
    base = example.base(engine, "postgres", bases.postgres)
    image = example.build(engine, __file__, POSTGRES=base)
    with engine.run_built(image, words=["--tmpfs=/data", "--security-opt=no-new-privileges", *RIGHTS]) as container:
        wait_for(lambda: container.exec("/usr/local/bin/usher", "probe", "postgres://unix:/tmp/.s.PGSQL.5432")[0] == 0,
                 "PostgreSQL is ready", LONG)
        server, = harness.children(container.pid)
        equal((harness.comm(server), harness.proc_status(server)["Uid"].split()), ("postgres", ["999"] * 4), "the server")
        container.stop(60)
        equal(container.wait(), 0, "the exit code")
