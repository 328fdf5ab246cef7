"""Findings about subscriptions, from answers of `rpc.channels`."""

from __future__ import annotations

from typing import Any

import pytest

from dealer.channelfindings import channel_findings


def answer(**more: Any) -> dict[str, Any]:
    client = {"name": "ann@host:1", "waiting": 0, "dropped": 0, "lags": 0.0}
    clients = [client | more.pop("client", {})]
    known = {"connections": 1, "streams": 3, "dropped": 0, "dropped_ago": None}
    return known | {"clients": clients} | more


def test_subscribers_that_get_all_are_a_note() -> None:
    assert channel_findings({"A": answer()}) == (
        [],
        ["A: 1 subscriber, 3 streams; no update was dropped"],
    )
    assert channel_findings({"A": answer(connections=0, clients=[])}) == ([], [])
    assert channel_findings({"A": "none", "B": {}, "C": {"clients": [1, {}]}}) == ([], [])


@pytest.mark.parametrize("client", [{"waiting": 3 * 2**20}, {"lags": 5.0}])
def test_a_subscriber_that_takes_too_little_is_a_finding_with_its_name(
    client: dict[str, Any],
) -> None:
    told = answer(client={**client, "dropped": 12, "name": "eve\x1b"}, dropped=12, dropped_ago=1)
    (finding,), _ = channel_findings({"A": told})
    assert (finding.check, finding.bank) == ("channels", "A")
    assert r"its subscriber eve\x1b takes too little: " in finding.text
    assert finding.text.endswith("it missed 12 updates")
    assert "with a `rate`" in finding.remedy


def test_updates_that_are_lost_are_a_finding_and_later_a_note() -> None:
    (finding,), notes = channel_findings({"A": answer(dropped=1, dropped_ago=3.0)})
    assert finding.text == "1 update did not reach their subscribers, the last one 3.0 s ago"
    assert notes == []
    findings, (note,) = channel_findings({"A": answer(dropped=7, dropped_ago=3600.0)})
    assert findings == []
    assert note.endswith("; 7 updates did not reach their subscribers, the last one 60 min ago")


def test_few_of_many_slow_subscribers_are_named() -> None:
    clients = [{"name": str(number), "lags": 9.0} for number in range(50)]
    findings, _ = channel_findings({"A": answer(clients=clients)})
    assert len(findings) == 3
