"""The plan of a scan is exact: an undisturbed run of each mode records what was planned, counted in
its file."""

from __future__ import annotations

import json
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from spectrometer.daq.accumulator import StateCycle
from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.errors import DaqError
from spectrometer.daq.guppifile import GuppiFile
from spectrometer.daq.planned import MAX_SPECTRA, PlannedSpectra, subintegrations_of
from spectrometer.daq.receiver import ReceiverConfig
from spectrometer.daq.runs import Run, run_for
from spectrometer.status.protocol.cards import write_cards

START = 1_700_000_000.0
CHANNELS, RATE = 2, 20_000.0
BASE = {
    "PROJID": "P",
    "BANKNAM": "BANKA",
    "SCANNUM": 1,
    "NCHAN": 32,
    "OBSNCHAN": 32,
    "TBIN": 1e-3,
    "DS_TIME": 1,
    "NPOL": 4,
    "POL_TYPE": "AABBCRCI",
    "ONLY_I": 0,
    "NBIN": 16,
    "FFTLEN": 64,
    "OVERLAP": 8,
    "BLOCSIZE": 4096,
    "CHAN_DM": 0.02,
    "CAL_FREQ": 25.0,
    "EFSAMPFR": 4e3,
    "FPGACLK": 1e3,
    "NSUBBAND": 2,
    "SUB0FREQ": 3e3,
    "SUB1FREQ": 5e3,
}
SWITCHED = {
    "SWPERIOD": 0.11,
    "_SPHS_01": 0.0,
    "_SPHS_02": 0.3,
    "_SCAL_01": 1,
    "_SCAL_02": 0,
    "_SBLK_01": 0.004,
    "_SBLK_02": 0.002,
}
MODES: dict[str, dict[str, Any]] = {
    "spectra": {},
    "cross": {"POLARIZE": "CROSS"},
    "switched": SWITCHED,
    "subbands": {"OBS_MODE": "LBW"},
    **{
        word.lower(): {"BACKEND": "GUPPI", "OBS_MODE": word}
        for word in (
            "SEARCH",
            "FOLD",
            "CAL",
            "RAW",
            "COHERENT_SEARCH",
            "COHERENT_FOLD",
            "COHERENT_CAL",
        )
    },
}


def recordings(folder: Path, length: int) -> dict[str, Path]:
    """A GUPPI raw file of blocks that overlap, and a DADA file of real samples, of about so many
    samples."""
    block, overlap = 64, 8
    voltages = np.random.default_rng(2).integers(-9, 9, (CHANNELS, length, 4), dtype=np.int8)
    with (folder / "a.raw").open("wb") as file:
        for number, at in enumerate(range(0, length - block + 1, block - overlap)):
            cards = {
                "BLOCSIZE": block * 4 * CHANNELS,
                "OBSNCHAN": CHANNELS,
                "NPOL": 4,
                "NBITS": 8,
                "OVERLAP": overlap,
                "TBIN": 1 / RATE,
                "OBSFREQ": 300.0,
                "OBSBW": CHANNELS * RATE / 1e6,
                "PKTSIZE": 8 * CHANNELS,
                "PKTIDX": number * (block - overlap) // 2,
            }
            file.write(
                write_cards(cards) + np.ascontiguousarray(voltages[:, at : at + block]).tobytes()
            )
    header = (
        f"HEADER DADA\nHDR_SIZE 4096\nNBIT 8\nNDIM 1\nNPOL 2\nNCHAN {CHANNELS}\nTSAMP {5e5 / RATE}\n"
        f"FREQ 300\nBW {CHANNELS * RATE / 1e6}\n"
    )
    (folder / "a.dada").write_bytes(header.encode().ljust(4096, b"\0") + voltages.tobytes())
    return {"raw": folder / "a.raw", "dada": folder / "a.dada"}


def a_run(
    folder: Path,
    source: str,
    length: int,
    mode: str,
    *,
    fast: bool,
    to_file: bool = True,
    **status: Any,
) -> Run:
    files = recordings(folder, length)
    receiver = {"center_mhz": 300.0, "bandwidth_mhz": CHANNELS * RATE / 1e6, "channels": CHANNELS}
    options = RunOptions(
        source=files.get(source),
        synthetic=None if source in files else ReceiverConfig(**receiver),
        rate=RATE * 0.7,
        fast=fast,
        taps=4,
    )
    par = folder / "x.par"
    par.write_text("PSR X\nF0 10.7\nPEPOCH 60000\nDM 0.02\n")
    return run_for(
        options, BASE | {"PARFILE": str(par)} | MODES[mode] | status, folder, to_file=to_file
    )


def recorded(path: Path) -> int:
    """Integrations, rows or blocks that are in a file, however they came to be there."""
    if path.suffix == ".raw":
        if not path.stat().st_size:
            return 0
        reader = GuppiFile(path)
        reader.close()
        return reader.block_count
    with fits.open(path) as units:
        rows = units[-1].data
        return len(set(rows["INTEGNUM"].tolist())) if "INTEGNUM" in rows.names else len(rows)


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(MODES)),
    st.sampled_from(["raw", "dada", "synthetic"]),
    st.integers(300, 3000),
    st.floats(0.01, 0.3),
    st.floats(0.05, 1.5) | st.none(),
    st.floats(0.02, 1.6),
    st.booleans(),
)
def test_an_undisturbed_run_records_what_was_planned(
    mode: str,
    source: str,
    samples: int,
    exposure: float,
    length: float | None,
    stop: float,
    fast: bool,
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        times = {"EXPOSURE": exposure, "TFOLD": exposure, "SCANLEN": length or 0}
        try:
            run = a_run(folder, source, samples, mode, fast=fast, **times)
        except DaqError as error:
            assert "short" in str(error) or "EXPOSURE" in str(error) or "need" in str(error)  # noqa: PT017
            return
        run.begin(START)
        assert run.account.planned == 0 or length is not None
        whole, now = run.account.planned, START
        while not run.pacing.over and (now - START < stop or length is not None):
            now += max(run.pacing.due_in(now), 1e-3 if fast else 0.0)
            run.step(now)
        run.pacing.stop(now)
        run.pacing.cut(now)
        run.end()
        account = run.account
        assert run.path is not None
        assert (account.planned, account.recorded) == (recorded(run.path),) * 2
        assert account.is_complete
        assert length is None or account.planned == whole
        if run.path.suffix == ".fits":
            with fits.open(run.path) as units:
                header = units[0].header
                found = [
                    header[key]
                    for key in ("DAQPLAN", "DAQNINT", "DAQDROP", "DAQLOST", "DAQEND", "ARRAYST")
                ]
                ending = "stopped" if length is None else "complete"
                assert found == [account.planned, account.recorded, 0.0, 0.0, ending, "unknown"]


@pytest.mark.parametrize("mode", sorted(MODES))
def test_monitor_mode_goes_on_until_it_is_stopped_and_counts_as_a_scan_does(
    tmp_path: Path, mode: str
) -> None:
    times = {"EXPOSURE": 0.05, "TFOLD": 0.05, "SCANLEN": 0.3}
    run, now = a_run(tmp_path, "synthetic", 300, mode, fast=False, to_file=False, **times), START
    run.begin(START)
    while now < START + 1.0:
        assert not run.pacing.over
        now += run.pacing.due_in(now)
        run.step(now)
    run.pacing.cut(now)
    run.end()
    assert run.path is None
    assert run.account.planned == run.account.recorded > 3
    assert run.account.is_complete


def planned(
    cycle: StateCycle,
    exposure: float,
    taps: int,
    nfine: int,
    pass_samples: int = 0,
    rate: float = 1.0,
) -> PlannedSpectra:
    return PlannedSpectra(
        cycle=cycle,
        integration_samples=exposure,
        rate=rate,
        taps=taps,
        nfine=nfine,
        reach=0.0,
        pass_samples=pass_samples,
    )


@settings(max_examples=150)
@given(
    taps=st.integers(1, 6),
    nfine=st.integers(1, 40),
    pass_samples=st.integers(0, 200),
    samples=st.integers(0, 3000),
    exposure=st.integers(1, 400),
    period=st.integers(2, 300),
    blanking=st.integers(0, 6),
)
def test_integrations_are_those_that_are_counted_one_by_one(
    taps: int,
    nfine: int,
    pass_samples: int,
    samples: int,
    exposure: int,
    period: int,
    blanking: int,
) -> None:
    """In exact numbers: an integration counts if a spectrum of one state has its middle in it."""
    exposure += nfine
    begins, blanked = (
        Fraction("0.4567") * period,
        blanking + Fraction("0.1"),
    )  # no spectrum is just there
    cycle = StateCycle(
        period=float(period),
        starts=(0.0, 0.4567),
        cal=(1, 0),
        sig_ref=(0, 0),
        blanking=(float(blanked), 0.0),
    )
    plan = planned(cycle, float(exposure), taps, nfine, pass_samples)
    found: set[Fraction] = set()
    length = pass_samples or samples
    for begin in range(0, samples, max(length, 1)):
        end = min(begin + length, samples)
        for at in range(begin, end - taps * nfine + 1, nfine):
            middle = at + Fraction(taps * nfine, 2)
            in_period = middle % period
            if in_period >= min(begins, blanked):
                found.add(middle // exposure)
    assert plan.integrations(samples) == len(found)


@pytest.mark.parametrize("blanking", [0.0, 400.0])
def test_a_long_scan_is_counted_without_looking_at_every_spectrum(blanking: float) -> None:
    cycle = StateCycle(period=1000.0, starts=(0.0,), blanking=(blanking,))
    plan = planned(cycle, exposure=5000.0, taps=1, nfine=2)
    whole = 2 * MAX_SPECTRA // 5000 * 5000 + 5000
    assert plan.integrations(whole) == whole // 5000
    assert plan.integrations(whole + 300) == whole // 5000 + (
        blanking < 300
    )  # the rest of it is blanked


def test_a_scan_of_fifty_years_is_counted_at_once() -> None:
    """Somebody may have written a start of long ago; what is due since then is lost, and has to be
    counted."""
    plan = planned(
        StateCycle(), exposure=3904.0, rate=39040.0, taps=8, nfine=256, pass_samples=3904
    )
    assert plan.integrations(10**13 // 3904 * 3904) == 10**13 // 3904


def test_subintegrations_are_those_that_hold_a_sample() -> None:
    for samples in range(40):
        for fold in (Fraction(1, 3), Fraction(1), Fraction(5, 2), Fraction(7)):
            held = {(number + Fraction(1, 2)) // fold for number in range(samples)}
            assert subintegrations_of(samples, 1.0, float(fold)) == len(held), json.dumps(
                [samples, float(fold)]
            )
