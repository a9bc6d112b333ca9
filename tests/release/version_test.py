# SPDX-License-Identifier: MIT
"""Which commit and version a release may call itself."""
import os
import re
import tarfile

from release_lab import HERE, TOP, VERSION, TestCase, run, text_of

IDENTITY = ("-c", "user.name=tester", "-c", "user.email=tester@usher.invalid", "-c", "commit.gpgsign=false")


class Versions(TestCase):
    def setUp(self):
        super().setUp()
        self.clone = self.folder()
        run("git", "clone", "--quiet", "--no-local", f"file://{TOP}", self.clone)
        # The tag of a release would be one too many here.
        for tag in self.git("tag", "--points-at", "HEAD").split():
            self.git("tag", "-d", tag)

    def git(self, *words):
        return run("git", "-C", self.clone, *IDENTITY, *words)

    def heading(self, text):
        """Commits a CHANGELOG.md whose heading of this version is that."""
        path = os.path.join(self.clone, "CHANGELOG.md")
        changed, count = re.subn(rf"^## \[{re.escape(VERSION)}\].*$", text, text_of(path), flags=re.MULTILINE)
        self.assertEqual(count, 1)
        with open(path, "w", encoding="utf-8") as file:
            file.write(changed)
        self.git("commit", "--quiet", "--allow-empty", "-am", "heading")

    def change(self):
        with open(os.path.join(self.clone, "README.md"), "a", encoding="utf-8") as file:
            file.write("\nA change.\n")

    def check(self):
        return run(f"{self.clone}/scripts/release", "--check")

    def refused(self, why):
        with self.assertRaisesRegex(AssertionError, f"scripts/release: {why}$"):
            self.check()

    def test_the_changelog_has_the_version(self):
        self.heading("## [other]")
        self.refused(f"CHANGELOG.md has no section for {VERSION}")

    def test_without_a_tag_no_date_is_needed(self):
        self.heading(f"## [{VERSION}] - unreleased")
        self.assertNotIn("tag", self.check())

    def test_a_tag_wants_a_date(self):
        self.heading(f"## [{VERSION}] - unreleased")
        self.git("tag", f"v{VERSION}")
        self.refused(f"CHANGELOG.md has no date for {VERSION}, and this commit is tagged")

    def test_a_tag_with_a_date_is_taken(self):
        self.heading(f"## [{VERSION}] - 2026-01-31")
        self.git("tag", f"v{VERSION}")
        self.assertRegex(self.check(), f"^usher {VERSION}, commit [0-9a-f]{{40}}, tag v{VERSION}\n$")

    def test_the_tag_is_the_version(self):
        self.git("tag", "v9.9.9")
        self.refused(f"the tag is v9.9.9, the version in CMakeLists.txt is {VERSION}")

    def test_a_tagged_release_has_no_changes(self):
        self.heading(f"## [{VERSION}] - 2026-01-31")
        self.git("tag", "-a", "-m", "tag", f"v{VERSION}")
        self.change()
        self.refused("there are changes that the tagged commit does not have")

    def test_changes_are_told_everywhere(self):
        commit = self.git("rev-parse", "HEAD").strip()
        self.change()
        run("scripts/release", HERE, cwd=self.clone)
        stem = f"{self.clone}/dist/usher-{VERSION}-linux-{HERE}"
        self.assertIn(f"commit {commit[:12]}-dirty,", run(stem, "--version"))
        for document in (f"{stem}.spdx.json", f"{stem}.cdx.json",
                         f"{self.clone}/dist/usher-{VERSION}.provenance.json"):
            self.assertIn(f"{commit}-dirty\"", text_of(document))
        with tarfile.open(f"{stem}.oci.tar") as tar:
            blobs = [tar.extractfile(x).read() for x in tar if x.isfile()]
        self.assertTrue(any(f'revision":"{commit}-dirty"'.encode() in x for x in blobs))

    def test_a_change_after_configure_is_told_too(self):
        """What the binary is made from is looked at whenever it is built."""
        build = ("cmake", "--build", "--preset", "release")
        binary = f"{self.clone}/build/release/usher"
        run("cmake", "--preset", "release", cwd=self.clone)
        run(*build, cwd=self.clone)
        self.assertNotIn("-dirty", run(binary, "--version"))
        source = f"{self.clone}/src/cmd/main.cpp"
        before = text_of(source)
        for text, dirty in ((before + "// A change.\n", True), (before, False)):
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            run(*build, cwd=self.clone)
            self.assertEqual("-dirty" in run(binary, "--version"), dirty)
