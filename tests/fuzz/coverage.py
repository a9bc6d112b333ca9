#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How many lines of the parsers the seeds reach. Reads what `llvm-cov export -summary-only` says from
stdin; fails if it is too little: of each codec at least 95 %, and so of all parsers together."""

import json
import os
import sys

CODECS = tuple("protocol/" + name for name in ("body", "dns", "grpc", "hpack", "http", "ip_address", "json", "mysql",
                                               "postgres", "redis", "wire"))
PARSERS = ("base/duration", "base/environment", "base/number", "init/run_settings", "init/signals",
           "options/options", "peers/catatonit", "peers/dumb_init", "peers/peer", "peers/tini", "probe/check",
           "probe/check_slips", "probe/credentials", "probe/probe_settings")
READERS = ("sys/find_usher", "sys/proc")
NEEDED = 95


def lines_of(export):
    """File below src/ -> (lines, lines that were reached)."""
    found = {}
    for entry in export["data"][0]["files"]:
        _, is_source, name = os.path.normpath(entry["filename"]).rpartition("src/")
        if is_source:
            lines = entry["summary"]["lines"]
            found[name] = (lines["count"], lines["covered"])
    return found


def main():
    lines = lines_of(json.load(sys.stdin))
    names = ["core/" + name for name in CODECS + PARSERS] + list(READERS)
    table = [(name, *lines[name + ".cpp"]) for name in names]
    table.append(("all", sum(row[1] for row in table), sum(row[2] for row in table)))
    failed = False
    for name, count, reached in table:
        percent = 100 * reached / count
        must = name == "all" or name.removeprefix("core/") in CODECS
        too_few = must and percent < NEEDED
        failed = failed or too_few
        print(f"{name:28} {reached:4} of {count:4} lines  {percent:5.1f} %{'  too few' * too_few}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
