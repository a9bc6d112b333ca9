# SPDX-License-Identifier: MIT
"""What a pod may not do, it does not need."""
from lab import case, container, run


@case("usher runs with all that the restricted profile takes away")
def _():
    pod = run(container())
    print(pod.processes(), pod.events(), pod.exec("/usher", "status"))
