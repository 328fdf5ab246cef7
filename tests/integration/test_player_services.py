"""Players under names: real port managers, real Players, and restarts of either."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.player_run import PlayerRun, bank_of, free_port, player, poll
from support.port_manager import ServerProcess, StandIn
from support.toy_bank import write_configuration

from dealer import Dealer
from player.config import load
from player.errors import ConfigError, EndpointError, ServiceError
from player.host import Host, HostSettings
from portmanager import Allocation, PortManager


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path / "pm") as server:
        yield server


def configuration(
    folder: Path, manager_port: int, player_port: str = "service:", **banks: dict[str, Any]
) -> Path:
    instrument = f'player_port = "{player_port}"\nportmanager = "127.0.0.1:{manager_port}"'
    return write_configuration(folder / "dibas.toml", banks or {"BANKA": {}}, instrument)


def host_of(path: Path, **settings: float) -> Host:
    return Host(load(path), "BANKA", data_root=path.parent, settings=HostSettings(**settings))


def listed(manager_port: int) -> list[Allocation]:
    with PortManager("127.0.0.1", manager_port) as client:
        return client.list_ports()


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


def test_a_player_is_found_under_its_name_and_its_commands_know_it(
    manager: ServerProcess, tmp_path: Path
) -> None:
    path = configuration(tmp_path, manager.port)
    assert (
        f"BANKA: fine, service://127.0.0.1:{manager.port}/BANKA is free"
        in player("doctor", "BANKA", "--config", path).stdout
    )
    with PlayerRun("BANKA", "--config", path, log=tmp_path / "player.log") as run:
        url = run.wait_ready()
        assert manager.low <= port_of(url) <= manager.high
        assert [(one.service, one.port) for one in listed(manager.port)] == [
            ("BANKA", port_of(url))
        ]
        assert player("ready", "BANKA", "--config", path).stdout == f"ready: BANKA at {url}\n"
        report = json.loads(player("doctor", "BANKA", "--config", path, "--json").stdout)
        assert report["banks"]["BANKA"]["pid"] == run.process.pid
        assert report["findings"] == []
        with Dealer(config=path) as d:
            assert d.outcomes("get_bank_name")["BANKA"].value == "BANKA"
        assert run.end()[0] == 0
    assert listed(manager.port) == []
    assert (
        "its Player is not registered"
        in player("ready", "BANKA", "--config", path, "--timeout", "0.1").stderr
    )


def test_the_command_line_names_a_service_over_the_file(
    manager: ServerProcess, tmp_path: Path
) -> None:
    path = write_configuration(
        tmp_path / "dibas.toml", {"BANKA": {}}, f'portmanager = "127.0.0.1:{manager.port}"'
    )
    with PlayerRun(
        "BANKA", "--config", path, "--service", "test-{bank}", log=tmp_path / "player.log"
    ) as run:
        port = port_of(run.wait_ready())
        assert [(one.service, one.port) for one in listed(manager.port)] == [("test-BANKA", port)]
    done = player("BANKA", "tcp://127.0.0.1:1", "--config", path, "--service", "X")
    assert (done.returncode, "give a URL or --service, not both" in done.stderr) == (2, True)


def test_a_player_outlives_a_restart_of_its_port_manager_and_gets_its_port_back(
    tmp_path: Path, manager: ServerProcess, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    path = configuration(tmp_path, manager.port)
    with Dealer(config=path) as d, host_of(path) as host:
        host.open()
        port = port_of(host.url)
        assert d["BANKA"].get_bank_name() == "BANKA"
        manager.end()
        poll(lambda: "is lost; serves on at port" in caplog.text, "the loss in the log")
        assert d["BANKA"].get_bank_name() == "BANKA"
        with ServerProcess(tmp_path / "again", listen=manager.port, pool=manager.pool) as again:
            poll(lambda: listed(again.port), "registered again")
            assert [(one.service, one.port) for one in listed(again.port)] == [("BANKA", port)]
            poll(
                lambda: f"registered again, at port {port} as before" in caplog.text,
                "the line of the log",
            )
            with Dealer(config=path) as newcomer:
                assert newcomer["BANKA"].get_bank_name() == "BANKA"


def test_a_player_that_is_lent_another_port_serves_at_both_and_says_so(
    tmp_path: Path, manager: ServerProcess, caplog: pytest.LogCaptureFixture
) -> None:
    path = configuration(tmp_path, manager.port)
    with Dealer(config=path) as d, host_of(path) as host:
        host.open()
        before = host.url
        assert d["BANKA"].get_bank_name() == "BANKA"
        manager.end()
        with ServerProcess(tmp_path / "other", listen=manager.port, pool="20001-20400") as other:
            (now,) = poll(lambda: listed(other.port), "registered again")
            poll(
                lambda: f"BANKA serves at port {now.port} from now on" in caplog.text,
                "the line of the log",
            )
            assert port_of(before) != now.port
            assert d["BANKA"].get_bank_name() == "BANKA"  # the old connection
            with Dealer(config=path) as newcomer:
                assert newcomer["BANKA"].get_bank_name() == "BANKA"
            with bank_of(before) as bank:
                assert bank.get_bank_name() == "BANKA"
            assert port_of(host.url) == now.port


def test_lent_ports_that_are_taken_are_passed_over(tmp_path: Path) -> None:
    low, high = sorted((free_port(), free_port()))
    with StandIn("tcl", ports=(low, high)) as original, socket.create_server(("127.0.0.1", high)):
        with host_of(configuration(tmp_path, original.port)) as host:
            host.open()
            assert port_of(host.url) == low
            poll(lambda: list(original.lent) == [low], "the other port is given back")


def test_without_a_port_manager_the_start_fails_with_a_sentence_and_a_numbered_port_needs_none(
    tmp_path: Path, manager: ServerProcess
) -> None:
    manager.end()
    path = configuration(tmp_path, manager.port)
    with host_of(path, lend_within=0.2) as host:
        with pytest.raises(
            ServiceError, match=r"service BANKA at the port manager .*no port is lent: .*number"
        ):
            host.open()
        assert host.bank is None
    doctor = player("doctor", "BANKA", "--config", path)
    assert (
        doctor.returncode,
        "it does not answer" in doctor.stdout,
        "start it on this host" in doctor.stdout,
    ) == (
        1,
        True,
        True,
    )
    with Host(load(path), "BANKA", "tcp://127.0.0.1:*", data_root=tmp_path) as host:
        host.open()
        assert host.wait_until_ready()


def test_a_port_manager_that_comes_later_is_waited_for(
    tmp_path: Path, manager: ServerProcess
) -> None:
    manager.end()
    path = configuration(tmp_path, manager.port)
    with PlayerRun("BANKA", "--config", path, log=tmp_path / "player.log") as run:
        poll(lambda: "waits for the port manager" in run.text, "the line of the log")
        with ServerProcess(tmp_path / "late", listen=manager.port, pool=manager.pool):
            run.wait_ready()
            assert run.end()[0] == 0


def test_an_endpoint_of_the_site_has_a_name_too(tmp_path: Path, manager: ServerProcess) -> None:
    endpoints = {
        "lines": {"kind": "support.toy_endpoint:LineEndpoint", "port": "service:{bank}-lines"}
    }
    path = configuration(tmp_path, manager.port)
    path.write_text(
        path.read_text()
        + "".join(
            f'[banks.BANKA.endpoints.{name}]\nkind = "{endpoint["kind"]}"\nport = "{endpoint["port"]}"\n'
            for name, endpoint in endpoints.items()
        )
    )
    with host_of(path) as host:
        host.open()
        with PortManager("127.0.0.1", manager.port) as client:
            port = client.locate("BANKA-lines").port
        with socket.create_connection(("127.0.0.1", port), 10) as peer:
            assert peer.makefile().readline() == "hello BANKA\n"
    assert listed(manager.port) == []
    manager.end()
    with Host(
        load(path), "BANKA", "tcp://127.0.0.1:*", settings=HostSettings(lend_within=0.1)
    ) as host:
        with pytest.raises(
            EndpointError, match=r"endpoint lines of BANKA .*service BANKA-lines .*no port is lent"
        ):
            host.open()


def test_faults_of_names_in_the_file_are_told_with_their_lines(tmp_path: Path) -> None:
    path = configuration(
        tmp_path,
        1,
        "service:ALL",
        BANKA={},
        BANKB={},
        BANKC={"player_port": "service:C@hpc1"},
        BANKD={"player_port": "BANKD"},
    )
    path.write_text(path.read_text().replace("127.0.0.1:1", "no:port:at:all"))
    with pytest.raises(ConfigError) as caught:
        load(path)
    told = "\n".join(map(str, caught.value.faults))
    assert "instrument.portmanager: 'no:port:at:all' is no address of a port manager" in told
    assert "service ALL of host" in told
    assert (
        "banks.BANKC.player_port: 'service:C@hpc1' is not service:NAME; a port is lent by the port manager"
        in told
    )
    assert "banks.BANKD.player_port: input should be a valid integer; found 'BANKD'" in told
