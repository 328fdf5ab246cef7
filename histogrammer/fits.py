"""Fits by name: of which spectrum, over which channels, and with what result. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from histogrammer.analysis.fitting import FITS, fit
from histogrammer.errors import FitError
from histogrammer.names import refusal
from histogrammer.spectrum import Spectrum

__all__ = ["Fit", "Fits"]

MAX_CHANNELS = 1 << 20
MAX_FITS = 10_000


@dataclass(frozen=True, slots=True)
class Fit:
    """A fit.

    Attributes:
        name: Any text.
        spectrum: Name of a spectrum of one dimension.
        kind: `linear` or `gaussian`.
        low: First channel.
        high: Last channel.
        parameters: Result of the last update, in numbers of channels; empty: there is none.
    """

    name: str
    spectrum: str
    kind: str
    low: int
    high: int
    parameters: Mapping[str, float] = field(default_factory=dict)


class Fits(Mapping[str, Fit]):
    """Fits by name, in the order in which they were made."""

    def __init__(self) -> None:
        self._fits: dict[str, Fit] = {}

    def __getitem__(self, name: str) -> Fit:
        return self._fits[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fits)

    def __len__(self) -> int:
        return len(self._fits)

    def create(self, fit_: Fit, spectra: Mapping[str, Spectrum]) -> None:
        """Add a fit, with a result if there is one already.

        Raises:
            FitError: Its name is in use or too long, there are too many, or there is no such kind, spectrum or range.
        """
        if reason := refusal(fit_.name):
            raise FitError(reason)
        if fit_.name in self._fits:
            raise FitError(f"Fit {fit_.name} already exists")
        if len(self) >= MAX_FITS:
            raise FitError(f"up to {MAX_FITS} fits are possible")
        if fit_.kind not in FITS:
            raise FitError(
                f"there is no fit type {fit_.kind}: {', '.join(FITS)} are there, and none can be added"
            )
        _channels(fit_, spectra)
        self._fits[fit_.name] = fit_
        try:
            self.update(fit_.name, spectra)
        except FitError:  # the spectrum may be empty yet
            return

    def delete(self, name: str) -> None:
        """Delete a fit; FitError: there is none of this name."""
        if name not in self._fits:
            raise FitError(f"Fit {name} does not exist")
        del self._fits[name]

    def update(self, name: str, spectra: Mapping[str, Spectrum]) -> None:
        """Fit again to what the spectrum has now.

        Raises:
            FitError: The spectrum is no more, or the fit cannot be made; it has no result then.
        """
        old = self._fits[name]
        try:
            found = fit(old.kind, *_channels(old, spectra))
        except FitError as error:
            self._fits[name] = replace(old, parameters={})
            raise FitError(f"{name}: {error}") from error
        self._fits[name] = replace(old, parameters=found)


def _channels(
    wanted: Fit, spectra: Mapping[str, Spectrum]
) -> tuple[
    np.ndarray[tuple[int], np.dtype[np.float64]], np.ndarray[tuple[int], np.dtype[np.float64]]
]:
    """Return numbers and contents of the channels of a fit."""
    spectrum = spectra.get(wanted.spectrum)
    if spectrum is None:
        raise FitError(f"Spectrum {wanted.spectrum} does not exist")
    definition = spectrum.definition
    if definition.y_axis is not None:
        raise FitError(f"Spectrum {wanted.spectrum} has two dimensions: fits are of one")
    last = definition.x_axis.bins - 1
    if not 0 <= wanted.low < wanted.high <= last:
        raise FitError(
            f"channels {wanted.low} to {wanted.high}: they must be increasing, within 0 to {last}"
        )
    if wanted.high - wanted.low >= MAX_CHANNELS:
        raise FitError(f"up to {MAX_CHANNELS} channels are fitted")
    x = np.arange(wanted.low, wanted.high + 1, dtype=np.float64)
    return x, spectrum.contents.cells[wanted.low + 1 : wanted.high + 2].copy()
