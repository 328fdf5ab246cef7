"""Kinds of spectra, a module each. Pure."""

from __future__ import annotations

from histogrammer.spectra import onedim
from histogrammer.spectra.definition import SpectrumKind

__all__ = ["KINDS"]

KINDS: dict[str, SpectrumKind] = {kind.letters: kind for kind in (onedim.KIND,)}
"""Letters -> kind."""
