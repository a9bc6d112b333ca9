# SPDX-License-Identifier: MIT
"""The OCI images: by their format for every architecture, and used by podman in a build."""
import datetime
import gzip
import hashlib
import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.request

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path += [os.path.join(TESTS, "engines"), os.path.join(TESTS, "e2e")]

import isolation  # noqa: E402
from release_lab import (DIST, HERE, TOP, VERSION, TestCase, architectures, clone_of_top, fill_placeholders, made,  # noqa: E402
                         made_architectures, release_commit, run)

INDEX, MANIFEST = "application/vnd.oci.image.index.v1+json", "application/vnd.oci.image.manifest.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
SPDX, CYCLONEDX = "application/spdx+json", "application/vnd.cyclonedx+json"
OPENVEX, IN_TOTO = "application/vnd.openvex+json", "application/vnd.in-toto+json"
REF_NAME = "org.opencontainers.image.ref.name"
TAGS = (VERSION, VERSION.rpartition(".")[0], VERSION.partition(".")[0])
PEERS = ("tini", "dumb-init", "catatonit", "gosu", "su-exec")
CONTAINERFILE = """FROM scratch
COPY --from=localhost/usher:TAG /usher /usher
COPY --from=localhost/usher:TAG /compat/tini /sbin/tini
COPY --from=localhost/usher:TAG /compat/ /compat/
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

    def entries(self):
        return json.loads(self.files["index.json"])["manifests"]

    def tagged(self):
        """What index.json names, by tag."""
        return {x["annotations"][REF_NAME]: x for x in self.entries() if REF_NAME in x["annotations"]}

    def top(self):
        """What the version's tag is of: an image, or an index of many."""
        return self.tagged()[VERSION]

    def images(self):
        """(platform, manifest) of each image below an index."""
        for entry in json.loads(self.blob(self.top()))["manifests"]:
            yield entry["platform"], json.loads(self.blob(entry))


def same_but(descriptor, *keys):
    return {key: value for key, value in descriptor.items() if key not in keys}


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
                entry, = layout.entries()
                self.assertEqual((entry["annotations"][REF_NAME], entry["mediaType"]), (VERSION, MANIFEST))
                name, _, variant = architectures()[arch]["oci"].partition("/")
                platform = {"os": "linux", "architecture": name, **({"variant": variant} if variant else {})}
                self.check_image(layout, platform, json.loads(layout.blob(entry)), arch)

    def test_all_of_them_under_one_index(self):
        layout = Layout(self.index())
        images = list(layout.images())
        self.assertEqual(len(images), len(made_architectures()))
        self.assertEqual(layout.top()["mediaType"], INDEX)
        for (platform, manifest), arch in zip(images, made_architectures()):
            with self.subTest(arch):
                self.check_image(layout, platform, manifest, arch)

    def test_the_index_has_the_tags_and_says_what_it_is(self):
        layout = Layout(self.index())
        for tag in TAGS:
            entry = layout.tagged()[tag]
            self.assertEqual(same_but(entry, "annotations"), same_but(layout.top(), "annotations"))
            self.assertEqual(entry["annotations"]["io.containerd.image.name"], f"localhost/usher:{tag}")
        about = json.loads(layout.blob(layout.top()))["annotations"]
        facts = {key: about["org.opencontainers.image." + key] for key in ("title", "version", "licenses", "revision", "documentation")}
        self.assertEqual(facts, {"title": "usher", "version": VERSION, "licenses": "MIT AND Apache-2.0",
                                 "revision": release_commit(), "documentation": f"{about['org.opencontainers.image.source']}/blob/v{VERSION}/README.md"})
        seconds = run("git", "-C", TOP, "log", "-1", "--format=%ct", release_commit().removesuffix("-dirty"))
        self.assertEqual(datetime.datetime.fromisoformat(about["org.opencontainers.image.created"]).timestamp(), int(seconds))

    def test_artifacts_refer_to_the_images(self):
        layout = Layout(self.index())
        images = {x["digest"]: x for x in json.loads(layout.blob(layout.top()))["manifests"]}
        artifacts = [x for x in layout.entries() if REF_NAME not in x["annotations"]]
        found = {}
        for entry in artifacts:
            manifest = json.loads(layout.blob(entry))
            self.assertEqual((entry["mediaType"], manifest["mediaType"]), (MANIFEST, MANIFEST))
            self.assertEqual(entry["artifactType"], manifest["artifactType"])
            subject = manifest["subject"]
            self.assertLessEqual({"mediaType", "digest", "size"}, set(subject))
            layout.blob(subject)
            self.assertEqual((manifest["config"]["mediaType"], layout.blob(manifest["config"])), (EMPTY, b"{}"))
            document, = manifest["layers"]
            self.assertEqual(document["mediaType"], manifest["artifactType"])
            name = document["annotations"]["org.opencontainers.image.title"]
            found.setdefault(subject["digest"], set()).add((manifest["artifactType"], name))
            if manifest["artifactType"] != IN_TOTO:
                with open(os.path.join(DIST, name), "rb") as file:
                    self.assertEqual(layout.blob(document), file.read())
            else:
                statement = json.loads(layout.blob(document))
                self.assertEqual(statement["subject"][0]["digest"]["sha256"], subject["digest"].partition(":")[2])
                self.assertNotIn("@SIGNER", json.dumps(statement))
        vex = (OPENVEX, f"usher-tls-{VERSION}.openvex.json")
        want = {layout.top()["digest"]: {vex, (IN_TOTO, f"usher-{VERSION}.image.intoto.json")}}
        for digest, arch in zip(images, made_architectures()):
            want[digest] = {vex, *((kind, os.path.basename(made(suffix, arch, binary)))
                                   for kind, suffix in ((SPDX, ".spdx.json"), (CYCLONEDX, ".cdx.json"))
                                   for binary in ("usher", "usher-tls"))}
        self.assertEqual(found, want)
        for digest in want:   # the list that a registry without the referrers API is asked for
            referrers = json.loads(layout.blob(layout.tagged()[digest.replace(":", "-")]))
            self.assertEqual(referrers["manifests"], [
                x for x in artifacts if json.loads(layout.blob(x))["subject"]["digest"] == digest])

    def test_skopeo_reads_each_tag(self):
        self.need("skopeo")
        want = Layout(self.index()).top()["digest"]
        for tag in TAGS:
            shown = json.loads(run("skopeo", "inspect", f"oci-archive:{self.index()}:{tag}"))
            self.assertEqual((shown["Digest"], shown["Labels"]["org.opencontainers.image.version"]), (want, VERSION))

    def test_what_a_registry_gets(self):
        """scripts/publish --image, into a registry of Debian's."""
        self.need("skopeo", "docker-registry")
        self.need_release_of_this_commit()
        folder = self.folder()
        fill_placeholders(clone_of_top(f"{folder}/usher"))
        shutil.copytree(DIST, f"{folder}/usher/dist")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{free.getsockname()[1]}"
        with open(f"{folder}/registry.yml", "w", encoding="ascii") as file:
            file.write(f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/registry}}}}\n"
                       f"http: {{addr: '{address}'}}\n")
        os.makedirs(f"{folder}/.config/containers")
        with open(f"{folder}/.config/containers/registries.conf", "w", encoding="ascii") as file:
            file.write(f'[[registry]]\nlocation = "{address}"\ninsecure = true\n')
        with subprocess.Popen(["docker-registry", "serve", f"{folder}/registry.yml"], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as registry:
            # Before this block is left: it waits for the registry's end.
            limit = threading.Timer(120, registry.kill)
            limit.start()
            self.wait_until_open(address)
            said = run(f"{folder}/usher/scripts/publish", f"v{VERSION}", "--image", f"{address}/usher",
                       env={**os.environ, "HOME": folder})
            layout = Layout(self.index())
            self.assertEqual(said.splitlines()[-1], f"{address}/usher@{layout.top()['digest']}")

            def get(name, kind):
                request = urllib.request.Request(f"http://{address}/v2/usher/manifests/{name}", headers={"Accept": kind})
                with urllib.request.urlopen(request, timeout=30) as answer:
                    return answer.read()
            self.assertEqual(get(VERSION, INDEX), layout.blob(layout.top()))
            with urllib.request.urlopen(f"http://{address}/v2/usher/tags/list", timeout=30) as answer:
                there = set(json.load(answer)["tags"])
            # X.Y and X move when the draft is published.
            self.assertEqual({x for x in there if not x.startswith("sha256-")}, {VERSION})
            for entry in layout.entries():
                if "artifactType" in entry:   # all their blobs too: the registry refuses a manifest without them
                    self.assertEqual(get(entry["digest"], MANIFEST), layout.blob(entry))
            for tag, entry in layout.tagged().items():
                if tag not in TAGS:
                    there = {x["digest"] for x in json.loads(get(tag, INDEX))["manifests"]}
                    self.assertEqual(there, {x["digest"] for x in json.loads(layout.blob(entry))["manifests"]})
            registry.terminate()
            limit.cancel()

    def wait_until_open(self, address):
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(address.split(":"), 1).close()
                return
            except OSError:
                self.assertLess(time.monotonic(), deadline, f"no registry at {address}")
                time.sleep(0.05)

    def index(self):
        """The file of all images; of one architecture it is no index, and would show nothing."""
        self.assertGreater(len(made_architectures()), 1, "run scripts/release for two architectures or more")
        return os.path.join(DIST, f"usher-{VERSION}.oci.tar")

    def use(self, archive, tag=VERSION):
        self.need("podman", "runc", "ip")
        if os.getuid() != 0:
            self.skipTest("podman's sandbox needs root")
        self.assertEqual(isolation.run(lambda: self.use_in_sandbox(archive, tag)), 0, "see above")

    def use_in_sandbox(self, archive, tag):
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
        shown = json.loads(podman("image", "inspect", f"localhost/usher:{tag}"))[0]
        self.assertEqual(shown["Architecture"], architectures()[HERE]["oci"])
        with open(f"{folder}/Containerfile", "w", encoding="ascii") as file:
            file.write(CONTAINERFILE.replace("TAG", tag))
        podman("build", "--quiet", "--pull=never", "--network", "none", "-t", "localhost/user",
               "-f", f"{folder}/Containerfile", folder)
        start = ("run", "--rm", "--network", "none")
        podman(*start, "localhost/user")
        for peer in ("/sbin/tini", "/compat/tini"):
            version = podman(*start, "--entrypoint", f'["{peer}","--version"]', "localhost/user")
            self.assertTrue(re.search("^tini version ", version, re.MULTILINE), version)
        self.assertIn(VERSION, podman(*start, f"localhost/usher:{tag}", "--version"))
        return 0

    def test_podman_builds_from_one_image(self):
        self.use(made(".oci.tar"))

    def test_podman_builds_from_the_index(self):
        """Of several tags one has to be named."""
        for tag in TAGS:
            with self.subTest(tag):
                self.use(f"{self.index()}:{tag}", tag)
