from __future__ import annotations

import pytest

from gateways.difx.protocol.jobs import TimeReached
from gateways.difx.protocol.progress import read_progress, write_progress

LINE = "progress 0.2500 MJD 60310.5000231 from 60310.5000000 to 60310.5000347 weights 1.000 - 0.500"
TIMES = TimeReached(
    reached=60310.5000231, start=60310.5, stop=60310.5000347, weights=(1.0, None, 0.5)
)


def test_a_line_of_progress_reads_and_writes() -> None:
    assert read_progress(LINE) == (0.25, TIMES)
    assert TIMES.reached is not None
    written = write_progress(
        0.25,
        reached_mjd=TIMES.reached,
        start_mjd=60310.5,
        stop_mjd=60310.5000347,
        weights=(1.0, float("nan"), 0.5),
    )
    assert written == LINE


def test_times_and_weights_may_be_missing() -> None:
    assert read_progress("progress 1\r\n") == (1.0, TimeReached())
    assert read_progress("progress 0.5 weights 0.5") == (0.5, TimeReached(weights=(0.5,)))
    assert "weights" not in write_progress(0.5, reached_mjd=1, start_mjd=0, stop_mjd=2)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "progress",
        "progress nan",
        "progress 1e9",
        "progress 0.5 MJD 60310.5",
        "progress 0.5 weights",
        "progress 0.5 weights inf",
        "progress 0.\N{ARABIC-INDIC DIGIT FIVE}",
        "no progress 0.5",
        "progress 0.5 of the work",
    ],
)
def test_any_other_line_is_output(line: str) -> None:
    assert read_progress(line) is None
