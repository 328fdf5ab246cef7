"""Sub-bands: carriers come out in the right channel of the right sub-band, in files that astropy
opens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from support.daq import TWO_PHASES

from readers.scans import run_to_end
from spectrometer.daq.axis import MAX_BANK_CHANNELS, Subbands, SubbandSetup, WholeBand
from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.errors import DaqError, ScanSetupError
from spectrometer.daq.protocol.band import RecordedBand
from spectrometer.daq.receiver import CarrierConfig, ReceiverConfig
from spectrometer.daq.run import ScanRun

SYNTHESIZER_MHZ = 64.0  # the sampled band, and twice the middle
SKY_MHZ = 1420.0
NCHAN = 64


def memory(
    centres_mhz: list[float], *, nchan: int = NCHAN, subband_mhz: float = 1.0, **more: Any
) -> dict[str, Any]:
    """Cards that a low-bandwidth mode leaves in the status memory."""
    values = {
        "OBS_MODE": "LBW",
        "NSUBBAND": len(centres_mhz),
        "EFSAMPFR": 2e6 * subband_mhz,
        "NCHAN": nchan,
        "FPGACLK": SYNTHESIZER_MHZ * 1e6 / 8,
        "EXPOSURE": 0.05,
        "SCANLEN": 0.1,
        "PROJID": "T",
        "BANKNAM": "BANKA",
    }
    return {
        **values,
        **{f"SUB{n}FREQ": centre * 1e6 for n, centre in enumerate(centres_mhz)},
        **more,
    }


def receiver(**options: Any) -> ReceiverConfig:
    return ReceiverConfig.model_validate({"center_mhz": SKY_MHZ, "bandwidth_mhz": 64.0, **options})


def scan(
    config: ReceiverConfig, values: dict[str, Any], directory: Path, **options: Any
) -> tuple[ScanRun, Path]:
    """Run a scan to its end."""
    run = ScanRun(RunOptions(synthetic=config, fast=True, taps=4, **options), values, directory)
    return run, run_to_end(run)


@pytest.mark.parametrize(
    ("nfine", "first", "last"),
    [(1, 1400.0, 1400.0), (2, 1399.5, 1400.0), (4, 1399.5, 1400.25), (5, 1399.6, 1400.4)],
)
def test_the_middle_of_a_coarse_channel_is_that_of_a_channel(
    nfine: int, first: float, last: float
) -> None:
    band = RecordedBand(
        channels=1, polarizations=2, sample_time=1e-6, center_frequency=1400.0, bandwidth=1.0
    )
    assert band.frequencies(nfine)[[0, -1]].tolist() == pytest.approx([first, last])
    four = RecordedBand(
        channels=4, polarizations=2, sample_time=1e-6, center_frequency=1400.0, bandwidth=-4.0
    )
    assert four.frequencies(1).tolist() == pytest.approx([1401.5, 1400.5, 1399.5, 1398.5])
    if nfine > 1:
        cards = {key: value for key, value, _ in WholeBand(band, 0, nfine).world}
        assert (cards["CRPIX1"], cards["CRVAL1"], cards["CDELT1"]) == (
            1.0,
            pytest.approx(first * 1e6),
            1e6 / nfine,
        )


@pytest.mark.parametrize("bandwidth", [1.0, -1.0])
@pytest.mark.parametrize("nfine", [5, 8, 31])
@pytest.mark.parametrize("subbands", [False, True])
def test_a_tone_has_its_frequency_by_the_cards_however_many_channels_there_are(
    tmp_path: Path, bandwidth: float, nfine: int, subbands: bool
) -> None:
    """A tone in the very middle of a coarse channel, and one in another channel, each in one
    channel alone."""
    tones = (SKY_MHZ + 0.125, SKY_MHZ - 0.125 + 0.25 / nfine)
    carriers = tuple(CarrierConfig(frequency_mhz=tone, power_k_mhz=20.0) for tone in tones)
    config = receiver(bandwidth_mhz=bandwidth, channels=4, carriers=carriers)
    values = (
        memory([SYNTHESIZER_MHZ / 2 + 0.1], nchan=3 * nfine)
        if subbands
        else memory([], OBS_MODE="HBW")
    )
    _, path = scan(config, values, tmp_path, nfine=nfine)
    with fits.open(path) as units:
        header, row = units["SPECTRA"].header, units["SPECTRA"].data[0]
    data = row["DATA"][0] if subbands else row["DATA"]
    reference = row["CRVAL1"][0] if subbands else header["CRVAL1"]
    number = len(row.array.dtype)
    if not subbands:
        assert [header[key] for key in ("CTYPE1", "CUNIT1")] == ["FREQ", "Hz"]
        assert header[f"1CRVL{number}"] == header["CRVAL1"]
    strongest = np.sort(np.argsort(np.nan_to_num(data))[-2:])
    found = (
        reference + (strongest + 1 - header[f"1CRPX{number}"]) * header[f"1CDLT{number}"]
    ) / 1e6
    assert sorted(found.tolist()) == pytest.approx(sorted(tones), abs=1e-9)
    weakest = data[strongest].min()
    assert np.nanmax(np.delete(data, strongest)) < 0.05 * weakest  # nothing is spread over two


@pytest.mark.parametrize("bandwidth", [64.0, -64.0])
def test_live_spectra_have_each_tone_at_its_frequency(tmp_path: Path, bandwidth: float) -> None:
    centres, sign = [11.0, 40.0], np.sign(bandwidth)
    tones = [SKY_MHZ + sign * (centre - SYNTHESIZER_MHZ / 2 + 10 / NCHAN) for centre in centres]
    carriers = tuple(CarrierConfig(frequency_mhz=tone, power_k_mhz=20.0) for tone in tones)
    run, _ = scan(receiver(bandwidth_mhz=bandwidth, carriers=carriers), memory(centres), tmp_path)
    live = run.newest_spectrum()
    assert live is not None
    assert run.newest_spectrum() is None
    assert live.rows == [f"{product} of sub-band {n}" for n in (0, 1) for product in ("XX", "YY")]
    assert live.data.nbytes == run.spectrum_bytes
    found = np.asarray(live.x_starts) + live.data.argmax(axis=1) * live.x_delta
    assert (found / 1e6).tolist() == pytest.approx(np.repeat(tones, 2).tolist(), abs=1e-9)


def test_live_spectra_are_the_mean_of_all_switching_states(tmp_path: Path) -> None:
    states = {"SWPERIOD": 0.02, **TWO_PHASES}
    run, path = scan(receiver(cal_k=5.0), memory([], OBS_MODE="HBW", **states), tmp_path)
    live = run.newest_spectrum()
    assert live is not None
    with fits.open(path) as units:
        table = units["SPECTRA"].data
    last = table[table["INTEGNUM"] == live.integration]
    assert len(last) == 4
    for number, row in enumerate(live.rows):
        of_row = last[last["POL"] == row]
        mean = np.average(np.asarray(of_row["DATA"], float), axis=0, weights=of_row["NSPECTRA"])
        np.testing.assert_allclose(live.data[number], mean, rtol=1e-6)


@pytest.mark.parametrize(("bandwidth", "coarse"), [(64.0, 1), (-64.0, 1), (64.0, 8), (-64.0, 4)])
def test_each_carrier_is_in_its_channel_of_its_sub_band(
    tmp_path: Path, bandwidth: float, coarse: int
) -> None:
    centres = [4.0, 11.0, 20.5, 27.25, 32.0, 40.0, 47.0, 60.0]
    channels = [1, 62, 32, 33, 17, 5, 50, 40]
    sign = np.sign(bandwidth)
    sky = [SKY_MHZ + sign * (centre - SYNTHESIZER_MHZ / 2) for centre in centres]
    tones = [
        at + sign * (channel - NCHAN // 2) / NCHAN
        for at, channel in zip(sky, channels, strict=True)
    ]
    carriers = tuple(CarrierConfig(frequency_mhz=tone, power_k_mhz=20.0) for tone in tones)
    config = receiver(bandwidth_mhz=bandwidth, channels=coarse, carriers=carriers)
    _, path = scan(config, memory(centres), tmp_path)
    with fits.open(path) as units:
        units.verify("exception")
        header, rows = units[0].header, units["SPECTRA"].data
        axis, number = units["SPECTRA"].header, len(rows.columns)
        assert (header["NSUBBAND"], header["NCHAN"], axis[f"1CRPX{number}"]) == (
            8,
            NCHAN,
            NCHAN // 2 + 1,
        )
        assert rows["DATA"].shape[1:] == (8, NCHAN)
        assert rows["SUBFREQ"][0] == pytest.approx(np.asarray(centres) * 1e6)
        assert rows["CRVAL1"][0] == pytest.approx(np.asarray(sky) * 1e6)
        assert header["SUB3FREQ"] == pytest.approx(27.25e6)
        for row in rows:
            assert np.argmax(row["DATA"], axis=1).tolist() == channels
            strongest = np.argmax(row["DATA"], axis=1) + 1
            found = row["CRVAL1"] + (strongest - axis[f"1CRPX{number}"]) * axis[f"1CDLT{number}"]
            assert found == pytest.approx(np.asarray(tones) * 1e6)


def test_power_is_that_of_the_receiver_wherever_the_sub_band_is(tmp_path: Path) -> None:
    centres = [2.0, 10.0, 18.0, 26.0, 34.0, 42.0, 50.0, 62.0]
    _, path = scan(
        receiver(tsys_k=(20.0, 30.0)), memory(centres, SCANLEN=0.4, EXPOSURE=0.4), tmp_path
    )
    with fits.open(path) as units:
        kelvin = units["SPECTRA"].data["DATA"].mean(axis=2) * units[0].header["SIMKPCNT"]
    # 48 spectra of 64 channels: 1.8 % of noise in each mean
    assert kelvin[0] == pytest.approx(np.full(8, 20.0), rel=0.09)
    assert kelvin[1] == pytest.approx(np.full(8, 30.0), rel=0.09)


def test_one_sub_band_has_the_axis_too(tmp_path: Path) -> None:
    _, path = scan(receiver(), memory([32.0]), tmp_path)
    with fits.open(path) as units:
        assert units["SPECTRA"].data["DATA"].shape[1:] == (1, NCHAN)
        assert units[0].header["NSUBBAND"] == 1


def test_a_narrower_input_makes_narrower_sub_bands_and_says_so(tmp_path: Path) -> None:
    run, path = scan(receiver(bandwidth_mhz=0.5), memory([32.0, 32.25, 40.0]), tmp_path)
    assert run.note == (
        "sub-bands of 0.5 MHz, not 1: the input is not wider; not in the input: sub-band 2; "
        "only in part in the input: sub-band 1"
    )
    with fits.open(path) as units:
        header, rows = units[0].header, units["SPECTRA"].data
        assert units["SPECTRA"].header[f"1CDLT{len(rows.columns)}"] == pytest.approx(0.5e6 / NCHAN)
        assert "not in the input: sub-band 2" in str(header["HISTORY"])
        finite = np.isfinite(rows["DATA"][0])
    assert finite[0].all()
    assert not finite[2].any()
    assert (finite[1][: NCHAN // 2].all(), finite[1][NCHAN // 2 :].any()) == (True, False)


@pytest.mark.parametrize(
    ("config", "values", "words"),
    [
        (receiver(bandwidth_mhz=2.0), memory([10.0]), "no sub-band is in the input: it is 2 MHz around the middle"),
        (receiver(), memory([32.0], nchan=1 << 18), "16777216 channels in an input of 64 MHz; at most 16 MHz"),
        (receiver(channels=1024), memory([32.0], nchan=4), "channels of 250000 Hz: the input's own are 62500 Hz"),
        (receiver(), memory([32.0], nchan=1 << 14), "EXPOSURE 0.05 s: a spectrum takes 2.097 s at 500000 samples/s"),
        (
            receiver(), memory([32.0], nchan=1 << 14, EXPOSURE=3.0, SCANLEN=3.0),
            "SCANLEN 3 s: 4 taps of 2.1 s need 8.39 s",
        ),
        (receiver(), memory([32.0], NSUBBAND=9), "NSUBBAND is 9; expected 1 to 8"),
        (receiver(), memory([32.0], NSUBBAND=2), "status key SUB1FREQ is not set"),
        (receiver(), memory([32.0], EFSAMPFR=0), "EFSAMPFR is 0 Hz; prepare writes it anew"),
        (receiver(), memory([32.0], FPGACLK="unspecified"), "status key FPGACLK is not set"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_in_words_that_fit_a_card(
    config: ReceiverConfig, values: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(DaqError) as failure:
        ScanRun(RunOptions(synthetic=config, fast=True, taps=4), values, tmp_path)
    assert words in str(failure.value)[:68] or str(failure.value).startswith(words)


def test_the_shortest_scan_that_is_taken_has_a_spectrum(tmp_path: Path) -> None:
    nfine = 64 * 1024
    run, path = scan(
        receiver(), memory([32.0], nchan=1024, EXPOSURE=0.2, SCANLEN=4 * nfine / 500_000), tmp_path
    )
    assert run.integrations == 1
    with fits.open(path) as units:
        assert units["SPECTRA"].data["NSPECTRA"].tolist() == [1, 1]


def test_a_filter_that_would_not_fit_into_memory_gets_fewer_taps(tmp_path: Path) -> None:
    values = memory([32.0], nchan=1 << 16, EXPOSURE=60.0, SCANLEN=60.0)
    run = ScanRun(
        RunOptions(synthetic=receiver(), fast=True, taps=8, window="boxcar"), values, tmp_path
    )
    run.source.close()
    assert run.note == "4 taps instead of 8: the filter would take too much memory"


@settings(max_examples=40)
@given(
    st.floats(0.01, 2000.0),
    st.integers(1, 16),
    st.integers(1, 8),
    st.floats(0.001, 500.0),
    st.integers(4, 1024),
    st.none() | st.integers(2, 99),
    st.data(),
)
def test_channels_are_cut_out_where_the_axis_says(
    band_mhz: float,
    coarse: int,
    groups: int,
    width_mhz: float,
    nchan: int,
    nfine: int | None,
    data: st.DataObject,
) -> None:
    """Each channel's own frequency, written into the spectra, comes out as the axis of the row has
    it."""
    middle = 750e6
    centres = tuple(
        data.draw(st.floats(middle - band_mhz * 5e5, middle + band_mhz * 5e5))
        for _ in range(groups)
    )
    band = RecordedBand(
        channels=coarse,
        polarizations=1,
        sample_time=coarse / (band_mhz * 1e6),
        center_frequency=1400.0,
        bandwidth=data.draw(st.sampled_from([1.0, -1.0])) * band_mhz,
    )
    try:
        setup = SubbandSetup(centres=centres, bandwidth=width_mhz * 1e6, middle=middle)
        axis = Subbands(band, nchan, setup, nfine)
    except ScanSetupError:  # the other test has these
        return
    assert coarse * axis.nfine <= MAX_BANK_CHANNELS
    if coarse * axis.nfine > 1 << 16:
        return
    step = band.coarse_width / axis.nfine
    places = np.arange(coarse * axis.nfine, dtype=np.float64).reshape(coarse, axis.nfine)
    spectra = np.fft.ifftshift(places, axes=1).astype(np.complex64)[:, None, :, None]
    picked = np.fft.fftshift(axis.pick(spectra)[:, 0, :, 0].real, axes=1)
    rows = axis.shaped(picked.astype(np.float64).ravel())
    cards = {key: value for key, value, _ in axis.world}
    shift = (
        axis.nfine % 2 / 2
    )  # channel k at e + k w / n with even n, at e + (k + 0.5) w / n with odd
    frequencies = band.lower_edge + (rows + shift) * step
    wanted = axis.sky()[:, None] + (np.arange(nchan) + 1 - float(cards["CRPIX1"])) * float(
        cards["CDELT1"]
    )
    there = np.isfinite(rows)
    assert np.abs(frequencies - wanted)[there] == pytest.approx(0, abs=abs(step) * 1e-3)
    assert np.abs(axis.centres - np.asarray(centres)).max() <= abs(step) * 0.5001
    assert np.sign(float(cards["CDELT1"])) == np.sign(band.bandwidth)
