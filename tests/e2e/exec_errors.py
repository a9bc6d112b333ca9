# SPDX-License-Identifier: MIT
"""A program that cannot be started: 126, 127 and one line that says why."""
import json
import os
import shutil
import struct
import subprocess

from harness import CONFIG, both, equal, need, one_line, run, scratch, test
from limits import EM_X86_64, Elf


def write(name, data, mode=0o755):
    path = scratch(name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)
    return path


def fails(program, status, *words, **options):
    """usher ends with `status` and one line that holds the program's name and each word."""
    got, out, err = run("--", program, **options)
    equal((got, out), (status, ""), f"status and stdout (stderr {err!r})")
    line = one_line(err)
    for word in (program, *words):
        assert word in line, f"{word!r} is not in {line!r}"


def program_header_at(data, kind):
    """Offset and size of the segment of this kind in a 64-bit little-endian ELF file."""
    table, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for at in range(table, table + size * count, size):
        if struct.unpack_from("<I", data, at)[0] == kind:
            offset, = struct.unpack_from("<Q", data, at + 8)
            length, = struct.unpack_from("<Q", data, at + 32)
            return offset, length
    return None


@both("a missing program gives 127 and one line")
def _(pid1):
    fails("/no/such/program", 127, "No such file or directory", pid1=pid1)


@both("a program that PATH does not have gives 127 and one line")
def _(pid1):
    fails("no-such-program", 127, pid1=pid1)


@test("an empty program name gives 127")
def _():
    status, _, err = run("--", "")
    equal(status, 127)
    one_line(err)


@test("a path through a file gives 127: ENOTDIR")
def _():
    fails(write("file", b"x") + "/program", 127, "Not a directory")


@test("a directory gives 126")
def _():
    fails("/etc", 126, "Permission denied")


@test("a file without an x bit gives 126, for root too")
def _():
    fails(write("plain", b"#!/bin/sh\n", 0o644), 126, "Permission denied")


@test("a loop of links gives 126: ELOOP")
def _():
    os.symlink("loop", scratch("loop"))
    fails(scratch("loop"), 126)


@test("a name that is too long gives 126: ENAMETOOLONG")
def _():
    fails("/" + "x" * 300, 126)


@test("a name that is too long gives 126 when PATH is searched for it")
def _():
    fails("x" * 300, 126)


@test("a path of many kilobytes gives 126 and a line that still ends with a newline")
def _():
    status, _, err = run("--", "/" + "x/" * 30000)
    equal(status, 126)
    one_line(err)


@test("a program that is open for writing gives 126: ETXTBSY")
def _():
    path = scratch("busy")
    shutil.copy("/bin/true", path)
    with open(path, "r+b"):
        fails(path, 126, "Text file busy")


@test("a missing #! interpreter gives 126 and is told apart from a missing program")
def _():
    path = write("script", b"#!/no/such/interpreter\n")
    fails(path, 126, "interpreter or loader missing")


@test("a missing ELF loader gives 126 and is told apart from a missing program")
def _():
    with open("/bin/true", "rb") as file:
        data = bytearray(file.read())
    need(data[4] == 2 and data[5] == 1, "/bin/true is no 64-bit little-endian ELF file")
    found = program_header_at(data, 3)
    need(found, "/bin/true has no loader")
    data[found[0]:found[0] + 4] = b"/no/"
    fails(write("no-loader", data), 126, "interpreter or loader missing")


@test("a program found through PATH whose interpreter is missing gives 126, not 127")
def _():
    write("bin/script", b"#!/no/such/interpreter\n")
    status, _, err = run("--", "script", env={"PATH": scratch("bin")})
    equal(status, 126)
    assert "interpreter or loader missing" in one_line(err), err


@test("an ELF file of another machine gives 126 and is not given to a shell")
def _():
    with open("/bin/true", "rb") as file:
        data = bytearray(file.read())
    data[18:20] = b"\x00\x7f"
    fails(write("foreign", data), 126)


@test("a text file without #! is run by /bin/sh with its arguments")
def _():
    path = write("text", b"echo \"$0 $1 $#\"; exit 3\n")
    status, out, err = run("--", path, "a b", "c")
    equal((status, out, err), (3, f"{path} a b 2\n", ""))


@test("a text file without #! is found through PATH and run by /bin/sh")
def _():
    path = write("bin/text", b"echo \"$0\"; exit 4\n")
    status, out, _ = run("--", "text", env={"PATH": scratch("bin")})
    equal((status, out), (4, path + "\n"))


@test("an empty executable file is an empty shell script: it ends with 0, as under the peers")
def _():
    equal(run("--", write("empty", b""))[0], 0)


@test("PATH is searched past a file that may not be executed")
def _():
    write("one/prog", b"#!/bin/sh\nexit 1\n", 0o644)
    write("two/prog", b"#!/bin/sh\nexit 42\n")
    equal(run("--", "prog", env={"PATH": f"{scratch('one')}:{scratch('two')}"})[0], 42)


@test("PATH is searched past a directory of the program's name")
def _():
    os.makedirs(scratch("one/prog"))
    write("two/prog", b"#!/bin/sh\nexit 42\n")
    equal(run("--", "prog", env={"PATH": f"{scratch('one')}:{scratch('two')}"})[0], 42)


@test("a program that PATH has only without an x bit gives 126")
def _():
    write("one/prog", b"#!/bin/sh\n", 0o644)
    status, _, err = run("--", "prog", env={"PATH": f"{scratch('one')}:/usr/bin"})
    equal(status, 126)
    one_line(err)


@test("a PATH element that is a file is passed over")
def _():
    path = write("file", b"x")
    equal(run("--", "true", env={"PATH": f"{path}:/usr/bin:/bin"})[0], 0)


@test("an empty PATH element is the working directory")
def _():
    write("here", b"#!/bin/sh\nexit 42\n")
    for path in (":/usr/bin", "/usr/bin:", "/usr/bin::/bin"):
        equal(run("--", "here", env={"PATH": path}, cwd=scratch())[0], 42, f"with PATH={path}")


@test("a name with a slash is not searched in PATH")
def _():
    write("dir/prog", b"#!/bin/sh\nexit 42\n")
    equal(run("--", "dir/prog", cwd=scratch())[0], 42)
    equal(run("--", "./prog", env={"PATH": scratch("dir")}, cwd="/")[0], 127)


@test("without PATH in the environment the usual folders are searched")
def _():
    status, _, err = run("-i", CONFIG.usher, "--", "true", binary="/usr/bin/env")
    equal(status, 0, f"status (stderr {err!r})")


@test("control characters in the program's name are replaced in the message")
def _():
    status, _, err = run("--", "/no\x1b[31m\nfake: line")
    equal(status, 127)
    line = one_line(err)
    assert not any(ord(c) < 32 or ord(c) == 127 for c in line), repr(line)


@test("a program that cannot start is told in JSON when asked for")
def _():
    status, _, err = run("--log-format", "json", "--", "/no/such/program")
    equal(status, 127)
    line = json.loads(one_line(err))
    equal(line["level"], "error")
    equal((line["event"], line["process"], line["exit_code"]),
          ("start-failed", "/no/such/program", 127))


@test("a program that cannot start is told in spite of --quiet")
def _():
    status, _, err = run("-q", "--", "/no/such/program")
    equal(status, 127)
    one_line(err)


@test("where an emulator makes a fork of the vfork, the child itself tells why and gives the code")
def _():
    emulator = shutil.which("qemu-x86_64-static")
    need(emulator and Elf(CONFIG.usher).machine == EM_X86_64, "qemu-user-static is not installed")
    for program, code, why in (("/no/such", 127, "No such file or directory"),
                               ("/etc/passwd", 126, "Permission denied")):
        done = subprocess.run([emulator, CONFIG.usher, "-q", "--", program], capture_output=True, text=True,
                              check=False, timeout=20)
        equal((done.returncode, done.stdout, done.stderr), (code, "", f"usher: exec {program}: {why}\n"))


@both("a long path does not cost the reason")
def _(pid1):
    path = "/tmp/" + "x" * 200 + "/" + "y" * 200 + "/" + "z" * 240
    status, _, err = run("--", path, pid1=pid1)
    equal(status, 127)
    assert err.endswith("...: No such file or directory\n"), err


@test("a script without #! runs with many words and little stack")
def _():
    script = write("script", b"echo $#\n")
    equal(run("--", script, *range(6000), before=("--stack", "200")), (0, "6000\n", ""))


@test("many variables and little stack are no trouble where one is added for the program")
def _():
    many = {f"V{i}": "1" for i in range(3000)}
    status, out, err = run("--", "/usr/bin/env", before=("--stack", "140"), env={**many, "USHER_PRE_STOP": "0"})
    equal((status, err), (0, ""))
    assert "USHER_NESTED=1" in out.split()
