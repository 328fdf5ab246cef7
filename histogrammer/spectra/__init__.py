"""Kinds of spectra, a module each. Pure."""

from __future__ import annotations

from histogrammer.spectra.kinds import KINDS, given_axes, kind_of, sides

__all__ = ["KINDS", "given_axes", "kind_of", "sides"]
