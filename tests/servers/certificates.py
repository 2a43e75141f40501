"""Certificates for servers and clients that speak TLS."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import pytest

_CA = """\
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""
_LEAF = """\
basicConstraints = critical, CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = DNS:localhost, IP:127.0.0.1
"""


class Certificate(NamedTuple):
    """Files of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """A CA of the tests' own, in a directory, with a certificate of the servers and one of clients.

    Servers take clients only that show a certificate.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self.ca = self._make("ca", _CA, signer=None)
        self.of_server = self._make("server", _LEAF, signer=self.ca)
        self.of_client = self._make("client", _LEAF, signer=self.ca)

    def options_of_server(self, port: int) -> dict[str, str]:
        """Configure a server that speaks TLS only, also with other servers."""
        return {
            "port": "0",
            "tls-port": str(port),
            "tls-ca-cert-file": str(self.ca.certificate),
            "tls-cert-file": str(self.of_server.certificate),
            "tls-key-file": str(self.of_server.key),
            "tls-auth-clients": "yes",
            "tls-replication": "yes",
            "tls-cluster": "yes",
        }

    def query_of_client(self, **other: str) -> str:
        """Write what follows the ? in a client's URL, with some options changed."""
        options = {
            "ssl_ca_certs": str(self.ca.certificate),
            "ssl_certfile": str(self.of_client.certificate),
            "ssl_keyfile": str(self.of_client.key),
        }
        return urlencode({**options, **other})

    def _make(self, name: str, extensions: str, signer: Certificate | None) -> Certificate:
        made = Certificate(self._directory / f"{name}.crt", self._directory / f"{name}.key")
        request, text = self._directory / f"{name}.csr", self._directory / f"{name}.ext"
        text.write_text(extensions)
        _openssl(
            *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-subj", f"/CN={name}", "-keyout", str(made.key), "-out", str(request)),
        )
        signed_by = ["-signkey", str(made.key)]
        if signer is not None:
            signed_by = ["-CA", str(signer.certificate), "-CAkey", str(signer.key)]
            signed_by += ["-CAcreateserial"]
        _openssl(
            *("x509", "-req", "-in", str(request), "-days", "2", "-extfile", str(text)),
            *(*signed_by, "-out", str(made.certificate)),
        )
        return made


def _openssl(*arguments: str) -> None:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("needs the program openssl on PATH")
    subprocess.run([program, *arguments], check=True, capture_output=True)
