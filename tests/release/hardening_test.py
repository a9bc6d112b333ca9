# SPDX-License-Identifier: MIT
"""Every binary of the release is hardened, and scripts/hardening sees it when one is not."""
import os
import re
import shutil
import struct

from release_lab import DIST, HERE, TOP, TestCase, made, made_architectures, run, text_of

CHECK = os.path.join(TOP, "scripts", "hardening")
MAP = os.path.join(DIST, "..", "build", f"release-{HERE}", "usher.map")
PT_DYNAMIC, PT_INTERP, PT_GNU_STACK, PT_GNU_RELRO = 2, 3, 0x6474e551, 0x6474e552
DT_TEXTREL = 22


class Hardening(TestCase):
    def copied(self):
        """A copy of this machine's binary, with its map."""
        path = os.path.join(self.folder(), "usher")
        shutil.copy(made(), path)
        shutil.copy(MAP, os.path.join(os.path.dirname(path), "usher.map"))
        run(CHECK, path)    # so that what is refused is refused for what was spoiled
        return path

    def spoiled(self, spoil):
        """A copy of a 64-bit little-endian binary, its bytes changed by spoil(data, headers)."""
        path = self.copied()
        with open(path, "r+b") as file:
            data = bytearray(file.read())
            table, = struct.unpack_from("<Q", data, 32)
            size, count = struct.unpack_from("<HH", data, 54)
            spoil(data, {struct.unpack_from("<I", data, table + size * n)[0]: table + size * n
                         for n in range(count)})
            file.seek(0)
            file.write(data)
        return path

    def refused(self, column, spoil, others=0):
        self.refused_file(column, self.spoiled(spoil), others)

    def refused_file(self, column, path, others=0):
        """A NO in that column, and in so many others."""
        with self.assertRaises(AssertionError) as caught:
            run(CHECK, "--any-size", path)
        header, row = str(caught.exception).splitlines()[1:3]
        at = header.index(column)
        self.assertEqual(row[at:at + 3].strip(), "NO", row)
        self.assertEqual(row.count("NO"), 1 + others, row)

    def test_all_are_hardened(self):
        run(CHECK, *(made("", arch, binary) for arch in made_architectures() for binary in ("usher", "usher-tls")))

    def test_nothing_to_look_at_is_no_success(self):
        with self.assertRaisesRegex(AssertionError, "no FILE to look at"):
            run(CHECK)

    def test_an_executable_stack_is_seen(self):
        self.refused("NX", lambda data, at: struct.pack_into("<I", data, at[PT_GNU_STACK] + 4, 7))

    def test_missing_relro_is_seen(self):
        self.refused("RELRO", lambda data, at: struct.pack_into("<I", data, at[PT_GNU_RELRO], 0x60000000))

    def test_an_interpreter_is_seen(self):
        self.refused("static-pie", lambda data, at: struct.pack_into("<I", data, at[PT_GNU_RELRO], PT_INTERP), others=1)

    def test_a_fixed_address_is_seen(self):
        self.refused("static-pie", lambda data, at: struct.pack_into("<H", data, 16, 2))

    def test_a_path_is_seen(self):
        def spoil(data, at):
            data[-400:-380] = b"/home/usher/src/main"
        self.refused("no path", spoil)

    def test_text_relocations_are_seen(self):
        def spoil(data, at):
            section, = struct.unpack_from("<Q", data, at[PT_DYNAMIC] + 8)
            struct.pack_into("<Q", data, section, DT_TEXTREL)
        self.refused("no text relocations", spoil)

    def test_symbols_are_seen(self):
        path = self.copied()
        run("objcopy", "--add-symbol", "main=.text:0,function,global", path)
        self.refused_file("stripped", path)

    def test_a_missing_stack_protector_is_seen(self):
        path = self.copied()
        table = os.path.join(os.path.dirname(path), "usher.map")
        # musl's own files are lib.a(member); the rest is ours.
        text, count = re.subn(r"(^__stack_chk_fail .*\n)(?: +\S.*[^)\n]\n)+", r"\1", text_of(table), flags=re.MULTILINE)
        self.assertEqual(count, 1)
        with open(table, "w", encoding="utf-8") as file:
            file.write(text)
        self.refused_file("stack protector", path)

    def test_a_missing_map_is_no_yes(self):
        path = self.copied()
        os.unlink(os.path.join(os.path.dirname(path), "usher.map"))
        self.refused_file("stack protector", path)

    def test_a_byte_too_many_is_seen(self):
        if HERE != "x86-64":
            self.skipTest("the limit is x86-64's")
        path = self.copied()
        with open(path, "r+b") as file:
            file.truncate(154 * 1024)
        run(CHECK, path)
        with open(path, "r+b") as file:
            file.truncate(154 * 1024 + 1)
        with self.assertRaisesRegex(AssertionError, "usher: more than 157696 bytes"):
            run(CHECK, path)
        run(CHECK, "--any-size", path)
