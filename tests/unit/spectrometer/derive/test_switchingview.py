"""Switching cycles as text and as a picture."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from spectrometer.derive.switching import SsgPhase, SwitchingCycle
from spectrometer.derive.switchingview import as_svg, as_text
from spectrometer.errors import SwitchingError

CYCLE = SwitchingCycle(
    1e-6,
    (
        SsgPhase(granules=2000, blank=True, cal=True),
        SsgPhase(granules=498000, cal=True),
        SsgPhase(granules=2000, blank=True, sr1=True),
        SsgPhase(granules=498000, sr1=True),
    ),
)


def test_text_has_a_row_for_each_state_and_a_line_for_each_signal() -> None:
    assert as_text(CYCLE).splitlines() == [
        "switching cycle of 1 s: 2 states, 4 phases, granule 1 us",
        "",
        "state        begins         lasts       blanked  noise diode  sig/ref",
        "    1           0 s        500 ms          2 ms  on           sig",
        "    2        500 ms        500 ms          2 ms  off          ref",
        "",
        "noise diode  " + "#" * 32 + "." * 32,
        "reference    " + "." * 32 + "#" * 32,
        "blanking     #" + "." * 31 + "#" + "." * 31,
    ]


def test_a_single_phase_shows_its_own_length() -> None:
    assert "switching cycle of 250 ms: 1 states" in as_text(
        SwitchingCycle(1e-3, (SsgPhase(granules=250),))
    )
    assert as_text(SwitchingCycle.fresh(1e-3)).startswith("switching cycle of 0 s")


def test_picture_is_well_formed_and_has_each_signal() -> None:
    root = ElementTree.fromstring(as_svg(CYCLE))
    lines = [element.get("points") or "" for element in root if element.tag.endswith("polyline")]
    assert [len(points.split()) for points in lines] == [8, 8, 8]
    assert [element.text for element in root if element.tag.endswith("text")][:3] == [
        "noise diode",
        "reference",
        "blanking",
    ]


def test_no_phase_is_refused() -> None:
    for view in (as_text, as_svg):
        with pytest.raises(SwitchingError, match="there is no switching phase"):
            view(SwitchingCycle(1e-3, ()))
