"""`dealer get`, `set`, `properties`, `watch`, `pipe` and `doctor` with Players that publish."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq
from support.dealers import eventually
from support.own_kinds import Supply, Weather
from support.player_run import clean_environment, free_port
from support.publisher import Publisher
from support.terminal import Terminal

from dealer import Dealer
from dealer.cli import main
from player.testing import HostedBank
from zmqjsonproxy import ThreadHub, ZMQJSONProxyServer

Run = Callable[..., tuple[int, str, str]]


def file_of(path: Path, **urls: str) -> Path:
    """Write a configuration of Players at these addresses."""
    table = '[banks.{}]\nhpc_host = "127.0.0.1"\nplayer_port = {}\n'
    path.write_text("".join(table.format(n, url.rpartition(":")[2]) for n, url in urls.items()))
    return path


@pytest.fixture(scope="module")
def players() -> Iterator[dict[str, HostedBank]]:
    """Two that publish, and one that does not."""
    with (
        HostedBank(Supply, name="EAST") as east,
        HostedBank(Supply, name="WEST") as west,
        HostedBank(Weather, name="WEATHER") as weather,
    ):
        yield {"EAST": east, "WEST": west, "WEATHER": weather}


@pytest.fixture(scope="module")
def config(players: dict[str, HostedBank], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("array")
    return file_of(folder / "array.toml", **{name: each.url for name, each in players.items()})


@pytest.fixture
def dealer(config: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command: exit status, output, errors."""

    def run(*words: str, config: Path = config) -> tuple[int, str, str]:
        try:
            status = main(["--config", str(config), *words])
        except SystemExit as error:
            status = int(error.code or 0)
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def test_a_dealer_subscribes_to_properties_of_each_bank(players: dict[str, HostedBank]) -> None:
    with Dealer({name: each.url for name, each in players.items()}) as d:
        wanted = {"EAST": ["limit", "trace"], "WEST": ["label"]}
        with d.subscribe(wanted) as subscription:
            found = {(u.source, u.name) for u in (subscription.next(10) for _ in range(2))}
            assert found <= {("EAST", "limit"), ("EAST", "trace"), ("WEST", "label")}
        with pytest.raises(ValueError, match="names of properties"):
            d.subscribe(wanted, _banks=["WEATHER"])


# get, set, properties


def test_properties_are_listed_with_all_that_is_said_of_them(dealer: Run) -> None:
    status, out, err = dealer("properties", "east.limit", "EAST.tr*")
    assert (status, err) == (0, "")
    assert [line.split(maxsplit=6) for line in out.splitlines()[1:]] == [
        ["EAST", "limit", "result", "float", "V", "yes", "Highest voltage that is taken."],
        ["EAST", "trace", "pipe", "V", "no", "Voltage", "while it settles."],
        ["EAST", "tripped", "message", "no", "The", "output", "was switched off."],
    ]
    status, out, _ = dealer("properties", "--names", "--banks", "EAST,WEATHER")
    names = out.split()
    assert (status, names) == (0, sorted(names))
    assert {"EAST.label", "EAST.tripped", "EAST.voltage", "WEATHER.log"} < set(names)
    told = json.loads(dealer("properties", "EAST.limit", "--json")[1])
    assert told["EAST"]["value"][0]["writable"] is True


def test_values_are_got_one_alone_and_several_as_a_table(dealer: Run) -> None:
    assert dealer("get", "EAST.limit") == (0, "30.0\n", "")
    status, out, _ = dealer("get", "limit")
    assert (status, [line.split() for line in out.splitlines()[1:]]) == (
        0,
        [["EAST", "limit", "30.0", "V"], ["WEST", "limit", "30.0", "V"]],
    )
    assert json.loads(dealer("get", "--json", "l*", "--banks", "EAST")[1]) == {
        "EAST": {"value": {"label": "spare", "limit": 30.0}}
    }
    everything = json.loads(dealer("get", "--json", "--banks", "EAST")[1])["EAST"]["value"]
    assert everything.keys() > {"label", "limit", "voltage"}
    assert not everything.keys() & {"tripped", "trace"}


def test_values_are_set_all_of_a_bank_or_none(dealer: Run) -> None:
    status, out, err = dealer("set", "limit=12.34", "EAST.label=a b")
    assert (status, err) == (0, "")
    assert [line.split() for line in out.splitlines()[1:]] == [
        ["EAST", "limit", "12.3", "V"],
        ["EAST", "label", "a", "b"],
        ["WEST", "limit", "12.3", "V"],
    ]
    status, out, err = dealer("set", "EAST.label=c", "EAST.limit=99", "WEST.limit=5")
    assert status == 1
    assert "EAST: RefusedError: limit is 99; expected 0 to 60 V" in err
    assert [line.split()[:3] for line in out.splitlines()[1:]] == [["WEST", "limit", "5.0"]]
    assert dealer("get", "EAST.label")[1] == "a b\n"
    assert dealer("set", "limit=30", "EAST.label=spare")[0] == 0


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["get", "EAST.volage"], 1, "no property volage at EAST; did you mean voltage?"),
        (["get", "nix*"], 1, "no property nix* at EAST, WEST, WEATHER; `dealer properties`"),
        (["get", "EAST.tripped"], 1, "tripped is a message"),
        (["get", "--banks", "NORTH"], 1, "no such Player: NORTH"),
        (["set", "EAST.voltage=1"], 1, "voltage is read-only; nothing was set. Writable: "),
        (["set", "EAST.limit=hot"], 1, "'hot' is no float; nothing was set"),
        (["set", "EAST.lim*=1"], 1, "EAST.lim* is a pattern"),
        (["set", "limit=1", "limit=2"], 1, "limit is given twice; nothing was set"),
        (["set", "limit=1", "EAST.limit=2"], 1, "EAST.limit is given twice"),
        (["set", "EAST.lmit=1"], 1, "did you mean limit?; nothing was set"),
        (["set", "limit"], 2, "no NAME=VALUE"),
        (["watch", "--rate", "1e9"], 2, "rate: 1000000000.0 is not within"),
        (["watch", "--dead-band", "wide"], 2, "could not convert"),
        (["watch", "--count", "0"], 2, "no number above 0"),
        (["pipe", "EAST.limit"], 1, "EAST.limit is a result, no pipe; `dealer watch EAST.limit`"),
        (["pipe", "trace"], 1, "name one of EAST.trace, WEST.trace"),
        (["pipe", "EAST.trac"], 1, "did you mean trace?"),
        (["pipe", "EAST.trace", "--to", "a.fits"], 1, "give a .npy or .jsonl file"),
        (["pipe", "EAST.trace", "--to", "/none/a.npy"], 1, "/none/a.npy: No such file"),
    ],
)
def test_mistakes_have_a_sentence_and_their_exit_status(
    dealer: Run, words: list[str], status: int, text: str
) -> None:
    found, _, err = dealer(*words)
    assert (found, text in err) == (status, True), err


# watch


def test_updates_are_lines_and_a_last_line_has_the_totals(
    dealer: Run, players: dict[str, HostedBank]
) -> None:
    players["WEST"].bank.publish("voltage", 3.5)  # type: ignore[attr-defined]
    status, out, err = dealer("watch", "WEST.voltage", "--count", "1", "--for", "30")
    assert (status, err) == (0, "")
    opened, update, totals = out.splitlines()
    assert opened.endswith("Z  WEST  [opened] its Player is there")
    assert update.endswith("Z  WEST  voltage  3.5 V")
    assert totals == "received 1, lost 0, re-opened 0"


def test_a_value_of_a_stranger_steers_no_terminal(dealer: Run, tmp_path: Path) -> None:
    with HostedBank(Supply, name="EVE") as hosted:
        eve: Any = hosted
        eve.bank.publish("evil\x1b]0;x\x07", "a\x1b[2J\n\u202eb" + "x" * 10_000)
        config = file_of(tmp_path / "array.toml", EVE=hosted.url)
        status, out, _ = dealer("watch", "evil*", "--count", "1", config=config)
        line = out.splitlines()[1]
        assert status == 0
        assert r"evil\x1b]0;x\x07  a\x1b[2J\n\u202ebx" in line
        assert len(line) < 400
        for words in (["get", "evil*"], ["properties"], ["properties", "--names"]):
            assert "".join(dealer(*words, config=config)[1].splitlines()).isprintable()


def test_json_has_each_update_and_event_in_a_line(
    dealer: Run, players: dict[str, HostedBank]
) -> None:
    players["EAST"].bank.send_frames(1, 3)  # type: ignore[attr-defined]
    status, out, _ = dealer("watch", "EAST.trace", "EAST.nix", "--json", "--count", "1")
    lines = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    (update,) = (line for line in lines if "property" in line)
    assert update["value"]["data"] == [0.0, 1.0, 2.0]
    assert {line.get("event") for line in lines} == {"note", "opened", None}
    assert lines[-1] == {"received": 1, "lost": 0, "dropped": 0, "reopened": 0}


def test_what_does_not_come_in_time_is_told(dealer: Run, tmp_path: Path) -> None:
    status, out, err = dealer("watch", "EAST.tripped", "--count", "1", "--for", "0.3")
    assert (status, err) == (1, "dealer: 0 of 1 updates came within 0.3 s\n")
    away = file_of(tmp_path / "away.toml", AWAY=f"tcp://127.0.0.1:{free_port()}")
    status, out, err = dealer("watch", "--for", "0.3", config=away)
    assert status == 1
    assert "AWAY  [note] waits for its Player: " in out
    assert err == "dealer: AWAY: no Player answered; `dealer doctor` says what puts it right\n"


def test_a_bank_that_publishes_nothing_is_not_waited_for(dealer: Run, tmp_path: Path) -> None:
    with zmq.Context() as context:
        server = ZMQJSONProxyServer(context, "tcp://127.0.0.1:*")
        server.expose("bank", object())
        loop = threading.Thread(target=server.run_loop)
        loop.start()
        config = file_of(tmp_path / "array.toml", MUTE=server.url)
        try:
            status, out, err = dealer("watch", "a", "b", config=config)
            assert dealer("get", config=config)[:2] == (0, "")
        finally:
            server.quit_loop()
            loop.join()
    assert (status, out.count("[refused]")) == (1, 2)
    assert err.startswith("dealer: nothing will come: MUTE: bank: ")
    assert "publishes nothing here" in err


def on_a_terminal(config: Path, *words: str, columns: int = 80) -> Terminal:
    command = [sys.executable, "-m", "dealer.cli", *words, "--config", str(config)]
    return Terminal(*command, env=clean_environment(TERM="xterm"), columns=columns)


def test_a_terminal_has_a_table_that_follows_a_player_through_its_end_and_start(
    tmp_path: Path,
) -> None:
    with Publisher(keys=30) as player:
        config = file_of(tmp_path / "array.toml", SUPPLY=player.url)
        with (
            on_a_terminal(config, "watch") as terminal,
            Publisher(player.url, held=True, keys=30) as again,
        ):
            terminal.wait_for(r"SUPPLY  key\.0 +0 +[\d.]+ \w+ +0\.0 +0\x1b")
            terminal.wait_for(r"and 1\d more; name fewer")
            player.kill()
            terminal.wait_for(r"key\.0 .* stale [\d.]+ s")
            again.begin()
            terminal.wait_for(r"\[reopened\] its Player is there again")
            terminal.type("\x03")
            shown = terminal.wait_for(r"re-opened 1\x1b\[K\x1b\[J\r\n")
            assert terminal.wait() == 0
    assert max(len(line) for line in shown.split("\r\n")) < 100


# pipe


def test_frames_are_written_with_numbers_times_and_gaps(
    dealer: Run, players: dict[str, HostedBank], tmp_path: Path
) -> None:
    bank: Any = players["WEST"].bank
    bank.send_frames(1, 4)
    lines, stack, folder = (tmp_path / name for name in ("a.jsonl", "a.npy", "a"))
    for path in (lines, stack, folder):
        status, out, err = dealer("pipe", "WEST.trace", "--to", str(path), "--count", "1")
        assert (status, err) == (0, "")
        assert out == f"written: {path}: received 1, lost 0, re-opened 0\n"
    records = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [record.get("event") for record in records] == ["opened", None]
    assert records[1]["data"] == [0.0, 1.0, 2.0, 3.0]
    assert (records[1]["x_start"], records[1]["x_delta"], records[1]["lost"]) == (1.0, 0.5, 0)
    assert np.array_equal(np.load(stack), [[0, 1, 2, 3]])
    beside = json.loads((tmp_path / "a.npy.jsonl").read_text().splitlines()[1])
    assert beside["number"] == records[1]["number"] > 0
    assert np.array_equal(np.load(folder / "00000001.npy"), [0, 1, 2, 3])
    status, _, err = dealer("pipe", "WEST.trace", "--to", str(stack))
    assert (status, "is there already; give another name" in err) == (1, True)


def test_a_frame_is_drawn(dealer: Run, players: dict[str, HostedBank]) -> None:
    players["WEST"].bank.send_frames(1, 5)  # type: ignore[attr-defined]
    status, out, err = dealer("pipe", "WEST.trace", "--count", "1")
    assert (status, err) == (0, "")
    head, *plot, totals = out.splitlines()
    assert head.startswith("WEST trace  5 points in V  1 .. 3 s  20")
    assert totals == "received 1, lost 0, re-opened 0"
    assert (plot[0].split()[0], plot[-1].split()[0], len(plot)) == ("4", "0", 15)
    told = json.loads(dealer("pipe", "WEST.trace", "--count", "1", "--json")[1].splitlines()[1])
    assert told["value"]["data"] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_recording_goes_on_with_the_next_life_of_its_player_until_ctrl_c(tmp_path: Path) -> None:
    path = tmp_path / "frames.npy"
    with ThreadHub() as hub, Publisher() as player:
        url = player.url
        config = file_of(tmp_path / "array.toml", SUPPLY=url)
        hub.call(url, "bank", "send_frames", (1, 64), {}, 10)
        with (
            on_a_terminal(config, "pipe", "frames", "--to", str(path)) as terminal,
            Publisher(url, held=True) as again,
        ):
            terminal.wait_for("received 1, lost 0")
            player.kill()
            terminal.wait_for("; nothing is heard of SUPPLY")
            again.begin()
            terminal.wait_for("re-opened 1")
            hub.call(url, "bank", "send_frames", (2, 64), {}, 10)
            terminal.wait_for("received 3, lost 0, re-opened 1")
            terminal.type("\x03")
            terminal.wait_for("written: ")
            assert terminal.wait() == 0
    assert np.load(path).shape == (3, 64)
    records = [json.loads(line) for line in path.with_suffix(".npy.jsonl").read_text().splitlines()]
    assert [each.get("event", each.get("number")) for each in records] == [
        "opened",
        1,
        "stale",
        "reopened",
        1,
        2,
    ]


# doctor


def test_the_doctor_tells_who_subscribes(dealer: Run, players: dict[str, HostedBank]) -> None:
    east: Any = players["EAST"]
    with east.proxy.subscribe(["voltage", "limit"]) as subscription:
        subscription.next(10)
        eventually(lambda: "EAST: 1 subscriber," in dealer("doctor")[1])  # others' have ended
        _, out, _ = dealer("doctor")
        report = json.loads(dealer("doctor", "--json")[1])
    assert "note: EAST: 1 subscriber, 2 streams; no update was dropped\n" in out
    (client,) = report["channels"]["EAST"]["clients"]
    assert str(os.getpid()) in client["name"]
    eventually(lambda: json.loads(dealer("doctor", "--json")[1])["notes"] == [])
