"""The object `alarms` of a Player, and the file in which alarms outlive it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.full_disk import room_for

from player.alarms.file import AlarmFile
from player.alarms.rules import AlarmRule, AlarmSeverity
from player.alarms.served import KEEP_AGAIN_S, BankAlarms
from player.alarms.watch import AlarmWatch
from player.testing.clock import ManualClock
from zmqjsonproxy.caller import Caller, calling
from zmqjsonproxy.channels.properties import PropertyTable
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.interface import marked_methods
from zmqjsonproxy.rights import Role

RULES = [
    AlarmRule(name="drop", key="drop", above=0, text="blocks were dropped"),
    AlarmRule(
        name="board", key="board", differs=("up",), text="board lost", severity=AlarmSeverity.FAULT
    ),
]


class Served:
    """Alarms of a table of properties, and what was told of them."""

    def __init__(self, path: Path | None, clock: ManualClock | None = None) -> None:
        self.clock, self.table = clock or ManualClock(), PropertyTable([])
        self.notes: list[str] = []
        self.file = AlarmFile(path, "BANKA")
        self.alarms = BankAlarms("BANKA", RULES, self.file, self.clock, note=self.notes.append)
        self.watch = AlarmWatch(RULES, {"": self.table}, self.clock)
        self.alarms.begin({"": self.table})
        self.alarms.close()  # looks are by hand

    def look(self, seconds: float = 1.0) -> dict[str, Any]:
        self.clock.advance(seconds)
        self.alarms.look(self.watch)
        told: dict[str, Any] = self.table.get(["alarms"])["alarms"]  # type: ignore[assignment]
        return told

    def phases(self) -> dict[str, str]:
        told: Any = self.alarms.list(every=True)["alarms"]
        return {each["name"]: each["phase"] for each in told}


def test_alarms_are_published_counted_and_remarked(tmp_path: Path) -> None:
    served = Served(tmp_path / "state" / "alarms.json")
    served.table.publish("drop", 3)
    told = served.look()
    assert [each["name"] for each in told["active"]] == ["drop", "board"]
    counts = {name: told[name] for name in ("left_out", "declared", "new", "raised", "unreadable")}
    assert counts == {"left_out": 0, "declared": 2, "new": 1, "raised": 1, "unreadable": 1}
    assert served.notes == ["alarm drop raised: warning: blocks were dropped (drop is 3)"]
    with calling(Caller("ann@hpc1:1", key="ann")):
        answer: Any = served.alarms.acknowledge("drop", "on it", 1)
    assert answer["acknowledged"]["by"] == "ann"
    assert served.look()["new"] == 0
    assert served.notes[1:] == []  # the call itself is in the journal


def test_a_restart_keeps_acknowledgements(tmp_path: Path) -> None:
    path = tmp_path / "alarms.json"
    served = Served(path)
    served.table.publish("drop", 3)
    served.table.publish("board", "down")
    served.look()
    served.alarms.acknowledge("drop")
    served.alarms.shelve("board", 3600.0, "until noon")
    again = Served(path, served.clock)
    assert again.phases() == {"drop": "acknowledged", "board": "new"}
    again.table.publish("drop", 4)
    again.table.publish("board", "down")
    assert again.look()["new"] == 0
    assert again.notes == []
    again.look(3600)
    assert again.notes == ["alarm board no longer shelved: its time is over"]


@pytest.mark.parametrize(
    "damage", [b"", b"{", b"[]", b"null", b'{"drop": 1}', b'{"drop": {"number": 1e999}}', b"\xff"]
)
def test_a_damaged_file_is_told_and_nothing_is_taken_of_it(
    tmp_path: Path, damage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "alarms.json"
    path.write_bytes(damage)
    served = Served(path)
    assert served.phases() == {"drop": "quiet", "board": "quiet"}
    assert str(path) in caplog.text
    assert str(path) in str(served.alarms.list()["trouble"])
    served.table.publish("drop", 3)
    served.look()
    assert served.alarms.list()["trouble"] == ""


def test_alarms_go_on_where_nothing_can_be_written(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    served = Served(tmp_path / "file" / "alarms.json")
    served.table.publish("drop", 3)
    assert served.look()["new"] == 1
    served.alarms.acknowledge("drop")
    assert caplog.text.count("alarms cannot be kept") == 1
    assert "a restart forgets" in str(served.alarms.list()["trouble"])


def test_what_a_full_disk_kept_no_room_for_is_kept_when_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "alarms.json"
    served = Served(path)
    served.table.publish("drop", 3)
    served.look()
    with room_for(0):
        served.alarms.acknowledge("drop")
        served.look(KEEP_AGAIN_S)
        assert Served(path, served.clock).phases()["drop"] == "new"
        assert "a restart forgets" in str(served.alarms.list()["trouble"])
    served.look(KEEP_AGAIN_S)
    assert Served(path, served.clock).phases()["drop"] == "acknowledged"
    assert served.alarms.list()["trouble"] == ""


def test_whoever_observes_may_acknowledge_and_needs_no_control() -> None:
    marks = {name: mark for name, (_, mark) in marked_methods(BankAlarms).items()}
    assert marks["acknowledge"].role is Role.OBSERVE
    assert marks["shelve"].role is None  # of commands: operate
    assert not any(marks[name].needs_control for name in ("acknowledge", "shelve", "unshelve"))
    assert all(marks[name].journaled for name in ("acknowledge", "shelve", "unshelve"))


@pytest.mark.parametrize(
    "arguments",
    [("drop", "two\nlines"), ("drop", "x" * 2000), ("drop", 5), ("drop", "", 1.5), ("dorp",)],
)
def test_what_makes_no_sense_is_refused(arguments: tuple[Any, ...]) -> None:
    served = Served(None)
    served.table.publish("drop", 3)
    served.look()
    with pytest.raises(RefusedError):
        served.alarms.acknowledge(*arguments)
    with pytest.raises(RefusedError, match="seconds is"):
        served.alarms.shelve("drop", "long")  # type: ignore[arg-type]  # as callers send it
    assert served.phases()["drop"] == "new"


def test_at_most_thirty_alarms_are_published_and_the_others_counted() -> None:
    rules = [AlarmRule(name=f"a{n}", key="x", above=0, text="") for n in range(60)]
    clock, table = ManualClock(), PropertyTable([])
    table.publish("x", 1)
    alarms = BankAlarms("BANKA", rules, AlarmFile(None, "BANKA"), clock)
    alarms.begin({"": table})
    alarms.close()
    told: Any = table.get(["alarms"])["alarms"]
    assert (len(told["active"]), told["left_out"], told["new"]) == (30, 30, 60)
