"""Scans of pulsar modes on the synthetic pulsar: it is found where, and as strong as, theory
says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from support.pulsar_scans import dedispersed, dispersed_by, psrfits, pulsar_scan, raw_voltages

from readers.scans import run_to_end
from spectrometer.daq.basicrun import RunOptions
from spectrometer.daq.errors import DaqError
from spectrometer.daq.protocol.guppiraw import BlockHeader, read_header
from spectrometer.daq.pulsar import PulsarRun
from spectrometer.daq.receiver import ReceiverConfig
from spectrometer.daq.run import ScanRun
from spectrometer.daq.runs import Run, run_for

START = 1.7e9  # 2023-11-14T22:13:20
PERIOD, WIDTH, FLUX, DM, TSYS = 0.1, 0.02, 1.0, 200.0, 25.0
NBIN = 200
SECONDS = 3.0
RECEIVER: dict[str, Any] = {
    "center_mhz": 300.0,
    "bandwidth_mhz": 0.4,
    "channels": 4,
    "tsys_k": (TSYS, TSYS),
    "seed": 4,
    "pulsar": {"period_s": PERIOD, "width": WIDTH, "flux_k": FLUX, "dm": DM},
}
PEPOCH = 60262 + 80000.025 / 86400  # a quarter of a period after the start


@pytest.fixture
def par(tmp_path: Path) -> Path:
    path = tmp_path / "x.par"
    path.write_text(f"PSR X\nF0 {1 / PERIOD}\nPEPOCH {PEPOCH!r}\nDM {DM}\n")
    return path


def scan(folder: Path, receiver: dict[str, Any] | None = None, **status: Any) -> Path:
    values = {
        "BACKEND": "GUPPI",
        "OBS_MODE": "FOLD",
        "OBSNCHAN": 4,
        "TBIN": 1e-4,
        "DS_TIME": 1,
        "NPOL": 4,
        "POL_TYPE": "AABBCRCI",
        "ONLY_I": 0,
        "NBIN": NBIN,
        "TFOLD": 1.0,
        "PARFILE": str(folder / "x.par"),
        "SCANLEN": SECONDS,
        "PROJID": "P",
        "BANKNAM": "BANKA",
        "SCANNUM": 1,
        "FFTLEN": 32768,
        "OVERLAP": 512,
        "BLOCSIZE": 33554432,
        "CHAN_DM": DM,
        **status,
    }
    options = RunOptions(synthetic=ReceiverConfig(**(receiver or RECEIVER)), fast=True)
    run = run_for(options, values, folder)
    return run_to_end(run)


def profiles_of(path: Path) -> np.ndarray:
    """Shape (rows, products, channels, bins), in counts**2, dedispersed to infinite frequency as
    the file says."""
    found = psrfits(path)
    delays = dispersed_by(found.table["DM"], found.rows["DAT_FREQ"][0])
    return dedispersed(found.values, delays / found.rows["PERIOD"][0])


def raw_headers(path: Path) -> list[BlockHeader]:
    """Of all blocks of a raw file."""
    data, at, headers = path.read_bytes(), 0, []
    while at < len(data):
        headers.append(read_header(data[at : at + 20_000]))
        at += headers[-1].header_bytes + headers[-1].block_bytes
    return headers


def width_of(profile: np.ndarray) -> float:
    """Full width at half maximum by area over height, in periods."""
    pulse = profile - np.median(profile)
    near = np.abs((np.arange(NBIN) - pulse.argmax() + NBIN / 2) % NBIN - NBIN / 2) < NBIN * 0.12
    return float(pulse[near].sum() / pulse.max() / NBIN / np.sqrt(np.pi / (4 * np.log(2))))


def test_the_pulsar_is_found_at_the_phase_and_the_strength_of_theory(
    tmp_path: Path, par: Path
) -> None:
    found = profiles_of(scan(tmp_path, OBS_MODE="COHERENT_FOLD"))
    assert found.shape == (3, 4, 4, NBIN)
    profile = found[:, :2].sum(axis=1).mean(axis=(0, 1))
    level = np.median(profile)
    turns = np.angle(
        ((profile - level) * np.exp(2j * np.pi * (np.arange(NBIN) + 0.5) / NBIN)).sum()
    ) / (2 * np.pi)
    predicted = (
        (80000 - 80000.025) / PERIOD % 1
    )  # of the start; the pulse leaves at phase 0 with the scan
    assert (turns - predicted + 0.5) % 1 - 0.5 == pytest.approx(0.0, abs=1 / NBIN)

    per_bin = SECONDS * 0.4e6 * 2 / NBIN  # independent samples, both polarizations
    noise = np.std(profile[(np.arange(NBIN) - predicted * NBIN + NBIN / 2) % NBIN < NBIN * 0.3])
    assert noise / level == pytest.approx(per_bin**-0.5, rel=0.25)  # 60 bins: 9 % of scatter
    peak = FLUX / WIDTH / np.sqrt(np.pi / (4 * np.log(2))) / TSYS
    assert profile.max() / level - 1 == pytest.approx(peak, abs=4 * per_bin**-0.5 * (1 + peak))
    assert (profile - level).mean() / level == pytest.approx(FLUX / TSYS, rel=0.1)


@pytest.mark.parametrize("bandwidth", [0.4, -0.4])
def test_coherent_dedispersion_makes_the_pulse_as_narrow_as_it_left(
    tmp_path: Path, par: Path, bandwidth: float
) -> None:
    receiver = RECEIVER | {
        "bandwidth_mhz": bandwidth,
        "pulsar": RECEIVER["pulsar"] | {"flux_k": 5.0},
    }
    smeared = 8.3e-6 * DM * 0.1 / 0.3**3 / PERIOD  # in a channel, periods
    for mode, predicted in (("FOLD", smeared), ("COHERENT_FOLD", WIDTH)):
        found = profiles_of(scan(tmp_path, receiver, OBS_MODE=mode))[:, :2].sum(axis=1).mean(axis=0)
        assert (
            len(set(found.argmax(axis=1) // 20)) <= 2
        )  # channels are aligned: 22 ms lie between the outer ones
        if mode == "FOLD":
            assert np.mean([width_of(channel) for channel in found]) > 0.7 * predicted > 2 * WIDTH
        else:
            assert [width_of(channel) for channel in found] == pytest.approx(
                [predicted] * 4, rel=0.2
            )


def test_channels_of_an_incoherent_mode_are_dedispersed_against_each_other(
    tmp_path: Path, par: Path
) -> None:
    receiver = RECEIVER | {"pulsar": RECEIVER["pulsar"] | {"flux_k": 5.0}}
    aligned = profiles_of(scan(tmp_path, receiver, OBSNCHAN=64, POL_TYPE="IQUV"))[:, 0].mean(
        axis=(0, 1)
    )
    par.write_text(par.read_text().replace(f"DM {DM}", "DM 0"))
    smeared = profiles_of(scan(tmp_path, receiver, OBSNCHAN=64, POL_TYPE="IQUV"))[:, 0].mean(
        axis=(0, 1)
    )
    assert width_of(aligned) == pytest.approx(
        WIDTH, rel=0.3
    )  # 0.4 ms in a channel, 1.3 ms of a spectrum's filter
    assert smeared.max() / np.median(smeared) - 1 < 0.25 * (aligned.max() / np.median(aligned) - 1)


@pytest.mark.parametrize(
    ("status", "pol_type", "npol"),
    [
        ({"POL_TYPE": "IQUV"}, "IQUV", 4),
        ({"POL_TYPE": "IQUV", "ONLY_I": 1}, "AA+BB", 1),
        ({"POL_TYPE": "AA+BB", "NPOL": 1, "PKTFMT": "FAST4K"}, "AA+BB", 1),
        ({"OBS_MODE": "COHERENT_SEARCH"}, "AABBCRCI", 4),
    ],
)
def test_search_data_show_the_pulses_in_time(
    tmp_path: Path, status: dict[str, Any], pol_type: str, npol: int
) -> None:
    receiver = RECEIVER | {
        "pulsar": {"period_s": PERIOD, "width": 0.05, "flux_k": 20.0, "dm": 0.0, "phase": 0.5}
    }
    path = scan(
        tmp_path,
        receiver,
        **{"OBS_MODE": "SEARCH", "CHAN_DM": 0.0, "TBIN": 1e-3, "SCANLEN": 1.0, **status},
    )
    with fits.open(path) as units:
        units.verify("exception")
        primary, header, rows = units[0].header, units["SUBINT"].header, units["SUBINT"].data
        assert (header["POL_TYPE"], header["NPOL"], header["TBIN"], header["NBITS"]) == (
            pol_type,
            npol,
            1e-3,
            8,
        )
        assert (primary["OBS_MODE"], primary["STT_IMJD"], primary["STT_SMJD"]) == (
            "SEARCH",
            60262,
            80000,
        )
        nsblk = header["NSBLK"]
        assert rows["OFFS_SUB"].tolist() == pytest.approx(
            [(n + 0.5) * nsblk * 1e-3 for n in range(len(rows))]
        )
        assert (
            1.0 - len(rows) * nsblk * 1e-3 < nsblk * 1e-3 <= 1 / 8
        )  # at most one row is short, and left out
        scale, offset = (
            rows[key].reshape(len(rows), 1, npol, 4) for key in ("DAT_SCL", "DAT_OFFS")
        )
        samples = (rows["DATA"] * scale + offset).reshape(-1, npol, 4)
        power = samples[:, 0].mean(axis=1)
        times = primary["STT_OFFS"] + (np.arange(len(power)) + 0.5) * 1e-3
        phases = np.mod(times / PERIOD + 0.5, 1.0)
        on, off = power[np.abs(phases - np.rint(phases)) < 0.02], power[np.abs(phases - 0.5) < 0.2]
        assert len(on) > 20
        assert on.min() > 5 * off.max()
    if pol_type == "IQUV":  # unpolarised
        assert np.abs(samples[:, 1:].mean(axis=(0, 2))).max() < 0.05 * power.mean()


def test_the_diode_is_folded_at_its_frequency(tmp_path: Path) -> None:
    receiver = {
        "center_mhz": 300.0,
        "bandwidth_mhz": 0.4,
        "channels": 4,
        "cal_k": 10.0,
        "tsys_k": (20.0, 20.0),
    }
    path = scan(
        tmp_path, receiver, OBS_MODE="CAL", CAL_MODE="ON", CAL_FREQ=25.0, CAL_DCYC=0.25, NBIN=64
    )
    profile = profiles_of(path)[:, 0].mean(axis=(0, 1))
    assert profile[1:15].mean() / profile[17:63].mean() == pytest.approx(1.5, rel=0.03)
    with fits.open(path) as units:
        header = units[0].header
        found = [header[key] for key in ("OBS_MODE", "CAL_MODE", "CAL_FREQ", "CAL_DCYC")]
        assert found == ["CAL", "SYNC", 25.0, 0.25]  # the words of PSRFITS
        assert units["SUBINT"].data["PERIOD"].tolist() == pytest.approx([0.04] * 3)


def test_a_slow_receiver_keeps_the_time_of_its_voltages(tmp_path: Path, par: Path) -> None:
    """At a tenth of the rate that its band would need, the pulsar has its period, and a scan a
    tenth of its data."""
    path = scan(
        tmp_path, RECEIVER | {"rate_hz": 1e4}, SCANLEN=10.0, OBS_MODE="COHERENT_FOLD", TFOLD=0.5
    )
    with fits.open(path) as units:
        assert units["SUBINT"].data["TSUBINT"].sum() == pytest.approx(1.0, rel=0.2)
        assert (units[0].header["REPLAYRT"], units[0].header["RECTBIN"]) == (1e4, 1e-5)
    profile = profiles_of(path)[:, :2].sum(axis=1).mean(axis=(0, 1))
    predicted = int((80000 - 80000.025) / PERIOD % 1 * NBIN)
    assert abs(int(profile.argmax()) - predicted) <= 2


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ({"OBS_MODE": "LOOK"}, "OBS_MODE is LOOK; expected SEARCH, FOLD, CAL or RAW"),
        (
            {"OBSNCHAN": 6},
            "OBSNCHAN 6 cannot be made of the 4 coarse channels; expected a multiple",
        ),
        ({"PARFILE": "/nowhere/x.par"}, "PARFILE x.par: No such file"),
        ({"PARFILE": ".../a/long/x.par"}, "expected a path of at most 68 characters"),
        ({"OBS_MODE": "CAL", "CAL_FREQ": "unspecified"}, "status key CAL_FREQ is not set"),
        ({"TBIN": 0}, "TBIN is 0; expected more than 0"),
        ({"NBIN": 1}, "NBIN is 1; expected 2 to"),
        ({"POL_TYPE": "XYZ"}, "POL_TYPE is XYZ; expected IQUV, AABBCRCI or AA"),
        ({"SCANLEN": 1e-4}, "SCANLEN 0.0001 s is too short: the first row takes"),
        ({"OBS_MODE": "COHERENT_FOLD", "CHAN_DM": 5e3}, "SCANLEN 0.5 s is too short"),
        (
            {"OBS_MODE": "COHERENT_FOLD", "CHAN_DM": 1e7},
            "smears a channel over 30789984 samples: too many",
        ),
        (
            {"OBSNCHAN": 4096, "NBIN": 65536},
            "NBIN is 65536; expected at most 2048 with 4096 channels",
        ),
    ],
)
def test_what_cannot_be_is_said_before_the_scan_begins(
    tmp_path: Path, par: Path, status: dict[str, Any], says: str
) -> None:
    with pytest.raises(DaqError, match=says) as caught:
        scan(tmp_path, **{"SCANLEN": 0.5, **status})
    assert len(str(caught.value)) < 140


def test_bins_that_are_shorter_than_a_sample_are_told(tmp_path: Path, par: Path) -> None:
    run = run_for(
        RunOptions(synthetic=ReceiverConfig(**RECEIVER)),
        {
            "BACKEND": "GUPPI",
            "OBS_MODE": "FOLD",
            "OBSNCHAN": 4,
            "TBIN": 1e-3,
            "NBIN": 200,
            "PARFILE": str(par),
        },
        tmp_path,
    )
    run.end()
    assert (
        run.note
        == "a sample of 0.001 s is longer than a bin of 0.0005 s; no RA, DEC; no ANT_X, Y, Z"
    )


def test_positions_that_are_not_known_are_told_before_the_scan(tmp_path: Path, par: Path) -> None:
    values = {"BACKEND": "GUPPI", "OBS_MODE": "SEARCH", "OBSNCHAN": 4, "TBIN": 1e-3}
    known = {
        "RA_STR": "05:34:31.973",
        "DEC_STR": "22:00:52.06",
        "ANT_X": 882589.65,
        "ANT_Y": -4924872.32,
    }
    for more, note in (
        ({}, "no RA, DEC; no ANT_X, Y, Z"),
        (known, "no ANT_X, Y, Z"),
        ({**known, "ANT_Z": 3943729.348}, ""),
        ({"OBS_MODE": "RAW"}, "no RA, DEC"),  # a raw header has no cards for the antenna
    ):
        run = run_for(
            RunOptions(synthetic=ReceiverConfig(**RECEIVER)), {**values, **more}, tmp_path
        )
        run.end()
        assert run.note == note


@pytest.mark.parametrize("given", ["fifo", "/dev/zero", "outside"])
def test_the_status_memory_names_no_par_file_that_stops_the_program(
    tmp_path: Path, par: Path, given: str
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    os.mkfifo(root / "fifo")
    path = {"fifo": root / "fifo", "outside": par}.get(given, Path(given))
    options = RunOptions(synthetic=ReceiverConfig(**RECEIVER), file_roots=(root,))
    values = {
        "BACKEND": "GUPPI",
        "OBS_MODE": "FOLD",
        "OBSNCHAN": 4,
        "TBIN": 1e-3,
        "PARFILE": str(path),
    }
    with pytest.raises(DaqError, match=f"PARFILE {path.name}: is no"):
        run_for(options, values, tmp_path)


def test_a_binary_is_refused_with_what_to_do(tmp_path: Path, par: Path) -> None:
    par.write_text(par.read_text() + "BINARY ELL1\nPB 1.5\n")
    with pytest.raises(
        DaqError, match=r"x.par: the par file describes a binary pulsar \(BINARY, PB\)"
    ):
        scan(tmp_path)


def test_the_backend_chooses_the_class(tmp_path: Path) -> None:
    options = RunOptions(synthetic=ReceiverConfig(), fast=True)
    for backend, kind in (("GUPPI", PulsarRun), ("VEGAS", ScanRun)):
        values = {
            "BACKEND": backend,
            "OBS_MODE": "SEARCH",
            "OBSNCHAN": 64,
            "TBIN": 1e-3,
            "EXPOSURE": 0.1,
            "NCHAN": 64,
        }
        run = run_for(options, values, tmp_path, to_file=False)
        assert type(run) is kind
        run.end()


def run_with_loss(folder: Path, obs_mode: str) -> tuple[Run, Path]:
    """A scan of 4 s whose pieces of 50 ms from 1.0 to 1.4 s come too late; a pulse every 0.1 s, at
    phase 0.5."""
    pulsar = {"period_s": PERIOD, "width": 0.05, "flux_k": 20.0, "dm": 0.0, "phase": 0.5}
    values = {
        "BACKEND": "GUPPI",
        "OBS_MODE": obs_mode,
        "OBSNCHAN": 4,
        "TBIN": 1e-3,
        "SCANLEN": 4.0,
        "PROJID": "P",
        "CHAN_DM": 0.1,
        "BLOCSIZE": 1 << 16,
        "FFTLEN": 512,
        "CAL_FREQ": 10.0,
        "TFOLD": 0.5,
    }
    run = run_for(
        RunOptions(synthetic=ReceiverConfig(**RECEIVER | {"pulsar": pulsar})), values, folder
    )
    path = run_to_end(run, late=(1.02, 1.42))
    assert (run.pacing.dropped, run.account.lost_s) == (8, pytest.approx(0.4))
    return run, path


def test_lost_raw_voltages_are_zeros_in_blocks_that_follow_each_other(tmp_path: Path) -> None:
    run, _ = run_with_loss(tmp_path, "RAW")
    assert run.path is not None
    found, first = raw_voltages(run.path), raw_headers(run.path)[0]
    silent = np.flatnonzero(~found.any(axis=(0, 2)))
    assert (silent[0], silent[-1], len(silent)) == (100_000, 139_999, 40_000)
    packet, packets = first.packet_bytes // 16, first.packets
    counts = np.array(
        [(header.values["NPKT"], header.values["NDROP"]) for header in raw_headers(run.path)]
    )
    assert 40_000 / packet <= counts[:, 1].sum() <= 40_000 / packet + 2
    assert set(counts.sum(axis=1)) == {packets}
    assert run.account.recorded == np.count_nonzero(counts[:, 0]) < run.account.planned


@pytest.mark.parametrize("said", ["", "unspecified", None])
def test_texts_that_nobody_says_are_unknown_in_all_files(tmp_path: Path, said: str | None) -> None:
    texts = ("TELESCOP", "SRC_NAME", "FRONTEND")
    status = {**dict.fromkeys((*texts, "RA_STR"), said), "SCANLEN": 0.1, "TBIN": 1e-3}
    raw = raw_headers(pulsar_scan(tmp_path, OBS_MODE="RAW", **status))[0].values
    search = psrfits(pulsar_scan(tmp_path, OBS_MODE="SEARCH", **status)).primary
    for header, position in ((raw, "RA_STR"), (search, "RA")):
        assert [header[key] for key in texts] == ["UNKNOWN"] * 3
        assert header[position] == ""


@pytest.mark.parametrize("obs_mode", ["SEARCH", "COHERENT_SEARCH"])
def test_lost_samples_are_filled_in_and_the_others_keep_their_time(
    tmp_path: Path, obs_mode: str
) -> None:
    run, path = run_with_loss(tmp_path, obs_mode)
    with fits.open(path) as units:
        header, rows = units["SUBINT"].header, units["SUBINT"].data
        begin, nsblk = units[0].header["STT_OFFS"], header["NSBLK"]
        assert (units[0].header["DAQLOST"], units[0].header["DAQEND"]) == (0.4, "incomplete")
        length = nsblk * header["TBIN"]
        assert rows["OFFS_SUB"] == pytest.approx((np.arange(len(rows)) + 0.5) * length)
        assert set(rows["TSUBINT"]) == {rows["TSUBINT"][0]}
        weights = rows["DAT_WTS"].min(axis=1)
        ends = begin + (np.arange(len(rows)) + 1) * length
        is_lost = (ends - length >= 1.0) & (ends <= 1.4)
        assert weights[is_lost].tolist() == [0.0] * is_lost.sum()
        assert weights.sum() == run.account.recorded < run.account.planned == len(rows)
        shape = (len(rows), 1, header["NPOL"], 4)
        data = rows["DATA"].reshape(len(rows), nsblk, header["NPOL"], 4)
        samples = data * rows["DAT_SCL"].reshape(shape) + rows["DAT_OFFS"].reshape(shape)
    power = samples.reshape(-1, samples.shape[2], 4)[:, 0].mean(axis=1)
    times = begin + (np.arange(len(power)) + 0.5) * header["TBIN"]
    for first, last in ((0.1, 0.9), (1.6, 3.9)):  # by a reader that looks at no OFFS_SUB
        chosen = (times > first) & (times < last)
        turns = np.angle((power[chosen] * np.exp(2j * np.pi * times[chosen] / PERIOD)).sum()) / (
            2 * np.pi
        )
        assert (turns - 0.5 + 0.5) % 1 - 0.5 == pytest.approx(
            0.0, abs=0.01
        )  # of a period of 100 samples
    lost = power[(times > 1.01) & (times < 1.39)]
    assert lost.max() < 1.5 * np.median(power) + power.mean()


@pytest.mark.parametrize("obs_mode", ["CAL", "COHERENT_CAL"])
def test_profiles_keep_their_phase_after_a_loss_and_say_how_long_they_are(
    tmp_path: Path, obs_mode: str
) -> None:
    run, path = run_with_loss(tmp_path, obs_mode)
    profiles = profiles_of(path)[:, 0].mean(axis=1)
    assert len(profiles) == run.account.recorded == run.account.planned == 8
    assert set((profiles.argmax(axis=1) // 16).tolist()) <= {7, 8}  # of 16 parts of a turn
    with fits.open(path) as units:
        assert (
            units["SUBINT"].data["TSUBINT"][2] < 0.25
        )  # 0.1 of 0.5 s came, and some more in which the filter filled
