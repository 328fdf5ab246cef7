"""The supervisord file, read back with supervisord's own reader."""

from __future__ import annotations

import configparser
import dataclasses
import shlex
from pathlib import Path

import pytest
from support.toy_bank import write_configuration

from player.config import load
from player.errors import UnwritableError
from player.supervisor import (
    SOCKET_PATH_MAX,
    ProgramSettings,
    complete_conf,
    program_name,
    programs,
)
from player.tables import Config


@pytest.fixture
def config(tmp_path: Path) -> Config:
    banks = {"BANKA": {"player_port": 7001}, "BANKB": {"player_port": 7002}}
    return load(write_configuration(tmp_path / "dibas.toml", banks))


SETTINGS = ProgramSettings(python=Path("/venv/bin/python"), log_dir=Path("/var/log/supervisor"))


def parsed(text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"))  # as supervisord does
    parser.read_string(text)
    return parser


def test_each_bank_is_a_program_that_ends_by_sigterm_and_comes_back_after_a_crash(
    config: Config,
) -> None:
    ini = parsed(programs(config, ["BANKA", "BANKB"], SETTINGS))
    assert ini.sections() == ["program:player-BANKA", "program:player-BANKB"]
    section = dict(ini["program:player-BANKB"])
    assert shlex.split(section["command"]) == [
        "/venv/bin/python",
        "-m",
        "player.cli",
        "BANKB",
        "--config",
        str(config.path),
        "--ready-within",
        "30",
    ]
    expected = {
        "stopsignal": "TERM",
        "stopasgroup": "true",
        "killasgroup": "true",
        "autorestart": "unexpected",
        "exitcodes": "0",
        "startretries": "1000",
        "redirect_stderr": "true",
        "stdout_logfile": "/var/log/supervisor/player-BANKB.log",
        "stdout_logfile_maxbytes": "10MB",
    }
    assert {key: section[key] for key in expected} == expected
    assert int(section["stopwaitsecs"]) > 5  # s, which a Player is promised to need at most
    assert int(section["startsecs"]) > 30  # running means ready


def test_simulation_and_variables_reach_the_players(config: Config) -> None:
    settings = dataclasses.replace(SETTINGS, simulate=True, environment={"DIBAS_DATA": "/a b, c"})
    section = parsed(programs(config, ["BANKA"], settings))["program:player-BANKA"]
    assert section["command"].endswith(" --simulate")
    assert section["environment"] == 'PYTHONUNBUFFERED="1",DIBAS_DATA="/a b, c"'


def test_a_percent_sign_is_doubled_for_each_time_that_supervisord_expands_it(
    config: Config,
) -> None:
    settings = dataclasses.replace(
        SETTINGS, log_dir=Path("/log%"), environment={"DIBAS_DATA": "/data%"}
    )
    section = parsed(programs(config, ["BANKA"], settings))["program:player-BANKA"]
    assert section["stdout_logfile"] == "/log%%%%/player-BANKA.log"
    assert section["environment"].endswith('DIBAS_DATA="/data%%"')


@pytest.mark.parametrize("value", ["both \" and '", "'quoted'", "a ;b", "a #b"])
def test_what_the_file_cannot_hold_is_refused(value: str, config: Config) -> None:
    settings = dataclasses.replace(SETTINGS, environment={"DIBAS_DATA": value})
    with pytest.raises(UnwritableError, match="cannot hold"):
        programs(config, ["BANKA"], settings)


def test_a_whole_file_keeps_everything_in_its_directory(config: Config, tmp_path: Path) -> None:
    directory = Path("/run/players")
    ini = parsed(complete_conf(config, ["BANKA"], SETTINGS, directory))
    assert ini["unix_http_server"]["file"] == "/run/players/supervisor.sock"
    assert ini["supervisorctl"]["serverurl"] == "unix:///run/players/supervisor.sock"
    assert ini["supervisord"]["pidfile"] == "/run/players/supervisord.pid"
    assert ini["supervisord"]["logfile"] == "/run/players/supervisord.log"
    assert f"program:{program_name('BANKA')}" in ini


def test_a_directory_too_deep_for_a_socket_gets_one_elsewhere(config: Config) -> None:
    deep = Path("/" + "d" * SOCKET_PATH_MAX)
    one, other = (
        parsed(complete_conf(config, ["BANKA"], SETTINGS, path))["unix_http_server"]["file"]
        for path in (deep, deep / "x")
    )
    assert len(one) <= SOCKET_PATH_MAX
    assert one != other


def test_the_example_in_the_repository_is_what_the_command_prints() -> None:
    root = Path(__file__).resolve().parents[3]
    shipped = load(root / "conf" / "dibas.toml")
    installed = dataclasses.replace(shipped, path=Path("/opt/dibas/etc/config/dibas.toml"))
    settings = dataclasses.replace(
        SETTINGS,
        python=Path("/opt/dealer-player/bin/python"),
        environment={"DIBAS_DIR": "/opt/dibas", "DIBAS_DATA": "/data"},
    )
    example = (root / "deploy" / "supervisor" / "players.conf").read_text()
    assert example == programs(installed, ["BANKA"], settings)
