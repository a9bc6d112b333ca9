# SPDX-License-Identifier: MIT
"""A container whose health check shows a certificate, and verifies the server's."""
import os
import subprocess
import tempfile

import bases
import example
import images
import isolation
from harness import equal, skip
from suite import case

USHER_TLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/release-tls/usher-tls")


def openssl(folder, *words):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def usher_tls():
    if not os.path.exists(USHER_TLS):
        skip("usher-tls was not built")
    return {"/usher-tls": images.File(USHER_TLS, 0o755)}


def authority(folder, name):
    openssl(folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", f"/CN={name}", "-keyout",
            "ca.key", "-out", "ca.crt")


def certificates(folder):
    """As the README makes them."""
    authority(folder, "ca")
    openssl(folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=app", "-addext", "subjectAltName=DNS:app",
            "-keyout", "tls.key", "-out", "app.csr")
    openssl(folder, "x509", "-req", "-in", "app.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-days", "30",
            "-copy_extensions", "copy", "-out", "tls.crt")
    os.chmod(f"{folder}/tls.key", 0o644)


@case("a server that wants a client certificate is healthy to usher-tls", **example.BUILDS)
def _(engine):
    base = example.base(engine, "python", bases.python)
    usher = example.base(engine, "usher-tls", usher_tls)
    folder = tempfile.mkdtemp(dir=isolation.WORK)
    os.chmod(folder, 0o755)
    certificates(folder)
    image = example.build(engine, __file__, PYTHON=base, USHER=usher)
    example.check_configuration(engine, image)
    with example.run(engine, image, memory=64, pids=16,
                     words=["--health-start-period=0s", "--health-retries=1", f"--volume={folder}:/tls:ro"]) as container:
        example.becomes(container, "healthy")
        status, output = container.exec("/usher", "probe", "https://localhost:8443/healthz")
        equal(status, 1, "a probe without a certificate")
        assert "certificate required" in output or "closed" in output or "reset" in output, output
        # Another authority: the server's certificate is not believed any more.
        authority(folder, "other")
        example.becomes(container, "unhealthy")
        container.stop()
        equal(container.wait(), 0, "the exit code")
