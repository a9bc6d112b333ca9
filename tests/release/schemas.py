# SPDX-License-Identifier: MIT
"""What a document of a known form must have.

CycloneDX by its JSON schema, which npm's @cyclonedx/cyclonedx-library has. The others have no schema that can be had
from a package: their required fields, and the values that their specifications list, are written down here.
"""
import json
import os
import re

from release_lab import TOP, text_of

SCHEMAS = os.path.join(os.environ.get("TEST_NODE_PATH", os.path.join(TOP, "build", "npm", "node_modules")),
                       "@cyclonedx", "cyclonedx-library", "res", "schema")
TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
DATE = r"^\d{4}-\d\d-\d\d$"
URL = r"^https?://\S+$"
URI = r"^[a-z][a-z0-9+.-]*:\S+$"


def wrong_with_cyclonedx(document):
    """What the schema of CycloneDX 1.6 finds; None: it cannot be had."""
    path = os.path.join(SCHEMAS, "bom-1.6.SNAPSHOT.schema.json")
    try:
        import jsonschema
    except ImportError:
        return None
    if not os.path.exists(path):
        return None
    schema = json.loads(text_of(path))
    store = {}
    for name in os.listdir(SCHEMAS):
        if name.endswith(".schema.json"):
            part = json.loads(text_of(os.path.join(SCHEMAS, name)))
            store[part["$id"]] = store["http://cyclonedx.org/schema/" + name] = part
    resolver = jsonschema.RefResolver(schema["$id"], schema, store)
    found = jsonschema.Draft7Validator(schema, resolver=resolver, format_checker=jsonschema.FormatChecker())
    return [f"{'/'.join(map(str, x.absolute_path))}: {x.message[:200]}" for x in found.iter_errors(document)]


def wrong(value, form, where=""):
    """How `value` is not of the form: a regular expression, a type, a set of words, a list of one form ([FORM], not
    empty), or a dict of them; a key that ends with ? need not be there, and no other key may."""
    if isinstance(form, str):
        good = isinstance(value, str) and re.search(form, value)
    elif isinstance(form, set):
        good = value in form
    elif isinstance(form, type):
        good = isinstance(value, form)
    elif isinstance(form, list):
        if not isinstance(value, list) or not value:
            return [f"{where}: wanted a list that is not empty"]
        return [x for n, each in enumerate(value) for x in wrong(each, form[0], f"{where}/{n}")]
    else:
        if not isinstance(value, dict):
            return [f"{where}: wanted an object"]
        known = {key.removesuffix("?"): (key, each) for key, each in form.items()}
        return [*(f"{where}/{key}: unknown" for key in value if key not in known),
                *(f"{where}/{key}: missing" for key in form if not key.endswith("?") and key not in value),
                *(x for key in value if key in known for x in wrong(value[key], known[key][1], f"{where}/{key}"))]
    return [] if good else [f"{where}: {value!r} is not {form}"]


SPDX_ID = r"^SPDXRef-[A-Za-z0-9.-]+$"
# SPDX 2.3, clauses 6 (document), 7 (package) and 11 (relationship); of the optional fields those that are used.
SPDX = {
    "spdxVersion": {"SPDX-2.3"}, "dataLicense": {"CC0-1.0"}, "SPDXID": {"SPDXRef-DOCUMENT"}, "name": str,
    "documentNamespace": r"^[a-z]+://[^#\s]+$",
    "creationInfo": {"created": TIME, "creators": [r"^(Person|Organization|Tool): \S"]},
    "packages": [{
        "SPDXID": SPDX_ID, "name": str, "downloadLocation": str, "versionInfo?": str, "filesAnalyzed?": bool,
        "licenseConcluded?": str, "licenseDeclared?": str, "copyrightText?": str, "packageFileName?": str,
        "sourceInfo?": str, "checksums?": [{"algorithm": {"SHA256"}, "checksumValue": r"^[0-9a-f]{64}$"}],
        "externalRefs?": [{"referenceCategory": {"SECURITY", "PACKAGE-MANAGER", "PERSISTENT-ID", "OTHER"},
                           "referenceType": {"cpe23Type", "purl"}, "referenceLocator": r"^(cpe:2\.3:|pkg:)\S+$"}]}],
    "relationships": [{"spdxElementId": SPDX_ID, "relatedSpdxElement": SPDX_ID,
                       "relationshipType": {"DESCRIBES", "STATIC_LINK"}}]}

# OpenVEX 0.2.0. Its JSON schema takes a justification or an impact statement, not both.
OPENVEX = {
    "@context": {"https://openvex.dev/ns/v0.2.0"}, "@id": URI, "author": str, "timestamp": TIME, "version": int,
    "role?": str, "last_updated?": TIME, "tooling?": str,
    "statements": [{
        "vulnerability": {"name": str, "@id?": URI, "description?": str, "aliases?": [str]},
        "products": [{"@id": URI, "subcomponents?": [{"@id": URI}]}],
        "status": {"not_affected", "affected", "fixed", "under_investigation"}, "status_notes?": str,
        "timestamp?": TIME, "last_updated?": TIME, "supplier?": str,
        "justification?": {"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
                           "vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist"},
        "impact_statement?": str, "action_statement?": str, "action_statement_timestamp?": TIME}]}


def wrong_with_openvex(document):
    found = wrong(document, OPENVEX)
    for n, statement in enumerate(document.get("statements", [])):
        status = statement.get("status")
        if status == "not_affected" and ("justification" in statement) == ("impact_statement" in statement):
            found.append(f"/statements/{n}: not_affected wants a justification or an impact statement, and one alone")
        if status == "affected" and "action_statement" not in statement:
            found.append(f"/statements/{n}: affected wants an action statement")
    return found


# Security Insights 2.0.0, its schema.cue.
CONTACT = {"name": str, "primary": bool, "affiliation?": str, "email?": r"^\S+@\S+\.\w+$", "social?": str}
LICENSE = {"url": URL, "expression": str}
LINK = {"uri": str, "comment": str}
ATTESTATION = {"name": str, "location": URL, "predicate-uri": str, "comment?": str}
ASSESSMENT = {"comment": str, "name?": str, "evidence?": URL, "date?": DATE}
SECURITY_INSIGHTS = {
    "header": {"schema-version": r"^[1-9]+\.\d+\.\d+$", "last-updated": DATE, "last-reviewed": DATE, "url": URL,
               "comment?": str, "project-si-source?": URL},
    "project": {
        "name": str, "homepage?": URL, "roadmap?": URL, "funding?": URL, "administrators": [CONTACT],
        "repositories": [{"name": str, "url": URL, "comment": str}],
        "documentation?": {f"{x}?": URL for x in ("detailed-guide", "code-of-conduct", "quickstart-guide",
                                                 "release-process", "support-policy", "signature-verification")},
        "vulnerability-reporting": {
            "reports-accepted": bool, "bug-bounty-available": bool, "bug-bounty-program?": URL, "contact?": CONTACT,
            "comment?": str, "security-policy?": URL, "pgp-key?": str, "in-scope?": [str], "out-of-scope?": [str]}},
    "repository": {
        "status": {"active", "abandoned", "concept", "inactive", "moved", "suspended", "unsupported", "WIP"}, "url": URL,
        "accepts-change-request": bool, "accepts-automated-change-request": bool, "bug-fixes-only?": bool,
        "no-third-party-packages?": bool, "core-team": [CONTACT], "license": LICENSE,
        "documentation?": {f"{x}?": URL for x in ("contributing-guide", "dependency-management-policy", "governance",
                                                 "review-policy", "security-policy")},
        "release?": {"automated-pipeline": bool, "distribution-points": [LINK], "changelog?": URL, "license?": LICENSE,
                     "attestations?": [ATTESTATION]},
        "security": {
            "assessments": {"self": ASSESSMENT, "third-party?": [ASSESSMENT]}, "champions?": [CONTACT],
            "tools?": [{
                "name": str, "type": {"fuzzing", "container", "secret", "SCA", "SAST", "other"}, "version?": str,
                "comment?": str, "rulesets": [str], "integration": {"adhoc": bool, "ci": bool, "release": bool},
                "results": {"adhoc?": ATTESTATION, "ci?": ATTESTATION, "release?": ATTESTATION}}]}}}
