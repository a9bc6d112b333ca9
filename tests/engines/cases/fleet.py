# SPDX-License-Identifier: MIT
"""Many containers at once."""
import concurrent.futures
import contextlib

from suite import case, equal, image

MANY, WORKERS = 50, 10


@case(f"{MANY} containers run and are stopped at once, each with its own exit code", timeout=600.0)
def _(engine):
    def launch(number):
        container = engine.run(image(), "/usher", "--", "/witness", "catch", "--exit",
                               f"15:{number}")
        stack.callback(pool.submit, container.__exit__, None, None, None)
        return container
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool, contextlib.ExitStack() as stack:
        fleet = list(pool.map(launch, range(1, MANY + 1)))
        list(pool.map(lambda c: c.wait_log("ready"), fleet))
        engine.stop_all(fleet, 60)
        equal(list(pool.map(lambda c: c.wait(), fleet)), list(range(1, MANY + 1)), "exit codes")
