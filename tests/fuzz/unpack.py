#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of corpus/NAME.txt as files that libFuzzer reads: unpack.py NAME.txt FOLDER.

A seed a line, with the escapes of a Python string (\\n, \\x00); x{9} stands for nine of x; '#' begins
a comment line.
"""

import os
import re
import sys


def repeated(match):
    return match[1] * int(match[2])


def seeds(path):
    with open(path, encoding="ascii") as corpus:
        for line in corpus.read().splitlines():
            if line and not line.startswith("#"):
                line = re.sub(r"(\\x[0-9a-f]{2}|.)\{(\d+)\}", repeated, line)
                yield line.encode("ascii").decode("unicode_escape").encode("latin-1")


def main(path, folder):
    os.makedirs(folder, exist_ok=True)
    for number, seed in enumerate(seeds(path)):
        with open(os.path.join(folder, f"{number:03}"), "wb") as out:
            out.write(seed)


if __name__ == "__main__":
    main(*sys.argv[1:])
