"""Orders to a host's supervisord: the sections of its file, and what is refused."""

from __future__ import annotations

import hashlib
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.player_run import ROOT, clean_environment
from support.toy_bank import write_configuration

from player.config import load
from player.errors import ConfigError
from player.supervisor import ProgramSettings, complete_conf, control_of
from player.tables import Config

HTTP = '[hosts.hpc1]\nsupervisor = "http://127.0.0.1:9001"\nuser = "50% dealer"\npassword = "${SUPERVISOR_WORD}"\n'


def config_of(tmp_path: Path, hosts: str, **environment: str) -> Config:
    path = write_configuration(tmp_path / "dibas.toml", {"BANKA": {}})
    path.write_text(hosts + path.read_text())
    return load(path, environment)


def test_the_file_has_the_address_the_user_and_the_hash_of_the_password_only(
    tmp_path: Path,
) -> None:
    config = config_of(tmp_path, HTTP, SUPERVISOR_WORD="a secret")
    settings = ProgramSettings(python=Path("/usr/bin/python3"), log_dir=tmp_path)
    lines = complete_conf(
        config, ["BANKA"], settings, tmp_path, control_of(config, "hpc1")
    ).splitlines()
    begin = lines.index("[inet_http_server]")
    digest = hashlib.sha1(b"a secret").hexdigest()
    assert lines[begin + 1 : begin + 4] == [
        "port=127.0.0.1:9001",
        "username=50%% dealer",
        "password={SHA}" + digest,
    ]
    assert not any("a secret" in line for line in lines)
    without = complete_conf(config, ["BANKA"], settings, tmp_path, control_of(config, "another"))
    assert "[inet_http_server]" not in without


def test_a_file_with_the_hash_of_a_password_is_kept_from_others(tmp_path: Path) -> None:
    config = config_of(tmp_path, HTTP, SUPERVISOR_WORD="a secret").path
    config.write_text(
        config.read_text().replace(f'hpc_host = "{socket.gethostname()}"', 'hpc_host = "hpc1"')
    )
    command = [
        sys.executable,
        "-m",
        "player.cli",
        "supervisor-config",
        "--config",
        str(config),
        "--host",
        "hpc1",
    ]
    file = tmp_path / "supervisord.conf"
    file.touch(0o644)

    def run(*words: str, stdout: Any) -> subprocess.CompletedProcess[str]:
        environment = clean_environment(SUPERVISOR_WORD="a secret")
        return subprocess.run(
            [*command, *words],
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=ROOT,
            check=True,
        )

    with file.open("w") as out:
        assert run(stdout=out).stderr == ""  # without --complete there is no password in it
    assert file.stat().st_mode & 0o777 == 0o644
    with file.open("w") as out:
        told = run("--complete", str(tmp_path), stdout=out).stderr
    assert told.startswith("player: the hash of the password for orders is in it, without salt")
    assert told.endswith("; its file can be read by you alone now, mode 0600\n")
    assert file.stat().st_mode & 0o777 == 0o600
    assert "{SHA}" + hashlib.sha1(b"a secret").hexdigest() in file.read_text()
    told = run("--complete", str(tmp_path), stdout=subprocess.PIPE).stderr
    assert told.endswith("; put it where nobody else can read it: chmod 600\n")


def test_a_player_needs_no_password_but_the_supervisors_file_does(tmp_path: Path) -> None:
    config = config_of(tmp_path, HTTP)
    with pytest.raises(ConfigError, match="SUPERVISOR_WORD"):
        control_of(config, "hpc1")


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ("", "over the network: user and password are needed"),
        ('user = "u"\n', "belong together"),
        ('user = "u"\npassword_file = "open"\n', "others may read"),
        ('user = "u"\npassword_file = "none"\n', "cannot be read"),
    ],
)
def test_what_would_leave_it_open_is_refused(tmp_path: Path, words: str, fault: str) -> None:
    (tmp_path / "open").write_text("word")
    (tmp_path / "open").chmod(0o644)
    config = config_of(tmp_path, f'[hosts.hpc1]\nsupervisor = "http://127.0.0.1:9001"\n{words}')
    with pytest.raises(ConfigError, match=fault):
        control_of(config, "hpc1")


def test_a_host_without_its_address_is_a_fault_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"hosts\.hpc1\.supervisor"):
        config_of(tmp_path, '[hosts.hpc1]\nsupervisor = "hpc1:9001"\n')
