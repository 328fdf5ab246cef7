"""Journal and history of Players: over real sockets, over restarts, over several Banks."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.publishing_bank import PublishingBank

from dealer import cli
from player.testing import HostedBank
from zmqjsonproxy import RefusedError, ThreadHub
from zmqjsonproxy.caller import own_name

HISTORY = {"instrument": {"history": {"rate": 100.0}}}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[HostedBank, HostedBank]]:
    """Return two Players of one array."""
    with ExitStack() as stack:

        def player(name: str) -> HostedBank:
            (tmp_path / name).mkdir()
            hosted = HostedBank(
                PublishingBank,
                name=name,
                sections=HISTORY,
                folder=tmp_path / name,
                state_dir=tmp_path / "state",
            )
            return stack.enter_context(hosted)

        yield player("BANKA"), player("BANKB")


def array(tmp_path: Path, *hosted: HostedBank) -> str:
    """Return the configuration of an array with these Players."""
    tables = (
        f'[banks.{one.name}]\nhpc_host = "127.0.0.1"\nplayer_port = {one.url.rpartition(":")[2]}\n'
        for one in hosted
    )
    path = tmp_path / "array.toml"
    path.write_text("".join(tables))
    return str(path)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    assert cli.main(words) == 0
    return json.loads(capsys.readouterr().out)


def test_commands_of_all_banks_are_in_the_journal_in_time_order(
    pair: tuple[HostedBank, HostedBank], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = pair
    config = array(tmp_path, one, other)
    for value in range(3):
        one.proxy.set_level(float(value))
        other.proxy.set_level(value, times=2)
        assert one.proxy.get_bank_name() == "BANKA"  # a query, which changes nothing
    with pytest.raises(RefusedError):
        one.proxy.set_log_level("two\nlines")
    words = ("--config", config, "--json", "journal")
    told = printed(capsys, *words, "--method", "bank.*")
    assert told["failed"] == {}
    found = [
        (e["bank"], e["method"], e["arguments"]["args"], e["outcome"]) for e in told["entries"]
    ]
    assert found == [
        *[
            (bank, "bank.set_level", [float(value)], "done")
            for value in range(3)
            for bank in ("BANKA", "BANKB")
        ],
        ("BANKA", "bank.set_log_level", ["two\nlines"], "refused"),
    ]
    assert {entry["client"] for entry in told["entries"]} == {own_name()}
    assert all(entry["simulated"] for entry in told["entries"])
    only = printed(capsys, *words, "--banks", "bankb", "--since", "1h", "--client", "@")
    assert {entry["bank"] for entry in only["entries"]} == {"BANKB"}
    assert cli.main(["--config", config, "journal"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + 2 + 7  # a head, the begin of each Player, a line for each command
    assert all(line.isprintable() for line in lines)


def test_values_of_all_banks_and_their_parts_are_in_the_history(
    pair: tuple[HostedBank, HostedBank], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = pair
    words = ("--config", array(tmp_path, one, other), "--json", "history")
    one.proxy.set_level(3.5)
    kept = printed(capsys, *words)
    assert {"level", "dial.turns", "counter"} <= set(kept["BANKB"]["value"])
    told = printed(capsys, *words, "level", "BANKB.counter")
    found = {(p["bank"], p["key"]): (p["value"], p["unit"]) for p in told["points"]}
    assert found == {
        ("BANKA", "level"): (3.5, "dB"),
        ("BANKB", "level"): (0.0, "dB"),
        ("BANKB", "counter"): (2**53 + 1, ""),
    }
    assert cli.main([*words[:2], "history", "level", "--csv", "--banks", "BANKA"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head == "time,bank,number,key,value,unit"
    assert rows[-1].split(",")[1:] == ["BANKA", rows[-1].split(",")[2], "level", "3.5", "dB"]
    assert cli.main([*words[:2], "history", "nothing"]) == 1
    assert "no Bank has a history of nothing" in capsys.readouterr().err


def test_the_journal_goes_on_over_a_restart_and_is_another_one_for_another_array(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    numbers: list[int] = []
    for folder in ("a", "a", "b"):
        (tmp_path / folder).mkdir(exist_ok=True)
        with (
            HostedBank(PublishingBank, folder=tmp_path / folder, state_dir=state) as hosted,
            ThreadHub() as hub,
        ):
            hosted.proxy.set_level(1.0)
            entries = hub.call(hosted.url, "journal", "read", (), {}, 30.0)["entries"]
            numbers.append(len([e for e in entries if e["method"] == "bank.set_level"]))
            assert [entry["number"] for entry in entries] == list(range(1, len(entries) + 1))
    assert numbers == [1, 2, 1]
    assert len(list(state.iterdir())) == 2


@pytest.mark.parametrize("state", [None, Path(os.devnull, "dealer-player")])
def test_a_player_without_a_place_for_them_serves_and_says_so(state: Path | None) -> None:
    with HostedBank(PublishingBank, state_dir=state) as hosted, ThreadHub() as hub:
        hosted.proxy.set_level(1.0)
        for name, method, args in (("journal", "read", ()), ("history", "keys", ())):
            with pytest.raises(RefusedError, match=f"BANKA keeps no {name}: .*state folder"):
                hub.call(hosted.url, name, method, args, {}, 30.0)
            state_of = hub.call(hosted.url, name, "state", (), {}, 30.0)
            assert "state folder" in state_of["why_not"]


def test_records_are_kept_only_if_the_file_says_so(tmp_path: Path) -> None:
    sections = {"instrument": {"journal": {"keep": False}, "history": {"keep": False}}}
    with (
        HostedBank(PublishingBank, sections=sections, state_dir=tmp_path / "state") as hosted,
        ThreadHub() as hub,
    ):
        hosted.proxy.set_level(1.0)
        with pytest.raises(RefusedError, match=r"\[instrument.journal\] keep is false"):
            hub.call(hosted.url, "journal", "read", (), {}, 30.0)
    assert not list(tmp_path.glob("state/records-*"))


def test_the_end_of_control_is_in_the_journal_with_its_reason(tmp_path: Path) -> None:
    with (
        HostedBank(PublishingBank, state_dir=tmp_path / "state") as hosted,
        ThreadHub() as hub,
    ):
        hub.call(hosted.url, "control", "take", ("a test",), {}, 30.0)
        told = hub.call(hosted.url, "control", "break_lease", ("over",), {}, 30.0)
        assert told["owner"] is None
        entries = hub.call(hosted.url, "journal", "read", (), {}, 30.0)["entries"]
        texts = [entry["text"] for entry in entries if entry["text"].startswith("control: ")]
        assert len(texts) == 1
        assert "over" in texts[0]
        methods = [entry["method"] for entry in entries if entry["method"] != "journal"]
        assert methods == ["control.take", "control.break_lease"]
