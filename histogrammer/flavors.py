"""Rules on which Rustogramer and SpecTcl differ, in one table. Kernels are handed what it says;
none of them asks which program is followed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["RUSTOGRAMER", "Flavor", "FoldRule", "PolygonRule"]


class PolygonRule(Enum):
    """Points on the border of a contour; those strictly inside and outside are the same in both."""

    RIGHT_EDGES = "vertices and right edges inside"  # Rustogramer
    LEFT_EDGES = "left edges inside"  # SpecTcl


class FoldRule(Enum):
    """Fills of a folded spectrum."""

    REDUCED = "once, with the parameters that do not match"  # Rustogramer
    PER_MATCH = "once for each match, with the others"  # SpecTcl


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavor:
    """Rules of one of the two programs; `spectra_and_gates` in the docs tells them side by side.

    Attributes:
        name: As `--flavor` takes it.
        slice_holds_high: A value exactly at the upper limit is inside a slice.
        polygons: Border points of contours.
        band_first_segment: The first segment that holds x decides; else the number of crossings of
            the upward ray.
        folds: Fills of folded spectra.
        empty_or: Truth of an "or" without components.
        deleted_gate_ungates: Spectra of a deleted gate are ungated; else they fill no more.
        not_of_deleted: Truth of a "not" whose component was deleted.
    """

    name: str
    slice_holds_high: bool
    polygons: PolygonRule
    band_first_segment: bool
    folds: FoldRule
    empty_or: bool
    deleted_gate_ungates: bool
    not_of_deleted: bool


RUSTOGRAMER = Flavor(
    name="rustogramer",
    slice_holds_high=True,
    polygons=PolygonRule.RIGHT_EDGES,
    band_first_segment=True,
    folds=FoldRule.REDUCED,
    empty_or=True,
    deleted_gate_ungates=True,
    not_of_deleted=False,
)
