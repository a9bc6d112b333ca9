# SPDX-License-Identifier: MIT
"""What a release was made from: an in-toto statement with a SLSA 1.0 predicate."""
import json
import subprocess
from urllib.parse import quote

import pin
from architectures import architectures


def package_of(path):
    """The Debian package of a file and its version."""
    owner = subprocess.run(["dpkg-query", "-S", path], check=True, capture_output=True, text=True)
    name = owner.stdout.split(": ")[0].split(",")[0]
    shown = subprocess.run(["dpkg-query", "-W", "-f", "${binary:Package} ${Version}", name],
                           check=True, capture_output=True, text=True)
    return shown.stdout.split()


def debian_purl(name, version):
    """As package URLs want it: + and ~ are percent-encoded."""
    return f"pkg:deb/debian/{quote(name, safe='')}@{quote(version, safe=':')}"


def tools(triple):
    """What decides about the bytes: compiler, linker, libgcc."""
    for tool in ("gcc", "g++", "ld"):
        path = subprocess.run(["sh", "-c", f"readlink -f $(command -v {triple}-{tool})"], check=True,
                              capture_output=True, text=True).stdout.strip()
        name, version = package_of(path)
        yield {"uri": debian_purl(name.partition(":")[0], version)}


def musl(arch):
    with open(f"build/musl/{arch}/origin", encoding="utf-8") as file:
        name, version = file.readline().split()[:2]
        for line in file:
            digest, path = line.split()
            yield {"uri": debian_purl(name, version), "name": path, "digest": {"sha256": digest}}


def mbedtls():
    pinned = pin.mbedtls()
    return {"uri": f"pkg:generic/mbedtls@{pinned['version']}", "name": f"mbedtls-{pinned['version']}.tar.bz2",
            "digest": {"sha256": pinned["sha256"]}}


def statement(subjects, version, commit, names, source, build_type, run):
    """source: the URI of the sources; run: who built, as the predicate's runDetails."""
    materials = [{"uri": source, "digest": {"gitCommit": commit}}]
    for name in names:
        materials += [*tools(architectures()[name]["triple"]), *musl(name), mbedtls()]
    unique = {json.dumps(material, sort_keys=True): material for material in materials}
    return {
        "_type": "https://in-toto.io/Statement/v1", "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": build_type,
                "externalParameters": {"version": version, "architectures": names},
                "resolvedDependencies": list(unique.values())},
            "runDetails": run}}
