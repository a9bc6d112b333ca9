# SPDX-License-Identifier: MIT
"""Images made of files, without a registry: one archive that docker, podman and ctr all load, and
a plain root folder for the OCI runtimes.

`files` maps a path in the image to its content: a File of the machine, bytes (mode 0644), a Link,
or a Folder. from_machine() gives what a program of the machine needs: itself and its libraries.
"""
import contextlib
import dataclasses
import fcntl
import hashlib
import io
import json
import os
import platform
import re
import subprocess
import tarfile

import isolation

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


@dataclasses.dataclass
class File:
    """A file of the machine; its own mode unless one is given."""
    source: str
    mode: int = 0


@dataclasses.dataclass
class Link:
    target: str


@dataclasses.dataclass
class Folder:
    mode: int = 0o755


@dataclasses.dataclass
class Image:
    name: str       # localhost/NAME:test, which every engine takes for a local one
    root: str       # the unpacked files
    archive: str    # for `docker load` and its like
    config: dict    # Entrypoint, Cmd, User, Env (a list), WorkingDir, StopSignal, Healthcheck


def entry(path, content):
    """A tar entry and its content's reader."""
    info = tarfile.TarInfo(path.strip("/"))
    info.mode = 0o644
    if isinstance(content, Folder):
        info.type, info.mode = tarfile.DIRTYPE, content.mode
    elif isinstance(content, Link):
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, content.target, 0o777
    elif isinstance(content, File):
        status = os.stat(content.source)
        info.size, info.mode = status.st_size, content.mode or status.st_mode & 0o7777
        return info, open(content.source, "rb")
    else:
        info.size = len(content)
        return info, io.BytesIO(content)
    return info, io.BytesIO()


def parents(files):
    """Every folder that the paths need; those of a read-only root that engines mount on, too."""
    folders = {"proc", "dev", "sys", "etc", "tmp", "run"}
    for path in files:
        parts = path.strip("/").split("/")[:-1]
        folders.update("/".join(parts[:n]) for n in range(1, len(parts) + 1))
    given = {path.strip("/") for path in files}
    return {path: Folder(0o1777 if path == "tmp" else 0o755) for path in folders - given}


def write_layer(path, files):
    entries = {**parents(files), **files}
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        # Links first: what is below a linked folder goes to where it leads.
        for name in sorted(entries, key=lambda x: (x.strip("/").count("/"), x)):
            info, content = entry(name, entries[name])
            with content:
                tar.addfile(info, content)


def write_archive(path, name, layer, config):
    """The format of `docker save`."""
    with open(layer, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    described = json.dumps({
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()), "os": "linux",
        "created": "1970-01-01T00:00:00Z", "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "files of the machine"}],
    }).encode()
    config_name = hashlib.sha256(described).hexdigest() + ".json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": [name], "Layers": ["layer.tar"]}])
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for file, content in ((config_name, described), ("layer.tar", File(layer, 0o644)),
                              ("manifest.json", manifest.encode())):
            info, reader = entry(file, content)
            with reader:
                tar.addfile(info, reader)


@contextlib.contextmanager
def lock(name):
    """One test at a time makes what many use. The name must have no slash."""
    with open(f"{isolation.WORK}/{name}.lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make(name, files, config=None, called=None):
    """An image called localhost/NAME:test, unless told otherwise. It is made once: a second call gives the
    first one's."""
    folder = f"{isolation.WORK}/images/{name}"
    image = Image(called or f"localhost/{name}:test", f"{folder}/root", f"{folder}/image.tar", config or {})
    with lock(f"image-{name}"):
        if not os.path.exists(image.archive):
            os.makedirs(image.root, exist_ok=True)
            write_layer(f"{folder}/layer.tar", files() if callable(files) else files)
            with tarfile.open(f"{folder}/layer.tar") as tar:
                tar.extractall(image.root)
            write_archive(image.archive, image.name, f"{folder}/layer.tar", image.config)
            os.unlink(f"{folder}/layer.tar")
    return image


# --- files of the machine ---------------------------------------------------------------------

def libraries(path):
    """The shared libraries and the loader that ldd tells for this file."""
    done = subprocess.run(["ldd", path], capture_output=True, text=True, check=False)
    return re.findall(r"^\s*(?:\S+ => )?(/\S+) \(0x", done.stdout, re.MULTILINE)


def add_path(files, path):
    """Adds a file with every symbolic link on the way to it, as they are on the machine."""
    done = ""
    rest = path.strip("/").split("/")
    while rest:
        done = f"{done}/{rest.pop(0)}"
        if done in files and isinstance(files[done], Link):
            pass
        elif os.path.islink(done):
            files[done] = Link(os.readlink(done))
        elif not rest:
            if os.path.isdir(done):
                files[done] = Folder(os.stat(done).st_mode & 0o7777)
            elif os.path.isfile(done):
                files[done] = File(done)
            return
        else:
            continue
        target = os.path.normpath(os.path.join(os.path.dirname(done), files[done].target))
        rest, done = target.strip("/").split("/") + rest, ""


def from_machine(*paths, without=r"/(__pycache__|test|tests|idlelib|lib2to3|ensurepip)(/|$)"):
    """The files of these programs, libraries and whole folders, with the shared libraries that they
    need. `without`: paths in folders that are left out."""
    found = []
    for path in paths:
        if os.path.isdir(path) and not os.path.islink(path):
            for folder, _, names in os.walk(path):
                if not re.search(without, folder):
                    found += [folder] + [f"{folder}/{name}" for name in names]
        else:
            found.append(path)
    files = {}
    for path in found:
        add_path(files, path)
    for path in found:
        real = os.path.realpath(path)
        if os.path.isfile(real) and open(real, "rb").read(4) == b"\x7fELF":
            for library in libraries(real):
                add_path(files, library)
    return files


def python():
    """Files of /usr/bin/python3 with its standard library, and what names users and groups."""
    version = os.path.basename(os.path.realpath("/usr/bin/python3"))
    return {**from_machine("/usr/bin/python3", f"/usr/lib/{version}"),
            "/etc/passwd": b"root:x:0:0::/:/bin/sh\nnonroot:x:65532:65532::/:/bin/sh\n",
            "/etc/group": b"root:x:0:\nnonroot:x:65532:\n"}


def shell():
    """Files of the machine's /bin/sh and a few commands."""
    commands = ("sh", "cat", "echo", "ls", "mkdir", "mv", "rm", "sleep", "true", "date", "touch",
                "id", "env", "kill", "dirname", "basename", "chmod", "cp", "ln", "test", "seq")
    return from_machine(*(f"/bin/{name}" for name in commands if os.path.exists(f"/bin/{name}")))
