# SPDX-License-Identifier: MIT
"""scripts/verify-release believes neither the files, nor their list, nor the statement alone; and the same commit gives
the same bytes."""
import hashlib
import json
import os
import pwd
import shutil

from release_lab import DIST, HERE, TOP, VERSION, TestCase, run

STATEMENT = f"usher-{VERSION}.provenance.json"
BINARY = f"usher-{VERSION}-linux-{HERE}"


def append(path, data=b"x"):
    with open(path, "ab") as file:
        file.write(data)


def sign_again(folder):
    """Makes the list and the statement agree with the files, as somebody would who changed them all."""
    with open(os.path.join(folder, STATEMENT), encoding="utf-8") as file:
        statement = json.load(file)
    sums = {}
    for name in sorted(set(os.listdir(folder)) - {"SHA256SUMS", STATEMENT}):
        with open(os.path.join(folder, name), "rb") as file:
            sums[name] = hashlib.sha256(file.read()).hexdigest()
    statement["subject"] = [{"name": name, "digest": {"sha256": digest}} for name, digest in sums.items()]
    with open(os.path.join(folder, STATEMENT), "w", encoding="utf-8") as file:
        json.dump(statement, file)
    with open(os.path.join(folder, "SHA256SUMS"), "w", encoding="ascii") as file:
        file.writelines(f"{digest}  {name}\n" for name, digest in sums.items())


class Verify(TestCase):
    def setUp(self):
        super().setUp()
        self.copy = os.path.join(self.folder(), "dist")
        shutil.copytree(DIST, self.copy)

    def path(self, name):
        return os.path.join(self.copy, name)

    def refused(self, why, top=TOP, **options):
        with self.assertRaisesRegex(AssertionError, why):
            run(os.path.join(top, "scripts", "verify-release"), self.copy, HERE, **options)

    def test_a_changed_binary(self):
        append(self.path(BINARY))
        self.refused(f"{BINARY}: FAILED\n(.*\n)*.*is not what its SHA256SUMS says")

    def test_a_missing_file(self):
        os.unlink(self.path(BINARY + ".deb"))
        self.refused(rf"{BINARY}\.deb: FAILED open(.*\n)*.*is not what its SHA256SUMS says")

    def test_a_file_too_many(self):
        """But for the signatures of the list, which come behind it."""
        for name in ("usher-extra", "SHA256SUMS.sigstore.json", "SHA256SUMS.intoto.jsonl"):
            append(self.path(name))
        self.refused("has files that its SHA256SUMS does not name: usher-extra$")

    def test_a_line_that_is_no_sum(self):
        append(self.path("SHA256SUMS"), b"and so on\n")
        self.refused("improperly formatted(.*\n)*.*is not what its SHA256SUMS says")

    def test_a_statement_about_other_files(self):
        append(self.path(BINARY))
        sign_again(self.copy)
        shutil.copy(os.path.join(DIST, STATEMENT), self.path(STATEMENT))
        self.refused("the provenance statement is about other files than SHA256SUMS")

    def test_no_release(self):
        os.unlink(self.path("SHA256SUMS"))
        self.refused("no release in .*: SHA256SUMS and one provenance statement are wanted")

    def test_changes_that_no_commit_has(self):
        with open(self.path(STATEMENT), encoding="utf-8") as file:
            statement = json.load(file)
        commit = statement["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"]
        commit["gitCommit"] = "0123-dirty"
        with open(self.path(STATEMENT), "w", encoding="utf-8") as file:
            json.dump(statement, file)
        self.refused("made from changes that commit 0123 does not have")

    def test_what_is_built_again_elsewhere_is_the_same_but_for_what_was_changed(self):
        """By another user, in a folder with a longer name, later, in another place of the world. One file changed, one
        missing, one too many, all at once, for building takes long."""
        self.need_release_of_this_commit()
        if os.getuid() != 0:
            self.skipTest("to be another user needs root")
        append(self.path(BINARY + ".deb"))
        os.unlink(self.path(BINARY + ".rpm"))
        append(self.path(BINARY + ".zip"))
        sign_again(self.copy)
        nobody = pwd.getpwnam("nobody")
        folder = os.path.dirname(self.copy)
        clone, elsewhere = (os.path.join(folder, name) for name in ("clone", "a-much-longer-name-of-a-folder"))
        run("git", "clone", "--quiet", "--no-local", f"file://{TOP}", clone)
        os.mkdir(elsewhere)
        for path, _, names in os.walk(folder):
            for each in (path, *(os.path.join(path, name) for name in names)):
                os.lchown(each, nobody.pw_uid, nobody.pw_gid)
        self.refused(rf"differs: {BINARY}\.deb\nmissing: {BINARY}\.rpm\nnot made again: {BINARY}\.zip\n"
                     "9 files the same, 3 differ", top=clone, cwd=clone, timeout=3600,
                     user="nobody", group=nobody.pw_gid, extra_groups=[], umask=0o077,
                     env={"PATH": os.environ["PATH"], "HOME": elsewhere, "TMPDIR": elsewhere,
                          "TZ": "Pacific/Kiritimati", "LANG": "C.UTF-8"})
