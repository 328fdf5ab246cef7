"""The simulated set-up: its bytes are what it says, and its peaks are found again."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from support.ringfiles import events_of

from histogrammer import detector
from histogrammer.detector import DetectorSetup, SimulatedDetectors
from histogrammer.events.blocks import EventBlock
from histogrammer.events.inputs import FileInput
from histogrammer.events.protocol.acquisitionitems import (
    EventCount,
    RingFormat,
    Scalers,
    StateChange,
    TextList,
)
from histogrammer.events.protocol.paramitems import ParameterNames, Variables
from histogrammer.events.sources import EventSource

EVENTS = 100_000


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> tuple[SimulatedDetectors, list[object]]:
    run = SimulatedDetectors(DetectorSetup(), EVENTS, seed=3)
    path = tmp_path_factory.mktemp("detector") / "run.evt"
    path.write_bytes(b"".join(run.pieces()))
    with EventSource([FileInput(path)]) as source:
        parts: list[object] = list(source)
        (account,) = source.accounts
        assert (account.bytes, account.used) == (path.stat().st_size, account.values)
    return run, parts


def column(parts: list[object], name: str) -> npt.NDArray[np.float64]:
    return np.concatenate([part.column(name) for part in parts if isinstance(part, EventBlock)])


def test_peaks_have_the_areas_positions_and_widths_that_are_told(
    simulated: tuple[SimulatedDetectors, list[object]],
) -> None:
    run, parts = simulated
    energies = np.concatenate(
        [column(parts, name) for name in run.parameters if name.startswith("det.e.")]
    )
    for peak in run.truth.peaks:
        distance = np.abs(energies - peak.energy)
        inside = int((distance < 2 * peak.fwhm).sum())
        beside = int(((distance >= 2 * peak.fwhm) & (distance < 6 * peak.fwhm)).sum()) / 2
        assert abs(inside - beside - peak.area) < 3 * np.sqrt(inside + beside / 2) + 2
        near = energies[distance < 0.5 * peak.fwhm]
        assert abs(near.mean() - peak.energy) < 4 * peak.fwhm / np.sqrt(len(near))


def test_run_holds_all_its_items(simulated: tuple[SimulatedDetectors, list[object]]) -> None:
    run, parts = simulated
    kinds = [type(part) for part in parts]
    assert kinds[:5] == [ParameterNames, Variables, RingFormat, StateChange, TextList]
    assert kinds[-1] is StateChange
    scalers = [part for part in parts if isinstance(part, Scalers)]
    counts = [part for part in parts if isinstance(part, EventCount)]
    truth = run.truth
    assert sum(part.counts[1] for part in scalers) == EVENTS == truth.events
    assert sum(part.counts[0] for part in scalers) == truth.events + truth.lost
    assert counts[-1].events == EVENTS
    pairs = column(parts, "det.multiplicity") == 2
    assert int(pairs.sum()) == truth.coincidences > 0


def test_live_fraction_is_that_of_the_dead_time() -> None:
    run = SimulatedDetectors(DetectorSetup(rate=50_000, dead_time_s=2e-5), 40_000, seed=1)
    list(run.pieces())
    assert run.truth.live_fraction == pytest.approx(1 / (1 + 50_000 * 2e-5), rel=0.02)
    assert run.truth.seconds == pytest.approx(40_000 * (1 / 50_000 + 2e-5), rel=0.03)


def test_seed_decides_every_byte() -> None:
    one, same, other = (
        b"".join(SimulatedDetectors(DetectorSetup(), 500, seed).pieces()) for seed in (1, 1, 2)
    )
    assert one == same != other


def test_command_writes_a_file_and_its_truth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, truth = tmp_path / "run.evt", tmp_path / "truth.json"
    assert detector.main(["--events", "300", str(file), "--truth", str(truth)]) == 0
    assert "121.78 keV" in capsys.readouterr().out
    told = json.loads(truth.read_text())
    assert told["events"] == 300
    assert 0 < told["live_fraction"] < 1
    with EventSource([FileInput(file)]) as source:
        assert len(events_of(source)) == 300


def test_command_streams_to_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "utf-8"))
    assert detector.main(["--events", "10", "--seed", "5"]) == 0
    assert raw.getvalue() == b"".join(SimulatedDetectors(DetectorSetup(), 10, 5).pieces())


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (["--detectors", "1", "x"], 2, "two detectors"),
        (["/nonexistent/x"], 1, "No such file"),
    ],
)
def test_command_refuses_with_a_sentence(
    words: list[str], status: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert detector.main(words) == status
    assert text in capsys.readouterr().err
