"""Why, differences and the hand-over sheet, of Players over real sockets: asked by commands of `dealer`, and
at the dashboard."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.dashboards import make_page, serving
from support.free_ports import bound
from support.player_run import poll

from dashboard.config import Array
from dealer import Dealer
from dealer.cli import main
from player.bank import Bank
from player.readiness import Depends, Hindrance
from player.testing import HostedBank
from zmqjsonproxy.channels import published
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.interface import command


class Lamp(Bank):
    """Shines if it has power, and a switch that is on."""

    depends: ClassVar[Depends] = {"ready": ("switch",), "switch": ("power",), "power": ()}

    level = published(0.0, unit="lm", doc="Light.")
    colour = published("white", doc="Of the light.")
    volts = published(230.0, unit="V", doc="Of the line.")

    def hindrances(self) -> list[Hindrance]:
        if self.volts:
            return []
        return [
            Hindrance(thing="switch", text="it is off", remedy="switch it on"),
            Hindrance(thing="power", text="the line is dead", remedy="call the porter"),
        ]

    @command
    def set_level(self, level: float) -> None:
        """Set the light, up to 100 lm."""
        if level > 100:
            raise RefusedError(f"set_level: {level:g} lm is more than 100 lm")
        self.level = level

    @command
    def set_volts(self, volts: float) -> None:
        """Set the line."""
        self.volts = volts

    def get_wanted(self) -> dict[str, Any]:
        return {"level": 50.0}


class Site:
    """Two lamps, one that keeps no records, and one that is not there: as a file for commands, and at
    a dashboard."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.lamps = {
            name: stack.enter_context(HostedBank(Lamp, name=name, state_dir=folder / name))
            for name in ("EAST", "WEST")
        }
        self.lamps["PLAIN"] = stack.enter_context(HostedBank(Lamp, name="PLAIN"))
        urls = {name: each.url for name, each in self.lamps.items()}
        urls["GONE"] = f"tcp://127.0.0.1:{stack.enter_context(bound(0))}"
        self.config = folder / "array.toml"
        table = '[banks.{}]\nhpc_host = "127.0.0.1"\nplayer_port = {}\n'
        self.config.write_text(
            "".join(table.format(n, url.rpartition(":")[2]) for n, url in urls.items())
        )
        self.urls = urls
        page = make_page(folder / "page")
        self.peer = stack.enter_context(serving(Array(urls=urls), page))

    def run(self, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
        """Run a command of `dealer`: exit status, output, errors."""
        status = main(["--config", str(self.config), *words])
        told = capsys.readouterr()
        return status, told.out, told.err


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path_factory.mktemp("questions"), stack)


def test_a_bank_that_is_not_there_and_one_without_power_say_why(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.lamps["EAST"].proxy.set_volts(0.0)
    try:
        status, out, _ = site.run(capsys, "why", "east,gone", "WEST", "EAST")
        told = site.peer.get("/api/why/EAST")
    finally:
        site.lamps["EAST"].proxy.set_volts(230.0)
    assert status == 1
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0] == "EAST: not ready"
    assert [line for line in lines if line.startswith("<-")][:2] == [
        "<- it is off",
        "<- the line is dead",
    ]
    assert "remedy:   call the porter" in lines
    assert any("no Player answers at tcp://127.0.0.1:" in line for line in lines)
    assert lines[-1] == "WEST: ready"
    assert told["sentence"] == "EAST not ready <- it is off <- the line is dead"
    (switch,) = told["causes"]
    assert (switch["thing"], switch["causes"][0]["thing"]) == ("switch", "power")


def test_a_bank_whose_control_another_has_is_busy_and_not_faulty(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    with Dealer({"WEST": site.lamps["WEST"].url}) as d:
        d.add_active_player("WEST")
        d.take_control("focus", 5.0)
        try:
            status, out, _ = site.run(capsys, "--json", "why", "WEST")
        finally:
            d.release_control()
    told = json.loads(out)["WEST"]
    assert (status, told["is_ready"], told["has_fault"]) == (1, False, False)
    assert "has control until" in told["sentence"]
    assert "(focus)" in told["sentence"]


def test_control_that_was_taken_here_and_broken_since_is_no_longer_ours(
    site: Site,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert site.run(capsys, "control", "take", "focus", "--banks", "WEST")[0] == 0
    assert site.run(capsys, "why", "WEST")[:2] == (0, "WEST: ready\n")
    with Dealer({"WEST": site.lamps["WEST"].url}) as d:
        d.add_active_player("WEST")
        d.break_control("my turn")
        d.take_control("pointing", 5.0)
        try:
            status, out, _ = site.run(capsys, "why", "WEST")
        finally:
            d.release_control()
    assert (status, "has control until" in out, "(pointing)" in out) == (1, True, True)


def test_names_that_mean_nothing_are_told(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.run(capsys, "why", "NORTH")[0] == 1
    assert list(json.loads(site.run(capsys, "--json", "why", "all")[1])) == list(site.urls)
    for path, status in (
        ("/api/why/NORTH", 404),
        ("/api/diff?left=NORTH", 404),
        ("/api/diff?left=EAST@yesterday", 400),
        ("/api/diff?left=EAST@scan7", 400),
        ("/api/diff?left=EAST@2001-01-01", 400),
        ("/api/diff?left=GONE", 503),
        ("/api/handover?since=5&until=4", 400),
        ("/api/handover?form=pdf", 400),
    ):
        answer = site.peer.ask(path)
        assert (answer.status, bool(answer.json["detail"])) == (status, True), path


def test_of_a_bank_that_is_not_heard_no_alarms_are_known(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    told = "no alarms at EAST, WEST, PLAIN; not known: GONE\n"
    assert site.run(capsys, "alarms")[:2] == (1, told)
    assert site.run(capsys, "alarms", "--banks", "GONE")[:2] == (1, "not known: GONE\n")
    assert site.run(capsys, "alarms", "--banks", "EAST")[:2] == (0, "no alarms\n")
    status, out, err = site.run(capsys, "alarms", "ack", "GONE", "all")
    assert (status, out) == (1, "GONE: nothing acknowledged\n")
    assert "alarms.list: no server at" in err


def test_a_state_that_nobody_knows_is_told_and_not_compared(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, err = site.run(capsys, "diff", "EAST@2001-01-01")
    assert (status, out) == (1, "")
    assert "EAST@2001-01-01: the history of EAST has nothing of that time" in err
    assert site.run(capsys, "diff", "EAST@yesterday")[0] == 2
    assert site.run(capsys, "diff", "EAST@2999-01-01")[0] == 2


def test_a_difference_is_told_with_the_call_behind_it(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    before = time.time()
    site.lamps["EAST"].proxy.set_level(0.0)
    site.lamps["WEST"].proxy.set_level(7.0)

    def differ() -> list[Any]:
        found = site.peer.get("/api/diff?left=EAST&right=WEST")["differences"]
        levels = [each for each in found if each["key"] == "level"]
        return [each for each in levels if each["left"]["value"] == 0.0 and each["right"]]

    poll(lambda: bool(differ()), "the level differs")
    (level,) = differ()
    assert (level["left"]["value"], level["right"]["value"], level["unit"]) == (0.0, 7.0, "lm")
    assert level["right"]["call"]["method"] == "bank.set_level"
    assert abs(level["right"]["since"] - before) < 60
    status, out, _ = site.run(capsys, "diff", "EAST", "WEST", "--all")
    assert (status, "set_level(7.0)" in out) == (0, True)
    plain = site.peer.get("/api/diff?left=PLAIN&right=WEST")["differences"]  # it keeps no history
    assert [(each["left"], each["right"]["value"]) for each in plain if each["key"] == "level"] == [
        ({"value": 0.0, "since": None, "call": None}, 7.0)
    ]
    wanted = site.peer.get("/api/diff?left=WEST@wanted")["differences"]
    assert [(each["key"], each["left"]["value"], each["right"]["value"]) for each in wanted] == [
        ("level", 50.0, 7.0)
    ]


def test_disagreements_are_answered_at_once_from_what_is_known(site: Site) -> None:
    told = site.peer.get("/api/differences")
    assert abs(told["time"] - time.time()) < 60
    assert {each["key"] for each in told["differences"]} <= {"level", "volts"}


def test_the_hand_over_sheet_has_what_was_done_and_what_was_refused(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    east = site.lamps["EAST"].proxy
    east.set_level(1.0)
    with pytest.raises(RefusedError):
        east.set_level(1e6)

    def told() -> Any:
        return site.peer.get("/api/handover")

    refused = ("set_level(1000000.0)", "refused")

    def faults(sheet: Any) -> list[tuple[str, str]]:
        return [(each["call"], each["outcome"]) for each in sheet["faults"]]

    poll(lambda: refused in faults(told()), "the refusal is in the journal")
    sheet = told()
    assert faults(sheet) == [refused]
    assert "set_level(1.0)" in [each["call"] for each in sheet["changes"]]
    assert sheet["standing"]["WEST"] == "ready"
    assert sheet["standing"]["GONE"].startswith("not ready <- no Player answers")
    assert list(sheet["silent"]) == ["PLAIN", "GONE"]
    for form, kind in (("markdown", "text/markdown"), ("html", "text/html")):
        answer = site.peer.ask(f"/api/handover?form={form}")
        assert answer.headers["content-type"].startswith(kind)
        assert answer.headers["content-disposition"].startswith("attachment")
        assert b"is more than 100 lm" in answer.body
    status, _, err = site.run(capsys, "handover", "-o", str(tmp_path / "none" / "shift.md"))
    assert (status, "shift.md cannot be written: No such file" in err) == (1, True)
    status, out, err = site.run(capsys, "handover", "--since", "1h", "--until", "2h")
    assert (status, out, "is not after --since" in err) == (2, "", True)
    path = tmp_path / "shift.md"
    status, out, _ = site.run(capsys, "handover", "--since", "1h", "-o", str(path))
    assert (status, out) == (1, f"{path}: 0 scans\n")
    assert "| [EAST]" not in path.read_text()
    assert "is more than 100 lm" in path.read_text()
