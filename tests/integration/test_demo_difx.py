"""The demo of correlator jobs, with a short one: the delay comes out as it was put in, or it says so."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any

import pytest

SECONDS = 2.0


@pytest.fixture
def demo() -> Any:
    """The program as a module."""
    return importlib.import_module("demo_difx")


def test_the_delay_that_was_put_in_comes_out_and_nothing_else_passes(
    demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    concluded: list[tuple[Any, ...]] = []
    conclude = demo.conclude

    def noted(*found: Any) -> int:
        concluded.append(found)
        return int(conclude(*found))

    monkeypatch.setattr(demo, "conclude", noted)
    assert demo.main(["--seconds", str(SECONDS), "--output", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "job 1: done; job 2: stopped; job 3: bad configuration" in said
    assert "lost.input: bad configuration: correlate: aa.raw: No such file" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["demo_No0001.difx", "fringes.png"]
    ((found, seen, results),) = concluded
    lacks = demo.PutIn(13.0 + 2e-5 * SECONDS / 2, 2e-5 * 1420.125)
    for spectra in found.spectra[:4]:
        fringe = demo.find_fringe(spectra, width_hz=0.25e6, integration_s=0.25)
        assert demo.is_near(fringe, lacks, SECONDS)

    for wrong in (-2.1, 2.1):  # a lag is 2 us
        delays = (demo.TRUE_US[0] + wrong, demo.TRUE_US[1])
        with monkeypatch.context() as patch:
            patch.setattr(demo, "TRUE_US", delays)
            assert conclude(found, seen, results) == 1
    stopped = dataclasses.replace(results[1], end=results[0].end)
    assert conclude(found, seen, (results[0], stopped, results[2])) == 1
    seen.blocks.clear()
    assert conclude(found, seen, results) == 1
    assert capsys.readouterr().err.splitlines() == [
        "demo: a delay is not what was put in, by more than one lag",
        "demo: a delay is not what was put in, by more than one lag",
        "demo: the jobs did not end as done, stopped, bad configuration",
        "demo: somebody has not seen the job",
    ]
