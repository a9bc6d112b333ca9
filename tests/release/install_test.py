# SPDX-License-Identifier: MIT
"""cmake --install, and what configure says when something is missing."""
import os
import platform
import re

from release_lab import HERE, TOP, VERSION, TestCase, run

MUSL = f"{platform.machine()}-linux-musl"
BUILD = os.path.join(TOP, "build", f"release-{HERE}")


class Install(TestCase):
    def test_everything_is_installed_below_the_prefix(self):
        folder = self.folder()
        run("cmake", "--install", BUILD, "--prefix", "/opt/usher", env={**os.environ, "DESTDIR": folder})
        found = {os.path.relpath(os.path.join(path, name), f"{folder}/opt/usher")
                 for path, _, names in os.walk(folder) for name in names}
        self.assertEqual(found, {
            "bin/usher", "share/man/man1/usher.1", "share/doc/usher/LICENSE",
            "share/bash-completion/completions/usher", "share/zsh/site-functions/_usher",
            "share/fish/vendor_completions.d/usher.fish"})
        self.assertIn(VERSION, run(f"{folder}/opt/usher/bin/usher", "--version"))
        if os.path.exists("/usr/bin/man"):
            page = run("man", "-P", "cat", f"{folder}/opt/usher/share/man/man1/usher.1")
            self.assertIn("init and health probe for containers", page)

    def refused(self, *options):
        """What a configuration that must fail says, as one line."""
        with self.assertRaises(AssertionError) as caught:
            run("cmake", "-S", TOP, "-B", self.folder(), "-G", "Ninja", *options, env={**os.environ, "LC_ALL": "C"})
        return re.sub(r"\s+", " ", str(caught.exception))

    def test_a_missing_musl_is_told(self):
        folder = self.folder()
        self.assertIn("musl for x86_64 is missing: on Debian or Ubuntu apt-get install musl-tools",
                      self.refused("-DUSHER_STATIC=ON", f"-DUSHER_MUSL={folder}", f"-DUSHER_MUSL_INCLUDE={folder}"))

    def test_fedora_s_musl_is_found(self):
        """Fedora has it in other folders: in a mount namespace of its own, this machine's is put there."""
        self.need("unshare", "cmake")
        if os.getuid() != 0 or not os.path.exists(f"/usr/lib/{MUSL}/libc.a"):
            self.skipTest("needs root, and Debian's musl-tools")
        script = f"""set -e
            mount -t tmpfs tmpfs "$1"
            mkdir -p "$1/upper/{MUSL}" "$1/work"
            cp -r /usr/lib/{MUSL} "$1/upper/{MUSL}/lib64"
            cp -r /usr/include/{MUSL} "$1/upper/{MUSL}/include"
            mount -t overlay overlay -o "lowerdir=/usr,upperdir=$1/upper,workdir=$1/work" /usr
            rm -r /usr/lib/{MUSL} /usr/include/{MUSL}
            cmake -S "$2" -B "$1/build" -G Ninja -DCMAKE_BUILD_TYPE=None -DUSHER_STATIC=ON
            grep ^USHER_MUSL "$1/build/CMakeCache.txt"
            cmake --build "$1/build" --target usher
            "$1/build/usher" --version"""
        out = run("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", self.folder(), TOP)
        self.assertIn(f"USHER_MUSL:PATH=/usr/{MUSL}/lib64\n", out)
        self.assertIn(f"USHER_MUSL_INCLUDE:PATH=/usr/{MUSL}/include\n", out)
        self.assertIn(f"\nusher {VERSION} (", out)
        self.assertTrue(os.path.exists(f"/usr/lib/{MUSL}/libc.a"))

    def as_on_alpine(self, folder, musl):
        """Writes compilers that say they are Alpine's: their own C library is musl. Options that name them."""
        search = run("g++", "-x", "c++", "-E", "-Wp,-v", "/dev/null")
        found = re.findall(r"^ (/\S+)", search, re.MULTILINE)
        headers = [*(x for x in found if "c++" in x), f"/usr/include/{MUSL}",
                   *(x for x in found if re.search(r"/gcc/", x))]
        words = " ".join(["-nostdinc", "-nostdinc++", "'-D__GLIBC_PREREQ(major,minor)=0'",
                          *(f"-isystem {x}" for x in headers)])
        options = []
        for language, compiler in (("C", "gcc"), ("CXX", "g++")):
            path = os.path.join(folder, compiler)
            with open(path, "w", encoding="ascii") as file:
                file.write(f"""#!/bin/sh
                    case "$*" in
                        -dumpmachine) echo {platform.machine()}-alpine-linux-musl; exit ;;
                        -print-file-name=rcrt1.o) echo {musl}/rcrt1.o; exit ;;
                    esac
                    exec /usr/bin/{compiler} {words} "$@"\n""")
            os.chmod(path, 0o755)
            options += [f"-DCMAKE_{language}_COMPILER={path}", f"-DCMAKE_{language}_COMPILER_WORKS=1"]
        return options

    def test_alpine_s_compiler_needs_no_other_musl(self):
        folder = self.folder()
        options = self.as_on_alpine(folder, f"/usr/lib/{MUSL}")
        run("cmake", "-S", TOP, "-B", f"{folder}/build", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=None",
            "-DUSHER_STATIC=ON", *options)
        run("cmake", "--build", f"{folder}/build", "--target", "usher")
        run(os.path.join(TOP, "scripts", "hardening"), f"{folder}/build/usher")
        self.assertIn(f"usher {VERSION} (", run(f"{folder}/build/usher", "--version"))

    def test_a_missing_c_library_is_told_on_alpine(self):
        self.assertIn("the C library to link with is missing: on Alpine apk add musl-dev",
                      self.refused("-DUSHER_STATIC=ON", *self.as_on_alpine(self.folder(), "/nowhere")))

    def test_a_missing_clang_tidy_is_told(self):
        self.assertIn("no-tidy-here is missing: on Debian or Ubuntu apt-get install clang-tidy",
                      self.refused("-DCMAKE_CXX_CLANG_TIDY=no-tidy-here;--quiet"))

    def test_an_old_compiler_is_told(self):
        self.assertIn("usher needs GCC 12 or Clang 16, or newer; this is GNU 11.0",
                      self.refused("-DCMAKE_CXX_COMPILER_FORCED=1", "-DCMAKE_CXX_COMPILER_ID_RUN=1",
                                   "-DCMAKE_CXX_COMPILER_ID=GNU", "-DCMAKE_CXX_COMPILER_VERSION=11.0",
                                   "-DCMAKE_CXX_COMPILER=c++", "-DCMAKE_CXX_STANDARD_COMPUTED_DEFAULT=17"))
