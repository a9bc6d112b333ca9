# SPDX-License-Identifier: MIT
"""Files of this machine that stand in for the base images that the Dockerfiles name.

Where no registry can be reached, a Dockerfile is built as it is, its base's ARG naming an image of
these files. Each function is made for images.make(); Missing tells what is not installed here.
"""
import glob
import os
import re
import shutil
import subprocess

import engines
import images

SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"
DOCUMENTATION = re.compile(r"/usr/share/(doc|man|locale|info|lintian)/")
PYTHON_MODULES = ("python3-uvicorn", "python3-click", "python3-h11", "python3-asgiref",
                  "python3-grpcio", "python3-six")


class Missing(Exception):
    """A program or package is not installed here."""


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True, env=engines.environment(),
                          check=False)
    if done.returncode != 0:
        raise Missing(f"{' '.join(command)}: {done.stderr.strip()[:200]}")
    return done.stdout.strip()


def found(*patterns):
    """The paths of the system's programs by their name, of files by their path or a glob."""
    paths = []
    for pattern in patterns:
        here = glob.glob(pattern) if "/" in pattern else shutil.which(pattern, path=SYSTEM)
        if not here:
            raise Missing(f"{pattern} is not installed")
        paths += here if isinstance(here, list) else [here]
    return paths


def installed(package):
    """The version of a Debian package, without what Debian adds to it; "" if it is not installed."""
    done = subprocess.run(["dpkg-query", "--show", "--showformat", "${Version}", package],
                          capture_output=True, text=True, check=False)
    return done.stdout.rpartition("-")[0].rpartition(":")[2].partition("+")[0]


def packages(*names):
    """The paths of what Debian packages have installed."""
    paths = output("dpkg", "-L", *names).splitlines()
    return [p for p in paths
            if not DOCUMENTATION.search(p) and (os.path.islink(p) or os.path.isfile(p))]


def shell():
    return {**images.shell(),
            "/etc/passwd": b"root:x:0:0::/root:/bin/sh\npostgres:x:999:999::/tmp:/bin/sh\n",
            "/etc/group": b"root:x:0:\npostgres:x:999:\n"}


def builder():
    """For alpine or debian: a C++ compiler with CMake, Ninja and musl; 240 MB."""
    folder = os.path.dirname(output("g++", "-print-libgcc-file-name"))
    parts = [output("g++", f"-print-prog-name={name}")
             for name in ("cc1", "cc1plus", "collect2", "lto1", "lto-wrapper")]
    plugin = output("g++", "-print-file-name=liblto_plugin.so")
    paths = found(
        "gcc", "g++", "as", "ld", "ar", "nm", "ranlib", "strip", "objcopy", "objdump", "readelf",
        "addr2line", "cmake", "ninja", "uname", "grep", "sed", "/usr/share/cmake-*/Modules",
        "/usr/share/cmake-*/Templates", f"{folder}/crt*.o", f"{folder}/libgcc*", f"{folder}/include",
        f"{folder}/libstdc++.a", "/usr/include/c++/*",
        f"/usr/include/{output('g++', '-print-multiarch')}/c++")
    libraries = packages("libc6-dev", "linux-libc-dev", "musl", "musl-dev", "musl-tools")
    return {**shell(), **images.from_machine(*paths, *parts, plugin, *libraries, without="^$")}


def python():
    """For python:3-slim: with pip, and what the examples install as if pip had done it."""
    modules = [name for name in PYTHON_MODULES if installed(name)]
    files = {**shell(), **images.python()}
    files.update(images.from_machine(*packages("python3-pip", "python3-pkg-resources", *modules)))
    # Debian's own Python refuses pip.
    files = {path: x for path, x in files.items() if not path.endswith("/EXTERNALLY-MANAGED")}
    return {**files, "/usr/local/bin/python": images.Link("/usr/bin/python3"),
            "/usr/local/bin/pip": images.File("/usr/bin/pip3", 0o755)}


def node():
    """Debian's Node.js reads some of its built-in modules from files, whose paths are in its library."""
    program, = found("node")
    inside = set()
    for path in (program, *images.libraries(program)):
        if "node" in os.path.basename(path):
            with open(path, "rb") as file:
                inside.update(re.findall(rb"/usr/share/nodejs/[\w./@-]+\.js", file.read()))
    built_in = [path.decode() for path in sorted(inside) if os.path.exists(path)]
    return {**shell(), **images.from_machine(program, *built_in)}


def nginx():
    return {**shell(), **images.from_machine(*found("nginx", "/etc/nginx/mime.types"))}


def postgres():
    """Server and psql, under the folders of the newest version that is here."""
    folder = sorted(found("/usr/lib/postgresql/*/bin/postgres"))[-1].removesuffix("/bin/postgres")
    version = os.path.basename(folder)
    programs = ("postgres", "initdb", "psql")
    files = images.from_machine(
        *found("chown", "id", *(f"{folder}/bin/{name}" for name in programs), f"{folder}/lib/dict_snowball.so",
               f"{folder}/lib/plpgsql.so", f"/usr/share/postgresql/{version}", "/usr/share/zoneinfo"))
    links = {f"/usr/local/bin/{name}": images.Link(f"{folder}/bin/{name}") for name in programs}
    return {**shell(), **files, **links}
