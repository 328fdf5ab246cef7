"""The page of files: it has every card and column of real files, and nothing that is in none."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits
from support.backends import make_backend
from support.memory import private_status
from support.recordings import recording

from readers.scans import line_scan, par_file, pulsar_scan
from spectrometer.daq.protocol.guppiraw import read_header

PAGE = Path(__file__).resolve().parents[2] / "docs" / "protocols" / "files.md"
PLACE = {"source_ra_dec": "05:34:31.973 +22:00:52.06"}
RECEIVER: dict[str, Any] = {
    "channels": 4,
    "bandwidth_mhz": 0.4,
    "center_mhz": 300.0,
    "pulsar": {"period_s": 0.1, "width": 0.04, "flux_k": 1.0},
    "lines": [{"frequency_mhz": 300.05, "width_khz": 5.0, "strength_k": 1.0}],
    "carriers": [{"frequency_mhz": 300.051, "power_k_mhz": 1.0}],
}
EVERYWHERE = "In every FITS file"
SECTIONS = {
    "fold": "PSRFITS",
    "cal": "PSRFITS",
    "search": "PSRFITS",
    "raw": "GUPPI raw",
    "spectra": "Spectra",
    "subbands": "Spectra",
    "recorded": "Spectra",
    "dada": "Spectra",
}


def patterns(text: str) -> dict[str, re.Pattern[str]]:
    """Names in the first columns of the tables, and the column that is told in a sentence; `n` and
    `nn` are numbers."""
    names = [
        name
        for line in text.splitlines()
        if line.startswith("|")
        for name in re.findall(r"`([^`]+)`", line.split("|")[1])
    ] + re.findall(r"column `(PARAM)`", text)
    return {
        name: re.compile(re.escape(name).replace("nn", r"\d\d").replace("n", r"\d+"))
        for name in names
    }


def sections() -> dict[str, dict[str, re.Pattern[str]]]:
    """Level-2 heading -> names in its tables."""
    parts = re.split(r"^## (.+)\n", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {title: patterns(text) for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def status_of(mode: str, **parameters: Any) -> dict[str, Any]:
    """Everything that a mode leaves in the status memory."""
    with private_status() as status:
        backend = make_backend(status, mode)
        backend.setup = dataclasses.replace(
            backend.setup, antenna_m=(882589.65, -4924872.32, 3943729.348)
        )
        backend.install()
        backend.parameters.update({**PLACE, **parameters})
        if "VEGAS" in backend.family:
            backend.set_gbt_phases(0.1, [[0.0, 0, 1, 0.002], [0.5, 0, 0, 0.002]])
        backend.prepare()
        return status.read()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file of each kind, with all that a mode has to say."""
    folder = tmp_path_factory.mktemp("f")
    par = str(par_file(folder))
    pulsar: dict[str, Any] = {
        "OBSNCHAN": 4,
        "TBIN": 1e-3,
        "SCANLEN": 0.6,
        "PROJID": "P",
        "PARFILE": par,
        "NBIN": 64,
    }
    inco, codd = (
        status_of("INCO_MODE_64", observer="me", source="B"),
        status_of("CODD_MODE_64", dm=1.0),
    )
    wide, narrow = (
        status_of("MODE1", polarization="CROSS", observer="me", source="B"),
        status_of("MODE20"),
    )
    line: dict[str, Any] = {
        "NCHAN": 64,
        "EXPOSURE": 0.1,
        "SCANLEN": 0.2,
        "PROJID": "L",
        "SWPERIOD": 0.1,
    }
    bands = {"EFSAMPFR": 1e5, "FPGACLK": 8e6, "NSUBBAND": 2, "SUB0FREQ": 32e6, "SUB1FREQ": 32e6}
    whole = {**line, "NCHAN": 256, "SWPERIOD": 1.0, "EXPOSURE": 1.0, "SCANLEN": 1.0}
    return {
        "fold": pulsar_scan(folder, RECEIVER, **{**inco, **pulsar, "OBS_MODE": "FOLD"}),
        "cal": pulsar_scan(
            folder, RECEIVER, **{**inco, **pulsar, "OBS_MODE": "CAL", "CAL_FREQ": 10.0}
        ),
        "search": pulsar_scan(
            folder, RECEIVER, **{**codd, **pulsar, "OBS_MODE": "COHERENT_SEARCH"}
        ),
        "raw": pulsar_scan(
            folder, RECEIVER, **{**codd, **pulsar, "OBS_MODE": "RAW", "OBSERVER": "me"}
        ),
        "spectra": line_scan(folder, RECEIVER, **{**wide, **line}),
        "subbands": line_scan(folder, RECEIVER, **{**narrow, **line, **bands}),
        "recorded": line_scan(folder, source=recording(), **{**wide, **whole}),
        "dada": line_scan(folder, source=recording("sample.dada"), **{**wide, **whole}),
    }


def names_in(path: Path) -> Iterator[str]:
    """Cards and columns."""
    if path.suffix == ".raw":
        yield from read_header(path.read_bytes()[: 1 << 14]).values
        return
    with fits.open(path) as units:
        for unit in units:
            yield from (keyword for keyword in unit.header if keyword)
            yield from unit.columns.names if isinstance(unit, fits.BinTableHDU) else []


def test_every_card_and_column_is_on_the_page(files: dict[str, Path]) -> None:
    page = sections()
    for kind, path in files.items():
        known = page[SECTIONS[kind]] | ({} if kind == "raw" else page[EVERYWHERE])
        missing = [
            name
            for name in names_in(path)
            if not any(one.fullmatch(name) for one in known.values())
        ]
        assert missing == [], kind


def test_nothing_is_on_the_page_that_no_file_has(files: dict[str, Path]) -> None:
    for title, known in sections().items():
        of_title = [kind for kind, section in SECTIONS.items() if title in (section, EVERYWHERE)]
        found = {name for kind in of_title for name in names_in(files[kind])}
        unused = [
            name for name, one in known.items() if not any(one.fullmatch(card) for card in found)
        ]
        assert unused == [], title


def test_every_card_of_a_fits_file_has_a_comment_if_there_is_room(files: dict[str, Path]) -> None:
    for kind, path in files.items():
        if kind == "raw":
            continue
        with fits.open(path) as units:
            cards = [
                card
                for unit in units
                for card in unit.header.cards
                if card.keyword not in ("HISTORY", "")
            ]
            bare = [
                card.keyword for card in cards if not card.comment and len(str(card.value)) < 60
            ]
        assert bare == [], kind
