"""A simulated set-up for gamma rays, as a source of events: `python -m histogrammer.detector`.

Germanium detectors around a source: lines of known energy and width on a continuum, cascades that
two detectors see at once, times, and a dead time. All follows from one seed. It writes ring files
as an analysis pipeline does, and knows what is in them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import numpy.typing as npt

from commandline import argument, count, parser_for, run_command, say
from histogrammer.events.protocol.acquisitionitems import (
    EventCount,
    RingFormat,
    Scalers,
    StateChange,
    TextList,
    write_event_count,
    write_ring_format,
    write_scalers,
    write_state_change,
    write_text_list,
)
from histogrammer.events.protocol.paramitems import (
    ParameterNames,
    Variable,
    Variables,
    write_definitions,
    write_events,
    write_variables,
)
from histogrammer.events.protocol.ringitems import (
    ItemType,
    RingItem,
    write_item,
)

__all__ = ["Cascade", "DetectorSetup", "Line", "PeakTruth", "SimulatedDetectors", "Truth", "main"]

PIECE_EVENTS = 1 << 15
"""Events between two readings of the scalers."""

RUN, TITLE, BEGIN_UNIX = 42, "simulated gamma rays", 1_700_000_000
MS = 1000
"""Divisor of times in the run."""

PROGRAM = "python -m histogrammer.detector"

Numbers: TypeAlias = npt.NDArray[np.int64]
Energies: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """A gamma ray that comes alone.

    Attributes:
        energy: keV.
        share: Part of all events.
    """

    energy: float
    share: float


@dataclass(frozen=True, slots=True)
class Cascade:
    """Two gamma rays of one decay, in two detectors.

    Attributes:
        energies: keV.
        share: Part of all events.
    """

    energies: tuple[float, float]
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectorSetup:
    """Detectors, and what they see; what is no line and no cascade is continuum.

    Attributes:
        detectors: How many; 2 at least.
        lines: Lines of 152-Eu.
        cascades: Those of 60-Co.
        continuum_kev: Energy in which it falls to 1/e.
        lowest_kev: Threshold of the continuum.
        noise_kev: Full width at half maximum of the electronics.
        fano_kev: Square of the width of a line, for each keV of its energy.
        time_efficiency: Part of the hits that have a time, too.
        rate: Decays that trigger, in a second.
        dead_time_s: After an event nothing is taken for so long.
    """

    detectors: int = 4
    lines: tuple[Line, ...] = (
        Line(121.78, 0.12),
        Line(344.28, 0.11),
        Line(778.90, 0.06),
        Line(964.06, 0.06),
        Line(1408.01, 0.08),
    )
    cascades: tuple[Cascade, ...] = (Cascade((1173.23, 1332.49), 0.12),)
    continuum_kev: float = 500.0
    lowest_kev: float = 20.0
    noise_kev: float = 1.0
    fano_kev: float = 0.0018
    time_efficiency: float = 0.95
    rate: float = 20000.0
    dead_time_s: float = 10e-6

    def fwhm(self, energy: float) -> float:
        """Return the full width at half maximum of a line, keV."""
        return float(np.sqrt(self.noise_kev**2 + self.fano_kev * energy))


@dataclass(frozen=True, slots=True)
class PeakTruth:
    """Truth of one peak.

    Attributes:
        energy: Position, keV.
        fwhm: Full width at half maximum, keV.
        areas: Counts in it, for each detector.
    """

    energy: float
    fwhm: float
    areas: tuple[int, ...]

    @property
    def area(self) -> int:
        """Counts in all detectors."""
        return sum(self.areas)


@dataclass(frozen=True, slots=True)
class Truth:
    """Truth of what was written.

    Attributes:
        events: Number of events.
        lost: Decays that triggered in the dead time.
        coincidences: Events of two detectors.
        seconds: Time of the run.
        peaks: By energy.
    """

    events: int
    lost: int
    coincidences: int
    seconds: float
    peaks: tuple[PeakTruth, ...]

    @property
    def live_fraction(self) -> float:
        """Part of the decays that was taken."""
        return self.events / max(1, self.events + self.lost)

    def lines(self) -> list[str]:
        """Return it for people, one line a peak."""
        return [
            f"{self.events} events in {self.seconds:.3f} s, {self.coincidences} coincidences, "
            f"live fraction {self.live_fraction:.5f}",
            *(
                f"{peak.energy:9.2f} keV: {peak.area} counts, FWHM {peak.fwhm:.3f} keV"
                for peak in self.peaks
            ),
        ]


class SimulatedDetectors:
    """A run of the set-up, as bytes of ring items.

    Args:
        setup: What is simulated.
        events: How many events the run has.
        seed: Of all chance.
    """

    def __init__(self, setup: DetectorSetup, events: int, seed: int) -> None:
        self._setup, self._events = setup, events
        self._rng = np.random.default_rng(seed)
        energies = [line.energy for line in setup.lines]
        energies += [energy for each in setup.cascades for energy in each.energies]
        self._energies = np.unique(energies)
        shares = [line.share for line in setup.lines] + [each.share for each in setup.cascades]
        self._shares = np.cumsum(shares)
        self._first = self._peak_numbers(
            [line.energy for line in setup.lines] + [each.energies[0] for each in setup.cascades]
        )
        self._second = self._peak_numbers([each.energies[1] for each in setup.cascades])
        self._areas = np.zeros((len(self._energies), setup.detectors), np.int64)
        self._taken = self._lost = self._coincidences = 0
        self._seconds = 0.0

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters; their ids are 1, 2, ..."""
        width, numbers = len(str(self._setup.detectors)), range(1, self._setup.detectors + 1)
        names = [f"det.{what}.{number:0{width}d}" for what in ("e", "t") for number in numbers]
        return (*names, "det.multiplicity")

    @property
    def truth(self) -> Truth:
        """Truth of what has been written so far."""
        peaks = [
            PeakTruth(float(energy), self._setup.fwhm(energy), tuple(int(n) for n in areas))
            for energy, areas in zip(self._energies, self._areas, strict=True)
        ]
        return Truth(self._taken, self._lost, self._coincidences, self._seconds, tuple(peaks))

    def pieces(self) -> Iterator[bytes]:
        """Yield the whole run; once."""
        yield self._beginning()
        while self._taken < self._events:
            began, lost = self._seconds, self._lost
            number = min(PIECE_EVENTS, self._events - self._taken)
            yield self._piece(number)
            yield self._counts(began, number, number + self._lost - lost)
        yield write_item(self._state(ItemType.END_RUN))

    def _beginning(self) -> bytes:
        setup = self._setup
        names = ParameterNames(tuple(enumerate(self.parameters, 1)))
        variables = Variables(
            (
                Variable("det.rate", setup.rate, "1/s"),
                Variable("det.deadtime", setup.dead_time_s * 1e6, "us"),
            )
        )
        texts = TextList(
            ItemType.MONITORED_VARIABLES, 0, BEGIN_UNIX, MS, ("set source Eu152+Co60",), 0
        )
        items = (
            write_definitions(names),
            write_variables(variables),
            write_ring_format(RingFormat(12)),
            self._state(ItemType.BEGIN_RUN),
            write_text_list(texts),
        )
        return b"".join(write_item(item) for item in items)

    @property
    def _now(self) -> tuple[int, int]:
        return round(self._seconds * MS), BEGIN_UNIX + int(self._seconds)

    def _state(self, kind: ItemType) -> RingItem:
        offset, unix = self._now
        return write_state_change(StateChange(kind, RUN, offset, unix, MS, TITLE, 0))

    def _counts(self, began: float, taken: int, offered: int) -> bytes:
        offset, unix = self._now
        scalers = Scalers(round(began * MS), offset, unix, MS, (offered, taken), True, 0)
        events = EventCount(offset, MS, unix, self._taken, 0)
        return write_item(write_scalers(scalers)) + write_item(write_event_count(events))

    def _piece(self, number: int) -> bytes:
        """Make events. After a dead time the next decay is as far away as at any time."""
        setup, rng, detectors = self._setup, self._rng, self._setup.detectors
        kinds = np.searchsorted(self._shares, rng.random(number), side="right")
        is_pair = (kinds >= len(setup.lines)) & (kinds < len(self._shares))
        is_peak = kinds < len(self._shares)
        first = np.where(is_peak, self._first[np.minimum(kinds, len(self._first) - 1)], -1)
        second = np.full(number, -1)
        second[is_pair] = self._second[kinds[is_pair] - len(setup.lines)]
        at_first = rng.integers(detectors, size=number)
        at_second = (at_first + rng.integers(1, detectors, size=number)) % detectors
        ids = np.stack(
            [
                1 + at_first,
                1 + detectors + at_first,
                1 + at_second,
                1 + detectors + at_second,
                np.full(number, 1 + 2 * detectors),
            ],
            axis=1,
        )
        values = np.stack(
            [
                self._measured(first),
                rng.normal(0.0, 5.0, number),
                self._measured(second),
                rng.normal(0.0, 5.0, number),
                1.0 + is_pair,
            ],
            axis=1,
        )
        there = np.ones(ids.shape, bool)
        there[:, 2:4] = is_pair[:, None]
        there[:, [1, 3]] &= rng.random((number, 2)) < setup.time_efficiency
        triggers = self._taken + np.arange(number, dtype=np.uint64)
        for peaks, where in ((first, at_first), (second, at_second)):
            np.add.at(self._areas, (peaks[peaks >= 0], where[peaks >= 0]), 1)
        self._coincidences += int(is_pair.sum())
        self._taken += number
        self._lost += int(rng.poisson(number * setup.rate * setup.dead_time_s))
        self._seconds += number * setup.dead_time_s + rng.gamma(number, 1 / setup.rate)
        # electronics have no more digits than float32, which fills faster
        return write_events(triggers, there.sum(1), ids[there], values[there].astype(np.float32))

    def _measured(self, peaks: Numbers) -> Energies:
        """Return measured energies of peaks by their numbers; -1 is the continuum."""
        setup, rng = self._setup, self._rng
        energies = setup.lowest_kev + rng.exponential(setup.continuum_kev, len(peaks))
        is_peak = peaks >= 0
        true = self._energies[peaks[is_peak]]
        sigma = np.sqrt((setup.noise_kev**2 + setup.fano_kev * true) / (8 * np.log(2)))
        energies[is_peak] = rng.normal(true, sigma)
        return energies

    def _peak_numbers(self, energies: Sequence[float]) -> Numbers:
        return np.searchsorted(self._energies, energies).astype(np.int64)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    return parser_for(
        PROGRAM,
        "Write ring items of a simulated set-up for gamma rays, and say what is in them.",
        argument("file FILE", "file to write; default: standard output", nargs="?", type=Path),
        argument("--events N", "default: %(default)s", type=count, default=1_000_000),
        argument("--seed N", "default: %(default)s", type=int, default=1),
        argument("--detectors N", "2 at least; default: %(default)s", type=count, default=4),
        argument("--truth FILE", "write the truth there, as JSON", type=Path),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; exit status 1 if a file cannot be written."""
    options = build_parser().parse_args(argv)
    if options.detectors < 2 or options.seed < 0:
        say(PROGRAM, "two detectors at least, and no seed below 0")
        return 2
    if options.file is None and sys.stdout.isatty():
        say(PROGRAM, "standard output is a terminal; name a FILE")
        return 2
    run = SimulatedDetectors(
        DetectorSetup(detectors=options.detectors), options.events, options.seed
    )
    with ExitStack() as files:
        try:
            output: BinaryIO = sys.stdout.buffer
            if options.file is not None:
                output = files.enter_context(options.file.open("wb"))
            for piece in run.pieces():
                output.write(piece)
            if options.truth is not None:
                truth = {**asdict(run.truth), "live_fraction": run.truth.live_fraction}
                options.truth.write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
        except BrokenPipeError:
            raise
        except OSError as error:
            say(PROGRAM, f"{error.filename or options.file}: {error.strerror}")
            return 1
    if options.file is not None:
        print("\n".join(run.truth.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(run_command(PROGRAM, main))
