# SPDX-License-Identifier: MIT
"""The SBOMs name what is inside, and the provenance statement names every file of the release."""
import hashlib
import json
import os
import re

import schemas
from release_lab import (DIST, TOP, VERSION, TestCase, architectures, made, made_architectures, statement,
                         text_of)


def digest_of(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


class Documents(TestCase):
    def test_spdx(self):
        for arch in made_architectures():
            with self.subTest(arch):
                document = json.loads(text_of(made(".spdx.json", arch)))
                self.assertEqual(document["spdxVersion"], "SPDX-2.3")
                packages = {x["name"]: x for x in document["packages"]}
                self.assertEqual(packages["usher"]["versionInfo"], VERSION)
                self.assertEqual(packages["usher"]["checksums"][0]["checksumValue"], digest_of(made("", arch)))
                self.assertEqual(packages["musl"]["licenseDeclared"], "MIT")
                self.assertRegex(packages["musl"]["externalRefs"][1]["referenceLocator"], r"^cpe:2\.3:a:musl-libc:musl:1\.[0-9.]+:\*")
                self.assertRegex(packages["musl"]["versionInfo"], r"^1\.[0-9.]+-[0-9]")
                ids = {x["SPDXID"] for x in document["packages"]} | {"SPDXRef-DOCUMENT"}
                for relation in document["relationships"]:
                    self.assertLessEqual({relation["spdxElementId"], relation["relatedSpdxElement"]}, ids)

    def test_of_usher_tls_they_name_the_library(self):
        """By the name that advisories use for it, too."""
        version = re.search(r"mbedtls_version (\S+)\)", text_of(os.path.join(TOP, "cmake/mbedtls.cmake")))[1]
        cpe = f"cpe:2.3:a:arm:mbed_tls:{version}:*:*:*:*:*:*:*"
        for arch in made_architectures():
            with self.subTest(arch):
                packages = {x["name"]: x for x in json.loads(
                    text_of(made(".spdx.json", arch, "usher-tls")))["packages"]}
                self.assertEqual(packages["usher-tls"]["checksums"][0]["checksumValue"],
                                 digest_of(made("", arch, "usher-tls")))
                self.assertEqual(packages["mbedtls"]["licenseDeclared"], "Apache-2.0")
                self.assertEqual([x["referenceLocator"] for x in packages["mbedtls"]["externalRefs"]],
                                 [f"pkg:generic/mbedtls@{version}", cpe])
                parts = {x["name"]: x for x in json.loads(
                    text_of(made(".cdx.json", arch, "usher-tls")))["components"]}
                self.assertEqual((parts["mbedtls"]["version"], parts["mbedtls"]["cpe"]), (version, cpe))
                for suffix in (".spdx.json", ".cdx.json"):
                    self.assertNotIn("mbed", text_of(made(suffix, arch)))

    def test_cyclonedx(self):
        for arch in made_architectures():
            with self.subTest(arch):
                document = json.loads(text_of(made(".cdx.json", arch)))
                self.assertEqual((document["bomFormat"], document["specVersion"]), ("CycloneDX", "1.6"))
                self.assertEqual(document["metadata"]["component"]["hashes"][0]["content"],
                                 digest_of(made("", arch)))
                parts = {x["name"]: x for x in document["components"]}
                self.assertEqual(parts["musl"]["licenses"], [{"license": {"id": "MIT"}}])

    def sboms(self, suffix):
        for arch in made_architectures():
            for binary in ("usher", "usher-tls"):
                yield json.loads(text_of(made(suffix, arch, binary)))

    def test_cyclonedx_by_its_schema(self):
        for document in self.sboms(".cdx.json"):
            found = schemas.wrong_with_cyclonedx(document)
            if found is None:
                self.skipTest("npm's @cyclonedx/cyclonedx-library or python3-jsonschema is not installed")
            self.assertEqual(found, [])
            self.assertNotEqual(schemas.wrong_with_cyclonedx({**document, "serialNumber": "urn:uuid:1"}), [])

    def test_spdx_by_its_required_fields(self):
        for document in self.sboms(".spdx.json"):
            self.assertEqual(schemas.wrong(document, schemas.SPDX), [])
            document["packages"][0].pop("downloadLocation")
            self.assertEqual(schemas.wrong(document, schemas.SPDX), ["/packages/0/downloadLocation: missing"])

    def test_openvex(self):
        """By its form; and it is about what the SBOMs name."""
        document = json.loads(text_of(os.path.join(DIST, f"usher-tls-{VERSION}.openvex.json")))
        self.assertEqual(schemas.wrong_with_openvex(document), [])
        product = {"@id": f"pkg:generic/usher-tls@{VERSION}"}
        for sbom in self.sboms(".cdx.json"):
            if (main := sbom["metadata"]["component"])["name"] == "usher-tls":
                library, = (x["purl"] for x in sbom["components"] if x["name"] == "mbedtls")
                self.assertEqual(main["purl"], product["@id"])
                for statement in document["statements"]:   # those about releases before may be beside it
                    self.assertIn({**product, "subcomponents": [{"@id": library}]}, statement["products"])
        broken = document["statements"][0]
        broken["impact_statement"] = broken.pop("status_notes")
        self.assertRegex(schemas.wrong_with_openvex(document)[0], "^/statements/0: not_affected wants")

    def test_security_insights(self):
        """Its required fields, and that what it names is there."""
        import yaml
        text = text_of(os.path.join(TOP, "security-insights.yml"))
        document = yaml.safe_load(text)
        self.assertEqual(schemas.wrong(document, schemas.SECURITY_INSIGHTS), [])
        named = re.findall(r"/usher/blob/main/(\S+)$", text, re.MULTILINE)
        self.assertGreater(len(named), 10)
        for name in named:
            self.assertTrue(os.path.exists(os.path.join(TOP, name)), name)
        document["repository"].pop("license")
        document["header"]["last-updated"] = "yesterday"
        self.assertEqual(len(schemas.wrong(document, schemas.SECURITY_INSIGHTS)), 2)

    def test_provenance(self):
        shown = statement()
        self.assertEqual(shown["_type"], "https://in-toto.io/Statement/v1")
        self.assertEqual(shown["predicateType"], "https://slsa.dev/provenance/v1")
        named = {x["name"]: x["digest"]["sha256"] for x in shown["subject"]}
        there = {name: digest_of(os.path.join(DIST, name)) for name in os.listdir(DIST)
                 if name != "SHA256SUMS" and not name.endswith(".provenance.json")}
        self.assertEqual(named, there)
        uris = " ".join(x["uri"] for x in shown["predicate"]["buildDefinition"]["resolvedDependencies"])
        self.assertIn("pkg:deb/debian/musl", uris)
        self.assertIn("pkg:deb/debian/gcc-12", uris)
        self.assertIn("pkg:deb/debian/g%2B%2B-12", uris)
        self.assertNotIn("+", uris.replace("git+@SIGNER", ""))
        self.assertIn("pkg:generic/mbedtls", uris)
        self.assertEqual(set(re.findall(r"@SIGNER_\w+@", json.dumps(shown))),
                         {"@SIGNER_REPOSITORY@", "@SIGNER_BUILDER@", "@SIGNER_RUN@"})

    def test_documents_tell_the_sizes(self):
        """The rows of docs/building.md, to one KiB, and all architectures in them."""
        rows = [[cell.strip() for cell in line.strip("| ").split("|")]
                for line in text_of(os.path.join(TOP, "docs/building.md")).splitlines() if line.startswith("|")]
        head, = (row for row in rows if row[0] == "architecture")
        for binary in ("usher", "usher-tls"):
            sizes = dict(zip(head[1:], next(row for row in rows if row[0] == f"{binary}, KiB")[1:], strict=True))
            self.assertEqual(set(sizes), set(architectures()))
            for arch in made_architectures():
                with self.subTest(binary=binary, arch=arch):
                    made_kib = os.path.getsize(made("", arch, binary)) / 1024
                    self.assertLessEqual(abs(int(sizes[arch]) - made_kib), 1,
                                         f"the page says {sizes[arch]} KiB, it is {made_kib:.1f}")
