# SPDX-License-Identifier: MIT
"""The version of Mbed TLS that usher-tls is built with."""
import re


def mbedtls():
    """{"version": ..., "sha256": ...}, as cmake/mbedtls.cmake pins it; from the top folder."""
    with open("cmake/mbedtls.cmake", encoding="utf-8") as file:
        return dict(re.findall(r"^set\(mbedtls_(version|sha256) (\S+)\)", file.read(), re.MULTILINE))
