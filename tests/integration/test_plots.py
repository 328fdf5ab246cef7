"""`dealer plot` of every kind of file that we write: what was put in is where the picture has
it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from support.daq import TWO_PHASES

from dealer.cli import main
from readers.scans import line_scan, par_file, pulsar_scan
from spectrometer.spectra.files import FileError, Panel, read_picture

CARRIER_MHZ = 300.05
RECEIVER: dict[str, Any] = {
    "channels": 4,
    "bandwidth_mhz": 0.4,
    "center_mhz": 300.0,
    "seed": 2,
    "tsys_k": [20.0, 20.0],
    "cal_k": 5.0,
    "carriers": [{"frequency_mhz": CARRIER_MHZ, "power_k_mhz": 5.0}],
}
PULSE: dict[str, Any] = {
    **RECEIVER,
    "carriers": [],
    "pulsar": {"period_s": 0.1, "width": 0.05, "flux_k": 100.0},
}
PULSAR: dict[str, Any] = {"TBIN": 1e-3, "SCANLEN": 0.6, "PROJID": "P", "SRC_NAME": "B0000+00"}
SWITCHED: dict[str, Any] = {
    "NUMPHASE": 2,
    "SWPERIOD": 0.1,
    **TWO_PHASES,
    "_SBLK_01": 0.0,
    "_SBLK_02": 0.0,
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    par_file(folder)
    bands = {
        "OBS_MODE": "LBW",
        "NSUBBAND": 2,
        "SUB0FREQ": 32e6,
        "SUB1FREQ": 32e6,
        "EFSAMPFR": 1e5,
        "FPGACLK": 8e6,
    }
    return {
        "spectra": line_scan(
            folder, RECEIVER, SRC_NAME="X", MODENUM="MODE1", SCANLEN=0.4, EXPOSURE=0.2, **SWITCHED
        ),
        "subbands": line_scan(folder, RECEIVER, SCANLEN=0.2, SCANNUM=5, **bands),
        "search": pulsar_scan(folder, RECEIVER, **PULSAR, OBS_MODE="SEARCH"),
        "fold": pulsar_scan(folder, PULSE, **{**PULSAR, "SCANNUM": 2}, OBS_MODE="FOLD"),
        "cal": pulsar_scan(
            folder, RECEIVER, **{**PULSAR, "SCANNUM": 3}, OBS_MODE="CAL", CAL_FREQ=10.0
        ),
        "raw": pulsar_scan(folder, RECEIVER, **{**PULSAR, "SCANNUM": 4}, OBS_MODE="RAW"),
    }


def peak(panel: Panel, name: str) -> float:
    return float(panel.x[np.nanargmax(panel.curves[name])])


def test_spectra_are_drawn_in_mhz_and_kelvin_by_state(files: dict[str, Path]) -> None:
    picture = read_picture(files["spectra"])
    (panel,) = picture.panels
    assert list(panel.curves) == ["XX, diode off", "XX, diode on", "YY, diode off", "YY, diode on"]
    assert (panel.x_label, panel.y_label) == ("frequency, MHz", "power, K")
    width = abs(panel.x[1] - panel.x[0])
    assert all(abs(peak(panel, name) - CARRIER_MHZ) <= width for name in panel.curves)
    assert np.median(panel.curves["XX, diode off"]) == pytest.approx(20.0, rel=0.2)
    assert panel.marks == {CARRIER_MHZ: "carrier 300.0500 MHz"}
    assert picture.title == "X, scan 3, BANKA, MODE1"
    assert picture.subtitle.startswith("2023-11-14 22:13:20 UTC, ")
    assert "complete, nothing received: synthetic receiver" in picture.subtitle


def test_the_strongest_channel_of_search_files_and_of_raw_voltages_is_the_carriers(
    files: dict[str, Path],
) -> None:
    for kind, name, width in (("search", "AA", 0.1), ("raw", "A", 0.1 / 64)):
        (panel,) = read_picture(files[kind]).panels
        assert abs(peak(panel, name) - CARRIER_MHZ) <= width, kind
    assert read_picture(files["raw"]).title == "B0000+00, scan 4, BANKA, RAW"


def test_a_folded_profile_has_its_pulse_and_the_diode_half_a_turn(files: dict[str, Path]) -> None:
    profile, spectrum = read_picture(files["fold"]).panels
    assert (profile.x_label, spectrum.x_label) == ("phase, turns", "frequency, MHz")
    assert min(peak(profile, "AA"), 1 - peak(profile, "AA")) < 0.1
    diode = read_picture(files["cal"]).panels[0].curves["AA"]
    assert 0.3 < np.mean(diode > (diode.max() + diode.min()) / 2) < 0.7


def test_each_sub_band_has_a_panel(files: dict[str, Path]) -> None:
    assert len(read_picture(files["subbands"]).panels) == 2


@pytest.mark.parametrize("kind", ["spectra", "subbands", "search", "fold", "cal", "raw"])
def test_a_picture_is_written_of_any_file(
    kind: str, files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "x.svg"
    assert main(["plot", str(files[kind]), "-o", str(output), "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out).values()
    assert told["picture"] == str(output)
    assert output.read_text(encoding="utf-8").lstrip().startswith("<?xml")


def test_what_is_no_file_of_ours_is_a_sentence(
    files: dict[str, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    strange = {
        "text": b"hello\n",
        "empty": b"",
        "image": b"",
        "cut.raw": files["raw"].read_bytes()[:5000],
        "half.fits": files["search"].read_bytes()[:4000],
    }
    for name, content in strange.items():
        Path(name).write_bytes(content)
    fits.PrimaryHDU(np.zeros((2, 2))).writeto("image", overwrite=True)
    for name in strange:
        with pytest.raises(FileError, match=name.partition(".")[0]):
            read_picture(Path(name))
    assert main(["plot", *strange, "none.fits"]) == 1
    said = capsys.readouterr()
    assert (said.out, len(said.err.splitlines())) == ("", 6)
    assert "Traceback" not in said.err
    assert main(["plot", str(files["raw"]), "-o", "x.txt"]) == 1
    assert ".png, .svg, .pdf" in capsys.readouterr().err
