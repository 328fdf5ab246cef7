from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from correlator.errors import JobFileError, VoltagesError
from correlator.jobfile import Job
from correlator.receivers import Receiver
from correlator.recording import record
from correlator.voltages import Band, Recordings, Start

JOB = Job.model_validate(
    {
        "stations": {
            "AA": {"receiver": {"centers_mhz": [1420.0, 1420.5], "width_mhz": 0.5}},
        },
        "scan": {"name": "No1", "start_mjd": 60310, "start_s": 10.25, "duration_s": 0.06},
    }
)
"""30,000 samples, which are two blocks of 16,384."""


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    (path,) = record(JOB, tmp_path)
    return path


def simulated(first: int, count: int) -> np.ndarray:
    table = JOB.stations["AA"].receiver
    assert table is not None
    return Receiver(table.setup()).read(first, count)[0]


def test_a_recording_is_read_as_the_receiver_received_it(recorded: Path) -> None:
    voltages = Recordings("AA", [recorded])
    assert voltages.bands == (Band(1420e6, 0.5e6), Band(1420.5e6, 0.5e6))
    assert (voltages.polarizations, voltages.samples) == (2, 2 * 16384)
    assert voltages.start == Start(60310, 10.25)
    for first, count in ((-5, 10), (100, 20_000), (20_000, 12_760), (32_760, 100), (40_000, 5)):
        samples, valid = voltages.read(first, count)
        there = (np.arange(first, first + count) >= 0) & (
            np.arange(first, first + count) < 2 * 16384
        )
        np.testing.assert_array_equal(valid, there)
        np.testing.assert_array_equal(samples, simulated(first, count) * there)
    voltages.close()


def test_recordings_are_put_in_order_by_their_start(recorded: Path, tmp_path: Path) -> None:
    late = JOB.model_copy(update={"scan": JOB.scan.model_copy(update={"start_s": 10.5})})
    (folder := tmp_path / "late").mkdir()
    (path,) = record(late, folder)
    voltages = Recordings("AA", [path, recorded])
    assert voltages.start == Start(60310, 10.25)
    gap = 125_000  # samples in a quarter of a second
    assert voltages.samples == gap + 2 * 16384
    samples, valid = voltages.read(0, gap + 10)
    assert (np.count_nonzero(valid[:gap]), valid[gap:].all()) == (2 * 16384, True)
    np.testing.assert_array_equal(samples[:, :, gap:], simulated(0, 10))
    voltages.close()


def test_a_band_whose_frequency_falls_is_turned_as_it_is_on_the_sky(recorded: Path) -> None:
    data = recorded.read_bytes()
    falling = data.replace(b"OBSBW   =                  1.0", b"OBSBW   =                 -1.0")
    assert falling != data
    recorded.write_bytes(falling)
    voltages = Recordings("AA", [recorded])
    assert [band.center_hz for band in voltages.bands] == [1420.5e6, 1420e6]
    np.testing.assert_array_equal(voltages.read(0, 50)[0], simulated(0, 50).conj())
    voltages.close()


def test_recordings_that_do_not_fit_are_refused(recorded: Path, tmp_path: Path) -> None:
    data = recorded.read_bytes()
    (other := tmp_path / "other.raw").write_bytes(
        data.replace(b"OBSFREQ =              1420.25", b"OBSFREQ =              1430.25")
    )
    with pytest.raises(VoltagesError, match=r"AA: .* has another band than"):
        Recordings("AA", [recorded, other])
    other.write_bytes(
        data.replace(b"STT_IMJD=                60310", b"STT_IMJD=                    0")
    )
    with closing(Recordings("AA", [other])) as voltages:
        assert voltages.start is None
    with pytest.raises(VoltagesError, match="cannot be put in order"):
        Recordings("AA", [recorded, other])


def test_bands_of_a_recording_lie_side_by_side(tmp_path: Path) -> None:
    apart = JOB.model_dump(mode="json", exclude_none=True)
    apart["stations"]["AA"]["receiver"]["centers_mhz"] = [1420.0, 1421.0]
    with pytest.raises(JobFileError, match="side by side"):
        next(record(Job.model_validate(apart), tmp_path))
