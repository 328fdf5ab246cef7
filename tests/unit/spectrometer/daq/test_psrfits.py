"""PSRFITS: what 8 and 16 bits keep, and files that astropy reads at every stage."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.full_disk import room_for

from spectrometer.daq.protocol.psrfits import Layout, scale_profiles, scale_samples
from spectrometer.daq.psrfits import PsrFitsFile

VALUES = st.floats(-1e6, 1e6, width=32)
SEARCH = Layout(
    frequencies=(1400.0, 1401.0, 1402.0),
    channel_width=1.0,
    pol_type="IQUV",
    npol=4,
    sample_time=64e-6,
    nsblk=16,
)
FOLD = Layout(
    frequencies=(1402.0, 1401.0),
    channel_width=-1.0,
    pol_type="AA+BB",
    npol=1,
    sample_time=1e-3,
    nbin=100,
    dm=3.0,
)


@settings(max_examples=50)
@given(arrays(np.float32, (6, 2, 3), elements=VALUES))
@example(
    np.full((6, 2, 3), 1e-44, np.float32).cumsum(axis=0)
)  # a step of so little is 0 in 32 bits
def test_eight_bits_are_never_wrong_by_more_than_half_a_step(samples: np.ndarray) -> None:
    found = scale_samples(samples)
    scale, offset = found.scale.astype(float), found.offset.astype(float)
    assert (np.abs(found.data * scale + offset - samples) <= 0.5001 * scale + 1e-30).all()


@settings(max_examples=50)
@given(arrays(np.float64, (2, 3, 6), elements=VALUES))
@example(np.full((2, 3, 6), 1e-44).cumsum(axis=2))
def test_sixteen_bits_are_never_wrong_by_more_than_half_a_step(profiles: np.ndarray) -> None:
    found = scale_profiles(profiles)
    scale, offset = found.scale.astype(float)[..., None], found.offset.astype(float)[..., None]
    assert (np.abs(found.data * scale + offset - profiles) <= 0.51 * scale + 1e-30).all()


def search_file(directory: Path) -> PsrFitsFile:
    status = {
        "OBSERVER": "me",
        "NPOL": 1,
        "RA": 83.6,
        "RA_STR": "05:34:32",
        "DEC_STR": "unspecified",
        "FD_POLN": "CIRC",
    }
    return PsrFitsFile(
        directory,
        "a.fits",
        SEARCH,
        obs_mode="SEARCH",
        begin=(60000, 43200.5),
        status=status,
        own=[("NLOOPS", 0, "")],
    )


def samples(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 10, (16, 4, 3)).astype(np.float32)


def test_a_search_file_is_whole_after_every_row(tmp_path: Path) -> None:
    file = search_file(tmp_path)
    for number in range(3):
        file.append_samples(samples(number), number)
        file.flush()
        with fits.open(file.path) as units:
            units.verify("exception")
            assert [unit.name for unit in units] == ["PRIMARY", "HISTORY", "SUBINT"]
            header, table, rows = units[0].header, units["SUBINT"].header, units["SUBINT"].data
            assert len(rows) == number + 1
            assert table["NSTOT"] == 16 * (
                number + 1
            )  # readers take the samples of the file from it
            assert units["HISTORY"].data["NSUB"].tolist() == [number + 1]  # and rows from this
            row = rows[number]
            assert row["DATA"].shape == (16, 4, 3)
            scale, offset = (row[key].reshape(4, 3) for key in ("DAT_SCL", "DAT_OFFS"))
            assert np.abs(row["DATA"] * scale + offset - samples(number)).max() < 0.51 * scale.max()
            assert row["OFFS_SUB"] == pytest.approx((number + 0.5) * 16 * 64e-6)
            assert (row["RA_SUB"], np.isnan(row["DEC_SUB"])) == (83.6, True)
    file.close()
    with fits.open(file.path, checksum=True) as units:
        assert all(unit.verify_checksum() == 1 for unit in units)
    assert (header["FITSTYPE"], header["HDRVER"], header["OBS_MODE"]) == (
        "PSRFITS",
        "6.1",
        "SEARCH",
    )
    assert (header["STT_IMJD"], header["STT_SMJD"], header["STT_OFFS"]) == (60000, 43200, 0.5)
    assert (header["OBSFREQ"], header["OBSBW"], header["OBSNCHAN"]) == (1401.0, 3.0, 3)
    assert (header["RA"], header["DEC"], header["FD_POLN"], header["OBSERVER"]) == (
        "05:34:32",
        "",
        "CIRC",
        "me",
    )
    assert (header["STT_CRD2"], header["STP_CRD2"], header["BACKEND"]) == ("", "", "DIBAS")
    assert not {"ANT_X", "ANT_Y", "ANT_Z", "STT_LST"} & set(header)
    assert table["SIGNINT"] == 0
    assert "NPOL" not in header  # the mode's; the table's is another
    assert (table["NPOL"], table["NBITS"], table["NSBLK"], table["TDIM18"]) == (
        4,
        8,
        16,
        "(3,4,16)",
    )
    assert (table["POL_TYPE"], table["TBIN"], table["CHAN_BW"], table["NBIN"]) == (
        "IQUV",
        64e-6,
        1.0,
        1,
    )


@pytest.mark.parametrize("lost", [{0, 1}, {2, 3, 4}, {1, 3}])
def test_rows_that_were_lost_are_in_the_file_with_the_mean_of_the_last_one_and_no_weight(
    tmp_path: Path, lost: set[int]
) -> None:
    file = search_file(tmp_path)
    there = [number for number in range(7) if number not in lost]
    for number in there:
        file.append_samples(samples(number), number)
    file.close()
    with fits.open(file.path) as units:
        rows = units["SUBINT"].data
        assert (np.arange(7) + 0.5) * 16 * 64e-6 == pytest.approx(rows["OFFS_SUB"])
        assert rows["TSUBINT"].tolist() == pytest.approx([16 * 64e-6] * 7)
        assert rows["DAT_WTS"].min(axis=1).tolist() == [
            float(number not in lost) for number in range(7)
        ]
        for number in lost:
            nearest = max((n for n in there if n < number), default=there[0])
            scale, offset = (rows[number][key].reshape(4, 3) for key in ("DAT_SCL", "DAT_OFFS"))
            assert not rows[number]["DATA"].any()
            assert offset == pytest.approx(
                samples(nearest).mean(axis=0), abs=float(scale.max()) / 2
            )
            assert np.array_equal(rows[number]["DAT_SCL"], rows[nearest]["DAT_SCL"])


def test_a_fold_file_keeps_its_par_file_and_says_that_nothing_was_dedispersed(
    tmp_path: Path,
) -> None:
    file = PsrFitsFile(
        tmp_path,
        "a.fits",
        FOLD,
        obs_mode="PSR",
        begin=(60000, 0.0),
        status={},
        par_text="PSR X\nF0 10\nDM 3\n",
    )
    profiles = np.random.default_rng(1).normal(0, 1, (1, 2, 100))
    file.append_profiles(profiles, epoch=0.45, summed=1.0, share=0.5, period=0.1)
    file.close()
    with fits.open(file.path) as units:
        units.verify("exception")
        assert [line for (line,) in units["PSRPARAM"].data] == ["PSR X", "F0 10", "DM 3"]
        (row,) = units["SUBINT"].data
        scale, offset = (row[key].reshape(1, 2, 1) for key in ("DAT_SCL", "DAT_OFFS"))
        assert row["DATA"] * scale + offset == pytest.approx(profiles, abs=float(scale.max()))
        assert (row["PERIOD"], row["TSUBINT"], row["OFFS_SUB"], row["DAT_WTS"].tolist()) == (
            0.1,
            1.0,
            0.45,
            [0.5, 0.5],
        )
        (history,) = units["HISTORY"].data
        table = units["SUBINT"].header
        assert (history["DM"], history["DEDISP"], history["REF_FREQ"], history["DDS_MTHD"]) == (
            3.0,
            0,
            1401.5,
            "NONE",
        )
        assert (table["DM"], table["REFFREQ"], table["NBIN"]) == (3.0, 1401.5, 100)


def test_the_place_of_antenna_and_source_is_as_the_status_memory_has_it(tmp_path: Path) -> None:
    status = {
        "ANT_X": 882589.65,
        "ANT_Y": -4924872.32,
        "ANT_Z": "3943729.348",
        "RA_STR": "05:34:31.973",
        "DEC_STR": "22:00:52.06000",
        "FD_HAND": -1,
        "FD_SANG": 30.0,
    }
    file = PsrFitsFile(
        tmp_path, "a.fits", SEARCH, obs_mode="SEARCH", begin=(60000, 43200.5), status=status
    )
    file.append_samples(samples(1), 0)
    file.close()
    with fits.open(file.path) as units:
        header, row = units[0].header, units["SUBINT"].data[0]
    assert [header[key] for key in ("ANT_X", "ANT_Y", "ANT_Z")] == [
        882589.65,
        -4924872.32,
        3943729.348,
    ]
    assert (header["RA"], header["DEC"], header["STT_CRD2"]) == (
        "05:34:31.973",
        "+22:00:52.06000",
        "+22:00:52.06000",
    )
    assert (header["FD_HAND"], header["FD_SANG"]) == (-1, 30.0)
    greenwich = Time(60000 + 43200.5 / 86400, format="mjd", scale="ut1").sidereal_time(
        "mean", "greenwich"
    )
    expected = (greenwich.hour - 79.8397 / 15) % 24 * 3600  # GBT
    assert header["STT_LST"] == pytest.approx(expected, abs=1.0)
    assert row["LST_SUB"] - header["STT_LST"] == pytest.approx(row["OFFS_SUB"] * 1.00274, abs=1e-6)


def test_aa_and_bb_have_one_scale_for_readers_that_take_that_of_aa_for_both() -> None:
    """The mean of raw bytes with AA's scale, as `your` does it, is the mean of both powers then."""
    powers = np.random.default_rng(2).exponential(1.0, (64, 4, 3)).astype(np.float32) * np.array(
        [[1], [3], [1], [1]]
    )
    found = scale_samples(powers.astype(np.float32), in_common=2)
    assert np.array_equal(found.scale[0], found.scale[1])
    assert np.array_equal(found.offset[0], found.offset[1])
    mean = (found.data[:, 0].astype(float) + found.data[:, 1]) / 2 * found.scale[0] + found.offset[
        0
    ]
    assert np.abs(mean - powers[:, :2].mean(axis=1)).max() <= 0.51 * found.scale[0].max()
    layout = dataclasses.replace(SEARCH, pol_type="AABBCRCI")
    assert (layout.scaled_in_common, SEARCH.scaled_in_common) == (2, 1)


def test_a_full_disk_keeps_whole_rows(tmp_path: Path) -> None:
    file = search_file(tmp_path)
    file.append_samples(samples(0), 0)
    file.flush()
    room = file.path.stat().st_size + 2 * 2880
    with room_for(room):
        for number in range(1, 40):
            file.append_samples(samples(number), number)
        with pytest.raises(OSError, match="File too large"):
            file.flush()
        file.close()
    with fits.open(file.path) as units:
        units.verify("exception")
        assert len(units["SUBINT"].data) == file.rows > 5
        assert np.isfinite(units["SUBINT"].data["DAT_SCL"]).all()
