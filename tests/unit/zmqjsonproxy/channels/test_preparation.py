"""Frames that are reduced beside whoever publishes: in order, counted, without a lock."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from support.publisher_bench import A, B, Bench

from zmqjsonproxy.channels import framequeue, preparation
from zmqjsonproxy.channels.declarations import Declared, PropertyKind
from zmqjsonproxy.channels.properties import publishing
from zmqjsonproxy.channels.protocol.notices import Encoded
from zmqjsonproxy.channels.reducedframe import Reduction


def ramp(bench: Bench, *firsts: int) -> None:
    for first in firsts:
        bench.table.publish("p", {"data": np.arange(first, first + 9), "x_start": 0.0})


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def pipe_bench(bench: Bench) -> Bench:
    bench.table.declare(Declared(name="p", kind=PropertyKind.PIPE))
    ramp(bench, 0, 1)
    return bench


def lowers(updates: list) -> list:
    """Return count and first lower bound of each reduced frame."""
    return [[count, int(value["arrays"][0].ravel()[0])] for count, value in updates]


def test_the_present_frame_reduced_comes_as_the_first_update(pipe_bench: Bench) -> None:
    bench = pipe_bench
    for client in (A, B):
        (told,) = bench.streams(client, "p", width=3)
        assert told[3:] == [1], "as if it had joined just before the newest"
    ramp(bench, 7)
    assert not bench.updates(A), "nothing is reduced where frames are published"
    bench.timers.advance(0)
    assert lowers(bench.updates(A)) == lowers(bench.updates(B)) == [[2, 1], [3, 7]]
    assert bench.table.properties["p"].number == 3
    (told,) = bench.streams(b"C", "p", width=3)
    assert told[3] == 3
    assert lowers([[told[3], told[5]]]) == [[3, 7]]


def test_frames_that_are_not_reduced_in_time_are_counted(
    pipe_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = pipe_bench
    monkeypatch.setattr(framequeue, "MAX_FRAMES", 2)
    bench.subscribe(A, "p", width=3)
    ramp(bench, *range(10, 15))
    bench.timers.advance(0)
    assert lowers(bench.updates(A)) == [[6, 13], [7, 14]]
    assert bench.table.properties["p"].number == 7
    assert bench.publisher.describe()["clients"][0]["dropped"] == 4


def test_what_is_reduced_is_reduced_without_a_lock_of_ours(
    pipe_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = []

    def reduce(frame: Encoded, _reduction: object) -> Encoded:
        def take() -> None:
            with publishing:
                free.append(True)

        thread = threading.Thread(target=take)
        thread.start()
        thread.join(20)
        return frame

    monkeypatch.setattr(preparation, "reduced_frame", reduce)
    pipe_bench.subscribe(A, "p", width=3)
    pipe_bench.timers.advance(0)
    assert free == [True]


def test_who_joins_while_a_frame_is_prepared_gets_it_in_its_own_form(
    pipe_bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, reduce = pipe_bench, preparation.reduced_frame

    def join_meanwhile(frame: Encoded, reduction: Reduction) -> Encoded:
        if B not in bench.publisher._clients:
            bench.subscribe(B, "p", arrays=None, width=3)
        return reduce(frame, reduction)

    monkeypatch.setattr(preparation, "reduced_frame", join_meanwhile)
    bench.subscribe(A, "p", width=3)
    bench.timers.advance(0)
    assert lowers(bench.updates(A)) == [[2, 1]]
    ((count, value),) = bench.updates(B)
    assert (count, value["arrays"][0][0][0]) == (2, 1)


def test_a_frame_that_cannot_be_reduced_is_sent_whole(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.table.declare(Declared(name="p", kind=PropertyKind.PIPE))
    bench.subscribe(A, "p", window=(5, 9))
    for _ in range(2):
        bench.table.publish("p", {"data": np.array(3.0)})
    bench.timers.advance(0)
    assert [count for count, _ in bench.updates(A)] == [1, 2]
    assert "is sent whole" in caplog.text


def test_a_stream_that_nobody_hears_reduces_nothing(pipe_bench: Bench) -> None:
    bench = pipe_bench
    bench.subscribe(A, "p", width=3, rate=1000.0)
    bench.timers.advance(0)
    bench.publisher.forget(A)
    bench.timers.advance(1)
    ramp(bench, 5)
    assert not bench.timers.waiting
    assert bench.streams(A, "p", width=3, rate=1000.0)[0][3:] == [1]
    bench.timers.advance(0)
    assert lowers(bench.updates(A)) == [[1, 1], [2, 5]]
