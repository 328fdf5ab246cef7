"""The same spectrum of several histogrammers, added up. Needs no numpy: without it contents come as
lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

from dealer.errors import SpectraDifferError
from groundwork.values import RemoteValue

__all__ = ["summed"]


def summed(name: str, spectra: Mapping[str, Mapping[str, RemoteValue]]) -> dict[str, RemoteValue]:
    """Return the sum of spectra, as one of them, with `banks`: whose they are.

    Args:
        name: Of the spectrum.
        spectra: Bank -> spectrum, as `get_spectrum` of a histogrammer returns it; one at least.

    Raises:
        SpectraDifferError: They are of different kinds, or have different axes.
    """
    forms = {bank: _form(each) for bank, each in spectra.items()}
    if len(set(forms.values())) > 1:
        raise SpectraDifferError(name, forms)
    first = next(iter(spectra.values()))
    data = reduce(_added, [each["data"] for each in spectra.values()])
    return {**first, "data": data, "banks": list(spectra)}


def _form(spectrum: Mapping[str, RemoteValue]) -> str:
    """Return the kind and axes of a spectrum, for people."""
    axes = ", ".join(f"{low:.17g}..{high:.17g} in {bins}" for low, high, bins in spectrum["axes"])
    flow = " with flow" if spectrum["flow"] else ""
    return f"type {spectrum['type']}, {axes}{flow}"


def _added(one: RemoteValue, other: RemoteValue) -> RemoteValue:
    if isinstance(one, Sequence):
        return [_added(a, b) for a, b in zip(one, other, strict=True)]
    return one + other
