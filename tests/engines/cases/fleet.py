# SPDX-License-Identifier: MIT
"""Many containers at once."""
import concurrent.futures
import contextlib

from suite import case, equal, image

MANY = 50


@contextlib.contextmanager
def fleet_of(engine, pool):
    """The containers, in the order of the exit codes that they give; all are removed at the end."""
    def launch(number):
        return engine.run(image(), "/usher", "--", "/witness", "catch", "--exit", f"15:{number}")
    launched = [pool.submit(launch, number) for number in range(1, MANY + 1)]
    concurrent.futures.wait(launched)   # one that fails must not hide those that run
    try:
        yield [future.result() for future in launched]
    finally:
        list(pool.map(engine.remove, [f.result() for f in launched if not f.exception()]))


@case(f"{MANY} containers start, run and are stopped at once, each with its own exit code",
      timeout=600.0)
def _(engine):
    with concurrent.futures.ThreadPoolExecutor(MANY) as pool, fleet_of(engine, pool) as fleet:
        list(pool.map(lambda c: c.wait_log("ready"), fleet))
        engine.stop_all(fleet, 60)
        equal(list(pool.map(lambda c: c.wait(), fleet)), list(range(1, MANY + 1)), "exit codes")
