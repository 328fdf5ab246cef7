"""Kinds of gates (conditions), a module each. Pure."""

from __future__ import annotations

from histogrammer.gates import (
    bands,
    compounds,
    constants,
    contours,
    gammabands,
    gammacontours,
    gammaslices,
    masks,
    slices,
    twobands,
)
from histogrammer.gates.condition import ConditionKind

__all__ = ["KINDS"]

_MODULES = (
    constants,
    compounds,
    slices,
    bands,
    contours,
    gammaslices,
    gammacontours,
    gammabands,
    masks,
    twobands,
)

KINDS: dict[str, ConditionKind] = {
    kind.letters: kind for module in _MODULES for kind in module.KINDS
}
"""Letters -> kind."""
