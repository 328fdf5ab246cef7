"""Figures of the dashboard for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from dashboard.bankstate import WatchedBank
from dashboard.protocol.liveness import LivenessState

__all__ = ["write_metrics"]

WAYS = ("events", "websocket")


def write_metrics(states: Iterable[WatchedBank], counts: Mapping[str, int], refused: int) -> bytes:
    """Write figures in Prometheus' text format.

    Args:
        states: Of the Banks.
        counts: As `Board.counts` tells them.
        refused: Requests and streams that were refused.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Collector(list(states), counts, refused))
    return generate_latest(registry)


class _Collector:
    def __init__(self, states: list[WatchedBank], counts: Mapping[str, int], refused: int) -> None:
        self._states, self._counts, self._refused = states, counts, refused

    def collect(self) -> Iterator[Metric]:
        """Yield all figures."""
        live = GaugeMetricFamily(
            "dealer_player_dashboard_bank_live", "1: the Bank is live.", labels=["bank"]
        )
        missed = CounterMetricFamily(
            "dealer_player_dashboard_updates_missed",
            "Updates of a Bank that did not arrive.",
            labels=["bank"],
        )
        for state in self._states:
            live.add_metric([state.bank], float(state.liveness.state is LivenessState.LIVE))
            missed.add_metric([state.bank], state.missed)
        yield from (live, missed)
        viewers = GaugeMetricFamily(
            "dealer_player_dashboard_viewers", "Streams that are open.", labels=["way"]
        )
        sent = CounterMetricFamily(
            "dealer_player_dashboard_messages_sent", "Messages to viewers.", labels=["way"]
        )
        merged = CounterMetricFamily(
            "dealer_player_dashboard_messages_merged",
            "Messages that viewers were too slow for.",
            labels=["way"],
        )
        for way in WAYS:
            viewers.add_metric([way], self._counts.get(way, 0))
            sent.add_metric([way], self._counts.get(f"sent {way}", 0))
            merged.add_metric([way], self._counts.get(f"dropped {way}", 0))
        yield from (viewers, sent, merged)
        refused = CounterMetricFamily(
            "dealer_player_dashboard_refused", "Requests and streams that were refused."
        )
        refused.add_metric([], self._refused)
        yield refused
