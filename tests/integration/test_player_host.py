"""The host in this very process: what it serves, and that it closes what it opened."""

from __future__ import annotations

import logging
import logging.handlers
import queue
import socket
from pathlib import Path

import pytest
from support.player_run import bank_of
from support.toy_bank import ToyBank, write_configuration

from player.config import load
from player.errors import AddressError, BankNameError, BankStartError, NotReadyError, PortTakenError
from player.host import Host, HostSettings
from player.ports import split_url
from zmqjsonproxy.client import ZMQJSONProxyClient

ANY_PORT = "tcp://127.0.0.1:*"


def make_host(
    tmp_path: Path, kind: str = "ToyBank", url: str = ANY_PORT, **settings: float
) -> Host:
    banks = {"BANKA": {"kind": f"support.toy_bank:{kind}"}}
    path = write_configuration(tmp_path / "dibas.toml", banks, "insecure = true")
    return Host(load(path), "BANKA", url, data_root=tmp_path, settings=HostSettings(**settings))


def events(host: Host) -> list[str]:
    assert isinstance(host.bank, ToyBank)
    return host.bank.events


def is_free(url: str) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(split_url(url)) != 0


def test_a_bank_and_its_parts_are_served_under_their_names(tmp_path: Path) -> None:
    with make_host(tmp_path) as host:
        host.open()
        assert host.wait_until_ready()
        with bank_of(host.url) as bank:
            assert bank.get_bank_name() == "BANKA"
        with ZMQJSONProxyClient(None, "bank.device", host.url, 5.0) as device:
            assert device.voltage() == 1.5
        with ZMQJSONProxyClient(
            None, "bank.roach", host.url, 5.0
        ) as roach:  # the part is there, the device is not
            assert [name for name in vars(roach) if not name.startswith("_")] == []
        url = host.url
    assert events(host) == ["open", "close"]
    assert is_free(url)


def test_the_watchdog_is_called(tmp_path: Path) -> None:
    with make_host(tmp_path) as host:
        host.open()
        assert isinstance(host.bank, ToyBank)
        assert host.bank.ticked.wait(20)


def test_a_bank_that_takes_long_to_open_is_named_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = queue.SimpleQueue[logging.LogRecord]()
    heard = logging.handlers.QueueHandler(told)

    class Waiting(ToyBank):
        """Is open when the log has said that it is not."""

        def open(self) -> None:
            super().open()
            self.said = told.get(timeout=20).getMessage()

    monkeypatch.setattr("player.host.SLOW_OPEN_S", 0.01)
    path = write_configuration(
        tmp_path / "dibas.toml", {"BANKA": {"kind": "support.toy_bank:ToyBank"}}
    )
    logging.getLogger("player.host").addHandler(heard)
    try:
        with Host(load(path), "BANKA", ANY_PORT, kind=Waiting) as host:
            host.open()
            assert isinstance(host.bank, Waiting)
            assert host.bank.said == "open of BANKA has not returned for 0.01 s"
    finally:
        logging.getLogger("player.host").removeHandler(heard)


@pytest.mark.parametrize("kind", ["FailingBank", "BrokenBank"])
def test_a_bank_that_fails_to_open_is_closed_and_its_port_given_back(
    kind: str, tmp_path: Path
) -> None:
    with make_host(tmp_path, kind) as host:
        with pytest.raises(BankStartError, match="BANKA cannot be opened: "):
            host.open()
        url = host.url
        assert not is_free(url)
    assert events(host) == ["open", "close"]
    assert is_free(url)


def test_a_taken_port_is_told_before_the_bank_is_made(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with make_host(tmp_path, url=f"tcp://127.0.0.1:{taken.getsockname()[1]}") as host:
            with pytest.raises(PortTakenError, match="is taken"):
                host.open()
            assert host.bank is None


@pytest.mark.parametrize(
    "url", ["tcp://192.0.2.1:6667", "tcp://no-such-interface:6667", "ipc:///x", "tcp://h:99999"]
)
def test_an_address_that_cannot_be_served_is_told(url: str, tmp_path: Path) -> None:
    with make_host(tmp_path, url=url) as host:
        with pytest.raises(AddressError, match="cannot serve on"):
            host.open()


def test_localhost_is_an_address_too(tmp_path: Path) -> None:
    with make_host(tmp_path, url="tcp://localhost:*") as host:
        host.open()
        assert host.wait_until_ready()


def test_a_player_that_does_not_answer_as_itself_is_not_ready(tmp_path: Path) -> None:
    with make_host(tmp_path, "MuteBank", ready_within=0.0) as host:
        host.open()
        with pytest.raises(NotReadyError, match="serves BANKX"):
            host.wait_until_ready()


def test_the_end_can_be_asked_for_before_it_is_ready(tmp_path: Path) -> None:
    with make_host(tmp_path, "MuteBank") as host:
        host.open()
        host.quit("enough")
        assert not host.wait_until_ready()
        assert host.wait()


def test_closing_twice_does_no_harm(tmp_path: Path) -> None:
    host = make_host(tmp_path)
    host.open()
    host.close()
    host.close()
    assert events(host) == ["open", "close"]


def test_an_unknown_bank_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    path = write_configuration(
        tmp_path / "dibas.toml", {"BANKA": {}, "BANKB": {"player_port": 6668}}
    )
    with pytest.raises(BankNameError, match="no Bank BANKX; there are BANKA, BANKB"):
        Host(load(path), "BANKX")
