# SPDX-License-Identifier: MIT
"""The OCI images: by their format for every architecture, and used by podman in a build."""
import gzip
import hashlib
import io
import json
import os
import re
import sys
import tarfile
import tempfile

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "engines"), os.path.join(TESTS, "e2e")]

import isolation  # noqa: E402
from release_lab import DIST, HERE, VERSION, TestCase, architectures, made, made_architectures, run  # noqa: E402

INDEX = "application/vnd.oci.image.index.v1+json"
PEERS = ("tini", "dumb-init", "catatonit", "gosu", "su-exec")
CONTAINERFILE = f"""FROM scratch
COPY --from=localhost/usher:{VERSION} /usher /usher
COPY --from=localhost/usher:{VERSION} /compat/tini /sbin/tini
COPY --from=localhost/usher:{VERSION} /compat/ /compat/
ENTRYPOINT ["/usher", "--"]
CMD ["/usher", "sleep", "0.1"]
"""
ENGINE_CONF = """[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[network]
network_backend = "netavark"
network_config_dir = "{folder}/networks"
"""


class Layout:
    """An OCI layout in a tar; every blob must be what its name says."""

    def __init__(self, path):
        with tarfile.open(path) as tar:
            self.files = {x.name: tar.extractfile(x).read() for x in tar if x.isfile()}
        for name, data in self.files.items():
            if name.startswith("blobs/sha256/"):
                assert hashlib.sha256(data).hexdigest() == os.path.basename(name), name
        assert json.loads(self.files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}

    def blob(self, descriptor):
        data = self.files["blobs/sha256/" + descriptor["digest"].removeprefix("sha256:")]
        assert len(data) == descriptor["size"], descriptor
        return data

    def top(self):
        """What the layout is of: an image, or an index of many."""
        top, = json.loads(self.files["index.json"])["manifests"]
        return top

    def images(self):
        """(platform, manifest) of each image."""
        top = self.top()
        assert top["annotations"]["org.opencontainers.image.ref.name"] == f"usher:{VERSION}"
        inner = json.loads(self.blob(top))
        for entry in inner["manifests"] if top["mediaType"] == INDEX else [top]:
            yield entry["platform"], json.loads(self.blob(entry))


class Images(TestCase):
    def check_image(self, layout, platform, manifest, arch):
        config = json.loads(layout.blob(manifest["config"]))
        name, _, variant = architectures()[arch]["oci"].partition("/")
        for facts in (platform, config):
            self.assertEqual((facts["os"], facts["architecture"], facts.get("variant", "")),
                             ("linux", name, variant))
        layer = gzip.decompress(layout.blob(manifest["layers"][0]))
        self.assertEqual(config["rootfs"]["diff_ids"], ["sha256:" + hashlib.sha256(layer).hexdigest()])
        peers = [f"compat/{x}" for x in PEERS]
        with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
            self.assertEqual(set(tar.getnames()),
                             {"usher", "usher-tls", "licenses", "licenses/mbedtls", "compat", *peers})
            for members, binary in ((["usher", *peers], "usher"), (["usher-tls"], "usher-tls")):
                with open(made("", arch, binary), "rb") as file:
                    want = file.read()
                for member in members:
                    self.assertEqual(tar.extractfile(member).read(), want)
                    self.assertEqual(tar.getmember(member).mode, 0o755)
            self.assertIn(b"Apache License", tar.extractfile("licenses/mbedtls").read())

    def test_one_image_an_architecture(self):
        for arch in made_architectures():
            with self.subTest(arch):
                layout = Layout(made(".oci.tar", arch))
                (platform, manifest), = layout.images()
                self.check_image(layout, platform, manifest, arch)

    def test_all_of_them_under_one_index(self):
        layout = Layout(self.index())
        images = list(layout.images())
        self.assertEqual(len(images), len(made_architectures()))
        self.assertEqual(layout.top()["mediaType"], INDEX)
        for (platform, manifest), arch in zip(images, made_architectures()):
            with self.subTest(arch):
                self.check_image(layout, platform, manifest, arch)

    def index(self):
        """The file of all images; of one architecture it is no index, and would show nothing."""
        self.assertGreater(len(made_architectures()), 1, "run scripts/release for two architectures or more")
        return os.path.join(DIST, f"usher-{VERSION}.oci.tar")

    def use(self, archive):
        self.need("podman", "runc", "ip")
        if os.getuid() != 0:
            self.skipTest("podman's sandbox needs root")
        self.assertEqual(isolation.run(lambda: self.use_in_sandbox(archive)), 0, "see above")

    def use_in_sandbox(self, archive):
        """Everything that podman keeps is gone with the sandbox."""
        folder = tempfile.mkdtemp()
        with open(f"{folder}/containers.conf", "w", encoding="ascii") as file:
            file.write(ENGINE_CONF.format(folder=folder))
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "DISABLE_HC_SYSTEMD": "true",
                       "CONTAINERS_CONF": f"{folder}/containers.conf", "TMPDIR": folder}

        def podman(*words):
            return run("podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run", "--tmpdir",
                       f"{folder}/tmp", "--storage-driver", "vfs", "--cgroup-manager", "cgroupfs",
                       "--events-backend", "file", "--runtime", "runc", *words, env=environment)
        podman("pull", "--quiet", f"oci-archive:{archive}")
        shown = json.loads(podman("image", "inspect", f"localhost/usher:{VERSION}"))[0]
        self.assertEqual(shown["Architecture"], architectures()[HERE]["oci"])
        with open(f"{folder}/Containerfile", "w", encoding="ascii") as file:
            file.write(CONTAINERFILE)
        podman("build", "--quiet", "--pull=never", "--network", "none", "-t", "localhost/user",
               "-f", f"{folder}/Containerfile", folder)
        start = ("run", "--rm", "--network", "none")
        podman(*start, "localhost/user")
        for peer in ("/sbin/tini", "/compat/tini"):
            version = podman(*start, "--entrypoint", f'["{peer}","--version"]', "localhost/user")
            self.assertTrue(re.search("^tini version ", version, re.MULTILINE), version)
        self.assertIn(VERSION, podman(*start, f"localhost/usher:{VERSION}", "--version"))
        return 0

    def test_podman_builds_from_one_image(self):
        self.use(made(".oci.tar"))

    def test_podman_builds_from_the_index(self):
        self.use(self.index())
