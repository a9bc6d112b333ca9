# SPDX-License-Identifier: MIT
"""Each package is installed into an empty root by its own tool, where that is here, and run there."""
import gzip
import hashlib
import io
import os
import re
import shutil
import stat
import tarfile
import zlib

from release_lab import DIST, VERSION, TestCase, can_run, made, made_architectures, run

BINARIES = ("usher", "usher-tls")
FILES = {"share/doc/usher/LICENSE": 0o644, "share/doc/usher/copyright.musl": 0o644,
         "share/doc/usher/copyright.mbedtls": 0o644}
for binary in BINARIES:
    FILES |= {f"bin/{binary}": 0o755, f"share/man/man1/{binary}.1.gz": 0o644,
              f"share/bash-completion/completions/{binary}": 0o644,
              f"share/zsh/site-functions/_{binary}": 0o644,
              f"share/fish/vendor_completions.d/{binary}.fish": 0o644}


class Packages(TestCase):
    def check(self, root, arch):
        """What is installed below root is what was built, and runs where nothing else is."""
        found = {os.path.relpath(os.path.join(folder, name), root)
                 for folder, _, names in os.walk(root) for name in names}
        self.assertEqual(found, set(FILES))
        for name, mode in FILES.items():
            self.assertEqual(stat.S_IMODE(os.stat(os.path.join(root, name)).st_mode), mode, name)
        for binary in BINARIES:
            with open(os.path.join(root, "bin", binary), "rb") as got, \
                    open(made("", arch, binary), "rb") as want:
                self.assertEqual(got.read(), want.read())
            if can_run(arch):
                self.assertIn(VERSION, run("chroot", root, f"/bin/{binary}", "--version"))

    def for_each(self, check):
        for arch in made_architectures():
            with self.subTest(arch):
                check(arch, self.folder())

    def test_tarball(self):
        def install(arch, root):
            with tarfile.open(made(".tar.gz", arch)) as tar:
                self.assertEqual({(x.uid, x.gid) for x in tar}, {(0, 0)})
                tar.extractall(root)
            self.check(os.path.join(root, f"usher-{VERSION}"), arch)
        self.for_each(install)

    def test_deb(self):
        self.need("dpkg")

        def install(arch, root):
            os.makedirs(f"{root}/var/lib/dpkg/info")
            os.makedirs(f"{root}/var/lib/dpkg/updates")
            for name in ("status", "available"):
                open(f"{root}/var/lib/dpkg/{name}", "w", encoding="ascii").close()
            run("dpkg", f"--root={root}", "--force-architecture", "--force-not-root", "-i", made(".deb", arch))
            self.assertIn("ok installed", run("dpkg-query", f"--admindir={root}/var/lib/dpkg", "-W",
                                              "-f", "${Status}", "usher"))
            self.check(f"{root}/usr", arch)
            run("dpkg", f"--root={root}", "--purge", "usher")
            self.assertFalse(os.path.exists(f"{root}/usr/bin/usher"))
        self.for_each(install)

    def test_rpm(self):
        self.need("rpm")

        def install(arch, root):
            rpm = ("rpm", "--root", root, "--dbpath", "/var/lib/rpm")
            run(*rpm, "--initdb")
            run(*rpm, "-i", "--ignorearch", made(".rpm", arch))
            self.assertIn(f"usher-{VERSION}-1", run(*rpm, "-q", "usher"))
            run(*rpm, "-V", "usher")
            self.check(f"{root}/usr", arch)
            run(*rpm, "-e", "usher")
            self.assertFalse(os.path.exists(f"{root}/usr/bin/usher"))
        self.for_each(install)

    def test_apk_with_apk(self):
        self.need("apk")

        def install(arch, root):
            run("apk", "--root", root, "--initdb", "--allow-untrusted", "--no-network", "--no-scripts",
                "add", made(".apk", arch))
            self.check(f"{root}/usr", arch)
        self.for_each(install)

    def test_apk_by_its_format(self):
        def install(arch, root):
            with open(made(".apk", arch), "rb") as file:
                data = file.read()
            first = zlib.decompressobj(wbits=31)
            control = first.decompress(data)
            second = first.unused_data
            with tarfile.open(fileobj=io.BytesIO(control)) as tar:
                text = tar.extractfile(".PKGINFO").read().decode()
            facts = dict(line.split(" = ", 1) for line in text.splitlines())
            self.assertEqual(facts["datahash"], hashlib.sha256(second).hexdigest())
            self.assertEqual((facts["pkgname"], facts["pkgver"]), ("usher", f"{VERSION}-r0"))
            # apk reads both as one tar, and checks each file.
            with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as tar:
                members = tar.getmembers()
                self.assertEqual(members[0].name, ".PKGINFO")
                for member in members[1:]:
                    if member.isfile():
                        digest = hashlib.sha1(tar.extractfile(member).read()).hexdigest()
                        self.assertEqual(member.pax_headers["APK-TOOLS.checksum.SHA1"], digest)
                tar.extractall(root, members[1:])
            self.check(f"{root}/usr", arch)
        self.for_each(install)

    def test_sums(self):
        shutil.copytree(DIST, copy := self.folder() + "/dist")
        run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=copy)
        with open(f"{copy}/SHA256SUMS", encoding="ascii") as file:
            named = set(re.findall(r"  (.*)", file.read()))
        self.assertEqual(named | {"SHA256SUMS", f"usher-{VERSION}.provenance.json"}, set(os.listdir(copy)))
