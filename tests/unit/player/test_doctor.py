"""Findings of `player doctor` on file, host, address and data root, and how it tells them."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.player_run import free_port
from support.toy_bank import write_configuration

from player import cli, doctor
from player.config import load
from player.dataroot import DataRoot
from player.doctor import (
    MIN_FREE_BYTES,
    Report,
    area_findings,
    data_root_findings,
    endpoint_findings,
    examine,
    host_findings,
)
from player.host import Host
from player.ports import port_of
from player.tables import Config

SHELL = "support.shell_bank:ShellBank"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DIBAS_DIR", "DIBAS_CONFIG", "NOTIFY_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DIBAS_DATA", str(tmp_path))
    monkeypatch.setattr(
        "player.doctor.MIN_FREE_BYTES", 0
    )  # the machine that tests may have a full disk


def write(folder: Path, instrument: str = "", **banks: dict[str, object]) -> Path:
    ports = {name: {"player_port": free_port(), **table} for name, table in banks.items()}
    return write_configuration(folder / "dibas.toml", ports, instrument)


def with_http(folder: Path) -> Config:
    path = write(folder, BANKA={"hpc_host": "me"})
    path.write_text(path.read_text() + "[banks.BANKA.endpoints.http]\n")
    return load(path)


def findings(report: Report) -> list[tuple[str, str]]:
    return [(finding.check, finding.bank) for finding in report.findings]


def told(path: Path, bank: str | None = None, **options: bool) -> Report:
    return examine(path, bank, dict(os.environ), **options)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    path = write(tmp_path, BANKA={"kind": SHELL})
    config = load(path)
    with Host(config, "BANKA", data_root=tmp_path) as host:
        host.open()
        assert host.wait_until_ready()
        yield path, config.url("BANKA")


# the file


def test_a_file_that_is_not_there_or_not_named_is_a_finding(tmp_path: Path) -> None:
    (gone,) = told(tmp_path / "gone.toml").findings
    assert "cannot be read: No such file" in gone.text
    assert gone.remedy.startswith("name another with --config")
    (unnamed,) = examine(None, None, {}).findings
    assert str(unnamed) == (
        "no configuration file is named; give --config FILE, or set DIBAS_CONFIG or DIBAS_DIR"
    )


def test_each_fault_of_the_file_is_a_finding(tmp_path: Path) -> None:
    path = write(tmp_path, BANKA={"nonsense": 1}, BANKB={"kind": "gone"})
    unknown_key, kind = told(path).findings
    assert "banks.BANKA.nonsense: unknown key" in unknown_key.text
    assert "no such kind of Bank" in kind.text
    assert "install the package that brings this kind" in kind.remedy


def test_what_is_open_to_the_network_is_a_note_and_no_finding(tmp_path: Path) -> None:
    report = told(write(tmp_path, 'bind = "0.0.0.0"\ninsecure = true', BANKA={}))
    assert report.findings == []
    assert "open to the network" in report.lines()[-1]


# hosts


def test_the_banks_of_this_host_are_looked_at_or_the_one_that_is_named(tmp_path: Path) -> None:
    path = write(
        tmp_path, BANKA={}, BANKB={"hpc_host": "elsewhere"}, BANKC={"hpc_host": "localhost"}
    )
    assert list(told(path).banks) == ["BANKA", "BANKC"]
    assert list(told(path, "bankb").banks) == ["BANKB"]


def test_a_host_without_a_bank_is_a_finding(tmp_path: Path) -> None:
    (finding,) = told(write(tmp_path, BANKA={"hpc_host": "elsewhere"})).findings
    assert "has no Bank on host" in finding.text
    assert f'set hpc_host = "{socket.gethostname()}"' in finding.remedy


def test_a_host_that_could_be_two_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "hpc1")
    (finding,) = told(
        write(tmp_path, BANKA={"hpc_host": "hpc1-1"}, BANKB={"hpc_host": "hpc1-2"})
    ).findings
    assert "could be any of" in finding.text


@pytest.mark.parametrize(
    ("host", "text"),
    [
        ("localhost", None),
        ("me", None),
        ("nowhere.invalid", "its host nowhere.invalid is unknown here"),
        ("192.0.2.1", "it belongs on host 192.0.2.1, and this is me"),
    ],
)
def test_the_host_of_a_bank_is_this_one_or_a_finding(
    host: str, text: str | None, tmp_path: Path
) -> None:
    config = load(write(tmp_path, BANKA={"hpc_host": host}))
    found = host_findings(config, "BANKA", "me")
    assert [finding.text.startswith(str(text)) for finding in found] == (
        [] if text is None else [True]
    )


def test_a_simulated_player_may_run_on_any_host(tmp_path: Path) -> None:
    path = write(tmp_path, BANKA={"hpc_host": "nowhere.invalid"})
    assert findings(told(path, "BANKA")) == [("host", "BANKA")]
    assert findings(told(path, "BANKA", simulate=True)) == []


# addresses


def test_a_free_port_is_fine_and_free_afterwards(tmp_path: Path) -> None:
    path = write(tmp_path, BANKA={})
    report = told(path)
    assert report.lines() == [f"BANKA: fine, {load(path).url('BANKA')} is free"]
    with socket.create_server(("127.0.0.1", port_of(load(path).url("BANKA")))):
        pass


def test_a_player_that_serves_is_fine(served: tuple[Path, str]) -> None:
    path, url = served
    report = told(path)
    assert report.findings == []  # not even the one of its kind, which is told that it is served
    assert report.banks == {"BANKA": {"url": url, "served": True, "pid": os.getpid()}}
    assert report.lines()[0].startswith(f"BANKA: fine, served at {url} by process {os.getpid()} (")


def test_a_player_that_takes_no_more_connections_is_a_finding_that_says_how_to_list_them(
    served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "capacity", lambda _limit: psutil.Process().num_fds())
    report = examine(served[0], "BANKA", {}, simulate=True)
    (finding,) = [finding for finding in report.findings if finding.check == "connections"]
    assert f"process {os.getpid()}" in finding.text
    assert "ss -tnp 'sport = :" in finding.remedy
    assert report.banks["BANKA"]["pid"] == os.getpid()


def test_a_port_that_a_stranger_has_is_a_finding_that_names_it(tmp_path: Path) -> None:
    path = write(tmp_path, BANKA={})
    with socket.create_server(("127.0.0.1", port_of(load(path).url("BANKA")))):
        (finding,) = told(path).findings
    assert f"is taken by process {os.getpid()} (" in finding.text
    assert finding.remedy == "end that, or give banks.BANKA.player_port another port"


def test_a_port_that_another_player_has_is_a_finding_that_names_its_bank(
    served: tuple[Path, str],
) -> None:
    _, url = served
    folder = served[0].parent / "other"
    folder.mkdir()
    path = write(folder, BANKB={"player_port": int(url.rpartition(":")[2])})
    (finding,) = told(path).findings
    assert (finding.check, finding.text.endswith(", a Player that serves BANKA")) == ("port", True)


def test_an_address_of_another_host_is_a_finding(tmp_path: Path) -> None:
    for instrument, bank, key in (
        ('bind = "192.0.2.1"\ninsecure = true', {}, "[instrument] bind"),
        ("insecure = true", {"bind": "192.0.2.1"}, "banks.BANKA.bind"),
    ):
        (finding,) = told(write(tmp_path, instrument, BANKA=bank)).findings
        assert "that is no address of this host" in finding.text
        assert finding.remedy == f"set {key} to an address of this host"


# kinds


def test_what_the_kind_finds_is_told_and_a_kind_that_raises_too(tmp_path: Path) -> None:
    report = told(write(tmp_path, BANKP={"kind": SHELL}, BANKQ={"kind": SHELL}))
    assert findings(report) == [("knob", "BANKP"), ("kind", "BANKQ")]
    assert report.lines()[0] == "BANKP: the knob is stiff; oil it"
    assert "raised ZeroDivisionError: a bug" in report.lines()[1]


# the data root


def test_an_area_whose_folder_is_not_there_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    areas = 'files = { HERE = "here", AWAY = "away" }\n'
    config = load(write(tmp_path, areas, BANKA={"hpc_host": "me"}))
    (found,) = area_findings(config, "BANKA")
    assert (
        found.text == f"the area AWAY, {tmp_path}/away, is not to be had: No such file or directory"
    )
    assert "[banks.BANKA.files]" in found.remedy


def test_an_endpoint_whose_packages_are_not_installed_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "player.endpoints.http.webendpoint.find_spec", lambda name: name != "uvicorn"
    )
    config = with_http(tmp_path)
    (found,) = endpoint_findings(config, "BANKA")
    assert (found.text, found.remedy) == (
        "uvicorn is not installed",
        "pip install 'dealer-player[web]'",
    )


def test_checks_of_an_endpoint_that_raise_are_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = with_http(tmp_path)
    monkeypatch.setattr("player.endpoints.http.webendpoint.find_spec", lambda _name: 1 / 0)
    (found,) = endpoint_findings(config, "BANKA")
    assert "the checks of endpoint http raised ZeroDivisionError" in found.text


def test_a_data_root_that_cannot_be_used_is_a_finding(tmp_path: Path) -> None:
    assert data_root_findings(DataRoot(tmp_path), MIN_FREE_BYTES) == []
    (tmp_path / "file").touch()
    for root, text in (
        (tmp_path / "gone", "does not exist"),
        (tmp_path / "file", "is no directory"),
    ):
        (finding,) = data_root_findings(DataRoot(root))
        assert text in finding.text
        assert finding.remedy == (
            f"make it (mkdir -p {root}), or set DIBAS_DATA or [instrument] data_root to another directory"
        )
    (finding,) = data_root_findings(DataRoot(Path("/proc")))  # nobody, root included, writes there
    assert "no file can be written into the data root /proc" in finding.text


def test_little_space_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("player.doctor.MIN_FREE_BYTES", MIN_FREE_BYTES)
    (finding,) = data_root_findings(DataRoot(tmp_path), MIN_FREE_BYTES // 4)
    assert f"only 0.50 GiB are free below the data root {tmp_path}, less than 2 GiB" in finding.text


# the command


def test_the_command_ends_with_0_1_or_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write(tmp_path, BANKA={}, BANKP={"kind": SHELL}))
    assert cli.main(["doctor", "BANKA", "--config", path]) == 0
    assert ": fine, " in capsys.readouterr().out
    assert cli.main(["doctor", "BANKP", "--config", path]) == 1
    assert capsys.readouterr().out == "BANKP: the knob is stiff; oil it\n"
    assert cli.main(["doctor", "BANKX", "--config", path]) == 2
    assert "has no Bank BANKX" in capsys.readouterr().err


def test_the_command_tells_a_program_the_same_in_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, BANKP={"kind": SHELL})
    assert cli.main(["doctor", "--json", "--config", str(path)]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "file": str(path),
        "host": socket.gethostname(),
        "banks": {"BANKP": {"url": load(path).url("BANKP"), "served": False, "pid": None}},
        "findings": [
            {"check": "knob", "text": "the knob is stiff", "remedy": "oil it", "bank": "BANKP"}
        ],
        "notes": [],
    }
