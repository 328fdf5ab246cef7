"""The journal: one entry per command whatever is in it, its order, its losses, its end."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.full_disk import room_for
from support.player_run import poll
from support.records import QUICK, call_record, ended, journal_of, refused

from player import journal as module
from player.dataroot import Mounts
from player.journal import Journal
from player.recordfile import RecordFile
from player.recordspan import RecordSpan
from player.sinks import CallEntry, HistoryPoint
from player.testing.clock import ManualClock
from zmqjsonproxy.engine.callrecords import CallOutcome

WITHIN = 30.0


def written(journal: Journal, **how: Any) -> list[Any]:
    assert journal.flush(WITHIN)
    texts = {name: how.pop(name) for name in ("client", "method") if name in how}
    return journal.entries(RecordSpan(**how), **texts)


def test_an_entry_says_who_what_when_and_what_came_of_it(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    record = call_record(
        "bank.set_mode",
        "MODE1",
        kwargs={"fast": True},
        key="anna",
        through="dashboard",
        call_id="c7",
        at=1.7e9,
    )
    journal.take(record)
    (begun,) = written(journal)
    assert (begun["outcome"], begun["duration_s"]) == ("running", None)
    record.end(CallOutcome.FAILED, "ValueError", "no such mode")
    journal.take(record)
    (entry,) = written(journal)
    assert entry.pop("duration_s") > 0
    assert entry == {
        "number": 1,
        "time": 1.7e9,
        "running_s": 0.0,
        "method": "bank.set_mode",
        "arguments": {"args": ["MODE1"], "kwargs": {"fast": True}},
        "client": "anna@hpc1:17",
        "host": "hpc1",
        "key": "anna",
        "through": "dashboard",
        "call_id": "c7",
        "operation": "",
        "outcome": "failed",
        "error": "ValueError",
        "text": "no such mode",
    }
    assert journal.find("c7", "anna") == journal.entries()[0]
    assert journal.find("c7", "bert") is journal.find("c7", "") is journal.find("", "anna") is None
    assert journal.find("\ud800", "anna") is None
    journal.close()


def test_a_call_that_ends_before_it_is_written_is_written_once_as_it_ended(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, gather_s=WITHIN)
    record = call_record("bank.set_mode")
    journal.take(record)
    record.end(CallOutcome.DONE)
    journal.take(record)
    (entry,) = written(journal)
    assert entry["outcome"] == "done"
    assert journal.state()["written"] == 1
    journal.close()


def test_a_thousand_entries_of_one_moment_are_all_there_in_their_order(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    for at in range(1000):
        journal.take(ended(call_record("bank.set_gain", at, at=1.7e9)))
    found: list[Any] = []
    while page := written(
        journal, since=1.7e9, most=300, after=found[-1]["number"] if found else 0
    ):
        found += page
    assert [entry["arguments"]["args"] for entry in found] == [[at] for at in range(1000)]
    assert [entry["number"] for entry in found] == list(range(1, 1001))
    assert written(journal, since=1.7e9 + 1e-6) == []
    assert len(written(journal, until=1.7e9 + 1e-6)) == 1000
    journal.close()


def test_a_clock_that_is_set_leaves_the_order_and_a_remark(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    for at, running in ((0.0, 0.0), (10.0, 10.0), (-3590.0, 20.0), (3630.0, 30.0), (3640.0, 40.0)):
        journal.take(ended(call_record("bank.x", running, at=1.7e9 + at, running=running)))
    entries = written(journal)
    told = [entry["text"] or entry["arguments"]["args"][0] for entry in entries]
    back, forward = (
        "the clock was set back by 3610.000 s",
        "the clock was set forward by 7210.000 s",
    )
    assert told == [0.0, 10.0, back, 20.0, forward, 30.0, 40.0]
    assert [entry["number"] for entry in entries] == list(range(1, 8))
    assert [e["running_s"] for e in entries if not e["text"]] == [0.0, 10.0, 20.0, 30.0, 40.0]
    journal.close()


def test_a_clock_that_was_set_back_between_two_runs_leaves_a_remark(tmp_path: Path) -> None:
    for at, clock in ((1.7e9, ManualClock(1.7e9)), (1.7e9 - 3600, ManualClock(1.7e9 - 3600))):
        journal = journal_of(tmp_path, clock=clock)
        journal.take(ended(call_record("bank.x", at=at)))
        entries = written(journal)
        journal.close()
    assert [entry["text"] for entry in entries] == [
        "",
        "the clock was set back by 3600.000 s at least while nothing ran",
        "",
    ]
    assert [entry["number"] for entry in entries] == [1, 2, 3]


HOSTILE = [
    "two\nlines",
    "\x1b[2J\x1b[31m",
    'done"}], [{"x": "y',
    "\ud800",
    "\0",
    "\u202e\u2028",
    "'; DROP TABLE records; --",
]


def test_whatever_the_texts_each_command_is_one_entry(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    for text in HOSTILE:
        record = call_record("bank.x", text, kwargs={text: text}, call_id=text)
        record.end(CallOutcome.REFUSED, "RefusedError", text)
        journal.take(record)
    entries = written(journal)
    assert [entry["arguments"] for entry in entries] == [
        {"args": [text], "kwargs": {text: text}} for text in HOSTILE
    ]
    json.dumps(entries)
    journal.close()


def test_arguments_come_back_as_they_were_given(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)

    @settings(max_examples=20)
    @given(words=st.lists(st.text(max_size=20), min_size=1, max_size=5))
    def check(words: list[str]) -> None:
        journal.take(ended(call_record("bank.x", *words)))
        assert written(journal, newest=True, most=1)[0]["arguments"]["args"] == words

    check()
    journal.close()


def test_entries_are_chosen_by_client_and_method(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    for client, key, method in (
        ("anna@a:1", "", "bank.set_mode"),
        ("bert@b:2", "observers", "bank.start"),
        ("carl@c:3", "", "bank.valon.set_frequency"),
    ):
        journal.take(ended(call_record(method, client=client, key=key)))
    chosen = [
        [entry["client"][:4] for entry in written(journal, **how)]
        for how in (
            {"client": "anna"},
            {"client": "observ"},
            {"method": "bank.set_*"},
            {"method": "*.set_*"},
            {"method": "[b]ank.start"},
        )
    ]
    assert chosen == [["anna"], ["bert"], ["anna"], ["anna", "carl"], []]
    journal.close()


def test_what_ran_when_the_player_ended_is_unknown(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    journal.take(call_record("bank.start", call_id="c1"))
    assert written(journal)[0]["outcome"] == "running"
    journal.close()
    again = journal_of(tmp_path)
    again.take(call_record("bank.start", call_id="c2"))
    assert [entry["outcome"] for entry in written(again)] == ["unknown", "running"]
    assert (again.find("c1", "") or {})["outcome"] == "unknown"
    assert [entry["number"] for entry in again.entries()] == [1, 2]
    again.close()


class _Held:
    """A writer's thread that waits within its work until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_there, self.may_go = threading.Event(), threading.Event()
        original = Journal._write

        def write(journal: Journal, *given: Any) -> None:
            self.is_there.set()
            assert self.may_go.wait(WITHIN)
            original(journal, *given)

        monkeypatch.setattr(Journal, "_write", write)


def test_more_calls_than_can_be_written_are_dropped_counted_and_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = _Held(monkeypatch)
    monkeypatch.setattr(module, "MAX_QUEUE", 50)
    journal = journal_of(tmp_path)
    first = call_record("bank.x", -1)
    journal.take(first)
    assert held.is_there.wait(WITHIN)
    records = [call_record("bank.x", at) for at in range(100)]
    for record in records:
        journal.take(record)
    for record in [first, *records]:  # the ends of those that were taken are taken, too
        journal.take(ended(record))
    held.may_go.set()
    entries = written(journal)
    calls = [entry for entry in entries if entry["method"] == "bank.x"]
    assert [entry["arguments"]["args"] for entry in calls] == [[at] for at in range(-1, 49)]
    assert {entry["outcome"] for entry in calls} == {"done"}
    remarks = [entry["text"] for entry in entries if entry["outcome"] == "remark"]
    assert remarks == ["51 were lost: more calls came than could be written"]
    assert journal.state()["lost"] == 51
    journal.close()


def test_refusals_without_end_push_out_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr("player.journal.time.monotonic", lambda: now[0])
    journal = journal_of(tmp_path)
    for at in range(500):
        journal.take(refused(call_record("bank.stop", at)))
    journal.take(refused(call_record("bank.stop", key="ben")))  # of another one it is told
    now[0] += 1.0
    journal.take(ended(call_record("bank.go", 500)))
    entries = written(journal)
    assert [entry["text"] for entry in entries if entry["outcome"] == "remark"] == [
        "480 were lost: of one key 20 refusals are kept, and 10 more a minute"
    ]
    assert [entry["key"] for entry in entries if entry["method"] == "bank.stop"] == [
        *[""] * 20,
        "ben",
    ]
    assert "bank.go" in {entry["method"] for entry in entries}
    monkeypatch.undo()
    journal.close()


def test_a_full_disk_stops_no_command_and_is_told_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MAX_QUEUE", 300)
    journal = journal_of(tmp_path)
    journal.take(ended(call_record("bank.x", "before")))
    assert journal.flush(WITHIN)
    with caplog.at_level(logging.WARNING), room_for(20_000):
        for at in range(1000):
            journal.take(ended(call_record("bank.x", at, "x" * 150)))
        poll(lambda: journal.state()["trouble"], "no trouble is told")
        assert not journal.flush(0.0)
        assert journal.state()["lost"] >= 500
    entries = written(journal)
    assert journal.state()["trouble"] == ""
    kept = [e["arguments"]["args"][0] for e in entries if e["method"] == "bank.x"]
    lost = [e["text"] for e in entries if e["outcome"] == "remark"]
    assert kept == ["before", *range(len(kept) - 1)]
    told = sum(int(text.split()[0]) for text in lost)
    assert told == journal.state()["lost"] == 1001 - len(kept)
    texts = [record.message for record in caplog.records]
    assert sum("nothing can be written" in text for text in texts) == 1
    assert sum("are written again" in text for text in texts) == 1
    journal.close()


def test_a_damaged_file_is_told_in_the_journal_itself(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    for at in range(300):
        journal.take(ended(call_record("bank.x", at)))
    assert journal.flush(WITHIN)
    journal.close()
    path = min(tmp_path.glob("*.sqlite"))
    with path.open("r+b") as raw:
        raw.seek(4096 * 4)
        raw.write(b"\xff" * 4096)
    again = journal_of(tmp_path)
    again.take(ended(call_record("bank.x", "after")))
    again.take(ended(call_record("bank.x", "later")))
    assert again.flush(WITHIN)
    again.take(ended(call_record("bank.x", "last")))
    entries = written(again)
    assert [e["arguments"]["args"][0] for e in entries if e["method"] == "bank.x"] == [
        "after",
        "later",
        "last",
    ]
    assert any("was damaged" in entry["text"] for entry in entries)
    assert again.state()["set_aside"]
    assert entries[0]["number"] > 300
    again.close()


def test_no_network_file_system_is_used(tmp_path: Path) -> None:
    mounts = Mounts(frozenset({Path("/"), tmp_path}), frozenset(), {tmp_path: "nfs4"})
    journal = journal_of(tmp_path / "records", mounts=mounts)
    journal.take(ended(call_record()))
    poll(lambda: journal.state()["trouble"], "no trouble is told")
    assert "network file system (nfs4)" in str(journal.state()["trouble"])
    journal.close()


def test_an_operation_that_ends_in_a_later_file_has_its_end_in_its_entry(tmp_path: Path) -> None:
    journal = journal_of(tmp_path)
    scan = call_record("bank.start", operation="o1")
    journal.take(scan)
    assert journal.flush(WITHIN)
    other = RecordFile(min(tmp_path.glob("*.sqlite")), QUICK, 1)  # as another writer may do
    other.finish()
    other.close()
    journal.take(ended(call_record("bank.stop")))
    assert journal.flush(WITHIN)
    assert len(list(tmp_path.glob("*.sqlite"))) == 2
    journal.take(ended(scan))
    assert [(e["method"], e["outcome"]) for e in written(journal)] == [
        ("bank.start", "done"),
        ("bank.stop", "done"),
    ]
    journal.close()


class _Place:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.calls: list[CallEntry] = []

    def take_calls(self, entries: Sequence[CallEntry]) -> None:
        self.calls += entries
        raise RuntimeError("of anybody's code")

    def take_points(self, points: Sequence[HistoryPoint]) -> None:
        raise AssertionError(points)

    def close(self) -> None:
        pass


def test_sinks_are_told_what_was_written_and_hinder_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    place = _Place()
    journal = journal_of(tmp_path, sinks=[place])
    record = call_record("bank.start")
    journal.take(record)
    assert journal.flush(WITHIN)
    journal.take(ended(record))
    journal.note("a remark")
    assert journal.flush(WITHIN)
    told = [(entry.number, entry.method, entry.outcome) for entry in place.calls]
    assert told == [
        (1, "bank.start", "running"),
        (1, "bank.start", "done"),
        (2, "journal", "remark"),
    ]
    assert "does not take entries" in caplog.text
    journal.close()


def test_no_secret_is_in_the_files(tmp_path: Path) -> None:
    from zmqjsonproxy.engine.callrecords import CallRecord
    from zmqjsonproxy.interface import Interface, command
    from zmqjsonproxy.protocol.request import Request

    class Vault:
        @command(secret=("word",))
        def open(self, word: str, token: str = "") -> None: ...

    method = Interface.of("vault", Vault()).methods["open"]
    journal = journal_of(tmp_path)
    for args, kwargs in (
        (["swordfish"], {}),
        ([], {"word": "swordfish", "token": "swordfish"}),
        ([{"deep": [{"api_key": "swordfish"}]}, "swordfish"], {}),
    ):
        request = Request("vault.open", args, kwargs, native=True)
        record = CallRecord.of(method, request, call_record().caller)
        record.end(CallOutcome.REFUSED, "RefusedError", "'swordfish' opens nothing")
        journal.take(record)
    assert len(written(journal)) == 3
    journal.close()
    assert not any(b"swordfish" in path.read_bytes() for path in tmp_path.iterdir())
