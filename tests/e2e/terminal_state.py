# SPDX-License-Identifier: MIT
"""On a terminal, too, the program gets the signal state that usher got, and its descriptors."""
import json
import shlex

from harness import CONFIG, equal, join, peer, scratch, signals_in, test, witness
from pty_session import HUP, INT, PID1, QUIT, place, shell

TERMINAL_STOPS = {20, 21, 22}
STATES = {
    "nothing blocked and nothing ignored": (set(), set()),
    "TSTP, TTIN and TTOU blocked": (TERMINAL_STOPS, set()),
    "TSTP, TTIN and TTOU ignored": (set(), TERMINAL_STOPS),
    "HUP, INT and QUIT ignored": (set(), {HUP, INT, QUIT}),
    "CHLD ignored": (set(), {17}),
    "every third signal blocked and every fifth ignored":
        ({n for n in range(1, 65) if n % 3 == 0 and n not in (9, 19)},
         {n for n in range(1, 65) if n % 5 == 0}),
}


def seen_under(front, blocked, ignored, background=False):
    """What a program started from a shell on a terminal tells of its signal state."""
    path = scratch("seen")
    words = witness("with", *(["--block", join(blocked)] if blocked else []),
                    *(["--ignore", join(ignored)] if ignored else []), "--", *front,
                    *witness("report"))
    with shell() as session:
        if background:
            session.do(f"{shlex.join(words)} >{path} & wait")
        else:
            session.do(f"{shlex.join(words)} >{path}")
        with open(path, encoding="utf-8") as file:
            seen = json.load(file)
    return {name: signals_in(seen[name]) for name in ("blocked", "ignored", "caught")}


for _name, (_blocked, _ignored) in STATES.items():
    for _background in (False, True):
        _how = "in the background" if _background else "in the foreground"

        @test(f"with {_name} the program sees the same as without usher, {_how}")
        def _(blocked=_blocked, ignored=_ignored, background=_background):
            bare = seen_under([], blocked, ignored, background)
            equal(bare["blocked"], blocked, "blocked without usher")
            equal(seen_under([CONFIG.usher, "--"], blocked, ignored, background), bare, "the state")


@test("the program has TSTP, TTIN and TTOU unblocked: the test fails on catatonit")
def _():
    equal(seen_under([peer("catatonit"), "--"], set(), set())["blocked"], TERMINAL_STOPS, "blocked")


@test("an ignored HUP stays ignored: the test fails on dumb-init")
def _():
    assert HUP not in seen_under([peer("dumb-init"), "--"], set(), {HUP})["ignored"], "it stays"


@test("the program has no more descriptors than usher got, on a terminal as PID 1")
def _():
    for redirection in ("", "</dev/null >/dev/null"):
        listing = f"sh -c 'exec ls -1 /proc/$$/fd >&2' {redirection}"
        seen = []
        for front in ("", f"{CONFIG.usher} -- "):
            with place(PID1, init=["sh", "-c", f"exec {front}{listing}"]) as session:
                session.wait()
                session.expect("2\r\n")
                seen.append(session.text.split())
        equal(seen[1], seen[0], "descriptors with usher and without")
