"""Over- and underflow by the example of the reference."""

from support.histograms import filled

from histogrammer.analysis.statistics import FlowSums, flow_of
from histogrammer.axes import Axis
from histogrammer.spectra import KINDS

AXIS = Axis(0, 10, 10)


def test_corners_count_on_both_axes() -> None:
    definition = KINDS["2"].define("h", [["x"], ["y"]], [AXIS, AXIS])
    points = [(-1, 5), (-1, -1), (12, 3), (12, 10), (4, 11)]
    cells = filled(definition, [{"x": x, "y": y} for x, y in points])
    assert flow_of(cells) == FlowSums(underflows=(2, 1), overflows=(2, 2))


def test_one_dimension_has_two_flow_cells_and_no_more() -> None:
    definition = KINDS["1"].define("h", [["x"]], [AXIS])
    cells = filled(definition, [{"x": x} for x in (-1, -2, 5, 10, 11, 12)])
    assert flow_of(cells) == FlowSums(underflows=(2, 0), overflows=(3, 0))
