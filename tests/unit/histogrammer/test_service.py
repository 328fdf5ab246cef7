"""The histogrammer as a whole: its making, and its end whatever of it has died."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.ringfiles import definitions, event

from histogrammer.axes import Axis
from histogrammer.engine import Engine
from histogrammer.errors import DisplayMemoryError, SpectrumError
from histogrammer.events.sources import EventSource
from histogrammer.service import (
    SPECTRA_SHARE,
    Histogrammer,
    HistogrammerSettings,
    available_bytes,
)
from histogrammer.spectra import kind_of
from histogrammer.worker import EndedError

OURS = ("histogrammer", "reading events", "filling-1")


@pytest.fixture
def histogrammer(tmp_path: Path) -> Iterator[Histogrammer]:
    settings = HistogrammerSettings(home=tmp_path, shm_mbytes=1, roots=[tmp_path], threads=2)
    with Histogrammer(settings) as one:
        yield one


def ours() -> list[str]:
    """Return the names of the threads of a histogrammer."""
    return [each.name for each in threading.enumerate() if each.name in OURS]


def test_close_leaves_no_thread_and_no_file(histogrammer: Histogrammer, tmp_path: Path) -> None:
    assert sorted(ours()) == ["filling-1", "histogrammer"]
    assert [path.name[:4] for path in tmp_path.iterdir()] == [".tmp"]
    histogrammer.close()
    histogrammer.close()
    assert not ours()
    assert not list(tmp_path.iterdir())


def test_memory_that_cannot_be_had_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(DisplayMemoryError, match="display memory of 1 MiB in "):
        Histogrammer(HistogrammerSettings(home=tmp_path / "none", shm_mbytes=1))
    assert not ours()


def test_spectra_have_a_share_of_the_memory_that_is_available() -> None:
    assert SPECTRA_SHARE == 0.5
    assert available_bytes() > 0
    with Histogrammer(HistogrammerSettings(spectra_bytes=800, threads=1)) as one:
        definition = kind_of("1").define("s", [["a"]], [Axis(0.0, 1.0, 99)])  # 101 cells
        with pytest.raises(SpectrumError, match=r"0\.0 MiB are left for spectra"):
            one.worker.ask(lambda e: (e.create_parameter("a"), e.create_spectrum(definition)))


def end_in_the_engine(histogrammer: Histogrammer, patch: pytest.MonkeyPatch) -> None:
    """Let the engine's thread die."""

    def tick(engine: Engine, now: float) -> None:
        raise SystemExit("the engine's thread")

    patch.setattr("histogrammer.worker.TICK_S", 0.0)
    patch.setattr(Engine, "tick", tick)
    with pytest.raises(EndedError):
        while True:
            histogrammer.worker.ask(lambda _: None)


def end_in_the_reading(histogrammer: Histogrammer, patch: pytest.MonkeyPatch) -> None:
    """Let the reading thread die."""

    def parts(source: EventSource) -> Iterator[object]:
        raise SystemExit("the reading thread")
        yield

    patch.setattr(EventSource, "_parts", parts)
    histogrammer.analyzer.start()
    assert histogrammer.analyzer.wait(300)


def end_in_the_filling(histogrammer: Histogrammer, patch: pytest.MonkeyPatch) -> None:
    """Let a thread that fills spectra meet what is no Exception."""

    def raising() -> None:
        raise SystemExit("a filling thread")

    workers = histogrammer.worker.ask(lambda engine: engine._filler._workers)
    with pytest.raises(SystemExit):
        workers.run([raising] * 10)
    assert "filling-1" in ours()


@pytest.mark.parametrize("end", [end_in_the_engine, end_in_the_reading, end_in_the_filling])
def test_close_ends_everything_whatever_has_died(
    histogrammer: Histogrammer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: object
) -> None:
    (tmp_path / "f").write_bytes(definitions([(1, "a")]) + event(0, [(1, 1.0)]))
    histogrammer.analyzer.attach("file", str(tmp_path / "f"))
    assert callable(end)
    end(histogrammer, monkeypatch)
    histogrammer.close()
    assert not ours()
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_close_leaves_what_hangs_and_removes_the_memory(
    histogrammer: Histogrammer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("histogrammer.service.CLOSE_WORKER_S", 0.01)
    hanging, go_on = threading.Event(), threading.Event()
    future = histogrammer.worker.post(lambda _: (hanging.set(), go_on.wait(30)))
    assert hanging.wait(30)
    histogrammer.close()
    assert not list(tmp_path.iterdir())
    go_on.set()
    future.result()
    assert histogrammer.worker.close(30)
    histogrammer.close()
