"""Pulsar modes by a Dealer on simulated Banks: search data, a folded pulsar, raw voltages, nodes of
a coherent mode.

Three of the eight nodes run, each with a receiver for its part of the band and with the same pulsar
in it.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from support.player_run import PlayerRun, clean_environment
from support.pulsar_scans import dedispersed, dispersed_by, psrfits
from support.spectrometer_array import COHERENT_NODES, write_array

from dealer import Dealer, PlayersError
from spectrometer.daq.guppifile import GuppiFile

NODES = ["BANKA", "BANKB", "BANKC"]
PERIOD, WIDTH, DM = 0.1, 0.03, 1200.0
CHANNELS, WIDTH_MHZ, LOWEST_MHZ = 8, 0.1, 300.0  # narrow, so that a loaded machine keeps up
SECONDS = 2.0
CALL_S = 90.0  # a mode change starts a program, on a loaded machine


def receiver(node: int) -> str:
    center = LOWEST_MHZ + (node + 0.5) * WIDTH_MHZ
    pulsar = f"{{ period_s = {PERIOD}, width = {WIDTH}, flux_k = 8.0, dm = {DM} }}"
    band = f"center_mhz = {center}, bandwidth_mhz = {WIDTH_MHZ}, channels = {CHANNELS}"
    return f"{{ max_lag_s = 60.0, synthetic = {{ {band}, seed = {node + 1}, pulsar = {pulsar} }} }}"


@dataclass
class Array:
    dealer: Dealer
    data: Path
    par: Path

    def set_up(self, mode: str, **parameters: Any) -> None:
        """Set a mode and what all scans have in common."""
        self.dealer.set_mode(mode)
        self.dealer.set_param(
            scan_length=SECONDS,
            project_id="PSR",
            par_file=str(self.par),
            source="B0000+00",
            **parameters,
        )

    def scan(self) -> dict[str, Path]:
        """Take a scan: Bank -> its file."""
        d = self.dealer
        d.prepare()
        d.start()
        d.wait_for_scan()
        reports = d.scan_report()
        assert {report["outcome"]: report["error"] for report in reports.values()} == {"done": ""}
        return {bank: self.data / "PSR" / report["file"] for bank, report in reports.items()}


@pytest.fixture(scope="module")
def array(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Array]:
    folder = tmp_path_factory.mktemp("psr")
    par = folder / "b.par"
    par.write_text(f"PSR B0000+00\nF0 {1 / PERIOD}\nPEPOCH 60000\nDM {DM}\n")
    config = folder / "array.toml"
    sources = {bank: receiver(node) for node, bank in enumerate(NODES)}
    urls = write_array(config, banks=COHERENT_NODES, arm_delay_s=2.0, sources=sources)
    environment = clean_environment(DIBAS_DATA=str(folder / "data"))
    with contextlib.ExitStack() as stack:
        players = [
            stack.enter_context(
                PlayerRun(
                    bank,
                    urls[bank],
                    "simulate",
                    "--config",
                    config,
                    log=folder / bank,
                    env=environment,
                )
            )
            for bank in NODES
        ]
        for player in players:
            player.wait_ready()
        with Dealer({bank: urls[bank] for bank in NODES}, timeout=CALL_S) as d:
            d.add_active_player(*NODES)
            yield Array(d, folder / "data", par)
        for player in players:
            player.end(signal.SIGTERM)


@pytest.fixture(scope="module")
def incoherent(array: Array) -> dict[str, Path]:
    """Files of one scan, in which each Bank records something else."""
    array.set_up("INCO_MODE_64", integration_time=0.0008, nbin=64, tfold=0.5)
    for bank, obs_mode in zip(NODES, ("search", "fold", "raw"), strict=True):
        array.dealer.players[bank].set_param(obs_mode=obs_mode)
    return array.scan()


def profile_of(path: Path) -> np.ndarray:
    """Total power of all channels by phase at infinite frequency."""
    found = psrfits(path)
    products = 2 if found.table["POL_TYPE"] == "AABBCRCI" else 1
    delays = dispersed_by(found.table["DM"], found.rows["DAT_FREQ"][0])
    profile: np.ndarray = (
        dedispersed(found.values[:, :products], delays / PERIOD).sum(axis=1).mean(axis=(0, 1))
    )
    return profile


def phase_of(profile: np.ndarray) -> float:
    pulse = profile - np.median(profile)
    turns = np.exp(2j * np.pi * (np.arange(len(profile)) + 0.5) / len(profile))
    return float(np.angle((pulse * turns).sum()) / (2 * np.pi))


def width_of(profile: np.ndarray) -> float:
    pulse = profile - np.median(profile)
    return float(pulse.sum() / pulse.max() / len(profile) / np.sqrt(np.pi / (4 * np.log(2))))


def test_search_data_in_an_incoherent_mode(incoherent: dict[str, Path]) -> None:
    with fits.open(incoherent["BANKA"]) as units:
        units.verify("exception")
        primary, header, rows = units[0].header, units["SUBINT"].header, units["SUBINT"].data
        assert (primary["FITSTYPE"], primary["OBS_MODE"], primary["SRC_NAME"]) == (
            "PSRFITS",
            "SEARCH",
            "B0000+00",
        )
        assert (primary["SIMULATE"], primary["TELESCOP"], header["NCHAN"]) == (True, "Arecibo", 64)
        assert (header["POL_TYPE"], header["NPOL"], header["NBITS"]) == ("IQUV", 4, 8)
        assert 0 < len(rows) * header["NSBLK"] * header["TBIN"] <= SECONDS
        assert rows["DATA"].shape[1:] == (header["NSBLK"], 4, 64)


def test_a_pulsar_folded_in_an_incoherent_mode(incoherent: dict[str, Path]) -> None:
    profile = profile_of(incoherent["BANKB"])
    with fits.open(incoherent["BANKB"]) as units:
        primary, rows = units[0].header, units["SUBINT"].data
        assert primary["OBS_MODE"] == "PSR"
        assert rows["PERIOD"].tolist() == pytest.approx([PERIOD] * len(rows))
        assert rows["TSUBINT"].max() <= 0.51
    assert phase_of(profile) == pytest.approx(0.0, abs=0.02)  # the pulse leaves at each full second
    assert profile.max() > 2 * np.median(profile)


def test_raw_voltages_are_read_back(incoherent: dict[str, Path]) -> None:
    reader = GuppiFile(incoherent["BANKC"])
    assert (reader.band.channels, reader.band.polarizations) == (CHANNELS, 2)
    assert reader.header.values["SRC_NAME"] == "B0000+00"
    assert 0 < reader.samples * reader.band.sample_time <= SECONDS
    reader.close()


def test_a_par_file_that_is_missing_is_told_at_the_start(
    array: Array, incoherent: dict[str, Path]
) -> None:
    d = array.dealer
    d.set_mode("INCO_MODE_64")
    d.set_param(obs_mode="fold", par_file="nowhere.par")
    d.prepare()
    with pytest.raises(PlayersError, match=r"PARFILE nowhere.par: No such file"):
        d.start()


def test_nodes_of_a_coherent_mode_fold_one_pulsar_each_in_its_part_of_the_band(
    array: Array,
) -> None:
    array.set_up("CODD_MODE_64", obs_mode="coherent_fold", nbin=128, tfold=1.0)
    files = array.scan()
    assert list(files) == NODES
    smeared = 8.3e-6 * DM * WIDTH_MHZ / CHANNELS / (LOWEST_MHZ / 1000) ** 3 / PERIOD
    assert smeared > 0.04
    begins = set()
    for node, path in enumerate(files.values()):
        with fits.open(path) as units:
            primary = units[0].header
            assert primary["OBSFREQ"] == pytest.approx(LOWEST_MHZ + (node + 0.5) * WIDTH_MHZ)
            assert (primary["CHAN_DM"], primary["BANKNUM"], primary["OBSNCHAN"]) == (
                DM,
                node,
                CHANNELS,
            )
            begins.add((primary["STT_IMJD"], primary["STT_SMJD"]))
        profile = profile_of(path)
        assert phase_of(profile) == pytest.approx(
            0.0, abs=0.01
        )  # at infinite frequency, so for all alike
        assert width_of(profile) == pytest.approx(WIDTH, rel=0.15)
    assert len(begins) == 1
