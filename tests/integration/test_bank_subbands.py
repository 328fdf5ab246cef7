"""Eight sub-bands with a switched noise diode, by a Dealer, on a simulated board: the file tells
all of it apart."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
from astropy.io import fits
from support.player_run import PlayerRun, clean_environment
from support.spectrometer_array import write_array

import dealer
from dealer import Switching

NCHAN, SYNTHESIZER_MHZ, SKY_MHZ = 4096, 1500.0, 1420.0  # of MODE20
SUBBAND_MHZ = SYNTHESIZER_MHZ / 64
CENTRES = [750.0 + SUBBAND_MHZ * (n - 3.5) for n in range(8)]
CHANNELS = [100, 4000, 2047, 2049, 1, 3000, 512, 2500]
TSYS_K, DIODE_K = (20.0, 30.0), 10.0
STATE_S, RATE_HZ = 2.0, 250_000  # half of the usual rate, so that a loaded machine keeps up
# 8 %, 4.6 times the noise: a mean of 4096 channels and 24 spectra at 40 K has 0.13 K, at 30 K 0.1 K
MARGIN_K = 0.8


def receiver() -> str:
    """The input is as wide as eight sub-bands side by side, and has a carrier in each."""
    tones = [
        SKY_MHZ + centre - 750.0 + (channel - NCHAN // 2) * SUBBAND_MHZ / NCHAN
        for centre, channel in zip(CENTRES, CHANNELS, strict=True)
    ]
    carriers = ", ".join(f"{{ frequency_mhz = {tone!r}, power_k_mhz = 2.0 }}" for tone in tones)
    return (
        "{ taps = 2, max_lag_s = 60.0, "
        f"synthetic = {{ center_mhz = {SKY_MHZ}, bandwidth_mhz = {8 * SUBBAND_MHZ}, seed = 5, "
        f"rate_hz = {RATE_HZ}, tsys_k = {list(TSYS_K)}, cal_k = {DIODE_K}, carriers = [{carriers}] }} }}"
    )


def test_carriers_and_diode_are_found_in_each_of_eight_sub_bands(tmp_path: Path) -> None:
    config, data = tmp_path / "array.toml", tmp_path / "data"
    urls = write_array(config, sources={"BANKA": receiver()})
    words = ("BANKA", urls["BANKA"], "simulate", "--config", config)
    log = tmp_path / "player.log"
    with (
        PlayerRun(*words, log=log, env=clean_environment(DIBAS_DATA=str(data))) as run,
        dealer.Dealer(urls) as d,
    ):
        run.wait_ready()
        d.set_mode("MODE20")
        d.set_param(
            exposure=2 * STATE_S, scan_length=4 * STATE_S, project_id="SUB", subband_freq=CENTRES
        )
        states = [
            (0.0, Switching.SIG, Switching.CALON, 0.15),
            (0.5, Switching.SIG, Switching.CALOFF, 0.15),
        ]
        d.set_gbt_ss(2 * STATE_S, states)
        d.prepare()
        d.start()
        d.wait_for_scan(every=0.2)
        report = d.scan_report()["BANKA"]
        assert (report["outcome"], report["error"], report["dropped"]) == ("done", "", 0)
        note = d.get_status("DAQNOTE")["BANKA"]
        assert note == ""
        run.end(signal.SIGTERM)
    with fits.open(data / "SUB" / report["file"]) as units:
        units.verify("exception")
        header, axis, rows = units[0].header, units["SPECTRA"].header, units["SPECTRA"].data
        spectra, number = np.asarray(rows["DATA"], np.float64), len(rows.columns)
        assert spectra.shape[1:] == (8, NCHAN)
        assert np.isfinite(spectra).all()
        assert rows["SUBFREQ"][0].tolist() == [centre * 1e6 for centre in CENTRES]
        assert [header[f"SUB{n}FREQ"] for n in range(8)] == [centre * 1e6 for centre in CENTRES]
        sky = (
            rows["CRVAL1"][0]
            + (np.asarray(CHANNELS) + 1 - axis[f"1CRPX{number}"]) * axis[f"1CDLT{number}"]
        )
        assert (spectra.argmax(axis=2) == CHANNELS).all()
        assert axis[f"1CDLT{number}"] == SUBBAND_MHZ * 1e6 / NCHAN
        carriers = [float(header[f"SIMCAR{n:02d}"].split()[0]) * 1e6 for n in range(1, 9)]
        assert np.abs(sky - carriers).max() < 10.0  # Hz, what the cards hold; channels have 5722 Hz
        for sub_band, channel in enumerate(CHANNELS):
            spectra[:, sub_band, max(channel - 3, 0) : channel + 4] = np.nan
        kelvin = np.nanmean(spectra, axis=2) * header["SIMKPCNT"]
        for polarization, tsys in zip(("XX", "YY"), TSYS_K, strict=True):
            on, off = (
                kelvin[(rows["POL"] == polarization) & (rows["CAL"] == cal)].mean(axis=0)
                for cal in (1, 0)
            )
            assert rows["NSPECTRA"].min() >= 10
            assert np.abs(off - tsys).max() < MARGIN_K
            assert np.abs(on - off - DIODE_K).max() < MARGIN_K
