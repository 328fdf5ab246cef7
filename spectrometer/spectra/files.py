"""Mean spectra and profiles of the files that we write: spectra, PSRFITS, GUPPI raw. Reads; draws
nothing."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from spectrometer.daq.errors import SourceError
from spectrometer.daq.guppifile import GuppiFile

__all__ = ["FileError", "Panel", "Picture", "read_picture"]

Values = npt.NDArray[np.floating[Any]]
FINE = 64
"""Channels into which a coarse one of raw voltages is divided."""
MAX_SAMPLES = 1 << 24
"""Of a raw file, so many samples of all coarse channels are looked at."""
PRODUCTS = {
    "IQUV": ("I", "Q", "U", "V"),
    "AABBCRCI": ("AA", "BB", "CR", "CI"),
    "AA+BB": ("AA + BB",),
    "INTEN": ("A",),
}
FREQUENCY, COUNTS = "frequency, MHz", "power, counts²"


class FileError(ValueError):
    """A file that is none of ours, or of which nothing can be shown."""


@dataclass(slots=True)
class Panel:
    """Curves over one axis.

    Attributes:
        x: Values of the axis.
        x_label: Its name and unit.
        y_label: Name and unit of the curves.
        curves: Name -> values.
        marks: Place on the axis -> its name.
    """

    x: Values
    x_label: str
    y_label: str
    curves: dict[str, Values]
    marks: dict[float, str] = field(default_factory=dict)


@dataclass(slots=True)
class Picture:
    """All that is drawn of a file.

    Attributes:
        title: Source, scan, Bank, mode.
        subtitle: Date, how much of it there is, whether it is simulated.
        panels: From the top.
    """

    title: str
    subtitle: str
    panels: list[Panel]


def read_picture(path: Path) -> Picture:
    """Return what is to be drawn of a file.

    Raises:
        FileError: It is none that we write, or is empty or broken.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        begin = file.read(80)
    try:
        return _of_fits(path) if begin.startswith(b"SIMPLE  =") else _of_raw(path)
    except (KeyError, IndexError, TypeError, ValueError, EOFError, SourceError, OSError) as error:
        if isinstance(error, FileError) or getattr(error, "errno", None) is not None:
            raise
        raise FileError(
            f"{path} is no file that spectrometer-daq writes, or is broken: {error}"
        ) from error


def _of_fits(path: Path) -> Picture:
    from astropy.io import fits  # late: half a second

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a file that is broken the error tells
        units = fits.open(path, memmap=True)
    with units:
        names = [unit.name for unit in units]
        header = units[0].header
        if "SPECTRA" in names:
            panels = _spectra(header, units["SPECTRA"])
        elif "SUBINT" in names:
            panels = _psrfits(header, units["SUBINT"])
        else:
            raise FileError(
                f"{path} has no table SPECTRA and none SUBINT, but {', '.join(names[1:]) or 'none'}"
            )
        if not panels:
            raise FileError(f"{path} has no rows yet")
        return Picture(*_titles(path, header), panels)


def _titles(path: Path, header: Mapping[str, Any]) -> tuple[str, str]:
    def told(key: str, before: str = "") -> str:
        value = str(header.get(key, "")).strip()
        return f"{before}{value}" if value and value != "unspecified" else ""

    title = [
        told("SRC_NAME"),
        told("SCANNUM", "scan "),
        told("BANKNAM"),
        told("MODENUM") or told("OBS_MODE"),
    ]
    recorded, planned = told("DAQNINT"), told("DAQPLAN")
    counts = f"{recorded} of {planned} integrations" if recorded and planned else ""
    date = told("DATE-OBS").replace("T", " ")[:19]
    subtitle = [f"{date} UTC" if date else "", told("TELESCOP"), counts, told("DAQEND")]
    simulated = header.get("SIMULATE") in (True, 1, "T", "1")
    subtitle.append(f"nothing received: {told('DATASRC') or 'simulated'}" if simulated else "")
    return ", ".join(filter(None, title)) or path.name, ", ".join(filter(None, subtitle))


def _spectra(header: Mapping[str, Any], unit: Any) -> list[Panel]:
    table, axis = unit.data, unit.header
    if not len(table):
        return []
    data, weight = np.asarray(table["DATA"], float), np.asarray(table["NSPECTRA"], float)
    if data.ndim == 2:
        data = data[:, None, :]  # one band
    kelvin = float(header.get("SIMKPCNT", 0.0))
    scale, y_label = (kelvin, "power, K") if kelvin > 0 else (1.0, COUNTS)
    marks = dict(_lines(header))
    number = (
        table.names.index("DATA") + 1
    )  # the keywords of FITS for the axis of a column, which there are always
    reference, step = float(axis[f"1CRPX{number}"]), float(axis[f"1CDLT{number}"])
    has_bands = "CRVAL1" in table.names
    panels: list[Panel] = []
    for band in range(data.shape[1]):
        first = (
            float(np.asarray(table["CRVAL1"])[0].flat[band])
            if has_bands
            else float(axis[f"1CRVL{number}"])
        )
        x: Values = (first + (np.arange(data.shape[2]) + 1 - reference) * step) / 1e6
        curves: dict[str, Values] = {}
        for name, rows in _states(table):
            if weight[rows].sum() > 0:
                curves[name] = np.average(data[rows, band], axis=0, weights=weight[rows]) * scale
        near = {mhz: name for mhz, name in marks.items() if x.min() <= mhz <= x.max()}
        panels.append(Panel(x, FREQUENCY, y_label, curves, near))
    return [panel for panel in panels if panel.curves]


def _states(table: Any) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Polarizations by switching state; what says nothing of the states that there are is left out
    of the name."""
    diodes, references = np.unique(table["CAL"]), np.unique(table["SIG_REF"])
    for pol in ("XX", "YY"):
        for reference in references:
            for diode in diodes:
                rows = (
                    (table["POL"] == pol)
                    & (table["CAL"] == diode)
                    & (table["SIG_REF"] == reference)
                )
                words = [pol]
                words += ["reference" if reference else "signal"] if len(references) > 1 else []
                words += [f"diode {'on' if diode else 'off'}"] if len(diodes) > 1 else []
                if rows.any():
                    yield ", ".join(words), rows


def _lines(header: Mapping[str, Any]) -> Iterator[tuple[float, str]]:
    """Lines and carriers that a synthetic receiver was given: MHz, name."""
    for key in header:
        if key.startswith(("SIMLIN", "SIMCAR")):
            mhz = float(str(header[key]).split()[0])
            yield mhz, f"{'line' if key.startswith('SIMLIN') else 'carrier'} {mhz:.4f} MHz"


def _psrfits(header: Mapping[str, Any], unit: Any) -> list[Panel]:
    table, cards = unit.data, unit.header
    if not len(table):
        return []
    names = PRODUCTS[str(cards["POL_TYPE"]).strip()]
    channels, folded = int(cards["NCHAN"]), str(header["OBS_MODE"]).strip() in ("PSR", "CAL")
    bins = int(cards["NBIN"]) if folded else 1
    total, weights = np.zeros((len(names), channels, bins)), 0.0
    for row in table:
        weight = float(np.mean(row["DAT_WTS"]))
        shape = (len(names), channels)
        scale, offset = (
            np.asarray(row[key], float).reshape(shape) for key in ("DAT_SCL", "DAT_OFFS")
        )
        raw = np.asarray(row["DATA"])
        values = (
            raw.reshape(*shape, bins)
            if folded
            else raw.reshape(-1, *shape).mean(axis=0, dtype=float)[..., None]
        )
        total += weight * (values * scale[..., None] + offset[..., None])
        weights += weight
    if weights <= 0:
        raise FileError("all of it was lost: its weights are 0")
    total /= weights
    x = np.asarray(table["DAT_FREQ"][0], float)
    spectrum = Panel(
        x, FREQUENCY, COUNTS, {name: total[n].mean(axis=1) for n, name in enumerate(names)}
    )
    if not folded:
        return [spectrum]
    phase = (np.arange(bins) + 0.5) / bins
    profiles = {name: total[n].mean(axis=0) for n, name in enumerate(names)}
    return [Panel(phase, "phase, turns", COUNTS, profiles), spectrum]


def _of_raw(path: Path) -> Picture:
    source = GuppiFile(path)
    try:
        band = source.band
        power = np.zeros((band.polarizations, band.channels * FINE))
        seen = 0
        for piece in source.pieces():
            samples = piece.samples[:, : piece.samples.shape[1] // FINE * FINE].astype(np.float32)
            voltages = samples[..., 0::2] + 1j * samples[..., 1::2]
            voltages = voltages.reshape(band.channels, -1, FINE, band.polarizations)
            spectra = np.abs(np.fft.fftshift(np.fft.fft(voltages, axis=2), axes=2)) ** 2 / FINE**2
            power += spectra.sum(axis=1).reshape(-1, band.polarizations).T
            seen += samples.shape[1] // FINE
            if seen * FINE * band.channels > MAX_SAMPLES:
                break
        if not seen:
            raise FileError(f"{path} has no voltages")
        cards = _cards(path)
        curves = {
            name: power[n] / seen
            for n, name in zip(range(band.polarizations), ("A", "B"), strict=False)
        }
        panel = Panel(np.asarray(band.frequencies(FINE)), FREQUENCY, COUNTS, curves)
        return Picture(*_titles(path, cards), [panel])
    finally:
        source.close()


def _cards(path: Path) -> dict[str, str]:
    """Cards of the first block, as texts."""
    cards: dict[str, str] = {}
    with path.open("rb") as file:
        while (
            (card := file.read(80).decode("latin-1"))
            and not card.startswith("END ")
            and len(cards) < 1000
        ):
            cards[card[:8].strip()] = card[10:].strip(" '")
    return cards
