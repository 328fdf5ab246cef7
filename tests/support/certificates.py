"""A certificate for 127.0.0.1 and its key, made by the program openssl."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

__all__ = ["make_certificate"]


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make both; skips the test without openssl."""
    if shutil.which("openssl") is None:
        pytest.skip("the program openssl is not installed")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [
        *("openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt"),
        *("ec_paramgen_curve:prime256v1", "-days", "2", "-subj", "/CN=localhost", "-addext"),
        *("subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout", str(key), "-out"),
        str(certificate),
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    key.chmod(0o600)
    return certificate, key
