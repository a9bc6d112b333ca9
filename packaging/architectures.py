# SPDX-License-Identifier: MIT
"""What packaging/architectures says."""
import os

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FIELDS = ("usher", "triple", "debian", "musl", "rpm", "apk", "oci", "qemu")


def architectures():
    """The rows by usher's name, in the order of the file."""
    rows = {}
    with open(os.path.join(TOP, "packaging", "architectures"), encoding="ascii") as file:
        for line in file:
            if line.strip() and not line.startswith("#"):
                row = dict(zip(FIELDS, line.split(), strict=True))
                rows[row["usher"]] = row
    return rows
