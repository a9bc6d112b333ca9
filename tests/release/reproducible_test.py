# SPDX-License-Identifier: MIT
"""The same commit gives the same bytes: in another folder, by another user, later, in another place
of the world. RELEASE_REPEAT names the architectures to build again; this machine's own by default."""
import os
import pwd
import re

from release_lab import DIST, HERE, TOP, TestCase, run

AGAIN = os.environ.get("RELEASE_REPEAT", HERE).split()


def sums(folder, pattern):
    with open(os.path.join(folder, "SHA256SUMS"), encoding="ascii") as file:
        return {name: digest for digest, name in (line.split() for line in file)
                if re.search(pattern, name)}


class Reproducible(TestCase):
    def setUp(self):
        super().setUp()
        self.need_release_of_this_commit()

    def clone(self, folder):
        run("git", "clone", "--quiet", "--no-local", f"file://{TOP}", folder)

    def test_another_folder_user_and_time(self):
        if os.getuid() != 0:
            self.skipTest("to be another user needs root")
        nobody = pwd.getpwnam("nobody")
        folder = self.folder()
        clone = os.path.join(folder, "a-much-longer-name", "of-a-folder")
        self.clone(clone)
        for path, _, names in os.walk(folder):
            for each in (path, *(os.path.join(path, name) for name in names)):
                os.lchown(each, nobody.pw_uid, nobody.pw_gid)
        os.chmod(folder, 0o755)
        home = os.path.join(folder, "home")
        os.mkdir(home)
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        run("scripts/release", *AGAIN, cwd=clone, user="nobody", group=nobody.pw_gid, extra_groups=[],
            umask=0o077, timeout=3600,
            env={"PATH": os.environ["PATH"], "HOME": home, "TZ": "Pacific/Kiritimati", "LANG": "C.UTF-8"})
        pattern = "linux-(" + "|".join(AGAIN) + r")(\.|$)"
        want, got = sums(DIST, pattern), sums(os.path.join(clone, "dist"), pattern)
        self.assertEqual(got, want)
        self.assertEqual(len(got), 11 * len(AGAIN))
