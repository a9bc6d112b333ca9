# SPDX-License-Identifier: MIT
"""The program's end becomes usher's exit status."""
from harness import both, equal, run, test, witness

# These do not end a program by default: CHLD CONT STOP TSTP TTIN TTOU URG WINCH.
DEADLY = [n for n in range(1, 65) if n not in (17, 18, 19, 20, 21, 22, 23, 28)]


@both("all 256 exit codes are usher's own")
def _(pid1):
    for code in range(256):
        equal(run("--", *witness("exit", code), pid1=pid1)[0], code, f"status for {code}")


@both("a program that signal N ended gives 128+N")
def _(pid1):
    for sig in DEADLY:
        status, _, err = run("--", *witness("die", sig), pid1=pid1)
        equal(status, 128 + sig, f"status after signal {sig}, stderr {err!r}")


@test("an exit status that is not named in --remap-exit stays")
def _():
    equal(run("-e", "3:7", "--", *witness("exit", 4))[0], 4)


@test("--remap-exit FROM:TO reports TO")
def _():
    for words in (["-e", "3:7"], ["-e3:7"], ["--remap-exit", "3:7"], ["--remap-exit=3:7"]):
        equal(run(*words, "--", *witness("exit", 3))[0], 7, f"status with {words}")


@test("--remap-exit FROM reports 0")
def _():
    equal(run("-e", "143", "--", *witness("die", 15))[0], 0)


@test("--remap-exit may be repeated, up to every status there is")
def _():
    words = [word for n in range(256) for word in ("-e", f"{n}:{255 - n}")]
    for code in (0, 1, 100, 127, 128, 254, 255):
        equal(run(*words, "--", *witness("exit", code))[0], 255 - code, f"status for {code}")


@test("--remap-exit does not remap what it has remapped")
def _():
    equal(run("-e", "1:2", "-e", "2:3", "--", *witness("exit", 1))[0], 2)


@test("--remap-exit applies to a program ended by a signal")
def _():
    equal(run("-e", "137:9", "--", *witness("die", 9))[0], 9)
