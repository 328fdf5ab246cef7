"""Traces: what each client is told, and what is kept."""

from __future__ import annotations

import pytest

from histogrammer import traces as module
from histogrammer.traces import MAX_CLIENTS, NoSuchTokenError, Topic, Traces

NOTHING: dict[str, list[str]] = {"parameter": [], "spectrum": [], "gate": [], "binding": []}


def test_tokens_count_from_zero() -> None:
    traces = Traces()
    assert [traces.establish(30, now=0) for _ in range(3)] == [0, 1, 2]


def test_a_client_is_told_each_change_once_in_its_order() -> None:
    traces = Traces()
    token = traces.establish(30, now=0)
    traces.note(Topic.SPECTRUM, "add h.e7", now=1)
    traces.note(Topic.BINDING, "add h.e7 5", now=1)
    traces.note(Topic.SPECTRUM, "delete old", now=2)
    assert traces.fetch(token, now=3) == NOTHING | {
        "spectrum": ["add h.e7", "delete old"],
        "binding": ["add h.e7 5"],
    }
    assert traces.fetch(token, now=3) == NOTHING


def test_clients_are_told_independently_from_when_they_came() -> None:
    traces = Traces()
    first = traces.establish(30, now=0)
    traces.note(Topic.GATE, "add win", now=1)
    second = traces.establish(30, now=2)
    traces.note(Topic.GATE, "changed win", now=3)
    assert traces.fetch(second, now=4)["gate"] == ["changed win"]
    assert traces.fetch(first, now=4)["gate"] == ["add win", "changed win"]


def test_what_is_older_than_the_retention_of_a_client_is_not_told_to_it() -> None:
    traces = Traces()
    short, long = traces.establish(5, now=0), traces.establish(60, now=0)
    traces.note(Topic.PARAMETER, "add e", now=1)
    traces.prune(now=10)
    assert traces.fetch(short, now=10) == NOTHING
    assert traces.fetch(long, now=10)["parameter"] == ["add e"]


def test_an_unknown_token_is_named() -> None:
    traces = Traces()
    with pytest.raises(NoSuchTokenError, match="No such client token"):
        traces.fetch(7, now=0)
    token = traces.establish(1, now=0)
    traces.done(token)
    with pytest.raises(NoSuchTokenError):
        traces.done(token)


def test_memory_is_bounded_whatever_clients_do() -> None:
    traces = Traces()
    token = traces.establish(1e9, now=0)
    for number in range(module.MAX_ENTRIES + 10):
        traces.note(Topic.GATE, f"add {number}", now=number)
    told = traces.fetch(token, now=module.MAX_ENTRIES)["gate"]
    assert len(told) <= module.MAX_ENTRIES
    assert told[-1] == f"add {module.MAX_ENTRIES + 9}"


def test_of_too_many_clients_the_silent_one_gives_way() -> None:
    traces = Traces()
    tokens = [traces.establish(30, now=float(number)) for number in range(MAX_CLIENTS)]
    traces.fetch(tokens[0], now=5000.0)
    traces.establish(30, now=5001.0)
    traces.fetch(tokens[0], now=5002.0)
    with pytest.raises(NoSuchTokenError):
        traces.fetch(tokens[1], now=5002.0)


def test_nothing_is_kept_for_nobody() -> None:
    traces = Traces()
    traces.note(Topic.GATE, "add a", now=0)
    assert traces.fetch(traces.establish(30, now=1), now=1) == NOTHING
