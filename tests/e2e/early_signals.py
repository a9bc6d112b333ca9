# SPDX-License-Identifier: MIT
"""No signal is lost in the start-up window. (The first of the twenty bugs.)

300 starts, each with one signal, sent 0 to 3 ms after the exec. A signal that comes before main may
end usher itself: that is no loss. As PID 1 the kernel drops what comes before main has blocked it,
so there the offsets count from the moment from which usher has every signal blocked.
"""
import re
import subprocess

from harness import CONFIG, base_environment, equal, peer, skip, test, tool, witness

TRIES = 300


def early(command, *options, path=None):
    environment = {**base_environment(), **({"PATH": path} if path else {})}
    done = subprocess.run([tool("early"), *map(str, options), "--", *command], env=environment,
                          capture_output=True, text=True, timeout=55, check=False)
    equal(done.returncode, 0, f"the tool's status ({done.stderr!r})")
    counts = re.fullmatch(r"delivered (\d+) direct (\d+) lost (\d+) other (\d+)\n", done.stdout)
    delivered, direct, lost, other = map(int, counts.groups())
    return {"delivered": delivered, "direct": direct, "lost": lost, "other": other,
            "stderr": done.stderr}


def loses_nothing(*options, words=()):
    command = [CONFIG.usher, *words, "--", *witness("forever")]
    counts = early(command, "--tries", TRIES, *options)
    equal((counts["lost"], counts["other"]), (0, 0), f"lost and other of {counts}")
    assert counts["delivered"] >= 10, f"hardly a signal came after main: {counts}"


for _mode in ("main", "group", "all"):
    for _sig in (15, 1, 64):
        test(f"no signal {_sig} is lost 0-3 ms after the start with --forward {_mode}",
             group="early")(
            lambda mode=_mode, sig=_sig: loses_nothing("--signal", sig, words=["-f", mode]))
        test(f"no signal {_sig} is lost as PID 1, once usher blocks them, with --forward {_mode}",
             group="early")(
            lambda mode=_mode, sig=_sig: loses_nothing("--pid1", "--signal", sig,
                                                       words=["-f", mode]))


@test("no signal is lost when the program comes through a PATH of many folders", group="early")
def _():
    path = ":".join([f"/no/such/folder/{n}" for n in range(200)] + [CONFIG.tools])
    counts = early([CONFIG.usher, "--", "witness", "forever"], "--tries", TRIES, path=path)
    equal((counts["lost"], counts["other"]), (0, 0), f"lost and other of {counts}")


def shows_a_loss(name, *words):
    """The same scenario, until the peer loses a signal: it proves that the test can fail."""
    program = peer(name)
    for _ in range(5):
        if early([program, *words, "--", *witness("forever")], "--tries", 600, "--patience-ms", 500,
                 "--until-lost")["lost"]:
            return
    skip(f"{name} {' '.join(words)} lost none of 3000 signals this time")


for _name, _words in (("dumb-init", []), ("dumb-init", ["-c"]), ("tini", ["-g"]),
                      ("catatonit", ["-g"])):
    test(f"the scenario shows the bug on {' '.join([_name, *_words])}: a signal is lost",
         group="peers")(lambda name=_name, words=_words: shows_a_loss(name, *words))
