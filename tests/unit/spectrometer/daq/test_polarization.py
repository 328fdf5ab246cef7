"""Products and Stokes parameters of known waves, through all that writes them, as the field's
programs define them.

CR + i CI = A* B of the voltages on the sky, so A = 1, B = i has CI = +1, whatever the sign of the
band.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from support.pulsar_scans import par_file, psrfits, pulsar_scan

from readers.scans import line_scan, run_to_end
from readers.voltages import polarised, write_raw
from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.receiver import ReceiverConfig
from spectrometer.daq.run import ScanRun

# A, B: AA, BB, CR, CI; I, Q, U, V of a linear feed; of a circular one
WAVES = {
    (1, 1j): ((1, 1, 0, 1), (2, 0, 0, 2), (2, 0, 2, 0)),
    (1, 1): ((1, 1, 1, 0), (2, 0, 2, 0), (2, 2, 0, 0)),
    (1, 0): ((1, 0, 0, 0), (1, 1, 0, 0), (1, 0, 0, 1)),
}
SCANS: dict[str, dict[str, Any]] = {
    "search": {"OBS_MODE": "SEARCH", "TBIN": 1e-3},
    "fold": {"OBS_MODE": "FOLD"},
    "cal": {"OBS_MODE": "CAL", "CAL_FREQ": 25.0},
    "coherent_search": {
        "OBS_MODE": "COHERENT_SEARCH",
        "CHAN_DM": 10.0,
        "TBIN": 1e-3,
        "FFTLEN": 4096,
    },
    "coherent_fold": {"OBS_MODE": "COHERENT_FOLD", "CHAN_DM": 10.0, "FFTLEN": 4096},
    "filter_bank": {"OBS_MODE": "SEARCH", "TBIN": 1e-3, "OBSNCHAN": 32},
}


CASES = [((1, 1j), name, falling) for name in SCANS for falling in (False, True)]
CASES += [(wave, "search", False) for wave in WAVES if wave != (1, 1j)]


@pytest.mark.parametrize(("wave", "name", "falling"), CASES)
@pytest.mark.parametrize("pol_type", ["AABBCRCI", "IQUV", "CIRC IQUV"])
def test_products_have_the_sign_that_the_file_says(
    tmp_path: Path, wave: tuple[complex, complex], name: str, falling: bool, pol_type: str
) -> None:
    basis, pol_type = ("CIRC", "IQUV") if " " in pol_type else ("LIN", pol_type)
    par_file(tmp_path)
    source = write_raw(tmp_path / "in.raw", polarised(wave, 4, 12_000), falling=falling)
    status = {"SCANLEN": 0.12, "TFOLD": 0.06, "FD_POLN": basis, "POL_TYPE": pol_type, **SCANS[name]}
    found = psrfits(pulsar_scan(tmp_path, source=source, taps=2, **status))
    assert (found.primary["FD_POLN"], found.primary["BE_PHASE"], found.primary["BE_DCC"]) == (
        basis,
        1,
        1,
    )
    axes = (0, 1, 3) if found.values.shape[2] == 4 and found.table["NBIN"] == 1 else (0, 2, 3)
    products = found.values.mean(axis=axes)
    expected = WAVES[wave][{"AABBCRCI": 0, "IQUV": 1}[pol_type] + (basis == "CIRC")]
    power = products[:2].sum() if pol_type == "AABBCRCI" else products[0]
    assert products / power * (abs(wave[0]) ** 2 + abs(wave[1]) ** 2) == pytest.approx(
        np.array(expected), abs=0.02
    )


@pytest.mark.parametrize(
    ("says", "status", "taken"),
    [
        ("CIRC", "LIN", "CIRC"),
        ("LIN", "CIRC", "LIN"),
        (None, "CIRC", "CIRC"),
        ("UNKNOWN", "CIRC", "CIRC"),
        ("circular", "LIN", "CIRC"),
    ],
)
def test_a_recording_that_says_its_basis_is_believed(
    tmp_path: Path, says: str | None, status: str, taken: str
) -> None:
    source = write_raw(tmp_path / "in.raw", polarised((1, 0), 4, 12_000), more={"FD_POLN": says})
    wanted = {"SCANLEN": 0.12, "FD_POLN": status, "POL_TYPE": "IQUV", **SCANS["search"]}
    found = psrfits(pulsar_scan(tmp_path, source=source, **wanted))
    i, q, _, v = found.values.mean(axis=(0, 1, 3))
    assert (v if taken == "CIRC" else q) == pytest.approx(i, rel=0.01)
    note = f"FD_POLN {taken} as the recording says"
    assert (note in str(found.primary["HISTORY"])) == (taken != status)
    assert (found.primary["FD_POLN"], found.primary["FD_SANG"]) == (
        taken,
        {"LIN": 45.0, "CIRC": 0.0}[taken],
    )


@pytest.mark.parametrize(
    ("says", "card"), [("CIRC", "CIRC"), ("LIN", "LIN"), ("UNKNOWN", None), (None, None)]
)
def test_spectra_have_the_basis_that_a_recording_says(
    tmp_path: Path, says: str | None, card: str | None
) -> None:
    source = write_raw(tmp_path / "in.raw", polarised((1, 0), 4, 12_000), more={"FD_POLN": says})
    path = line_scan(tmp_path, source=source, NCHAN=16, EXPOSURE=0.05, SCANLEN=0.1, rate=1e5)
    assert fits.getheader(path).get("FD_POLN") == card


@pytest.mark.parametrize("bandwidth", [1.0, -1.0])
def test_the_synthetic_receiver_has_its_correlation_in_spectra_whatever_the_sign_of_the_band(
    tmp_path: Path, bandwidth: float
) -> None:
    """<X Y*> = 0.5 i: so of search data, where CI is of X* Y, -0.5."""
    receiver = {
        "bandwidth_mhz": bandwidth,
        "channels": 2,
        "correlation": 0.5,
        "correlation_deg": 90.0,
    }
    run = ScanRun(
        RunOptions(synthetic=ReceiverConfig(**receiver), fast=True, taps=2),
        {"NCHAN": 64, "EXPOSURE": 0.2, "SCANLEN": 0.2, "PROJID": "P", "POLARIZE": "CROSS"},
        tmp_path,
    )
    with fits.open(run_to_end(run)) as units:
        rows = {row["POL"]: row["DATA"].mean() for row in units["SPECTRA"].data}
    assert rows["REXY"] / rows["XX"] == pytest.approx(0, abs=0.03)
    assert rows["IMXY"] / rows["XX"] == pytest.approx(0.5, abs=0.03)

    found = psrfits(
        pulsar_scan(tmp_path, receiver, OBSNCHAN=64, OBS_MODE="SEARCH", TBIN=1e-3, SCANLEN=0.5)
    )
    aa, _, cr, ci = found.values.mean(axis=(0, 1, 3))
    assert (cr / aa, ci / aa) == pytest.approx((0, -0.5), abs=0.03)
