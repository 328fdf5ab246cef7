"""Figures of a Player for Prometheus; their names and units are in docs/howto/http.md."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric

__all__ = ["CONTENT_TYPE", "Figures", "write_metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MAX_PROPERTIES = 5000
WAYS = ("events", "websocket")
KINDS = ("journal", "history")
"""Of records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Sources of the figures.

    Attributes:
        bank: Its name.
        info: Labels of the Player; empty: it does not answer.
        properties: Object -> its properties, as `Questions.properties` tells them.
        channels: As `rpc.channels` tells.
        records: `journal` and `history`, as their `state` tells.
        sinks: As `journal.sinks` tells.
        counts: As `Viewers.counts` tells.
        connections: To the endpoint.
        refused: Requests.
        ended: Connections.
    """

    bank: str
    info: Mapping[str, str]
    properties: Mapping[str, Iterable[Mapping[str, Any]]]
    channels: Mapping[str, Any]
    records: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sinks: Iterable[Mapping[str, Any]] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    connections: int = 0
    refused: int = 0
    ended: int = 0


def write_metrics(figures: Figures) -> bytes:
    """Write figures in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(figures))
    return generate_latest(registry)


class _Collector:
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        """Yield all figures."""
        figures = self._figures
        yield self._gauge("up", "1: the Player answers.", 1 if figures.info else 0)
        if figures.info:
            info = InfoMetricFamily("dealer_player", "What the Player is.", labels=["bank"])
            info.add_metric([figures.bank], dict(figures.info))
            yield info
        yield from self._properties()
        channels = figures.channels
        if channels:
            yield self._gauge(
                "subscribers", "Clients with subscriptions.", channels.get("connections", 0)
            )
            yield self._gauge("streams", "Streams of updates.", channels.get("streams", 0))
            yield self._counter(
                "updates_dropped",
                "Updates that subscribers did not take in time.",
                channels.get("dropped", 0),
            )
        yield from self._records()
        yield from self._sinks()
        yield self._gauge("http_connections", "Connections over HTTP.", figures.connections)
        yield self._counter("http_refused", "Requests that were refused.", figures.refused)
        yield self._counter("http_ended", "Connections ended as unresponsive.", figures.ended)
        yield from self._viewers()

    def _properties(self) -> Iterator[Metric]:
        labels = ["bank", "object", "name", "unit"]
        values = GaugeMetricFamily(
            "dealer_player_property",
            "Present value of a property, in its own unit.",
            labels=labels,
        )
        times = GaugeMetricFamily(
            "dealer_player_property_updated_timestamp_seconds",
            "When a property was published last.",
            labels=labels,
        )
        count = 0
        for object_name, properties in self._figures.properties.items():
            for one in properties:
                value = _number(one.get("value"))
                if value is None or count >= MAX_PROPERTIES:
                    continue
                count += 1
                told = [self._figures.bank, object_name, one["name"], one.get("unit", "")]
                told = [_text(each) for each in told]
                values.add_metric(told, value)
                if "time" in one:
                    times.add_metric(told, one["time"])
        yield values
        yield times

    def _records(self) -> Iterator[Metric]:
        labels = ["bank", "kind"]
        written, lost = (
            CounterMetricFamily(f"dealer_player_records_{name}", doc, labels=labels)
            for name, doc in (
                ("written", "Records that were written to the Player's disk."),
                ("lost", "Records that could not be."),
            )
        )
        size = GaugeMetricFamily("dealer_player_records_bytes", "Records on disk.", labels=labels)
        for kind, state in self._figures.records.items():
            if "written" in state:
                told = [self._figures.bank, kind]
                written.add_metric(told, state["written"])
                lost.add_metric(told, state["lost"])
                size.add_metric(told, state["bytes"])
        yield from (written, lost, size)

    def _sinks(self) -> Iterator[Metric]:
        labels = ["bank", "sink", "kind"]
        up = GaugeMetricFamily("dealer_player_sink_up", "1: it takes records.", labels=labels[:2])
        written, lost = (
            CounterMetricFamily(f"dealer_player_sink_records_{name}", doc, labels=labels)
            for name, doc in (
                ("written", "Records that were sent to a sink."),
                ("lost", "Records that a sink will never have."),
            )
        )
        behind = GaugeMetricFamily(
            "dealer_player_sink_records_behind", "Records that a sink has not yet.", labels=labels
        )
        for sink in self._figures.sinks:
            name = _text(sink["name"])
            up.add_metric([self._figures.bank, name], float(sink["up"]))
            for kind in KINDS:
                if (counts := sink.get(kind)) is None:
                    continue
                told = [self._figures.bank, name, kind]
                written.add_metric(told, counts["written"])
                lost.add_metric(told, counts["lost"])
                if counts["behind"] is not None:
                    behind.add_metric(told, counts["behind"])
        yield from (up, written, lost, behind)

    def _viewers(self) -> Iterator[Metric]:
        figures, labels = self._figures, ["bank", "way"]
        open_now = GaugeMetricFamily(
            "dealer_player_http_viewers", "Streams that are open.", labels=labels
        )
        sent = CounterMetricFamily(
            "dealer_player_http_updates_sent", "Updates to viewers.", labels=labels
        )
        dropped = CounterMetricFamily(
            "dealer_player_http_updates_dropped",
            "Updates that viewers did not take in time.",
            labels=labels,
        )
        for way in WAYS:
            open_now.add_metric([figures.bank, way], figures.counts.get(way, 0))
            sent.add_metric([figures.bank, way], figures.counts.get(f"sent {way}", 0))
            dropped.add_metric([figures.bank, way], figures.counts.get(f"dropped {way}", 0))
        yield from (open_now, sent, dropped)

    def _gauge(self, name: str, doc: str, value: float) -> Metric:
        made = GaugeMetricFamily(f"dealer_player_{name}", doc, labels=["bank"])
        made.add_metric([self._figures.bank], value)
        return made

    def _counter(self, name: str, doc: str, value: float) -> Metric:
        made = CounterMetricFamily(f"dealer_player_{name}", doc, labels=["bank"])
        made.add_metric([self._figures.bank], value)
        return made


def _number(value: object) -> float | None:
    if not isinstance(value, bool | int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)


def _text(text: str) -> str:
    """Return a text that can be encoded: of strangers, it may have lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode()
