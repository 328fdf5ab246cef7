"""Matrix of readers: files of each kind, basis of the feed and sign of the band, and what readers
find in them.

A figure is a number that a reader found, one that was put in, and how far they may be apart.
Nothing here knows how a file is laid out: what is compared is the physics.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from readers.environments import Answer, Reader, ReaderError, ask
from readers.scans import DAY, SECOND, line_scan, par_file, pulsar_scan
from readers.voltages import (
    CENTRE_MHZ,
    DISPERSION_S,
    SAMPLE_TIME,
    Signal,
    Volts,
    centres,
    known,
    stored_bytes,
    write_raw,
)

__all__ = ["CASES", "Case", "Figure", "Result", "results"]

Doubles = npt.NDArray[np.float64]

SECONDS = 1.6
SAMPLES = round(SECONDS / SAMPLE_TIME)
PULSAR = Signal(pulse=30.0, tone=6.0)
DIODE = Signal(diode=6.0)  # as strong as the noise
NBIN = 64
CAL_HZ = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A file: its kind, and all that may turn a sign or move a place in it."""

    kind: str
    status: dict[str, Any] = field(default_factory=dict)
    falling: bool = False
    basis: str = "LIN"
    polarizations: int = 2
    """Of the source; with one, B is 0."""
    gap: tuple[float, float] | None = None
    is_quick: bool = False
    """One of those that `make test` looks at."""

    @property
    def name(self) -> str:
        """For people."""
        mode = str(self.status.get("OBS_MODE", self.kind)).lower()
        products = str(self.status.get("POL_TYPE", "")) if self.polarizations == 2 else "of A alone"
        words = [mode, products, self.basis, "falling" if self.falling else "rising"]
        return " ".join(word for word in (*words, "with a gap" if self.gap else "") if word)

    @property
    def signal(self) -> Signal:
        """Value that was received."""
        return DIODE if self.kind in ("cal", "spectra", "subbands") else PULSAR

    @property
    def noise(self) -> float:
        """Power of the noise, in all polarizations."""
        return 2 * self.polarizations * PULSAR.noise**2

    def received(self) -> Volts:
        """On the sky, A and B."""
        volts = known(self.signal, SAMPLES, falling=self.falling)
        volts[..., self.polarizations :] = 0
        return volts

    def make(self, folder: Path) -> Path:
        """Take the scan."""
        volts = self.received()[..., : self.polarizations]
        source = write_raw(
            folder / "in.raw",
            volts,
            centre_mhz=CENTRE_MHZ,
            sample_time=SAMPLE_TIME,
            falling=self.falling,
            blocks=16,
            more={"FD_POLN": self.basis},
        )
        if self.kind in ("spectra", "subbands"):
            return line_scan(folder, source=source, rate=1 / SAMPLE_TIME, **self.status)
        par_file(folder, period=PULSAR.period, dm=PULSAR.dm)
        status: dict[str, Any] = {
            "RA_STR": "05:34:31.973",
            "DEC_STR": "+22:00:52.06",
            "ANT_X": 882589.65,
            "ANT_Y": -4924872.32,
            "ANT_Z": 3943729.348,
            "FD_POLN": self.basis,
            "SCANLEN": SECONDS,
            "SRC_NAME": "TEST",
            "OBSERVER": "nobody",
        }
        return pulsar_scan(folder, source=source, late=self.gap, taps=4, **status, **self.status)


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that a reader found beside that which was put in."""

    name: str
    found: float
    expected: float
    within: float
    unit: str = ""

    @property
    def is_right(self) -> bool:
        """They agree."""
        return bool(abs(self.found - self.expected) <= self.within)

    def __str__(self) -> str:
        return f"{self.name} {self.found:.6g} ({self.expected:.6g} +- {self.within:.2g}) {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Result:
    """Answers of a reader to a file."""

    case: Case
    reader: Reader
    figures: tuple[Figure, ...]
    refusal: str = ""
    version: str = ""
    """Of the reader, as it says."""

    @property
    def is_right(self) -> bool:
        """It read the file, and all figures are right."""
        return not self.refusal and all(figure.is_right for figure in self.figures)


def results(case: Case, wanted: list[Reader], folder: Path) -> Iterator[Result]:
    """Make a file and ask all readers of its kind about it."""
    asked = [reader for reader in wanted if case.kind in reader.kinds and reader.command]
    if not asked:
        return
    file = case.make(folder)
    for reader in asked:
        try:
            found = ask(reader, file)
        except ReaderError as error:
            yield Result(case, reader, (), str(error))
            continue
        figures = _FIGURES[reader.name if reader.program else case.kind](case, found)
        yield Result(case, reader, tuple(figures), version=str(found.numbers["version"]))


def _search() -> Iterator[Case]:
    common = {"OBS_MODE": "SEARCH", "OBSNCHAN": 16, "TBIN": 1e-3}
    for falling in (False, True):
        for basis in ("LIN", "CIRC"):
            for pol_type in ("IQUV", "AABBCRCI"):
                quick = not falling and (basis, pol_type) == ("LIN", "IQUV")
                status = {**common, "POL_TYPE": pol_type}
                yield Case(
                    kind="search", status=status, falling=falling, basis=basis, is_quick=quick
                )
        yield Case(
            kind="search", status={**common, "POL_TYPE": "AA+BB", "NPOL": 1}, falling=falling
        )
        coherent = {
            **common,
            "OBS_MODE": "COHERENT_SEARCH",
            "OBSNCHAN": 4,
            "CHAN_DM": PULSAR.dm,
            "POL_TYPE": "AABBCRCI",
        }
        yield Case(kind="search", status=coherent, falling=falling)
    yield Case(kind="search", status={**common, "POL_TYPE": "IQUV"}, polarizations=1)
    yield Case(kind="search", status={**common, "POL_TYPE": "IQUV"}, gap=(0.52, 0.82))


def _fold() -> Iterator[Case]:
    for falling in (False, True):
        for basis in ("LIN", "CIRC"):
            for pol_type in ("IQUV", "AABBCRCI"):
                status = {"OBS_MODE": "FOLD", "NBIN": NBIN, "TFOLD": 0.37, "POL_TYPE": pol_type}
                quick = not falling and (basis, pol_type) == ("LIN", "IQUV")
                yield Case(kind="fold", status=status, falling=falling, basis=basis, is_quick=quick)
                yield Case(
                    kind="cal",
                    status={**status, "OBS_MODE": "CAL", "CAL_FREQ": CAL_HZ},
                    falling=falling,
                    basis=basis,
                    is_quick=quick,
                )
        coherent = {
            "OBS_MODE": "COHERENT_FOLD",
            "NBIN": NBIN,
            "TFOLD": 0.37,
            "POL_TYPE": "AABBCRCI",
            "CHAN_DM": PULSAR.dm,
        }
        yield Case(kind="fold", status=coherent, falling=falling)
    lost = {"OBS_MODE": "FOLD", "NBIN": NBIN, "TFOLD": 0.37, "POL_TYPE": "IQUV"}
    yield Case(kind="fold", status=lost, polarizations=1)
    yield Case(kind="fold", status=lost, gap=(0.52, 0.82))


def _others() -> Iterator[Case]:
    switched = {
        "EXPOSURE": 0.4,
        "SCANLEN": SECONDS,
        "SWPERIOD": 0.1,
        "_SPHS_01": 0.0,
        "_SPHS_02": 0.5,
        "_SCAL_01": 1,
        "_SCAL_02": 0,
        "POLARIZE": "CROSS",
    }
    bands = {
        "OBS_MODE": "LBW",
        "NSUBBAND": 2,
        "EFSAMPFR": 2e5,
        "FPGACLK": 5e4,
        "SUB0FREQ": 1.5e5,
        "SUB1FREQ": 2.5e5,
    }
    for falling in (False, True):
        yield Case(kind="raw", status={"OBS_MODE": "RAW"}, falling=falling, is_quick=not falling)
        for nchan in (64, 60):  # an even and an odd number of each coarse channel
            quick = not falling and nchan == 60
            yield Case(
                kind="spectra", status={**switched, "NCHAN": nchan}, falling=falling, is_quick=quick
            )
        yield Case(
            kind="subbands",
            status={**switched, **bands, "NCHAN": 32},
            falling=falling,
            is_quick=not falling,
        )
    yield Case(kind="raw", status={"OBS_MODE": "RAW"}, polarizations=1)
    yield Case(kind="raw", status={"OBS_MODE": "RAW"}, gap=(0.52, 0.82))


CASES: tuple[Case, ...] = (*_search(), *_fold(), *_others())


# figures of each kind


def _delays(frequencies: Doubles) -> Doubles:
    """s."""
    delays: Doubles = DISPERSION_S * PULSAR.dm / np.square(frequencies)
    return delays


def _since_start(answer: Answer) -> float:
    """Of the first sample, s after START."""
    return float((answer.numbers["day"] - DAY) * 86400 + answer.numbers["second"] - SECOND)


def _wrapped(turns: Doubles) -> Doubles:
    wrapped: Doubles = turns - np.rint(turns)
    return wrapped


def _phase(values: Doubles, turns: Doubles) -> Doubles:
    """Phase of a pulse in each channel by the first harmonic; values (n, channels), their turns
    (n,)."""
    above = np.nan_to_num(values - np.median(values, axis=0))
    phases: Doubles = np.angle((above * np.exp(2j * np.pi * turns)[:, None]).sum(axis=0)) / (
        2 * np.pi
    )
    return phases


def _polarised(case: Case, on: Doubles, off: Doubles) -> list[Figure]:
    """Share of each product of a pulse in its power; on and off are means, shape (4,)."""
    above = on - off
    if case.status["POL_TYPE"] == "AABBCRCI":
        names, expected, power = ("AA", "BB", "CR", "CI"), (0.5, 0.5, 0.0, 0.5), above[:2].sum()
    else:
        names, power = ("I", "Q", "U", "V"), above[0]
        expected = (1.0, 0.0, 0.0, 1.0) if case.basis == "LIN" else (1.0, 0.0, 1.0, 0.0)
    return [
        Figure(f"{name}/I", float(value / power), wanted, 0.05)
        for name, value, wanted in zip(names, above, expected, strict=True)
    ]


def _search_figures(case: Case, answer: Answer) -> Iterator[Figure]:
    values, frequencies = (
        np.asarray(answer.arrays["values"], float),
        np.asarray(answer.arrays["frequencies"], float),
    )
    step, begin = float(answer.numbers["sample_time"]), _since_start(answer)
    yield Figure("first sample", begin, 0.0, 0.05, "s")
    times = np.asarray(begin + (np.arange(len(values)) + 0.5) * step, np.float64)
    of_tone = int(np.argmax(np.median(values, axis=0)))
    width = abs(frequencies[1] - frequencies[0])
    yield Figure(
        "frequency of the tone", float(frequencies[of_tone]), PULSAR.tone_mhz, width * 0.5001, "MHz"
    )
    channels = np.arange(len(frequencies))
    # the first fine channel of a coarse one has both of its edges, whose pulses come at two times
    others = (channels != of_tone) & (
        (channels % max(len(frequencies) // 4, 1) != 0) | (len(frequencies) == 4)
    )
    expected = _delays(frequencies) / PULSAR.period
    after = times > (0 if case.gap is None else case.gap[1] + 0.1)
    phases = _phase(values[after], times[after] / PULSAR.period)
    yield Figure(
        "pulse off its phase",
        float(np.abs(_wrapped(phases - expected)[others]).max()),
        0.0,
        0.01,
        "turns",
    )
    fitted = np.polyfit(
        _delays(frequencies)[others], (_wrapped(phases - expected) * PULSAR.period)[others], 1
    )
    yield Figure("DM", float(PULSAR.dm * (1 + fitted[0])), PULSAR.dm, 15.0, "pc/cm3")
    share = 0.5 if answer.numbers.get("intensity") == "mean" else 1.0
    level = float(np.median(values[:, others][values[:, others] > 0])) / share
    yield Figure("level of the noise", level / case.noise, 1.0, 0.05)
    products = np.asarray(answer.arrays["products"], float)
    if products.size:
        turns = _wrapped(times[:, None] / PULSAR.period - expected[None, :])
        on, off = (np.abs(turns) < 0.02) & others, (np.abs(turns) > 0.2) & others
        means = [
            np.array([product[chosen].mean() for product in products.transpose(1, 0, 2)])
            for chosen in (on, off)
        ]
        yield from _polarised(case, *means)


def _fold_figures(case: Case, answer: Answer) -> Iterator[Figure]:
    values, frequencies = (
        np.asarray(answer.arrays["values"], float),
        np.asarray(answer.arrays["frequencies"], float),
    )
    period, begin, epochs = (
        float(answer.numbers["period"]),
        _since_start(answer),
        answer.arrays["times"],
    )
    turns: Doubles = (np.arange(NBIN) + 0.5) / NBIN
    yield Figure("first sample", begin, 0.0, 0.05, "s")
    yield Figure("period", period, PULSAR.period, 1e-12, "s")
    yield Figure("middle of the band", float(frequencies.mean()), CENTRE_MHZ, 1e-9, "MHz")
    yield Figure(
        "first channel", float(frequencies[0]), float(centres(case.falling)[0]), 1e-9, "MHz"
    )
    power = values[:, :2].sum(axis=1) if case.status["POL_TYPE"] == "AABBCRCI" else values[:, 0]
    arrived = np.array(
        [
            begin + epoch + _phase(row.T, turns) * period
            for epoch, row in zip(epochs, power, strict=True)
        ]
    )
    off = _wrapped((arrived - _delays(frequencies)[None, :]) / period)
    yield Figure(
        "arrival off the time of the pulse", float(np.abs(off).max()), 0.0, 0.5 / NBIN, "turns"
    )
    aligned = np.asarray(answer.arrays["dedispersed"], float)
    aligned = aligned[:, :2].sum(axis=1) if case.status["POL_TYPE"] == "AABBCRCI" else aligned[:, 0]
    at = _phase(aligned.mean(axis=0).T, turns)
    expected = DISPERSION_S * PULSAR.dm / CENTRE_MHZ**2 / period
    yield Figure(
        "dedispersed off the phase at 300 MHz",
        float(np.abs(_wrapped(at - expected)).max()),
        0.0,
        0.01,
        "turns",
    )
    yield Figure("DM", float(answer.numbers["dm"]), PULSAR.dm, 0.0, "pc/cm3")
    lost = 0.0 if case.gap is None else case.gap[1] - case.gap[0]
    yield Figure("time summed", float(answer.numbers["duration"]), SECONDS - lost, 0.06, "s")
    no_tone = np.abs(frequencies - PULSAR.tone_mhz) > 0.05
    turned = _wrapped(turns[None, :] - (_delays(frequencies) / period)[:, None])
    shape = np.moveaxis(values.mean(axis=0), 0, -1)  # channels, bins, products
    on, away = (
        shape[chosen & no_tone[:, None]].mean(axis=0)
        for chosen in (np.abs(turned) < 0.02, np.abs(turned) > 0.2)
    )
    if len(on) == 4:
        yield from _polarised(case, on, away)
    level = away[:2].sum() if case.status["POL_TYPE"] == "AABBCRCI" else away[0]
    yield Figure("level of the noise", float(level / case.noise), 1.0, 0.05)


def _cal_figures(case: Case, answer: Answer) -> Iterator[Figure]:
    values, period, begin = (
        np.asarray(answer.arrays["values"], float),
        answer.numbers["period"],
        _since_start(answer),
    )
    turns: Doubles = (np.arange(NBIN) + 0.5) / NBIN
    yield Figure("first sample", begin, 0.0, 0.05, "s")
    yield Figure("period", float(period), 1 / CAL_HZ, 1e-12, "s")
    power = values[:, :2].sum(axis=1) if case.status["POL_TYPE"] == "AABBCRCI" else values[:, 0]
    times = begin + np.asarray(answer.arrays["times"])
    middles = np.array([_phase(row.mean(axis=0)[:, None], turns)[0] for row in power])
    off = _wrapped(times / period + middles - 0.25)  # the middle of the on time
    yield Figure("diode off its time", float(np.abs(off).max()), 0.0, 0.01, "turns")
    profile = values.mean(axis=(0, 2))
    on, away = (
        profile[:, 1 : NBIN // 2 - 1].mean(axis=1),
        profile[:, NBIN // 2 + 1 : -1].mean(axis=1),
    )
    if case.status["POL_TYPE"] == "AABBCRCI":
        expected, total = (0.5, 0.5, 0.5, 0.0), (on - away)[:2].sum()
        ratio = on[:2].sum() / away[:2].sum()
    else:
        expected = (1.0, 0.0, 1.0, 0.0) if case.basis == "LIN" else (1.0, 1.0, 0.0, 0.0)
        total, ratio = (on - away)[0], on[0] / away[0]
    yield Figure("diode on / off", float(ratio), 2.0, 0.04)
    for number, wanted in enumerate(expected):
        yield Figure(
            f"product {number} of the diode", float((on - away)[number] / total), wanted, 0.03
        )


def _raw_figures(case: Case, answer: Answer) -> Iterator[Figure]:
    values, step = answer.arrays["values"], float(answer.numbers["sample_time"])
    volts = case.received()
    put_in = stored_bytes(volts, falling=case.falling)
    complex_in = (put_in[..., 0] + 1j * put_in[..., 1]).transpose(1, 2, 0)[: len(values)]
    yield Figure("sample time", step, SAMPLE_TIME, 1e-18, "s")
    yield Figure("first sample", _since_start(answer), 0.0, 1e-6, "s")
    differs = (values != complex_in).any(axis=(1, 2))
    if case.gap is None:
        yield Figure("samples that differ", float(differs.sum()), 0.0, 0.0)
    else:
        gap = (np.arange(len(values)) * step > case.gap[0] - 0.06) & (
            np.arange(len(values)) * step < case.gap[1]
        )
        yield Figure("samples that differ outside of the gap", float(differs[~gap].sum()), 0.0, 0.0)
        yield Figure("what is in the gap", float(np.abs(values[differs]).max()), 0.0, 0.0)
    yield Figure("time that was read", len(values) * step, SECONDS, 0.21, "s")
    of_tone = int(np.argmin(np.abs(centres(case.falling) - case.signal.tone_mhz)))
    spectrum = np.abs(np.fft.fft(values[:, 0, of_tone]))
    sign = -1 if case.falling else 1
    offset = sign * np.fft.fftfreq(len(values), step)[int(np.argmax(spectrum))] / 1e6
    tone = float(centres(case.falling)[of_tone] + offset)
    yield Figure("frequency of the tone", tone, case.signal.tone_mhz, 1e-6, "MHz")
    cross = values[:, 0].conj() * values[:, 1]
    others = np.arange(cross.shape[1]) != of_tone
    imaginary = sign * cross[:, others].mean().imag / (np.abs(values[:, :, others]) ** 2).mean()
    expected = (volts[:, :, 0].conj() * volts[:, :, 1])[others].mean().imag / (
        np.abs(volts[others]) ** 2
    ).mean()
    yield Figure("CI of A* B on the sky", float(imaginary), float(expected), 0.03)


def _spectra_figures(case: Case, answer: Answer) -> Iterator[Figure]:
    values, frequencies, is_on = (
        answer.arrays["values"],
        answer.arrays["frequencies"],
        answer.arrays["cal"] == 1,
    )
    direct = np.isin(answer.arrays["polarizations"], ("XX", "YY"))
    step = abs(frequencies[1] - frequencies[0])
    yield Figure("channels", float(len(frequencies)), float(case.status["NCHAN"]), 0.0)
    yield Figure("width of a channel", float(step), 0.4 / case.status["NCHAN"], 1e-12, "MHz")
    nfine = case.status["NCHAN"] // 4
    first = (
        centres(case.falling)[0] - np.sign(frequencies[1] - frequencies[0]) * (nfine // 2) * step
    )
    yield Figure("first channel", float(frequencies[0]), float(first), 1e-9, "MHz")
    ratio = values[is_on & direct].mean() / values[~is_on & direct].mean()
    yield Figure("diode on / off", float(ratio), 2.0, 0.04)
    real = answer.arrays["polarizations"] == "REXY"
    correlation = (values[is_on & real].mean() - values[~is_on & real].mean()) / values[
        ~is_on & direct
    ].mean()
    yield Figure("REXY of the diode / noise", float(correlation), 1.0, 0.04)
    start = DAY + SECOND / 86400
    times = np.unique(np.round((answer.arrays["times"] - start) * 86400, 4))
    yield Figure(
        "middle of the first integration",
        float(times.min()),
        case.status["EXPOSURE"] / 2,
        0.03,
        "s",
    )
    yield Figure(
        "middle of the last integration",
        float(times.max()),
        SECONDS - case.status["EXPOSURE"] / 2,
        0.03,
        "s",
    )


def _verified(_case: Case, answer: Answer) -> Iterator[Figure]:
    yield Figure("warnings and errors", float(answer.numbers["status"]), 0.0, 0.0)


_FIGURES = {
    "search": _search_figures,
    "fold": _fold_figures,
    "cal": _cal_figures,
    "raw": _raw_figures,
    "spectra": _spectra_figures,
    "fitsverify": _verified,
}
