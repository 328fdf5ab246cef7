"""Begin and end of GUPPI raw files, by the cards of a published sample."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.recordings import recording

from spectrometer.daq.errors import SourceError
from spectrometer.daq.recordedtimes import guppi_times


def card(header: str, keyword: str) -> float:
    place = header.index(f"{keyword:<8}=")
    return float(header[place + 9 : place + 80].split("/")[0].strip(" '"))


def test_a_recording_begins_when_its_header_says_and_lasts_as_long_as_its_samples() -> None:
    path = recording()
    header = path.read_bytes()[:16384].decode("ascii", "replace")
    start, stop = guppi_times(str(path), 0)
    seconds = card(header, "STT_SMJD") + card(header, "STT_OFFS")
    assert start == pytest.approx(card(header, "STT_IMJD") + seconds / 86400, abs=1e-9)
    overlap = card(header, "OVERLAP")
    block = card(header, "BLOCSIZE") / (4 * card(header, "OBSNCHAN")) - overlap
    blocks = path.read_bytes().count(b"BLOCSIZE=")
    samples = blocks * block + overlap
    assert (stop - start) * 86400 == pytest.approx(samples * card(header, "TBIN"), abs=1e-4)


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"nothing")
    with pytest.raises(SourceError):
        guppi_times(str(tmp_path / "file"), 0)
