"""Certificate files: what is wrong with them, and that new ones are read."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support.certificates import make_certificate

from player.endpoints.http.tls import Certificate
from zmqjsonproxy.errors import RefusedError


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def pair(made: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    return Path(shutil.copy2(made[0], tmp_path)), Path(shutil.copy2(made[1], tmp_path))


def test_a_key_that_every_user_reads_is_refused_with_what_to_type(pair: tuple[Path, Path]) -> None:
    certificate, key = pair
    key.chmod(0o644)
    with pytest.raises(RefusedError, match=f"chmod o= {key}"):
        Certificate(certificate, key)


def test_files_that_are_not_there_or_no_certificate_are_named(
    pair: tuple[Path, Path], tmp_path: Path
) -> None:
    certificate, key = pair
    for wrong in (tmp_path / "none", key), (certificate, tmp_path / "none"):
        with pytest.raises(RefusedError, match="none is not there"):
            Certificate(*wrong)
    with pytest.raises(RefusedError, match="are no certificate and its key"):
        Certificate(key, key)
    text = tmp_path / "text.pem"
    text.write_text("hello")
    text.chmod(0o600)
    with pytest.raises(RefusedError, match=r"text\.pem.* are no certificate"):
        Certificate(text, None)


def test_both_may_be_in_one_file(pair: tuple[Path, Path], tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(b"".join(path.read_bytes() for path in pair))
    both.chmod(0o600)
    assert Certificate(both, None).context.get_ca_certs() == []


def test_new_files_are_read_and_wrong_ones_leave_the_old(
    pair: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    certificate, key = pair
    made = Certificate(certificate, key)
    context = made.context
    assert not made.look()
    whole = certificate.read_bytes()
    certificate.write_bytes(b"half of it")
    os.utime(certificate, (1, 1))
    assert not made.look()
    assert "the old certificate stays" in caplog.text
    assert not made.look()  # told once
    certificate.write_bytes(whole)
    os.utime(certificate, (2, 2))
    assert made.look()
    assert made.context is context
