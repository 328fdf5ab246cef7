"""Spectra of a histogrammer in a browser: figures of a known peak, and a gate drawn by hand."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pytest
from support.chromium import Watched
from support.spectrasite import CENTRE, PEAK, SIGMA, SpectraSite

from player.testing.wire import Wire

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


def test_panes_keep_their_spectra_and_a_second_tab_sees_the_same(
    site: SpectraSite, visit: Visit
) -> None:
    profile = visit(site.peer.url)
    page = profile.open("/spectra?s=gamma")
    expect(page.locator(".results .total")).to_have_text(str(len(site.values)))
    page.get_by_label("panes", exact=True).select_option("4")
    panes = page.locator(".pane")
    expect(panes).to_have_count(4)
    for number, name in enumerate(["1 gamma", "2 matrix", "3 empty", "4 empty"]):
        expect(panes.nth(number)).to_contain_text(name)
    panes.nth(1).locator("canvas").click()
    expect(panes.nth(1)).to_have_attribute("aria-current", "true")
    expect(page.get_by_role("region", name="projection of matrix")).to_be_visible()
    second = profile.open(page.url.removeprefix(site.peer.url.rstrip("/")))
    for one in (page, second):
        expect(one.locator(".results .total")).to_have_text(re.compile(r"^\d+$"))
    panes.nth(1).locator("canvas").dblclick()
    expect(page.locator("canvas.spectrum.small")).to_have_count(0)
    page.get_by_role("button", name="all panes").click()
    expect(panes).to_have_count(4)


def test_the_table_of_spectra_laid_over_each_other_has_the_counts_of_the_bank(
    site: SpectraSite, visit: Visit
) -> None:
    bank = site.bank.proxy
    bank.create_spectrum("coarse", "1", ["energy"], [[1024, 1280, 64]])
    try:
        site.fill()
        link = "/spectra?s=gamma&so=coarse&sn=counts&sm=1140,1206&sf=gaussian"
        page = visit(site.peer.url).open(link)
        expect(page.locator(".laid")).to_contain_text(re.compile(r"coarse × [\d.]+"))
        expect(page.locator(".results .chi")).to_have_text(re.compile(r"^[\d.]+ = [\d.]+ / 63$"))
        expect(page.locator("canvas.with-rest")).to_be_visible()
        value, error = measured(page, "centroid")
        assert abs(value - CENTRE) < 10 * error
        with page.expect_download() as got:
            page.get_by_role("button", name="CSV").click()
        lines = list(csv.reader(got.value.path().read_text().splitlines()))
        head = lines.index(
            ["spectrum", "energy [keV] from", "energy [keV] to", "counts", "counts as drawn"]
        )
        about = "\n".join(",".join(line) for line in lines[:head])
        for word in ("GAMMA gamma", "run-0047-00.evt", "fit gaussian", "chi2", "UTC"):
            assert word in about, word
        for name in ("gamma", "coarse"):
            told = [float(line[3]) for line in lines[head + 1 :] if line[0] == name]
            assert told == bank.get_spectrum(name)["data"].tolist()
        with page.expect_download() as got:
            page.get_by_role("button", name="PNG").click()
        assert got.value.path().read_bytes().startswith(b"\x89PNG")
    finally:
        bank.delete_spectrum("coarse")
        bank.clear_spectra("*")
        site.fill()


def test_a_projection_inside_a_gate_is_booked_with_the_counts_that_it_showed(
    site: SpectraSite, visit: Visit
) -> None:
    page = visit(site.peer.url).open("/spectra?s=matrix&sg=blob&sj=y&sk=gate")
    told = page.locator(".total-of")
    expect(told).to_have_text(re.compile(r"^\d+ counts$"))
    bank = site.bank.proxy
    inside_blob = bank.integrate("matrix", gate="blob")["counts"]
    assert told.inner_text() == f"{inside_blob} counts"
    page.get_by_label("name of the new spectrum").fill("cut")
    page.get_by_role("button", name="book it").click()
    expect(page.locator(".list")).to_contain_text("cut")
    assert bank.get_spectrum("cut")["data"].sum() == inside_blob
    bank.delete_spectrum("cut")


def test_nothing_that_lives_is_shown_of_spectra_in_the_past(
    site: SpectraSite, visit: Visit
) -> None:
    page = visit(site.peer.url).open("/spectra?s=gamma&then=2020-01-01 00:00:00")
    expect(page.locator(".histogrammer")).to_contain_text("Nothing was kept of its spectra here")
    expect(page.locator("canvas.spectrum")).to_have_count(0)


def place_under(page: Any, share: float) -> list[float]:
    """Return the place that the page tells of a point of the canvas, at this share of both sides."""
    box = page.locator("canvas.spectrum").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.move(box["x"] + share * box["width"], box["y"] + share * box["height"])
    told = page.locator(".plot-of .proof")
    expect(told).to_contain_text(re.compile(r": \d+ counts"))
    found = re.search(r"([\d.]+), ([\d.]+): \d+ counts", told.inner_text())
    assert found is not None
    return [float(each) for each in found.groups()]


def test_a_zoom_of_two_dimensions_stays_whatever_comes(site: SpectraSite, visit: Visit) -> None:
    bank = site.bank.proxy
    with Wire(int(site.peer.host.rpartition(":")[2])) as wire:
        seen = visit(wire.url.replace("tcp", "http"))
        page = seen.open("/spectra?s=matrix")
        expect(page.locator(".results .total")).to_have_text(re.compile(r"^[1-9]\d*$"))
        canvas = page.locator("canvas.spectrum")
        canvas.scroll_into_view_if_needed()
        whole = place_under(page, 0.5)
        box = canvas.bounding_box()
        page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.55 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.85 * box["height"], steps=5)
        page.mouse.up()
        expect(page).to_have_url(re.compile("sx=.*sy=|sy=.*sx="))
        zoomed, middle = page.url, place_under(page, 0.5)
        assert middle[0] > whole[0]
        for _ in range(100):
            bank.clear_spectra("gamma")
            site.fill()
        bank.create_spectrum("more", "2", ["energy", "time"], [[1024, 1280, 64], [0, 100, 50]])
        bank.clear_spectra()
        expect(page.locator(".results .total")).to_have_text("0")
        assert (page.url, place_under(page, 0.5)) == (zoomed, middle)
        wire.down()
        expect(page.locator(".pulse")).to_contain_text("NO CONTACT")
        wire.up()
        site.fill()
        expect(page.locator(".results .total")).to_have_text(re.compile(r"^[1-9]\d*$"))
        assert (page.url, place_under(page, 0.5)) == (zoomed, middle)
        bank.delete_spectrum("more")
        seen.forgive_line()
