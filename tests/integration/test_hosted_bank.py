"""A site's own endpoints, and the kit for tests of one's own Bank: everything on real sockets."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from support.player_run import poll
from support.toy_bank import ToyBank, write_configuration

from dealer import Dealer
from player.config import load
from player.errors import ConfigError, EndpointError, KindError, PlayerError
from player.host import Host, HostSettings
from player.testing import HostedBank, ManualClock
from zmqjsonproxy.client import ZMQJSONProxyClient
from zmqjsonproxy.errors import CallTimeoutError, PeerLostError, ProxyError, RemoteError
from zmqjsonproxy.rpc.hub import ThreadHub

ENDPOINT = "support.toy_endpoint:LineEndpoint"
STUCK = "support.toy_endpoint:StuckEndpoint"


def ask(url: str, text: bytes = b"ok\n") -> str:
    host, _, port = url.removeprefix("tcp://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as peer:
        answer = peer.makefile().readline()
        peer.sendall(text)
        return answer


def test_a_bank_has_the_endpoints_that_the_file_names() -> None:
    endpoints = {"lines": {"kind": ENDPOINT}, "more": {"kind": ENDPOINT, "greeting": "good night"}}
    with HostedBank(ToyBank, {"endpoints": endpoints}) as hosted:
        urls = list(hosted.endpoints.values())
        assert [ask(url) for url in urls] == ["hello BANKA\n", "good night BANKA\n"]
        assert hosted.proxy.get_bank_name() == "BANKA"
    for url in urls:
        with pytest.raises(OSError, match="refused"):
            ask(url)


def test_an_endpoint_that_ends_by_itself_ends_the_player() -> None:
    with HostedBank(ToyBank, {"endpoints": {"lines": {"kind": ENDPOINT}}}) as hosted:
        ask(hosted.endpoints["lines"], b"fail\n")
        assert hosted.host.wait() is False


@pytest.mark.parametrize(
    ("greeting", "says"),
    [
        ("refuse", "endpoint stuck of BANKA cannot be opened: it is out of order"),
        ("raise", "endpoint stuck of BANKA cannot be opened: ZeroDivisionError: its own mistake"),
        ("exit", "endpoint stuck of BANKA cannot be opened: SystemExit: 3"),
    ],
)
def test_an_endpoint_that_does_not_open_is_a_sentence_and_the_bank_is_not_touched(
    greeting: str, says: str
) -> None:
    hosted = HostedBank(ToyBank, {"endpoints": {"stuck": {"kind": STUCK, "greeting": greeting}}})
    with pytest.raises(EndpointError, match=says), hosted:
        pass


def test_a_taken_port_of_an_endpoint_is_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoints = {"lines": {"kind": ENDPOINT, "port": taken.getsockname()[1]}}
        with (
            pytest.raises(EndpointError, match=r"endpoint lines of BANKA .*port \d+ is taken"),
            HostedBank(ToyBank, {"endpoints": endpoints}),
        ):
            pass


def test_an_endpoint_that_does_not_close_keeps_nothing_else_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with HostedBank(ToyBank, {"endpoints": {"stuck": {"kind": STUCK}}}) as hosted:
        url = hosted.url
    assert "closing its endpoint" in caplog.text
    with ThreadHub() as hub, pytest.raises(PeerLostError, match="connection refused"):
        hub.call(url, "bank", "get_bank_name", (), {}, 5.0)


def stuck_host(folder: Path, greeting: str, settings: HostSettings) -> Host:
    path = write_configuration(
        folder / "dibas.toml", {"BANKA": {"kind": "support.toy_bank:ToyBank"}}
    )
    endpoint = f'\n[banks.BANKA.endpoints.stuck]\nkind = "{STUCK}"\ngreeting = "{greeting}"\n'
    path.write_text(path.read_text() + endpoint)
    return Host(load(path), "BANKA", "tcp://127.0.0.1:*", settings=settings)


@pytest.mark.parametrize(
    ("greeting", "says"),
    [
        (
            "block",
            "endpoint stuck of BANKA cannot be opened: its constructor has not returned for 0.1 s",
        ),
        ("block open", "BANKA cannot be opened: open of endpoint stuck has not returned for 0.1 s"),
    ],
)
def test_an_endpoint_that_blocks_ends_the_start_with_a_sentence(
    greeting: str, says: str, tmp_path: Path
) -> None:
    with (
        stuck_host(tmp_path, greeting, HostSettings(ready_within=0.1)) as host,
        pytest.raises(PlayerError) as told,
    ):
        host.open()
    assert str(told.value) == says


def test_an_endpoint_that_blocks_when_it_is_closed_is_left(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    host = stuck_host(tmp_path, "block close", HostSettings(close_endpoint_within=0.1))
    host.open()
    host.close()
    assert "its close has not returned for 0.1 s" in caplog.text
    with ThreadHub() as hub, pytest.raises(PeerLostError, match="connection refused"):
        hub.call(host.url, "bank", "get_bank_name", (), {}, 5.0)


def test_faults_of_endpoints_are_told_with_their_lines(tmp_path: Path) -> None:
    path = write_configuration(
        tmp_path / "dibas.toml", {"BANKA": {"kind": "support.toy_bank:ToyBank"}}
    )
    text = path.read_text()
    path.write_text(
        f'{text}\n[banks.BANKA.endpoints.lines]\nkind = "{ENDPOINT}"\nport = 70000\ngreetings = "x"\n'
        '[banks.BANKA.endpoints.nosuch]\nbind = "127.0.0.1"\n'
    )
    with pytest.raises(ConfigError) as caught:
        load(path)
    found = [str(fault).removeprefix(str(path)) for fault in caught.value.faults]
    lines = path.read_text().splitlines()
    wanted = ["port = 70000", 'greetings = "x"', "[banks.BANKA.endpoints.nosuch]"]
    assert [fault.split(" ", 1)[0] for fault in found] == [
        f":{lines.index(line) + 1}:" for line in wanted
    ]
    assert "banks.BANKA.endpoints.lines.port" in found[0]
    assert "unknown key; did you mean greeting?" in found[1]
    assert "no such endpoint" in found[2]


def test_the_old_name_of_endpoints_is_told_with_the_new_one(tmp_path: Path) -> None:
    path = write_configuration(
        tmp_path / "dibas.toml", {"BANKA": {"kind": "support.toy_bank:ToyBank"}}
    )
    path.write_text(f'{path.read_text()}\n[banks.BANKA.doors.lines]\nkind = "{ENDPOINT}"\n')
    with pytest.raises(ConfigError, match=r"banks.BANKA.doors: this key is called endpoints now"):
        load(path)


# the kit


def test_a_hosted_bank_is_called_over_sockets_and_by_a_dealer() -> None:
    with HostedBank(ToyBank, name="BANKX") as hosted:
        assert hosted.proxy.get_bank_name() == "BANKX"
        assert hosted.proxy.surroundings()["simulate"] is True
        with Dealer(hosted.players) as d:
            d.add_active_player("BANKX")
            assert d.get_bank_name()["BANKX"] == "BANKX"
        assert hosted.bank.events == ["open"]  # type: ignore[attr-defined]
    assert hosted.bank.events == ["open", "close"]  # type: ignore[attr-defined]


def test_faults_of_methods() -> None:
    with HostedBank(ToyBank) as hosted:
        hosted.faults.fail("surroundings", RuntimeError("no power"))
        with pytest.raises(RemoteError, match="no power"):
            hosted.proxy.surroundings()
        hosted.faults.hang("surroundings")
        with pytest.raises(CallTimeoutError):
            hosted.proxy.surroundings(_timeout=0.2)
        hosted.faults.clear()
        assert hosted.proxy.surroundings()["simulate"] is True
        assert "Return what the host told" in hosted.proxy.surroundings.__doc__


def test_a_line_that_is_cut_down_and_slow() -> None:
    with HostedBank(ToyBank) as hosted:
        wire = hosted.wire()
        with ZMQJSONProxyClient(None, "bank", wire.url, 5.0) as proxy:
            assert proxy.get_bank_name() == "BANKA"
            wire.cut()
            poll(lambda: _answers(proxy), "an answer")
            wire.stop()
            with pytest.raises(ProxyError):
                proxy.get_bank_name(_timeout=0.3)
            wire.up()
            poll(lambda: _answers(proxy), "an answer")
            wire.down()
            with pytest.raises(ProxyError):
                proxy.get_bank_name(_timeout=0.3)
            wire.up()
            poll(lambda: _answers(proxy), "an answer")
            wire.delay_s = 0.3
            with pytest.raises(CallTimeoutError):
                proxy.get_bank_name(_timeout=0.2)


def _answers(proxy: ZMQJSONProxyClient) -> bool:
    try:
        return bool(proxy.get_bank_name(_timeout=0.5) == "BANKA")
    except ProxyError:
        return False


def test_a_bank_takes_the_time_from_the_tests_clock() -> None:
    clock, event = ManualClock(), threading.Event()
    with HostedBank(ToyBank, clock=clock) as hosted:
        thread = threading.Thread(target=hosted.bank.context.clock.wait, args=(event, 3600.0))
        thread.start()
        clock.wait_for_waiters()
        clock.advance(3600.0)
        thread.join(5)
        assert not thread.is_alive()


def test_what_is_wrong_with_the_settings_is_raised_and_nothing_is_left() -> None:
    with pytest.raises(ConfigError, match="unknown key"), HostedBank(ToyBank, {"no_such_key": 1}):
        pass
    with pytest.raises(KindError, match="no such kind"), HostedBank("no-such-kind"):
        pass
