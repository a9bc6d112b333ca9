# SPDX-License-Identifier: MIT
"""A script that forks and forgets: what goes wrong without usher, and what usher repairs."""
import bases
import engines
import example
import harness
from harness import equal, wait_for
from suite import case


def start(engine, **options):
    base = example.base(engine, "shell", bases.shell)
    image = example.build(engine, __file__, DEBIAN=base)
    example.check_configuration(engine, image)
    return example.run(engine, image, memory=64, words=["--tmpfs=/tmp"], **options)


def zombies(container):
    return sum(harness.proc_state(pid) == "Z" for pid in harness.children(container.pid))


def helper_runs(container):
    wait_for(lambda: container.exec("cat", "/tmp/helper.pid")[0] == 0, "the helper runs", engines.LONG)


@case("without usher: orphans stay as zombies, TERM is lost, the helper is never told", **example.BUILDS)
def _(engine):
    script = ["sh", "/app/entrypoint.sh"]
    with start(engine, entrypoint=[*script, "sleep", "infinity"]) as container:
        helper_runs(container)
        wait_for(lambda: zombies(container) >= 5, "zombies gather", engines.LONG)
        container.stop(2)
        equal(container.wait(), 137, "the exit code: the engine had to kill it")
        assert "work saved" not in container.logs(), container.logs()


@case("with usher: no zombie stays, TERM ends the program, the helper hears of it once and saves its work", **example.BUILDS)
def _(engine):
    with start(engine) as container:
        helper_runs(container)
        example.becomes(container, "healthy")
        # The orphans' number is as great as without usher; none is there for longer than a moment.
        for _ in range(20):
            wait_for(lambda: zombies(container) == 0, "no zombie", engines.LONG)
        container.stop()
        equal(container.wait(), 143, "the exit code: TERM ended the program")
        equal(container.logs().count("work saved"), 1, "the helper saved its work: a second TERM would cut it")
