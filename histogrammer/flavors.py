"""Rules on which Rustogramer and SpecTcl differ, in one table. Kernels and requests are handed what
it says; none of them asks which program is followed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["FLAVORS", "RUSTOGRAMER", "SPECTCL", "Flavor", "FoldRule", "PolygonRule"]


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
    """Rules of one of the two programs; `docs/explanation/histograms.md` tells them side by side.

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
        program: Name that `version` tells, by which clients choose their menus.
        version: Major, minor and edit level that it tells.
        carries_out_all: Requests of SpecTcl alone are carried out; else answered as by Rustogramer.
        ungated: Word in the place of the gate of a spectrum that has none; None: null.
        counts_by_channel: Contents are integers by numbers of channels, and limits of integrals are
            numbers of channels; else by edges in the units of the axes.
        gate_area_holds_high: The upper limit of a gate over which is integrated counts.
        empty_integral_fails: An integral without counts is a failure.
        binds_new: A new spectrum is bound to the display memory at once.
        short_lists: Of spectra of one dimension lists have one number, and integrals are plain
            numbers; keys of parameters and gates that do not apply are left out.
        missing_is_answered: A parameter of a request that is missing is a status; else HTTP 422.
        first_token: Of clients that follow changes.
        other_sources: Detail of the refusal of a kind of source that is not there.
    """

    name: str
    slice_holds_high: bool
    polygons: PolygonRule
    band_first_segment: bool
    folds: FoldRule
    empty_or: bool
    deleted_gate_ungates: bool
    not_of_deleted: bool
    program: str
    version: tuple[int, int, int | str]
    carries_out_all: bool
    ungated: str | None
    counts_by_channel: bool
    gate_area_holds_high: bool
    empty_integral_fails: bool
    binds_new: bool
    short_lists: bool
    missing_is_answered: bool
    first_token: int
    other_sources: str


RUSTOGRAMER = Flavor(
    name="rustogramer",
    slice_holds_high=True,
    polygons=PolygonRule.RIGHT_EDGES,
    band_first_segment=True,
    folds=FoldRule.REDUCED,
    empty_or=True,
    deleted_gate_ungates=True,
    not_of_deleted=False,
    program="Rustogramer",
    version=(1, 2, 4),
    carries_out_all=False,
    ungated=None,
    counts_by_channel=False,
    gate_area_holds_high=True,
    empty_integral_fails=False,
    binds_new=False,
    short_lists=False,
    missing_is_answered=False,
    first_token=0,
    other_sources="This is Rustogramer not SpecTcl",
)

SPECTCL = Flavor(
    name="spectcl",
    slice_holds_high=False,
    polygons=PolygonRule.LEFT_EDGES,
    band_first_segment=False,
    folds=FoldRule.PER_MATCH,
    empty_or=False,
    deleted_gate_ungates=False,
    not_of_deleted=True,
    program="SpecTcl",
    version=(5, 14, "000"),
    carries_out_all=True,
    ungated="-TRUE-",
    counts_by_channel=True,
    gate_area_holds_high=False,
    empty_integral_fails=True,
    binds_new=True,
    short_lists=True,
    missing_is_answered=True,
    first_token=1,
    other_sources="there are files, and pipes from programs and streams of the configuration",
)

FLAVORS: dict[str, Flavor] = {flavor.name: flavor for flavor in (RUSTOGRAMER, SPECTCL)}
"""Name -> rules."""
