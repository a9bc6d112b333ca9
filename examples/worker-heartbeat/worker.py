# SPDX-License-Identifier: MIT
"""Works in rounds. On TERM it finishes the round that it has begun, and ends with 0."""
import os
import pathlib
import signal
import threading

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
heartbeat = pathlib.Path(os.environ["HEARTBEAT"])

rounds = 0
while not stop.is_set():
    rounds += 1         # the work goes here
    heartbeat.touch()   # after the work: a round that hangs stops the heartbeat
    stop.wait(0.2)
print(f"stopped after {rounds} rounds")
