# SPDX-License-Identifier: MIT
"""What the tests of a release share: where it is, and commands that must succeed."""
import errno
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "packaging"))
sys.dont_write_bytecode = True

from architectures import architectures  # noqa: E402

DIST = os.environ.get("RELEASE_DIST", os.path.join(TOP, "dist"))
HERE = {"x86_64": "x86-64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


VERSION = re.search(r"^project\(usher VERSION (\S+)", text_of(os.path.join(TOP, "CMakeLists.txt")),
                    re.MULTILINE)[1]


def run(*command, **options):
    """The command's stdout; it must succeed."""
    options = {"check": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True,
               "timeout": 900, "stdin": subprocess.DEVNULL, **options}
    try:
        return subprocess.run([str(word) for word in command], **options).stdout
    except subprocess.CalledProcessError as error:
        raise AssertionError(f"{error}\n{error.stdout}") from None


def made(suffix="", arch=HERE, binary="usher"):
    """A file of the release: made(".deb")."""
    return os.path.join(DIST, f"{binary}-{VERSION}-linux-{arch}{suffix}")


def made_architectures():
    """Those that dist/ has."""
    return [name for name in architectures() if os.path.exists(made("", name))]


def statement():
    """The provenance statement."""
    return json.loads(text_of(os.path.join(DIST, f"usher-{VERSION}.provenance.json")))


def release_commit():
    return statement()["predicate"]["buildDefinition"]["resolvedDependencies"][0]["digest"]["gitCommit"]


def clone_of_top(folder):
    """A clone with the commit that is checked out, tagged as the version, whether or not it has that tag already."""
    run("git", "clone", "--quiet", "--no-local", f"file://{TOP}", folder)
    run("git", "-C", folder, "tag", "--force", f"v{VERSION}")
    return folder


def fill_placeholders(clone):
    """What scripts/publish refuses while names and addresses are not known; as a maintainer would, once they are."""
    names = run("git", "-C", clone, "ls-files", "security-insights.yml", "packaging", "README.md", "docs/verifying.md").split()
    run("sed", "-i", r"s/example\.org\|PLACEHOLDER\|usher\.invalid\|OWNER\|REGISTRY\|is not released yet/somewhere/g",
        *(f"{clone}/{name}" for name in names))


def can_run(arch):
    """Whether this machine executes that architecture's binaries by itself."""
    if architectures()[arch]["qemu"] != "native" and arch != HERE:
        return False
    try:
        run(made("", arch), "--version")
    except OSError as error:
        # Some kernels on x86-64 run no 32-bit program.
        if arch == HERE or error.errno != errno.ENOEXEC:
            raise
        print(f"this machine executes no program for {arch}")
        return False
    return True


def need(case, *programs):
    for program in programs:
        if shutil.which(program) is None:
            case.skipTest(f"{program} is not installed")


class TestCase(unittest.TestCase):
    def folder(self):
        path = tempfile.mkdtemp(prefix="usher-release-")
        self.addCleanup(shutil.rmtree, path, ignore_errors=True)
        return path

    def need(self, *programs):
        need(self, *programs)

    def need_release_of_this_commit(self):
        """Only such a release can be made again from a clone."""
        head, commit = run("git", "-C", TOP, "rev-parse", "HEAD").strip(), release_commit()
        if commit.endswith("-dirty"):
            self.skipTest("the release was made from changes that no commit has")
        self.assertEqual(commit, head, f"the release in {DIST} is another commit's: run scripts/release")

    def setUp(self):
        # Nothing to test is no success.
        self.assertTrue(made_architectures() and os.path.exists(os.path.join(DIST, "SHA256SUMS")),
                        f"no release of {VERSION} in {DIST}: run scripts/release first")
