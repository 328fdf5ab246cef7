"""Addresses of a supervisord that the file may have, and what is said of others."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.toy_bank import write_configuration

from player.config import load
from player.errors import ConfigError


def configured(folder: Path, address: str) -> str:
    path = write_configuration(
        folder / "dibas.toml", {"BANKA": {"kind": "support.shell_bank:ShellBank"}}
    )
    with path.open("a") as file:
        file.write(f'\n[hosts.hpc1]\nsupervisor = "{address}"\n')
    return load(path).hosts["hpc1"].supervisor


@pytest.mark.parametrize(
    "address", ["http://hpc1:9001", "http://hpc1:9001/", "unix:///run/supervisor.sock"]
)
def test_these_are_taken(tmp_path: Path, address: str) -> None:
    assert configured(tmp_path, address) == address


@pytest.mark.parametrize(
    "address", ["hpc1:9001", "http://hpc1", "https://hpc1:9001", "unix://run/x", "http://u:p@h:1"]
)
def test_others_are_told_the_forms_with_examples_and_no_expression(
    tmp_path: Path, address: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        configured(tmp_path, address)
    text = str(caught.value)
    assert (
        'expected "http://HOST:PORT", as "http://hpc1:9001", or, on this host, "unix:///PATH"'
        in text
    )
    assert "\\S" not in text
    assert ("user and password have keys of their own" in text) == ("@" in address)
