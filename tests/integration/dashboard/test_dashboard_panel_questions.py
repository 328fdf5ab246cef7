"""Questions of panels to their Banks, over a dashboard that only looks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import pytest
from support.player_run import poll
from support.spectrasite import PEAK, SpectraSite


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpectraSite]:
    with ExitStack() as stack:
        made = SpectraSite(tmp_path_factory.mktemp("site"), stack)
        made.fill()
        poll(
            lambda: made.peer.get("/api/overview")["rows"]["GAMMA"]["kind"] == "histogrammer",
            "the kind of the Bank is known",
        )
        yield made


def asked(site: SpectraSite, query: str, *args: Any, bank: str = "GAMMA") -> Any:
    """Ask; returns the answer of HTTP."""
    return site.peer.ask(
        f"/api/panels/{bank}?{urlencode({'query': query, 'args': json.dumps(args)})}"
    )


def test_a_panel_gets_answers_and_refusals_of_its_bank(site: SpectraSite) -> None:
    spectra = asked(site, "bank.list_spectra").json["answer"]
    assert [each["name"] for each in spectra] == ["gamma", "matrix"]
    area = asked(site, "bank.peaks.net_area", "gamma", 1140, 1206, 60).json["answer"]
    assert abs(area["net"] - PEAK) < 4 * area["net_error"]
    line = asked(site, "bank.peaks.fit", "gamma", "linear", 1300, 1900).json["answer"]
    assert abs(line["parameters"]["slope"]) < 4 * line["errors"]["slope"]
    refused = asked(site, "bank.peaks.net_area", "gamma", 0, 100, 60).json
    assert refused["answer"] is None
    assert "there is room for 0" in refused["refused"]


@pytest.mark.parametrize("query", ["bank.delete_spectrum", "bank.get_param", "journal.read", ""])
def test_a_panel_asks_nothing_but_what_its_kind_declares(site: SpectraSite, query: str) -> None:
    answer = asked(site, query, "gamma")
    assert answer.status == 403
    assert "no panel of GAMMA asks for" in answer.json["detail"]
    assert len(site.bank.proxy.list_spectra()) == 2


def test_questions_that_are_none_are_told_so(site: SpectraSite) -> None:
    assert asked(site, "bank.list_spectra", bank="NOBODY").status == 404
    for args in ("{}", "[", "[" * 4000):
        answer = site.peer.ask(f"/api/panels/GAMMA?query=bank.list_spectra&args={args}")
        assert answer.status == 400, args


def test_the_sheet_of_a_shift_has_the_last_spectra_and_none_of_a_shift_that_is_long_over(
    site: SpectraSite,
) -> None:
    sheet = site.peer.ask("/api/handover?form=html").body.decode()
    assert "GAMMA spectrum.gamma" in sheet
    assert "<polyline" in sheet
    old = site.peer.ask("/api/handover?form=html&since=1000000000&until=1000000100").body.decode()
    assert "for a shift that has just ended" in old
    assert "<polyline" not in old
