"""`dealer status`, `dealer doctor` and `dealer call` with Banks that are no spectrometer, on real
sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq
from support.native_player import NativePlayer
from support.original_server import OriginalPlayer
from support.own_kinds import Camera, Weather

from dealer import ConfigurationError, Dealer
from dealer.cli import main
from player.testing import HostedBank
from zmqjsonproxy import PeerLostError, ZMQJSONProxyClient, ZMQJSONProxyServer


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The file of Players of four kinds."""
    with (
        HostedBank(Weather, name="WEATHER") as weather,
        HostedBank(Camera, name="CAMERA") as camera,
        NativePlayer(mode="MODE1") as native,
        OriginalPlayer(mode="MODE2", bank="BANKB") as original,
    ):
        urls = {
            "WEATHER": weather.url,
            "CAMERA": camera.url,
            "BANKA": native.url,
            "BANKB": original.url,
        }
        path = tmp_path_factory.mktemp("kinds") / "array.toml"
        table = '[banks.{}]\nhpc_host = "127.0.0.1"\nplayer_port = {}\n'
        path.write_text(
            "".join(table.format(name, url.rpartition(":")[2]) for name, url in urls.items())
        )
        yield path


def test_the_doctor_asks_no_kind_for_what_only_spectrometers_have(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--json", "--config", str(config)]) == 1
    report = json.loads(capsys.readouterr().out)
    (found,) = report["findings"]
    assert found == {
        "check": "cooler",
        "text": "the sensor is warm, after 2 frames",
        "remedy": "fill nitrogen in",
        "bank": "CAMERA",
    }
    assert report["notes"] == [
        "BANKB: of the original's generation; works, but is not told to start in two phases"
    ]


def test_a_bank_whose_own_checks_fail_is_a_finding(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Camera, "frames", 0)
    assert main(["doctor", "--config", str(config)]) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("CAMERA: ")]
    assert "its own checks failed" in line
    assert "ZeroDivisionError" in line


def test_each_kind_shows_what_it_is_about_in_status(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--config", str(config)]) == 0
    shown = capsys.readouterr()
    tables = [[line.split() for line in table.splitlines()] for table in shown.out.split("\n\n")]
    assert tables[0] == [["Bank", "kind"], ["WEATHER", "support.own_kinds:Weather"]]
    assert tables[1] == [["Bank", "frames", "shutter"], ["CAMERA", "3", "-"]]
    assert tables[2][0][:3] == ["Bank", "mode", "SCANNUM"]
    assert [row[:2] for row in tables[2][1:]] == [["BANKA", "MODE1"], ["BANKB", "MODE2"]]
    assert shown.err == ""
    assert main(["status", "--json", "--config", str(config)]) == 0
    states = json.loads(capsys.readouterr().out)
    assert states["CAMERA"] == {"status": {"frames": 3, "shutter": None}}
    assert states["BANKA"]["mode"] == "MODE1"


def test_status_keys_that_are_missing_are_named_and_fail(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "gain", "NETSTAT", "--config", str(config)]) == 1
    shown = capsys.readouterr()
    rows = [line.split() for line in shown.out.splitlines() if line]
    assert ["CAMERA", "2.5", "-"] in rows
    assert ["BANKA", "MODE1", "-", "waiting"] in rows
    assert shown.err.splitlines() == [
        "dealer: WEATHER has no status key gain, NETSTAT",
        "dealer: CAMERA has no status key NETSTAT",
        "dealer: BANKA has no status key gain",
        "dealer: BANKB has no status key gain",
    ]
    assert main(["--json", "status", "gain", "--config", str(config)]) == 1
    states = json.loads(capsys.readouterr().out)
    assert states["CAMERA"] == {"status": {"gain": 2.5}}
    assert states["BANKA"] == {"mode": "MODE1", "status": {}, "missing": ["gain"]}


def test_json_of_a_call_is_valid_and_whole(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["call", "WEATHER", "values", "--json", "--config", str(config)]) == 0
    text = capsys.readouterr().out
    found = json.loads(text, parse_constant=pytest.fail)["WEATHER"]["value"]
    assert found == {"array": list(range(2000)), "bytes": "AP8=", "numbers": [None, None, 1e308]}
    assert main(["call", "WEATHER", "values", "--config", str(config)]) == 0
    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert lines["array"].startswith("[0.0, 1.0,")
    assert lines["array"].endswith("1999.0]")
    assert lines["bytes"] == '"AP8="'
    assert lines["numbers"] == "[NaN, Infinity, 1e+308]"


def test_a_host_that_is_unknown_is_named_where_its_player_does_not_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "array.toml"
    path.write_text('[banks.A]\nhpc_host = "nowhere.invalid"\n')
    for words in (["status"], ["list", "A"], ["call", "A", "get_mode"], ["scan"]):
        assert main([*words, "--config", str(path), "--timeout", "2"]) == 1
        assert "unknown here: host nowhere.invalid (" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["tcp://127.0.0.1:99999", "tcp://127.0.0.1:-5", "tcp://127.0.0.1"])
def test_a_port_that_is_none_is_refused_by_dealer_proxy_and_server(url: str) -> None:
    said = "a port is at most 65535" if "99999" in url else "is not tcp://HOST:PORT"
    with pytest.raises(ConfigurationError, match=said):
        Dealer({"BANKA": url})
    with (
        ZMQJSONProxyClient(None, "bank", url, 5.0) as proxy,
        pytest.raises(PeerLostError, match=said),
    ):
        proxy.get_mode()
    with zmq.Context() as context, pytest.raises(ValueError, match=said):
        ZMQJSONProxyServer(context, url)
