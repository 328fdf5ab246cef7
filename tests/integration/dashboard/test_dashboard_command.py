"""The command `dashboard`, where it cannot begin."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from dashboard.cli import main

FILE = '[banks.BANKA]\nhpc_host = "localhost"\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "dibas.toml"
    made.write_text(FILE)
    return made


def test_faults_of_the_configuration_are_told(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text('[dashboard]\ncolour = "red"\nzone = 5\n' + FILE)
    assert main(["--config", str(path)]) == 2
    told = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[:3] for line in told if line.startswith("dashboard: ")] == [
        ["dashboard", str(path), "dashboard.colour"],
        ["dashboard", str(path), "dashboard.zone"],
    ]


def test_a_port_that_is_taken_is_told(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--config", str(path), "--port", str(port)]) == 1
    assert f"127.0.0.1:{port}" in capsys.readouterr().err


def test_keys_that_are_needed_and_not_there_are_told(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text("[instrument]\nkeys = true\n" + FILE)
    assert main(["--config", str(path), "--port", "0"]) == 1
    assert str(path.parent / "keys") in capsys.readouterr().err


def test_a_certificate_that_is_not_there_is_told(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text('[dashboard]\ncertificate = "none.pem"\n' + FILE)
    assert main(["--config", str(path), "--port", "0"]) == 1
    assert "none.pem is not there" in capsys.readouterr().err


def test_misuse_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    for line in (["--port", "x"], ["--port", "1", "--service", "PAGE"], ["nonsense"]):
        with pytest.raises(SystemExit) as ended:
            main(line)
        assert ended.value.code == 2
    assert "--service" in capsys.readouterr().err
