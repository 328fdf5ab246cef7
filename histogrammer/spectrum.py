"""A spectrum that is booked: its definition, its contents, and what is applied to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from histogrammer.contents import Contents
from histogrammer.filling import FilledSpectrum
from histogrammer.spectra.definition import Definition
from histogrammer.spectra.stripchart import moved_axis

__all__ = ["Spectrum"]


@dataclass(slots=True)
class Spectrum:
    """A spectrum.

    Attributes:
        number: 0, 1, ... in order of creation; not used again.
        definition: As it was booked.
        contents: Its contents.
        gate: Name of the condition that is applied to it; None: ungated.
        fold: Name of the condition by which it is folded; None: it is not.
        version: Number of the changes of its contents; equal versions have equal contents.
        since_s: Active time at which its contents began; NaN: not known, as of those of a file.
        until_s: Active time at which they ended, as of snapshots; None: they go on.
    """

    number: int
    definition: Definition
    contents: Contents
    gate: str | None = None
    fold: str | None = None
    version: int = 0
    since_s: float = 0.0
    until_s: float | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return self.definition.name

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of its parameters."""
        return self.definition.parameters

    @property
    def shown(self) -> Definition:
        """Definition with its axis where it is now: that of a strip chart moves."""
        moved = self.contents.moved
        if not moved:
            return self.definition
        return replace(self.definition, x_axis=moved_axis(self.definition.x_axis, moved))

    def filled(self) -> FilledSpectrum:
        """Return it as it is filled."""
        return FilledSpectrum(self.definition, self.contents, self.gate, self.fold)

    def clear(self, active_s: float) -> None:
        """Set all cells to zero, those of the flow, too.

        Args:
            active_s: Active time so far.
        """
        self.contents.cells[...] = 0.0
        self.contents.moved = 0
        self.version += 1
        self.since_s, self.until_s = active_s, None

    def ended_s(self, active_s: float) -> float:
        """Return the active time up to which it has its contents."""
        return active_s if self.until_s is None else self.until_s

    def seconds(self, active_s: float) -> float:
        """Return the active time in which its contents were gathered, s; NaN: not known."""
        return self.ended_s(active_s) - self.since_s
