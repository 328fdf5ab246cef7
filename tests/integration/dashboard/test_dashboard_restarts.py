"""A Player that is killed, and comes back as another, seen through one stream of the dashboard."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from support.dashboards import make_page, serving
from support.event_stream import Events
from support.player_run import free_port
from support.publisher import Publisher

from dashboard.config import Array


class View:
    """BANKA as a page shows it."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self.values: dict[str, Any] = {}
        self.row: dict[str, Any] = {}

    def look_until(self, is_so: Any) -> None:
        while not is_so():
            told = self._events.next("changes")
            if told["topic"] == "overview":
                self.row = told["values"].get("BANKA", self.row)
                continue
            if told["from"] == 0:
                self.values = {}
            self.values |= told["values"]
            for key in told["gone"]:
                self.values.pop(key, None)

    @property
    def state(self) -> str:
        return str(self.row["link"]["state"])


def test_a_player_that_comes_back_is_live_with_the_values_of_now(tmp_path: Path) -> None:
    port = free_port()
    url = f"tcp://127.0.0.1:{port}"
    with serving(Array(urls={"BANKA": url}), make_page(tmp_path / "page")) as peer:
        with closing(peer.events("overview", "values:BANKA")) as events:
            view = View(events)
            view.look_until(lambda: view.row)
            assert view.state == "connecting"
            with Publisher(url, keys=3) as player:
                view.look_until(lambda: view.state == "live" and "key.2" in view.values)
                first = view.row["instance"]
                player.kill()
                view.look_until(lambda: view.state == "stale")
                assert view.row["link"]["reason"]
                assert "key.2" in view.values  # the last known ones stay
            with Publisher(url, keys=2):
                view.look_until(lambda: view.state == "live" and view.row["instance"] != first)
                view.look_until(lambda: "key.2" not in view.values)
                assert {"number", "other", "key.0", "key.1"} <= view.values.keys()
