# SPDX-License-Identifier: MIT
"""`usher install PATH`: a copy of itself, whole or not at all."""
import contextlib
import json
import os
import re
import shutil
import stat
import subprocess
import threading

from harness import (CONFIG, TERM, base_environment, both, equal, one_line, peer, run, scratch, start, test,
                     wait_for, witness)
from probe_lab import call

HINT = r"; write the name of a file, such as /shared/usher$"


def folder(name="shared"):
    path = scratch(name)
    os.mkdir(path)
    return path


def content(path):
    with open(path, "rb") as file:
        return file.read()


def install(*words, **options):
    return run("install", *words, **options)


def installed(path):
    """Asserts that it is the binary bit for bit, a file of its own with mode 0755."""
    facts = os.lstat(path)
    assert stat.S_ISREG(facts.st_mode), f"no regular file: {oct(facts.st_mode)}"
    equal(oct(facts.st_mode & 0o7777), oct(0o755), "mode")
    equal(facts.st_nlink, 1, "links")
    assert content(path) == content(CONFIG.usher), "another content"


def refused(result, reason, left, where):
    """125, one line with the reason in words, and in the folder `where` only what is in `left`."""
    status, out, err = result
    equal((status, out), (125, ""), err)
    line = one_line(err)
    assert line.startswith("usher: install "), line
    assert re.search(reason, line), f"{reason!r} is not in {line!r}"
    assert not re.search(r": error \d+", line), f"a number in place of the reason: {line!r}"
    equal(sorted(os.listdir(where)), sorted(left))


def mount(kind, path, options="", flags=0):
    call("mount", b"none", path.encode(), kind.encode(), flags, options.encode() or None)


# --- what it is for -------------------------------------------------------------------------------

@both("it copies itself bit for bit with mode 0755, says nothing, and leaves nothing beside it")
def _(pid1):
    where = folder()
    equal(install(f"{where}/usher", pid1=pid1), (0, "", ""))
    installed(f"{where}/usher")
    equal(os.listdir(where), ["usher"])
    equal(run("--version", binary=f"{where}/usher"), run("--version"))
    equal(run("--", "sh", "-c", "exit 7", binary=f"{where}/usher", pid1=pid1)[0], 7)


@test("the mode is 0755 whatever the umask, and whatever the file that was there had")
def _():
    where = folder()
    for umask in ("0", "022", "077", "0777"):
        equal(run("-c", f"umask {umask}; exec \"$@\"", "sh", CONFIG.usher, "install", f"{where}/usher",
                  binary="/bin/sh"), (0, "", ""))
        installed(f"{where}/usher")
        os.chmod(f"{where}/usher", 0o4711)


@test("a copy can copy itself")
def _():
    where = folder()
    equal(install(f"{where}/a")[0], 0)
    equal(run("install", f"{where}/b", binary=f"{where}/a"), (0, "", ""))
    installed(f"{where}/b")


@test("the path may be relative, have blanks, or begin with a dash after --")
def _():
    where = folder()
    for words, name in ((("usher",), "usher"), (("./a b\nc",), "a b\nc"), (("--", "-x"), "-x"), (("../shared/d",), "d"),
                        (("--", "--help"), "--help")):
        equal(install(*words, cwd=where), (0, "", ""), words)
        installed(f"{where}/{name}")


@test("a name as long as the file system takes is taken, and a long path")
def _():
    where = folder()
    name = "x" * 255
    equal(install(name, cwd=where), (0, "", ""))
    installed(f"{where}/{name}")
    long = f"{where}/" + "./" * ((4000 - len(where) - 6) // 2)
    long += "x" * (4000 - len(long))
    equal(len(long), 4000)
    equal(install(long)[0], 0)


@test("where 0, 1 and 2 are closed the copy is the same")
def _():
    where = folder()
    for closed in (("0",), ("1",), ("2",), ("1", "2"), ("0", "1", "2")):
        before = [word for fd in closed for word in ("--close", fd)]
        equal(install(f"{where}/usher", before=before)[0], 0)
        installed(f"{where}/usher")
        equal(install(where, before=before)[0], 125)
        equal(os.listdir(where), ["usher"])
        os.remove(f"{where}/usher")


# --- over what is there -----------------------------------------------------------------------------

@test("a file that is there is replaced, a shorter one, a longer one, and one without permissions")
def _():
    where = folder()
    for old, mode in ((b"", 0o644), (b"old", 0o644), (b"x" * 1_000_000, 0o755), (b"secret", 0)):
        with open(f"{where}/usher", "wb") as file:
            file.write(old)
        os.chmod(f"{where}/usher", mode)
        equal(install(f"{where}/usher"), (0, "", ""))
        installed(f"{where}/usher")
    equal(os.listdir(where), ["usher"])


@both("one that is running is replaced, runs on, and knows nothing of it")
def _(pid1):
    where = folder()
    shutil.copy(CONFIG.usher, f"{where}/usher")
    os.chmod(f"{where}/usher", 0o755)
    with start("--", *witness("catch", "--exit", "15:7"), binary=f"{where}/usher", pid1=pid1) as init:
        init.ready().wait_state("running")
        before = os.stat(f"{where}/usher").st_ino
        equal(install(f"{where}/usher"), (0, "", ""))
        equal(run("install", f"{where}/usher", binary=f"{where}/usher"), (0, "", ""))
        installed(f"{where}/usher")
        assert os.stat(f"{where}/usher").st_ino != before
        assert os.readlink(f"/proc/{init.pid}/exe").endswith("(deleted)")
        init.kill(TERM)
        equal(init.wait(), 7)


@test("a symbolic link is replaced, and what it points to is left alone")
def _():
    where = folder()
    with open(f"{where}/target", "wb") as file:
        file.write(b"precious")
    for target in ("target", "nothing", "/no/such/folder/file", ".", "usher"):
        os.symlink(target, f"{where}/usher")
        equal(install(f"{where}/usher"), (0, "", ""))
        installed(f"{where}/usher")
        equal(content(f"{where}/target"), b"precious")
        equal(sorted(os.listdir(where)), ["target", "usher"])
        os.remove(f"{where}/usher")


@test("another name of the same file keeps the old content")
def _():
    where = folder()
    with open(f"{where}/usher", "wb") as file:
        file.write(b"old")
    os.link(f"{where}/usher", f"{where}/other")
    equal(install(f"{where}/usher"), (0, "", ""))
    installed(f"{where}/usher")
    equal(content(f"{where}/other"), b"old")


@test("a fifo and a socket that nobody reads do not hold it up")
def _():
    where = folder()
    os.mkfifo(f"{where}/usher")
    equal(install(f"{where}/usher"), (0, "", ""))
    installed(f"{where}/usher")


@test("whoever reads it meanwhile sees the old file or the new one, whole, and always one that runs")
def _():
    where = folder()
    path = f"{where}/usher"
    whole = content(CONFIG.usher)
    old = whole + b"old"
    with open(path, "wb") as file:
        file.write(old)
    os.chmod(path, 0o755)
    wrong, looks, ended = [], [0, 0], threading.Event()

    def look():
        while not ended.is_set():
            try:
                with open(path, "rb") as file:
                    seen = file.read()
                    mode = os.fstat(file.fileno()).st_mode & 0o7777
                if seen not in (old, whole) or mode != 0o755:
                    wrong.append((len(seen), oct(mode)))
            except OSError as error:
                wrong.append(error)
            looks[0] += 1

    def execute():
        while not ended.is_set():
            code = subprocess.run([path, "--version"], capture_output=True, check=False).returncode
            if code != 0:
                wrong.append(f"exit code {code}")
            looks[1] += 1
    threads = [threading.Thread(target=x) for x in (look, execute)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(60):     # not by run(), which takes what execute() has started for left behind
            subprocess.run([CONFIG.usher, "install", path], check=True, env=base_environment())
        wait_for(lambda: min(looks) > 20, "many looks")
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    equal(wrong, [])
    equal(os.listdir(where), ["usher"])


@test("ten at once: the last one wins, and none leaves anything")
def _():
    where = folder()
    inits = [start("install", f"{where}/usher") for _ in range(10)]
    for init in inits:
        equal(init.wait(), 0)
    installed(f"{where}/usher")
    equal(os.listdir(where), ["usher"])


@both("a signal that comes meanwhile leaves no half of a file: it is there whole, or not at all")
def _(pid1):
    where = folder()
    for i in range(20):
        with start("install", f"{where}/usher", pid1=pid1) as init:
            for _ in range(i):
                init.running()
            with contextlib.suppress(ProcessLookupError):
                init.kill(TERM)
            code = init.wait()
            assert code in (0, 143), code
            left = os.listdir(where)
            assert left in ([], ["usher"]), left
            if left:
                installed(f"{where}/usher")
                os.remove(f"{where}/usher")
            else:
                equal(code, 143)


# --- what fails -------------------------------------------------------------------------------------

@test("a folder as PATH: 125, the folder is left as it is, and the line says what to write")
def _():
    where = folder()
    os.mkdir(f"{where}/empty")
    os.mkdir(f"{where}/full")
    open(f"{where}/full/file", "w", encoding="ascii").close()
    for name in ("empty", "full"):
        refused(install(f"{where}/{name}"), HINT, ["empty", "full"], where)
    for name in ("empty/", "full/", "empty/.", "full/.."):
        refused(install(f"{where}/{name}"), HINT, ["empty", "full"], where)
    equal((os.listdir(f"{where}/empty"), os.listdir(f"{where}/full")), ([], ["file"]))
    busy = f"{HINT}|Device or resource busy"
    refused(install(".", cwd=f"{where}/empty"), busy, [], f"{where}/empty")
    refused(install("/", cwd=f"{where}/empty"), busy, sorted(os.listdir("/")), "/")


@test("no path: one that is empty, missing, or in a folder that is not there")
def _():
    where = folder()
    with open(f"{where}/file", "w", encoding="ascii"):
        pass
    status, out, err = install("", cwd=where)
    equal((status, out, os.listdir(where)), (125, "", ["file"]))
    assert "PATH" in one_line(err), f"says nothing of the empty path: {err}"
    refused(install(f"{where}/no/usher"), "No such file or directory", ["file"], where)
    refused(install(f"{where}/file/usher"), "Not a directory", ["file"], where)


@test("a read-only file system")
def _():
    where = folder()
    mount("tmpfs", where)
    with open(f"{where}/usher", "w", encoding="ascii") as file:
        file.write("old")
    mount("tmpfs", where, flags=1 | 32)     # MS_RDONLY, MS_REMOUNT
    refused(install(f"{where}/usher"), "Read-only file system", ["usher"], where)
    equal(content(f"{where}/usher"), b"old")


@test("a full file system: the old file stays, and nothing half-written")
def _():
    where = folder()
    for size in ("4k", "64k", "128k"):
        mount("tmpfs", where, f"size={size}")
        with open(f"{where}/usher", "w", encoding="ascii") as file:
            file.write("old")
        refused(install(f"{where}/usher"), "No space left on device", ["usher"], where)
        equal(content(f"{where}/usher"), b"old")
        call("umount2", where.encode(), 2)


@test("a file system without a free inode")
def _():
    where = folder()
    mount("tmpfs", where, "nr_inodes=2")
    open(f"{where}/a", "w", encoding="ascii").close()
    refused(install(f"{where}/usher"), "No space left on device", ["a"], where)


@both("RLIMIT_FSIZE: 125 with a line, not an end by SIGXFSZ")
def _(pid1):
    where = folder()
    for limit in ("0", "65536", "100000"):
        result = install(f"{where}/usher", before=("--fsize", limit), pid1=pid1)
        refused(result, "File too large", [], where)


@test("another user without permission: in the folder, or on the way to it")
def _():
    where = folder()
    with open(f"{where}/usher", "w", encoding="ascii") as file:
        file.write("old")
    os.chmod(f"{where}/usher", 0o777)
    other = ("--uid", "54321", "--gid", "54321")
    refused(install(f"{where}/usher", before=other), "Permission denied", ["usher"], where)
    equal(content(f"{where}/usher"), b"old")
    os.chmod(where, 0o700)
    refused(install(f"{where}/usher", before=other), "Permission denied", ["usher"], where)


@test("another user in a folder of their own may, and over a file of another owner there")
def _():
    where = folder()
    open(f"{where}/usher", "w", encoding="ascii").close()
    os.chown(where, 54321, 54321)
    equal(install(f"{where}/usher", before=("--uid", "54321", "--gid", "54321")), (0, "", ""))
    installed(f"{where}/usher")
    equal(os.stat(f"{where}/usher").st_uid, 54321)


@test("in a sticky folder the file of another user is not replaced, and nothing is left")
def _():
    where = folder()
    open(f"{where}/usher", "w", encoding="ascii").close()
    os.chmod(where, 0o1777)
    refused(install(f"{where}/usher", before=("--uid", "54321", "--gid", "54321")), "Operation not permitted", ["usher"],
            where)


@test("a file that is mounted, as docker run -v makes it")
def _():
    where = folder()
    for name in ("usher", "source"):
        open(f"{where}/{name}", "w", encoding="ascii").close()
    call("mount", f"{where}/source".encode(), f"{where}/usher".encode(), None, 4096, None)
    refused(install(f"{where}/usher"), "Device or resource busy", ["source", "usher"], where)


@test("no descriptor is left for it")
def _():
    where = folder()
    refused(install(f"{where}/usher", before=("--nofile", "3")), "Too many open files", [], where)
    refused(install(f"{where}/usher", before=("--nofile", "4")), "Too many open files", [], where)


@test("a path of 4096 bytes and more, a name of 256")
def _():
    where = folder()
    for length in (4096, 4097, 100_000):
        long = f"{where}/" + "d/" * (length // 2)
        refused(install(long[:length - 1] + "x"), "File name too long", [], where)
    refused(install(f"{where}/" + "x" * 256), "File name too long", [], where)


@test("control characters in the path are not printed as they are")
def _():
    *_, err = install("/no/such\x1b[31m\nfolder/x")
    assert "\x1b" not in one_line(err), err


# --- where there is little --------------------------------------------------------------------------

def bare_root(*, proc):
    """A root with /usher, a folder, and /proc or none: as FROM scratch."""
    root = folder("root")
    shutil.copy(CONFIG.usher, f"{root}/usher")
    os.chmod(f"{root}/usher", 0o755)
    os.mkdir(f"{root}/shared")
    if proc:
        os.mkdir(f"{root}/proc")
        mount("proc", f"{root}/proc")
    return root


@test("FROM scratch: with nothing but /usher and /proc it works, as root and as another user")
def _():
    root = bare_root(proc=True)
    chroot = peer("chroot")
    equal(run(root, "/usher", "install", "/shared/usher", binary=chroot), (0, "", ""))
    installed(f"{root}/shared/usher")
    os.chown(f"{root}/shared", 54321, 54321)
    equal(run("--userspec=54321:54321", root, "/usher", "install", "/shared/usher", binary=chroot), (0, "", ""))
    installed(f"{root}/shared/usher")
    equal(run(root, "/shared/usher", "--version", binary=chroot), run("--version"))


@test("without /proc: 125 and a line that names it")
def _():
    root = bare_root(proc=False)
    refused(run(root, "/usher", "install", "/shared/usher", binary=peer("chroot")),
            "/proc/self/exe: No such file or directory", [], f"{root}/shared")


@test("a binary that may be executed but not read: 125 and a line")
def _():
    where = folder()
    shutil.copy(CONFIG.usher, scratch("closed"))
    os.chmod(scratch("closed"), 0o711)
    os.chmod(where, 0o777)
    refused(run(scratch("closed"), "install", f"{where}/usher", binary="/usr/bin/env",
                before=("--uid", "54321", "--gid", "54321")), "Permission denied", [], where)


# --- how it is called ---------------------------------------------------------------------------------

@test("called wrongly: 125, one line, and nothing is written")
def _():
    where = folder()
    for words, complaint in (((), "install: needs where to"), (("a", "b"), "'b'"), (("-x",), "'-x'"),
                             (("--json",), "'--json'"), (("-f", "a"), "'-f'"), (("a", "--", "b"), ""),
                             (("--",), "needs where to")):
        status, out, err = install(*words, cwd=where)
        equal((status, out), (125, ""), words)
        assert complaint in one_line(err), (words, err)
        equal(os.listdir(where), [], words)


@test("--help is told on stdout, and nothing is written")
def _():
    where = folder()
    for words in (("--help",), ("-h",), ("--help", "x")):
        status, out, err = install(*words, cwd=where)
        equal((status, err, os.listdir(where)), (0, "", []))
        assert out.startswith("Usage: usher install PATH\n"), out
    assert "usher install " in run("--help")[1]


@test("it is a subcommand as the first word only: after -- it is a program")
def _():
    where = folder()
    for words in (("--", "install", "--help"), ("-v", "install", "--help")):
        out = run(*words, cwd=where)[1]
        assert "Usage: usher" not in out, out
        equal(os.listdir(where), [])


@test("its line is JSON where USHER_LOG_FORMAT says so, and an unknown variable gets its warning")
def _():
    where = folder()
    status, _, err = install(where, env={"USHER_LOG_FORMAT": "json"})
    line = json.loads(one_line(err))
    equal((status, line["level"], line["event"]), (125, "error", "install"))
    status, out, err = install(f"{where}/usher", env={"USHER_GRASE": "3s"})
    equal((status, out), (0, ""))
    assert "USHER_GRASE" in one_line(err) and "USHER_GRACE" in err, err
    installed(f"{where}/usher")
