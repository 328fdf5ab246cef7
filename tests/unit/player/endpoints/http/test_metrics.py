"""Figures for Prometheus: their text, their page, and the dashboard that shows them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from player.endpoints.http.metrics import Figures, write_metrics

ROOT = Path(__file__).resolve().parents[5]
STATE = {"written": 12, "lost": 3, "bytes": 4096}
SINK: dict[str, Any] = {
    "name": "postgresql://...@db/array",
    "up": True,
    "trouble": "",
    "journal": {"written": 10, "lost": 1, "behind": 2},
    "history": {"written": 5, "lost": 0, "behind": None},
}
FIGURES = Figures(
    bank="BANKA",
    info={"kind": "toy"},
    properties={"bank": [{"name": "level", "unit": "dB", "value": 2.5, "time": 1.7e9}]},
    channels={"connections": 1, "streams": 2, "dropped": 3},
    records={"journal": STATE, "history": {"why_not": "keep is false"}},
    sinks=[SINK],
)


def samples() -> dict[tuple[str, ...], float]:
    """Return samples by name and labels."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(write_metrics(FIGURES).decode())
        for sample in family.samples
    }


def test_records_and_sinks_are_told_with_what_is_known() -> None:
    found, sink = samples(), SINK["name"]
    assert found["dealer_player_records_written_total", "BANKA", "journal"] == 12
    assert found["dealer_player_records_lost_total", "BANKA", "journal"] == 3
    assert found["dealer_player_records_bytes", "BANKA", "journal"] == 4096
    assert ("dealer_player_records_written_total", "BANKA", "history") not in found
    assert found["dealer_player_sink_up", "BANKA", sink] == 1
    behind = "dealer_player_sink_records_behind"
    assert found[behind, "BANKA", "journal", sink] == 2
    assert (behind, "BANKA", "history", sink) not in found
    assert found["dealer_player_sink_records_lost_total", "BANKA", "journal", sink] == 1


def test_every_name_is_documented_and_no_other() -> None:
    page = (ROOT / "docs/howto/http.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(dealer_player_\w+)`", page)) == {name for name, *_ in samples()}


def test_the_dashboard_asks_for_names_that_there_are() -> None:
    text = (ROOT / "deploy/grafana/dealer-player.json").read_text(encoding="utf-8")
    board = json.loads(text)
    asked = set(re.findall(r"dealer_player_\w+", text))
    assert asked <= {name for name, *_ in samples()}
    assert len(asked) > 5
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
