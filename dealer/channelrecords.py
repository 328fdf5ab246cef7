"""Updates and events of a subscription as commands write them: records of JSON, lines, totals."""

from __future__ import annotations

from datetime import UTC, datetime

from dealer.shownvalues import shown
from groundwork.printable import printable
from groundwork.values import JsonObject
from zmqjsonproxy.channels.subscription import Subscription
from zmqjsonproxy.channels.updates import Event, EventKind, Update

__all__ = [
    "clock_text",
    "event_record",
    "event_text",
    "totals_record",
    "totals_text",
    "update_record",
    "update_text",
]

_WORDS = {
    EventKind.OPENED: "its Player is there",
    EventKind.REOPENED: "its Player is there again",
}


def clock_text(time: float) -> str:
    """Return a time, unix seconds, as UTC to the millisecond."""
    try:
        moment = datetime.fromtimestamp(time, UTC)
    except (ValueError, OverflowError, OSError):  # the clock of a stranger
        return "????-??-??T??:??:??.???Z"
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def update_record(update: Update) -> JsonObject:
    """Return an update as an object of JSON."""
    return {
        "time": update.time,
        "bank": update.source,
        "property": update.name,
        "value": update.value,
        "number": update.number,
        "lost": update.lost,
    }


def update_text(update: Update, unit: str = "") -> str:
    """Return an update as a line."""
    value = f"{shown(update.value)} {unit}".rstrip()
    return f"{clock_text(update.time)}  {update.source}  {printable(update.name)}  {value}"


def event_record(event: Event, time: float) -> JsonObject:
    """Return an event as an object of JSON.

    Args:
        event: What happened.
        time: When it was heard of, unix seconds.
    """
    record: JsonObject = {"time": time, "bank": event.source, "event": event.kind.value}
    if event.text:
        record["text"] = event.text
    return record | ({"lost": event.lost} if event.lost else {})


def event_text(event: Event) -> str:
    """Return an event as what stands behind its time: Bank, kind, what happened."""
    text = printable(event.text[:400]) or _WORDS.get(event.kind, "")
    if event.kind is EventKind.GAP:
        text = f"{text}: {event.lost} {'update' if event.lost == 1 else 'updates'} lost"
    return f"{event.source}  [{event.kind.value}] {text}".rstrip()


def totals_record(subscription: Subscription) -> JsonObject:
    """Return the numbers of a subscription as an object of JSON."""
    return {
        "received": subscription.received,
        "lost": subscription.lost,
        "dropped": subscription.dropped,
        "reopened": subscription.reopened,
    }


def totals_text(subscription: Subscription) -> str:
    """Return the numbers of a subscription as a line."""
    s = subscription
    dropped = f", dropped {s.dropped}: they came too fast" if s.dropped else ""
    stale = f"; nothing is heard of {', '.join(s.stale)}" if s.stale else ""
    return f"received {s.received}, lost {s.lost}, re-opened {s.reopened}{dropped}{stale}"
