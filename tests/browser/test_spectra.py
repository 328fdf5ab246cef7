"""Spectra of a histogrammer in a browser: figures of a known peak, and a gate drawn by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from support.chromium import Watched
from support.spectrasite import CENTRE, PEAK, SIGMA, SpectraSite

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect
Visit = Callable[..., Watched]
CORNERS = [(0.42, 0.25), (0.75, 0.2), (0.7, 0.72), (0.45, 0.75)]
"""Of a gate, in shares of the canvas."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpectraSite]:
    with ExitStack() as stack:
        made = SpectraSite(tmp_path_factory.mktemp("site"), stack, control=True)
        made.fill()
        yield made


def measured(page: Any, name: str) -> tuple[float, float]:
    """Return a value of the figures, and its error."""
    cell = page.locator(f".results .{name}")
    expect(cell).to_have_text(re.compile("±"))
    value, error = re.findall(r"[\d.]+", cell.inner_text())[:2]
    return float(value), float(error)


def inside(x: np.ndarray, y: np.ndarray, points: list[tuple[float, float]]) -> np.ndarray:
    """Tell which points are in a polygon, by the number of its edges to their right."""
    found = np.zeros(np.broadcast(x, y).shape, dtype=bool)
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        crosses = (ay > y) != (by > y)
        with np.errstate(all="ignore"):
            found ^= crosses & (x < ax + (y - ay) * (bx - ax) / (by - ay))
    return found


def test_net_area_and_fit_are_those_of_the_known_peak(site: SpectraSite, visit: Visit) -> None:
    page = visit(site.peer.url).open("/spectra?s=gamma&sm=1140,1206&sb=60&sf=gaussian")
    expect(page.locator(".results .total")).to_have_text(str(len(site.values)))
    for name, known in (
        ("net", PEAK),
        ("fit-area", PEAK),
        ("fit-centroid", CENTRE),
        ("fit-fwhm", 2.3548 * SIGMA),
    ):
        value, error = measured(page, name)
        assert abs(value - known) < 4 * error, name
    energies = np.floor(site.values[:, 0])
    value, _ = measured(page, "sum")
    assert value == np.count_nonzero((energies >= 1140) & (energies <= 1206))
    page.get_by_label("search spectra").fill("time")
    expect(page.locator(".list li")).to_have_count(1)


def test_a_gate_drawn_by_hand_has_the_counts_of_the_server_until_it_is_undone(
    site: SpectraSite, visit: Visit
) -> None:
    page = visit(site.peer.url).open("/spectra?s=matrix")
    expect(page.locator(".results .total")).to_have_text(re.compile(r"^\d+$"))
    bank = site.bank.proxy
    page.get_by_role("button", name="draw a contour").click()
    canvas = page.locator("canvas.spectrum")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for x, y in CORNERS:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
    expect(page.locator(".draft")).to_contain_text("4 points")
    assert {each["name"] for each in bank.list_gates()} == {"window", "blob"}
    page.keyboard.press("Enter")
    told = page.locator(".results .inside")
    expect(told).to_have_text(re.compile(r"^\d+ inside$"))
    (gate,) = bank.list_gates("matrix-g1")
    points = [(each["x"], each["y"]) for each in gate["points"]]
    bins, x, y = np.histogram2d(*site.values.T, (256, 100), ((1024, 1280), (0, 100)))
    expected = int(bins[inside(x[:-1, np.newaxis], y[np.newaxis, :-1], points)].sum())
    assert expected > PEAK / 2
    assert told.inner_text() == f"{expected} inside"
    assert bank.integrate("matrix", gate="matrix-g1")["counts"] == expected
    bank.create_gate("theirs", "c", ["energy", "time"], points=[[1100, 10], [1120, 10], [1110, 20]])
    expect(page.locator(".gates")).to_contain_text("theirs")
    page.get_by_role("button", name="undo: delete matrix-g1").click()
    expect(page.locator(".gates")).not_to_contain_text("matrix-g1")
    assert {each["name"] for each in bank.list_gates()} == {"window", "blob", "theirs"}
