"""Updates and events as records and lines."""

from __future__ import annotations

import pytest

from dealer.channelrecords import clock_text, event_record, event_text, update_record, update_text
from zmqjsonproxy.channels import Event, EventKind, Update


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (1_700_000_000.0625, "2023-11-14T22:13:20.062Z"),
        (0.0, "1970-01-01T00:00:00.000Z"),
        (1e300, "????-??-??T??:??:??.???Z"),
        (float("nan"), "????-??-??T??:??:??.???Z"),
    ],
)
def test_a_time_is_utc_whatever_a_clock_says(time: float, text: str) -> None:
    assert clock_text(time) == text


def test_an_update_is_a_line_and_a_record() -> None:
    update = Update("A", "le\nvel", 1.5, 8, 0.0, 2)
    assert update_text(update, "dB") == r"1970-01-01T00:00:00.000Z  A  le\nvel  1.5 dB"
    assert update_record(update) == {
        "time": 0.0,
        "bank": "A",
        "property": "le\nvel",
        "value": 1.5,
        "number": 8,
        "lost": 2,
    }


@pytest.mark.parametrize(
    ("event", "text", "record"),
    [
        (Event(EventKind.GAP, "A", "x", 1), "A  [gap] x: 1 update lost", {"text": "x", "lost": 1}),
        (Event(EventKind.STALE, "A", "re\x1bset"), r"A  [stale] re\x1bset", {"text": "re\x1bset"}),
        (Event(EventKind.OPENED, "A"), "A  [opened] its Player is there", {}),
        (Event(EventKind.REFUSED, "A"), "A  [refused]", {}),
    ],
)
def test_an_event_is_a_line_and_a_record(
    event: Event, text: str, record: dict[str, object]
) -> None:
    assert event_text(event) == text
    assert event_record(event, 3.0) == {
        "time": 3.0,
        "bank": "A",
        "event": event.kind.value,
        **record,
    }
