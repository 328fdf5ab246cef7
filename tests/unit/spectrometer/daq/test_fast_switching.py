"""A diode that is switched comes out with its full strength, or the scan is refused with both
numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits

from readers.scans import PULSAR, run_to_end
from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.errors import ScanSetupError
from spectrometer.daq.receiver import ReceiverConfig
from spectrometer.daq.runs import run_for

RATE, NCHAN, TAPS = 500_000.0, 64, 4
STEP = NCHAN / RATE
NEEDED = (TAPS + 1) * STEP
CAL_K, TSYS_K = 5.0, 1.0
RECEIVER = {
    "bandwidth_mhz": 2.0,
    "rate_hz": RATE,
    "cal_k": CAL_K,
    "tsys_k": (TSYS_K, TSYS_K),
    "level": 12.0,
}


def states(period: float, shares: tuple[float, ...], blanking: float) -> dict[str, Any]:
    """Status keys of states that take turns with the diode on."""
    values: dict[str, Any] = {"SWPERIOD": period}
    for number in range(len(shares)):
        key = f"{number + 1:02d}"
        values |= {
            f"_SPHS_{key}": sum(shares[:number]),
            f"_SBLK_{key}": blanking,
            f"_SCAL_{key}": (number + 1) % 2,
        }
    return values


def diode(folder: Path, **status: Any) -> float:
    """Power that the diode adds in the spectra of a scan, K."""
    values = {
        "NCHAN": NCHAN,
        "EXPOSURE": 0.25,
        "SCANLEN": 0.25,
        "PROJID": "P",
        "BANKNAM": "B",
        "SCANNUM": 1,
        **status,
    }
    run = run_for(
        RunOptions(synthetic=ReceiverConfig(**RECEIVER), fast=True, taps=TAPS), values, folder
    )
    with fits.open(run_to_end(run)) as units:
        rows, kelvin = units["SPECTRA"].data, units[0].header["SIMKPCNT"]
        power = rows["DATA"].mean(axis=1) * kelvin
        on, off = (power[rows["CAL"] == cal].mean() for cal in (1, 0))
        return float(on - off)


@pytest.mark.parametrize("blanking", [0.0, 2e-4])
@pytest.mark.parametrize("shares", [(0.5, 0.5), (0.3, 0.7), (0.25, 0.25, 0.25, 0.25)])
def test_a_diode_has_its_strength_however_fast_it_is_switched_or_the_scan_is_refused(
    tmp_path: Path, shares: tuple[float, ...], blanking: float
) -> None:
    for length in (NEEDED, 1.3 * NEEDED, 20 * NEEDED):  # of the shortest state
        found = diode(
            tmp_path, **states((length + blanking) / min(shares) * 1.0001, shares, blanking)
        )
        assert found == pytest.approx(CAL_K, rel=0.02)
    for length in (0.1 * NEEDED, 0.5 * NEEDED, 0.999 * NEEDED):
        with pytest.raises(ScanSetupError) as refused:
            diode(tmp_path, **states((length + blanking) / min(shares), shares, blanking))
        assert str(refused.value) == (
            f"state 0 lasts {length:.4g} s less blanking; 4 taps need {NEEDED:.4g} s: "
            "switch more slowly, or take fewer channels or taps"
        )
        assert len(str(refused.value).partition(": switch")[0]) <= 68  # the rest is in the log


def test_a_diode_that_is_folded_is_refused_if_samples_cannot_be_of_one_state(
    tmp_path: Path,
) -> None:
    receiver = ReceiverConfig(center_mhz=300.0, bandwidth_mhz=0.4, channels=4)
    for frequency, is_refused in ((25.0, False), (200.0, True)):
        values = {
            **PULSAR,
            "OBS_MODE": "CAL",
            "CAL_FREQ": frequency,
            "CAL_DCYC": 0.25,
            "OBSNCHAN": 64,
            "NBIN": 16,
        }
        options = RunOptions(synthetic=receiver, fast=True)
        if is_refused:
            with pytest.raises(
                ScanSetupError, match=r"200 Hz: a state lasts 0.00125 s, samples need 0.00144 s"
            ):
                run_for(options, values, tmp_path)
        else:
            run_for(options, values, tmp_path).end()
