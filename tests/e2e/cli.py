# SPDX-License-Identifier: MIT
"""The command line of the run form, good and bad."""
import re

from harness import add, equal, one_line, run, test, witness

# Command line -> what the one line must hold: the offending word, and more where it is told.
BAD = {
    "a misspelt option names the nearest one": (["--graze", "3", "true"], ["--graze", "--grace"]),
    "a misspelt option with a value is told without it": (["--graze=3", "true"], ["--graze"]),
    "another misspelt option": (["--presto", "3", "true"], ["--presto", "--pre-stop"]),
    "a cut-off option": (["--linger-sig", "0", "true"], ["--linger-sig", "--linger-signal"]),
    "an option without resemblance": (["--xyzzy-plugh", "true"], ["--xyzzy-plugh"]),
    "an unknown short option": (["-z", "true"], ["-z"]),
    "no program": ([], ["program"]),
    "no program after --": (["--"], ["program"]),
    "no program after options": (["-g", "-t", "3"], ["program"]),
    "an option that lacks its value": (["--grace"], ["--grace"]),
    "a short option that lacks its value": (["-t"], ["-t"]),
    "a value for an option that takes none": (["--subreaper=1", "true"], ["--subreaper"]),
    "an unknown --forward": (["-f", "some", "true"], ["some", "main", "group", "all"]),
    "an empty --forward": (["--forward=", "true"], ["--forward"]),
    "an unknown --log-format": (["--log-format", "xml", "true"], ["xml", "text", "json"]),
    "a rewrite without colon": (["-r", "TERM", "true"], ["TERM"]),
    "a rewrite from no signal": (["-r", "0:TERM", "true"], ["0:TERM"]),
    "a rewrite into no signal": (["-r", "TERM:FOO", "true"], ["TERM:FOO"]),
    "a rewrite with something after it": (["-r", "15:12abc", "true"], ["15:12abc"]),
    "an empty rewrite": (["-r", "", "true"], ["-r"]),
    "an empty stop set": (["--stop-signal", "", "true"], ["--stop-signal"]),
    "a stop set with an empty word": (["--stop-signal", "TERM,,INT", "true"], ["--stop-signal"]),
    "a stop set that ends with a comma": (["--stop-signal", "TERM,", "true"], ["--stop-signal"]),
    "a list of statuses that ends with a comma": (["-e", "1,", "true"], ["-e"]),
    "a rewrite from KILL": (["--rewrite", "KILL:TERM", "true"], ["KILL", "cannot arrive"]),
    "a rewrite from STOP": (["-r", "STOP:0", "true"], ["STOP", "cannot arrive"]),
    "a rewrite from CHLD in a list": (["-r", "TERM:QUIT,CHLD:TERM", "true"], ["CHLD", "cannot arrive"]),
    "a stop set with an unknown word": (["--stop-signal", "TERM,FOO", "true"], ["FOO"]),
    "a parent-death signal 0": (["-p", "0", "true"], ["0"]),
    "a parent-death signal 65": (["-p", "65", "true"], ["65"]),
    "a linger signal that is none": (["--linger-signal", "TERMINATE", "true"], ["TERMINATE"]),
    "a status above 255": (["-e", "256", "true"], ["256"]),
    "a status below 0": (["-e", "-1", "true"], ["-1"]),
    "a status that is no number": (["-e", "x", "true"], ["x"]),
    "a status remapped to nothing": (["-e", "3:", "true"], ["3:"]),
    "a status remapped above 255": (["-e", "3:256", "true"], ["3:256"]),
    "an unknown option of status": (["status", "--jsn"], ["--jsn", "--json"]),
    "a word too many for status": (["status", "now"], ["now"]),
}
for _word in ("", "x", "5x", "-1", "-1s", "+1", "1e3", ".", "1 s", "1m 30s", "s", "1.2.3",
              "99999999d", "9223372036854775808", "18446744073709551617", "nan", "0x10", "1,5",
              "5S"):
    BAD[f"the duration {_word!r}"] = (["-t", _word, "true"], [_word, "-t"])
for _word in ("FOO", "SIG", "SIGSIGTERM", "RTMIN+31", "RTMAX-31", "RTMIN-1", "RTMAX+1", "RTMIN+",
              "65", "-1", "TERM ", "15x", "1.5", "4294967311"):
    BAD[f"the signal {_word!r}"] = (["--stop-signal", _word, "true"], [_word.strip()])


def check_bad(words, wanted):
    for prefix in ([], ["-g"]):
        if prefix and words[:1] == ["status"]:
            continue
        status, out, err = run(*prefix, *words)
        equal((status, out), (125, ""), f"status and stdout of {words} (stderr {err!r})")
        line = one_line(err)
        assert line.startswith("usher: "), line
        for word in wanted:
            assert word in line, f"{word!r} is not in {line!r}"


for _what, (_words, _wanted) in BAD.items():
    add(f"called wrongly, usher ends with 125 and one line: {_what}",
        lambda words=_words, wanted=_wanted: check_bad(words, wanted), __name__)

GOOD_DURATIONS = ["0", "0s", "250ms", "0.25", "5s", "1m30s", "2h", "1d", "1d2h3m4s5ms", "0.5m",
                  "inf", "1.5s", "00012", "100000d"]


@test("durations are taken as the contract gives them")
def _():
    for word in GOOD_DURATIONS:
        for words in (["-t", word], ["--grace=" + word], ["-t" + word], ["--linger", word]):
            equal(run(*words, "true"), (0, "", ""), f"with {words}")


@test("long options take --name value and --name=value, short ones their value joined or apart")
def _():
    for words in (["-e", "3:7"], ["-e3:7"], ["--remap-exit", "3:7"], ["--remap-exit=3:7"],
                  ["-ge", "3:7"], ["-gse3:7"], ["-g", "-s", "-e", "3:7"]):
        equal(run(*words, "--", *witness("exit", 3)), (7, "", ""), f"with {words}")


@test("a lone - is a program, not an option")
def _():
    status, _, err = run("-")
    equal(status, 127)
    one_line(err)


@test("a subcommand is known only as the very first word")
def _():
    for words in (["--", "status"], ["-g", "status"], ["-t", "3", "status"]):
        status, out, err = run(*words, env={"PATH": "/no/such/folder"})
        equal((status, out), (127, ""), f"{words}, stderr {err!r}")


@test("--help tells every option on stdout and ends with 0")
def _():
    for word in ("-h", "--help"):
        status, out, err = run(word)
        equal((status, err), (0, ""))
        for option in ("--forward", "--rewrite", "--stop-signal", "--pre-stop", "--grace",
                       "--linger", "--linger-signal", "--remap-exit", "--subreaper",
                       "--parent-death", "--no-tty", "--verbose", "--quiet", "--log-format",
                       "--help", "--version", "--license"):
            assert option in out, option
        assert out.count("\n") <= 51 and max(map(len, out.splitlines())) <= 80, "more than a screen"


@test("status --help is its own")
def _():
    status, out, err = run("status", "--help")
    equal((status, err), (0, ""))
    assert "--json" in out and "--grace" not in out, out


@test("--version is one line on stdout: version, commit, musl, architecture")
def _():
    for word in ("-V", "--version"):
        status, out, err = run(word)
        equal((status, err), (0, ""))
        match = re.fullmatch(r"usher \d+\.\d+\.\d+ \((commit [0-9a-f]{12}(-dirty)?, )?musl [\d.]+, \w+\)",
                             one_line(out))
        assert match, out


@test("--license carries usher's and musl's notices")
def _():
    status, out, err = run("--license")
    equal((status, err), (0, ""))
    for word in ("Copyright", "musl", "Rich Felker", "Permission is hereby granted", "WARRANTY"):
        assert word in out, word


@test("--help counts where it stands: after other options, not after the program")
def _():
    equal(run("-g", "--help")[0], 0)
    equal(run("sh", "-c", 'echo "$1"', "sh", "--help"), (0, "--help\n", ""))


@test("--help into a full disk or a closed stdout ends with 125, not with 0")
def _():
    with open("/dev/full", "w", encoding="ascii") as full:
        equal(run("--help", stdout=full)[0], 125)


@test("a very long offending word gives one line that still ends")
def _():
    status, _, err = run("--" + "x" * 100000, "true")
    equal(status, 125)
    one_line(err)


@test("control characters in an offending word are replaced")
def _():
    status, _, err = run("--gr\x1b[31m\nace", "true")
    equal(status, 125)
    assert not any(ord(c) < 32 or ord(c) == 127 for c in one_line(err)), repr(err)


@test("usher without any argument and with an empty name does not crash")
def _():
    status, _, err = run(before=("--argv0", ""))
    equal(status, 125)
    one_line(err)
