"""Alarms over real sockets: at a Player, over its restart, at the dashboard, by the command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.dashboards import make_page, serving
from support.player_run import poll
from support.publishing_bank import PublishingBank

from dashboard.config import Array
from dealer import cli
from player.testing import HostedBank
from zmqjsonproxy import ZMQJSONProxyClient

DECLARED = [
    {"name": "loud", "key": "level", "above": 5.0, "text": "it is too loud", "severity": "fault"},
    {"key": "nosuch", "above": 1.0},
    {"key": "dial.turns", "above": 3.0},
]


def hosted(folder: Path) -> HostedBank:
    return HostedBank(
        PublishingBank, {"alarms": DECLARED}, folder=folder, state_dir=folder / "state"
    )


class Site:
    """A Player with alarms and a dashboard."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.bank = stack.enter_context(hosted(folder))
        array = Array(urls={"BANKA": self.bank.url})
        self.peer = stack.enter_context(serving(array, make_page(folder / "page")))
        port = self.bank.url.rpartition(":")[2]
        self.config = folder / "array.toml"
        self.config.write_text(
            f'[banks.BANKA]\nhpc_host = "127.0.0.1"\nplayer_port = {port}\n'
            f'[dashboard]\nurl = "{self.peer.url}"\n'
        )

    def alarms(self) -> dict[str, Any]:
        told: dict[str, Any] = self.peer.get("/api/alarms")["alarms"]
        return told

    def wait_for(self, phase: str) -> dict[str, Any]:
        def found() -> Any:
            alarm = self.alarms().get("BANKA loud", {"phase": "quiet"})
            return alarm if alarm["phase"] == phase else None

        alarm: dict[str, Any] = poll(found, f"the alarm is {phase}")
        return alarm

    def dealer(self, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
        status = cli.main(["--config", str(self.config), *words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path, stack)


def acknowledge(number: int | None, name: str = "loud") -> dict[str, Any]:
    return {"alarms": [{"bank": "BANKA", "name": name, "number": number}], "note": "on it"}


def test_an_alarm_is_seen_acknowledged_and_told_in_the_journal(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.bank.proxy.set_level(7.5)
    alarm = site.wait_for("new")
    assert (alarm["value"], alarm["severity"], alarm["source"]) == ("7.5 dB", "fault", "player")
    assert site.alarms()["BANKA nosuch"]["unreadable"] == "there is no property nosuch"
    row = site.peer.get("/api/overview")["rows"]["BANKA"]
    assert (row["alarms"]["new"], row["alarms"]["unreadable"]) == (1, 1)
    answer = site.peer.post("/api/alarms/acknowledge", acknowledge(alarm["number"] + 1))
    assert "raised again since you looked" in answer.json["outcomes"]["BANKA loud"]
    status, out, _ = site.dealer(capsys, "alarms")
    assert (status, out.splitlines()[1].split()[:4]) == (0, ["new", "fault", "BANKA", "loud"])
    answer = site.peer.post("/api/alarms/acknowledge", acknowledge(alarm["number"]))
    assert (answer.status, answer.json["outcomes"]) == (200, {"BANKA loud": ""})
    assert site.wait_for("acknowledged")["acknowledged"]["note"] == "on it"
    status, _, err = site.dealer(capsys, "alarms", "ack", "BANKA", "loud", "--note", "me too")
    assert (status, "needs no acknowledgement" in err) == (1, True)
    status, out, _ = site.dealer(capsys, "--json", "journal", "--method", "alarms.*")
    calls = [entry["method"] for entry in json.loads(out)["entries"]]
    assert calls == ["alarms.acknowledge"] * 3
    status, out, _ = site.dealer(capsys, "journal")
    assert "alarm loud raised: fault: it is too loud (level is 7.5 dB)" in out


def test_alarms_are_shelved_by_the_page_and_by_the_command(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.bank.proxy.set_level(7.5)
    site.wait_for("new")
    meant = {"alarms": [{"bank": "BANKA", "name": "loud"}]}
    shelved = site.peer.post("/api/alarms/shelve", {**meant, "seconds": 60, "note": "until noon"})
    assert shelved.json["outcomes"] == {"BANKA loud": ""}
    poll(lambda: site.alarms()["BANKA loud"]["shelved"], "it is shelved")
    assert site.peer.get("/api/overview")["rows"]["BANKA"]["alarms"]["new"] == 0
    assert site.peer.post("/api/alarms/unshelve", meant).json["outcomes"] == {"BANKA loud": ""}
    words = ("alarms", "shelve", "BANKA", "loud", "--hours", "2", "--note", "wind")
    assert site.dealer(capsys, *words)[0] == 0
    status, out, _ = site.dealer(capsys, "--json", "alarms")
    alarms = {each["name"]: each for each in json.loads(out)["alarms"]}
    assert (status, alarms["loud"]["shelved"]["note"]) == (0, "wind")
    assert site.dealer(capsys, "alarms", "shelve", "BANKA", "loud", "--end")[0] == 0


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("acknowledge", {"alarms": []}, 400),
        ("acknowledge", {"alarms": [{"bank": "BANKA"}]}, 400),
        ("acknowledge", {**acknowledge(1), "note": "two\nlines"}, 400),
        ("acknowledge", {"alarms": [{"bank": "NOBANK", "name": "loud"}]}, 404),
        ("shelve", acknowledge(None), 400),
        ("shelve", {"alarms": [{"bank": "BANKA", "name": "loud"}], "seconds": 1e9}, 400),
    ],
)
def test_requests_that_make_no_sense_are_refused(
    tmp_path: Path, path: str, body: dict[str, Any], status: int
) -> None:
    array = Array(urls={"BANKA": "tcp://127.0.0.1:1"})
    with serving(array, make_page(tmp_path / "page")) as peer:
        assert peer.post(f"/api/alarms/{path}", body).status == status
        foreign = peer.post(f"/api/alarms/{path}", body, Origin="http://evil.example.org")
        assert foreign.status == 403


def alarms_of(bank: HostedBank) -> ZMQJSONProxyClient:
    return ZMQJSONProxyClient(None, "alarms", bank.url)


def found(client: Any, phase: str) -> Any:
    """Return the alarm, if it is in a phase."""
    (alarm,) = [each for each in client.list(True)["alarms"] if each["name"] == "loud"]
    return alarm if alarm["phase"] == phase else None


def test_a_restart_of_the_player_keeps_acknowledgements(tmp_path: Path) -> None:
    with hosted(tmp_path) as bank, alarms_of(bank) as client:
        bank.proxy.set_level(7.5)
        alarm = poll(lambda: found(client, "new"), "it is raised")
        client.acknowledge("loud", "on it", alarm["number"])
    with hosted(tmp_path) as bank, alarms_of(bank) as client:
        assert found(client, "acknowledged")["acknowledged"]["note"] == "on it"
        bank.proxy.set_level(8.5)
        poll(lambda: found(client, "acknowledged")["value"] == "8.5 dB", "it is looked at")
        assert found(client, "acknowledged")["number"] == alarm["number"]
