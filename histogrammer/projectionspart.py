"""Part of the Bank for projections that are looked at: none is booked, nothing is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from histogrammer.analysis.projection import ProjectionAxis, projected_band, projected_cells
from histogrammer.engine import Engine
from zmqjsonproxy import RefusedError, query

__all__ = ["ProjectionsPart", "read_direction"]


def read_direction(direction: str) -> ProjectionAxis:
    """Return the axis that a projection keeps; RefusedError: it is neither x nor y."""
    if direction not in ("x", "y"):
        raise RefusedError(f"direction is {direction!r:.80}; expected x or y")
    return ProjectionAxis(direction)


class ProjectionsPart:
    """Projections of spectra of two dimensions.

    Args:
        ask: Asks the engine something, in its thread.
    """

    def __init__(self, ask: Callable[[Callable[[Engine], Any]], Any]) -> None:
        self._ask = ask

    @query
    def look(
        self,
        name: str,
        direction: str,
        contour: str | None = None,
        low: float | None = None,
        high: float | None = None,
    ) -> dict[str, Any]:
        """Return the projection of a spectrum of two dimensions, as it is now.

        Args:
            name: Of the spectrum.
            direction: Axis that is kept, x or y.
            contour: Gate inside which bins count; None: all do.
            low: Lower limit on the other axis, in the place of a contour; the bin that has it counts.
            high: Upper limit there, likewise; given with the lower one.

        Returns:
            axis, [low, high, bins]; counts, a list, without flow; total of it; low and high, edges of the
            bins of the other axis that count, None: all do.
        """
        kept = read_direction(direction)
        has_band = low is not None and high is not None
        if (low is None) is not (high is None) or (has_band and contour is not None):
            raise RefusedError("give a contour, or both limits, or neither")

        def read(engine: Engine) -> dict[str, Any]:
            spectrum = engine.spectrum(name)
            shown, cells = spectrum.shown, spectrum.contents.cells
            if shown.y_axis is None:
                raise RefusedError(f"{name:.200} has one dimension: there is nothing to project")
            axes = shown.x_axis, shown.y_axis
            axis, other = axes if kept is ProjectionAxis.X else axes[::-1]
            edges: tuple[float | None, float | None] = None, None
            if low is not None and high is not None:
                first, last = other.between(low, high)
                sums = projected_band(cells, kept, first, last)
                edges = other.low + first * other.width, other.low + (last + 1) * other.width
            else:
                inside = None if contour is None else engine.contour(contour)
                sums = projected_cells(shown, cells, kept, inside)
            counts = sums[1:-1]
            return {
                "axis": [axis.low, axis.high, axis.bins],
                "counts": counts.tolist(),
                "total": float(counts.sum()),
                "low": edges[0],
                "high": edges[1],
            }

        found: dict[str, Any] = self._ask(read)
        return found
