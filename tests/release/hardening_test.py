# SPDX-License-Identifier: MIT
"""Every binary of the release is hardened, and scripts/hardening sees it when one is not."""
import os
import shutil
import struct

from release_lab import TOP, TestCase, made, made_architectures, run

CHECK = os.path.join(TOP, "scripts", "hardening")
PT_INTERP, PT_GNU_STACK, PT_GNU_RELRO = 3, 0x6474e551, 0x6474e552


class Hardening(TestCase):
    def spoiled(self, spoil):
        """A copy of a 64-bit little-endian binary, its bytes changed by spoil(data, headers)."""
        path = os.path.join(self.folder(), "usher")
        shutil.copy(made(), path)
        with open(path, "r+b") as file:
            data = bytearray(file.read())
            table, = struct.unpack_from("<Q", data, 32)
            size, count = struct.unpack_from("<HH", data, 54)
            spoil(data, {struct.unpack_from("<I", data, table + size * n)[0]: table + size * n
                         for n in range(count)})
            file.seek(0)
            file.write(data)
        return path

    def refused(self, column, spoil):
        with self.assertRaises(AssertionError) as caught:
            run(CHECK, self.spoiled(spoil))
        header, row = str(caught.exception).splitlines()[1:3]
        at = header.index(column)
        self.assertEqual(row[at:at + 3].strip(), "NO", row)

    def test_all_are_hardened(self):
        run(CHECK, *(made("", arch) for arch in made_architectures()))

    def test_an_executable_stack_is_seen(self):
        self.refused("NX", lambda data, at: struct.pack_into("<I", data, at[PT_GNU_STACK] + 4, 7))

    def test_missing_relro_is_seen(self):
        self.refused("RELRO", lambda data, at: struct.pack_into("<I", data, at[PT_GNU_RELRO], 0x60000000))

    def test_an_interpreter_is_seen(self):
        self.refused("static-pie", lambda data, at: struct.pack_into("<I", data, at[PT_GNU_RELRO], PT_INTERP))

    def test_a_fixed_address_is_seen(self):
        self.refused("static-pie", lambda data, at: struct.pack_into("<H", data, 16, 2))

    def test_a_path_is_seen(self):
        def spoil(data, at):
            data[-400:-380] = b"/home/usher/src/main"
        self.refused("no path", spoil)
