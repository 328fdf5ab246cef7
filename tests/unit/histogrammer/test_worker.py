"""The worker: order, errors, bounds and end of what the engine's thread carries out."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from histogrammer import worker as module
from histogrammer.worker import EndedError, Worker, WorkerBusyError


class Engine:
    """Engine that counts."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.ticked = threading.Event()

    def tick(self, now: float) -> None:
        self.ticked.set()
        raise RuntimeError("a tick that fails")


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def worker(engine: Engine) -> Iterator[Worker[Engine]]:
    one = Worker(engine)
    yield one
    one.close()


def test_requests_are_carried_out_in_their_order(worker: Worker[Engine], engine: Engine) -> None:
    futures = [worker.post(lambda e, n=n: e.calls.append(n)) for n in range(100)]
    for future in futures:
        future.result()
    assert engine.calls == list(range(100))


def test_an_error_is_raised_at_its_caller_and_at_no_other(worker: Worker[Engine]) -> None:
    with pytest.raises(ZeroDivisionError):
        worker.ask(lambda _: 1 // 0)
    assert worker.ask(lambda _: "alive") == "alive"


def test_what_a_request_asks_itself_is_carried_out_at_once(worker: Worker[Engine]) -> None:
    assert worker.ask(lambda _: worker.ask(lambda __: "within")) == "within"


def test_a_tick_that_fails_ends_nothing(worker: Worker[Engine], engine: Engine) -> None:
    assert engine.ticked.wait(30)
    assert worker.ask(lambda _: "alive") == "alive"


def test_too_many_that_wait_are_refused(worker: Worker[Engine]) -> None:
    gate = threading.Event()
    try:
        first = worker.post(lambda _: gate.wait(30))
        with pytest.raises(WorkerBusyError, match="ask again later"):
            for _ in range(module.MAX_WAITING + 2):
                worker.post(lambda _: None)
    finally:
        gate.set()
    assert first.result(30)


def test_the_end_lets_what_waits_be_carried_out_and_refuses_the_rest(engine: Engine) -> None:
    worker = Worker(engine)
    future = worker.post(lambda e: e.calls.append(1))
    worker.close()
    worker.close()
    assert future.done()
    assert engine.calls == [1]
    with pytest.raises(EndedError, match="start it anew"):
        worker.ask(lambda _: None)


def test_the_thread_can_end_itself_and_what_waits_is_carried_out(engine: Engine) -> None:
    worker, begun, go_on = Worker(engine), threading.Event(), threading.Event()

    def close(_engine: Engine) -> bool:
        begun.set()
        go_on.wait(30)
        return worker.close()

    first = worker.post(close)
    assert begun.wait(30)
    with pytest.raises(
        WorkerBusyError
    ):  # all places are taken: there is none for a mark of the end
        while True:
            last = worker.post(lambda e: e.calls.append(1))
    go_on.set()
    assert first.result(30) is False
    last.result(30)
    assert worker.close(30)
    assert len(engine.calls) == module.MAX_WAITING
    with pytest.raises(EndedError):
        worker.post(lambda _: None)


class Dying(Engine):
    """Engine that ends its thread."""

    def tick(self, now: float) -> None:
        raise SystemExit("a tick that ends the thread")


def test_nobody_waits_for_a_thread_that_died(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK_S", 0.0)
    worker, go_on = Worker(Dying()), threading.Event()
    with pytest.raises(EndedError):
        while True:
            worker.ask(lambda _: go_on.wait(0))
    assert worker.close(30)
    assert not worker.is_alive


def test_close_gives_up_a_thread_that_hangs(worker: Worker[Engine]) -> None:
    hanging, go_on = threading.Event(), threading.Event()
    worker.post(lambda _: (hanging.set(), go_on.wait(30)))
    assert hanging.wait(30)
    assert not worker.close(0.01)
    assert worker.is_alive
    go_on.set()
    assert worker.close(30)
