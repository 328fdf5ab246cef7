"""State of one Bank, as topics show it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dashboard.bankstate import (
    ENDED_KEPT_S,
    MAX_OPERATIONS,
    ShownInterface,
    WatchedBank,
    bounded,
    key_of,
    wanted_patterns,
)
from dashboard.protocol.topics import KeyTopic, LineTopic
from zmqjsonproxy import InterfaceDescription, MethodDescription
from zmqjsonproxy.channels import Update
from zmqjsonproxy.channels.protocol.patterns import matches


class Topics:
    """Topics of one Bank, and its state."""

    def __init__(self) -> None:
        self.rows, self.values = KeyTopic("overview"), KeyTopic("values:BANKA")
        self.operations, self.log = KeyTopic("operations"), LineTopic("log")
        topics = self.rows, self.values, self.operations, self.log
        self.state = WatchedBank("BANKA", "tcp://hpc1:6667", "hpc1", topics, 100.0)

    def take(self, name: str, value: Any, kind: str = "result", at: float = 101.0) -> None:
        update = Update("BANKA", name, value, 3, at, 0, kind)
        self.state.take("bank", update, at + 0.5)

    @property
    def row(self) -> dict[str, Any]:
        self.state.show()
        row: dict[str, Any] = self.rows.values["BANKA"]
        return row


@pytest.fixture
def topics() -> Topics:
    return Topics()


def test_a_row_is_there_before_anything_is_known(topics: Topics) -> None:
    assert topics.rows.values["BANKA"] == {
        "bank": "BANKA",
        "kind": "",
        "host": "hpc1",
        "url": "tcp://hpc1:6667",
        "dialect": "unknown",
        "simulated": None,
        "link": {"state": "connecting", "since": 100.0, "reason": ""},
        "interface": 0,
        "offset": None,
        "instance": "",
        "overview": {},
        "control": None,
        "findings": [],
        "load": None,
        "scan": None,
        "alarms": None,
        "operations": [],
        "missed": 0,
    }


def test_results_become_values_and_some_a_part_of_the_row(topics: Topics) -> None:
    topics.take("status.SCANNUM", 12)
    topics.take("control", {"owner": "ann"})
    topics.take("host_load", {"load": 0.5})
    topics.take("scan", {"state": "running"})
    topics.take("alarms", {"active": [], "new": 2, "raised": 3})
    topics.state.take("bank.dial", Update("BANKA", "turns", 4, 1, 7.0), 101.0)
    assert topics.values.values["status.SCANNUM"] == [12, 101.0, 3]
    assert topics.values.values["dial.turns"] == [4, 7.0, 1]
    assert (topics.row["control"], topics.row["load"]) == ({"owner": "ann"}, {"load": 0.5})
    assert topics.row["scan"] == {"state": "running"}
    assert topics.row["alarms"] == {"new": 2, "raised": 3}
    assert topics.state.liveness.heard == 101.0


@pytest.mark.parametrize(
    ("value", "told"),
    [(1, True), ("1", True), ("T", True), (True, True), (0, False), ("F", False), (None, None)],
)
def test_a_bank_says_that_it_is_simulated(topics: Topics, value: Any, told: bool | None) -> None:
    topics.take("status.SIMULATE", value)
    assert topics.row["simulated"] is told


def test_a_journal_tells_of_simulation_where_the_status_does_not(topics: Topics) -> None:
    topics.state.journal_simulated = True
    assert topics.row["simulated"] is True


def test_log_records_become_lines_with_the_scan_of_their_time(topics: Topics) -> None:
    topics.take("status.SCANNUM", 12)
    record = {"level": "warning", "logger": "daq", "text": "x" * 10_000, "time": 55.5}
    topics.take("log", {**record, "left_out": 4}, "message")
    topics.take("log", {}, "message", at=102.0)
    topics.take("log", "no record", "message")
    first, second = topics.log.lines
    told = {name: first[name] for name in ("number", "bank", "host", "time", "level", "logger")}
    assert told == {
        "number": 1,
        "bank": "BANKA",
        "host": "hpc1",
        "time": 55.5,
        "level": "warning",
        "logger": "daq",
    }
    assert (first["scan"], first["left_out"]) == (12, 4)
    assert len(first["text"]) < 5000
    assert (second["time"], second["text"]) == (102.0, "")


def test_operations_come_run_and_are_forgotten(topics: Topics) -> None:
    topics.take("operations", {"id": "a", "state": "running", "fraction": 0.5}, "message")
    assert topics.row["operations"] == ["a"]
    assert topics.operations.values["BANKA a"]["fraction"] == 0.5
    topics.take("operations", {"id": "a", "state": "done"}, "message", at=110.0)
    assert topics.row["operations"] == []
    topics.state.forget_operations(110.0 + ENDED_KEPT_S)
    assert "BANKA a" in topics.operations.values
    topics.state.forget_operations(111.0 + ENDED_KEPT_S)
    assert topics.operations.values == {}


def test_operations_of_a_player_that_came_back_are_lost(topics: Topics) -> None:
    topics.state.take_running([{"id": "a", "state": "running"}], 1.0)
    topics.state.take_running([{"id": "b", "state": "running"}], 2.0)
    assert topics.row["operations"] == ["b"]
    assert topics.operations.values["BANKA a"]["state"] == "lost"


def test_of_too_many_operations_the_oldest_are_forgotten(topics: Topics) -> None:
    for number in range(MAX_OPERATIONS + 5):
        topics.state.take_operation({"id": str(number), "state": "done"}, 1.0)
    assert len(topics.operations.values) == MAX_OPERATIONS
    assert "BANKA 4" not in topics.operations.values


def test_a_polled_status_counts_its_changes(topics: Topics) -> None:
    topics.state.take_status({"SCANNUM": 1, "A": "x"}, 10.0)
    topics.state.take_status({"SCANNUM": 2, "A": "x"}, 11.0)
    topics.state.take_status({"SCANNUM": 2}, 12.0)
    topics.state.take_status({"SCANNUM": 2}, 13.0)
    assert topics.values.values == {
        "status.SCANNUM": [2, 11.0, 2],
        "status.A": [None, 12.0, 2],
    }


def test_large_values_are_bounded() -> None:
    assert bounded("x" * 2000) == "x" * 2000
    assert bounded("x" * 10**6) == {"left_out": True, "text": "x" * 2000, "characters": 10**6}
    assert bounded({"text": "x" * 10**6}) == {"left_out": True, "characters": 10**6 + 11}
    assert bounded([1] * 100) == [1] * 100
    assert bounded(2**70) == 2**70
    array = np.zeros(10**6)
    assert bounded(array) is array  # whose numbers are not written


def test_what_a_bank_shows_of_itself_is_bounded(topics: Topics) -> None:
    topics.state.take_overview({"mode": "MODE1", "text": "x" * 10**6})
    topics.state.take_findings([{"text": "x" * 10**6}] * 500)
    assert topics.row["overview"]["mode"] == "MODE1"
    assert len(topics.row["overview"]["text"]["text"]) < 3000
    assert len(topics.row["findings"]) == 100
    assert topics.row["findings"][0]["left_out"] is True


def test_values_of_results_that_are_published_no_more_are_forgotten(topics: Topics) -> None:
    topics.take("old", 1)
    topics.take("level", 1)
    before = set(topics.state.values)
    topics.take("new", 1)
    topics.state.interface.take({}, {"bank": [prop("level")]})
    topics.state.forget_values(before)
    assert set(topics.state.values) == {"level", "new"}


def prop(name: str, kind: str = "result") -> dict[str, Any]:
    return {"name": name, "kind": kind}


def test_patterns_mean_results_and_log_but_no_pipe() -> None:
    properties = [
        prop("level"),
        prop("status.A"),
        prop("status.B"),
        prop("spectra.e1", "pipe"),
        prop("spectra.count"),
        prop("spectrum", "pipe"),
        prop("log", "message"),
        prop("operations", "message"),
        prop("alarm", "message"),
    ]
    patterns = wanted_patterns(properties)
    assert patterns == ["level", "status.*", "spectra.count", "log", "operations"]
    meant = {one["name"] for one in properties for p in patterns if matches(p, one["name"])}
    assert meant == {"level", "status.A", "status.B", "spectra.count", "log", "operations"}
    assert wanted_patterns([]) == []


def test_names_of_parts_stand_behind_the_part() -> None:
    assert key_of("bank", "level") == "level"
    assert key_of("bank.jobs", "queued") == "jobs.queued"
    assert key_of("other", "x") == "other.x"


def test_the_number_of_an_interface_rises_only_when_it_has_changed() -> None:
    interface = ShownInterface()
    bank = InterfaceDescription(True, {"stop": MethodDescription("stop", "Stop.", "command", ())})
    interface.take({"bank": bank}, {"bank": [{**prop("level"), "number": 1, "time": 2.0}]})
    assert interface.number == 1
    interface.take({"bank": bank}, {"bank": [{**prop("level"), "number": 9, "time": 3.0}]})
    assert interface.number == 1
    interface.take({"bank": bank}, {"bank": [{**prop("level"), "unit": "dB"}]})
    assert interface.number == 2
    assert interface.describe() == {
        "bank": {
            "methods": [
                {
                    "name": "stop",
                    "kind": "command",
                    "signature": "()",
                    "doc": "Stop.",
                    "parameters": [],
                }
            ],
            "properties": [{"name": "level", "kind": "result", "unit": "dB"}],
        }
    }


def test_settings_are_values_in_force_as_histories_name_them(topics: Topics) -> None:
    topics.state.offset = 0.5
    topics.take("mode", {"mode": "MODE1", "notes": [1, 2]})
    topics.take("status.EXPOSURE", 0.5, at=90.0)
    topics.take("status.GONE", None)
    topics.take("control", {"owner": "ann", "key": "observer1"})
    held = topics.state.settings()
    assert {key: (each.value, each.since) for key, each in held.items()} == {
        "mode.mode": ("MODE1", 100.5),
        "status.EXPOSURE": (0.5, 89.5),
        "control.owner": ("ann", 100.5),
        "control.key": ("observer1", 100.5),
    }
    assert topics.state.controlled_by == "observer1"
