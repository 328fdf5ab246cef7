"""Rows of `dealer alarms`, and the dashboard that it asks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dealer.alarmcommand import ShownAlarms, row_of
from dealer.dashboardclient import DashboardClient, DashboardError

ALARM: dict[str, Any] = {
    "bank": "BANKA",
    "name": "drop",
    "severity": "fault",
    "phase": "new",
    "since": 1_796_032_366.5,
    "count": 4,
    "value": "3",
    "text": "blocks were lost\x1b[31m",
    "unreadable": "",
    "acknowledged": None,
    "shelved": None,
}
SIGNED = {"by": "ann", "note": "on it", "time": 1.0}


def test_a_row_tells_state_times_and_value_and_steers_no_terminal() -> None:
    row = row_of(ALARM)
    assert row[:4] == ("new", "fault", "BANKA", "drop")
    assert row[4:7] == ("2026-11-30 09:52:46.500", "4", "3")
    assert "\x1b" not in row[7]


@pytest.mark.parametrize(
    ("more", "place", "told"),
    [
        ({"phase": "acknowledged", "acknowledged": SIGNED}, 8, "ann: on it"),
        ({"acknowledged": {**SIGNED, "note": ""}}, 8, "ann"),
        ({"phase": "quiet", "unreadable": "no value", "value": ""}, 0, "unknown"),
        ({"unreadable": "no value"}, 6, "3 (cannot be told now: no value)"),
        ({"unreadable": "no value"}, 0, "new"),
        ({"shelved": {**SIGNED, "until": 0.0}}, 0, "shelved"),
        ({"shelved": {**SIGNED, "until": 0.0}}, 8, "until 1970-01-01 00:00:00.000 by ann: on it"),
    ],
)
def test_who_looks_after_it_and_what_is_in_doubt_is_told(
    more: dict[str, Any], place: int, told: str
) -> None:
    assert row_of({**ALARM, **more})[place] == told


def test_only_what_changes_is_printed_again_and_a_bank_that_is_away_changes_nothing() -> None:
    shown = ShownAlarms()
    one = {**ALARM, "number": 1}

    def phases(*alarms: dict[str, Any], is_known: bool = True) -> list[str]:
        return [each["phase"] for each in shown.news(alarms, lambda _alarm: is_known)]

    assert phases(one) == ["new"]
    assert phases({**one, "value": "4"}) == []
    assert phases({**one, "phase": "acknowledged", "acknowledged": SIGNED}) == ["acknowledged"]
    assert phases(is_known=False) == []
    assert phases() == ["quiet"]
    assert phases() == []
    assert phases({**one, "number": 2}) == ["new"]


class Page(BaseHTTPRequestHandler):
    """Answers as a dashboard, and notes what it was asked."""

    asked: list[tuple[str, dict[str, str], bytes]]
    status = 200

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length", "0"))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked.append((f"{self.command} {self.path}", headers, self.rfile.read(length)))
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(b'{"detail": "log in"}' if self.status != 200 else b'{"alarms": {}}')

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def served() -> Iterator[tuple[str, type[Page]]]:
    page = type("Served", (Page,), {"asked": []})
    with HTTPServer(("127.0.0.1", 0), page) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", page
        server.shutdown()
        thread.join()


def test_a_dashboard_is_asked_as_its_own_page_asks(served: tuple[str, type[Page]]) -> None:
    url, page = served
    client = DashboardClient(f"{url}/", "word")
    assert client.get("/api/alarms", 30.0) == {"alarms": {}}
    client.post("/api/alarms/acknowledge", {"alarms": []}, 30.0)
    (got, got_headers, _), (posted, headers, body) = page.asked
    assert (got, got_headers["authorization"]) == ("GET /api/alarms", "Bearer word")
    assert posted == "POST /api/alarms/acknowledge"
    assert (headers["x-dealer-player"], headers["origin"]) == ("1", url)
    assert json.loads(body) == {"alarms": []}
    page.status = 401
    with pytest.raises(DashboardError, match="log in"):
        client.get("/api/alarms", 30.0)


def test_one_that_does_not_answer_is_an_error_with_its_address() -> None:
    with pytest.raises(DashboardError, match=r"the dashboard at http://127\.0\.0\.1:9: .*refused"):
        DashboardClient("http://127.0.0.1:9", "").get("/api/alarms", 30.0)


@pytest.mark.parametrize(
    ("url", "is_sent"),
    [
        ("http://hpc1:8080", False),
        ("https://hpc1:8080", True),
        ("http://127.0.0.1:8080", True),
        ("http://localhost:8080", True),
    ],
)
def test_a_token_does_not_travel_as_it_is(url: str, is_sent: bool) -> None:
    assert DashboardClient(url, "word").sends_token is is_sent


def test_the_file_says_where_the_dashboard_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIBAS_KEYS", "")
    path = tmp_path / "dibas.toml"
    path.write_text('[dashboard]\nurl = "http://hpc1:8080/"\n')
    found = DashboardClient.of_array(path)
    assert found is not None
    assert found.url == "http://hpc1:8080"
    for text in ("", "[dashboard]\n", '[dashboard]\nurl = "file:///etc/passwd"\n'):
        path.write_text(text)
        assert DashboardClient.of_array(path) is None
    assert DashboardClient.of_array("portmanager://hpc1") is None
