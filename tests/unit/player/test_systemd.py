"""Units of systemd, made for an installation."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from player import cli
from player.errors import UnwritableError
from player.systemd import PLAYER_UNIT, PORT_MANAGER_UNIT, UnitSettings, deploy_file, systemd_unit

SETTINGS = UnitSettings(
    python=Path("/opt/our own/100%/bin/python"),
    user="nobody",
    simulate=True,
    environment={"DIBAS_CONFIG": "/data/a b.toml"},
)


def test_a_unit_is_the_shipped_one_for_another_installation() -> None:
    shipped = deploy_file(f"systemd/{PLAYER_UNIT}").read_text().splitlines()
    made = systemd_unit(PLAYER_UNIT, SETTINGS).splitlines()
    assert [line for line in made if line not in shipped] == [
        'Environment="DIBAS_CONFIG=/data/a b.toml"',
        'ExecStart="/opt/our own/100%%/bin/python" -m player.cli %i --simulate',
        "User=nobody",
    ]
    gone = [line.partition("=")[0] for line in shipped if line not in made]
    assert gone == ["Documentation", "ExecStart", "User"]
    assert "-m portmanager.cli $PORTMANAGER_OPTIONS\n" in systemd_unit(PORT_MANAGER_UNIT, SETTINGS)
    with pytest.raises(UnwritableError):
        systemd_unit(PLAYER_UNIT, UnitSettings(python=Path("/a\nExecStop=/bin/rm")))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize(
    "words", [[], ["--port-manager"], ["--simulate", "--config", "/a b/100%.toml"]]
)
def test_systemd_takes_what_the_command_prints(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["systemd-unit", "--user", "root", *words]) == 0
    path = tmp_path / (PORT_MANAGER_UNIT if "--port-manager" in words else PLAYER_UNIT)
    path.write_text(capsys.readouterr().out)
    assert f"ExecStart={sys.executable} -m " in path.read_text()
    done = subprocess.run(
        ["systemd-analyze", "verify", str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert [
        line for line in done.stderr.splitlines() if tmp_path.name in line or path.stem in line
    ] == []


def test_a_user_that_is_not_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["systemd-unit", "--user", "nobody-of-this-name"]) == 0
    assert "useradd --system nobody-of-this-name" in capsys.readouterr().err
