"""The pictures of the dashboard are of the pages that there are; `make pictures` takes them anew."""

from __future__ import annotations

import json

import pytest
from support.pagepictures import DIGESTS, FOLDER, PICTURES, Picture, digest_of, sources_of
from support.player_run import ROOT


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_of_its_page_as_it_is(picture: Picture) -> None:
    told = json.loads(DIGESTS.read_text(encoding="utf-8"))
    assert (FOLDER / picture.name).is_file()
    assert told[picture.name] == digest_of(picture.page), "run: make pictures"


def test_a_page_is_made_of_all_that_it_and_the_frame_import() -> None:
    sources = sources_of("pages/overview.js")
    assert {
        "index.html",
        "main.js",
        "pages/overview.js",
        "charts/bandpass.js",
        "views/frame.js",
    } <= set(sources)
    assert {"style/tokens.css", "text/format.js", "transport/feed.js"} <= set(sources)
    assert "pages/log.js" not in sources


def test_the_manual_shows_each_picture() -> None:
    manual = (ROOT / "docs" / "howto" / "dashboard.md").read_text(encoding="utf-8")
    assert [picture.name for picture in PICTURES if f"_static/{picture.name})" not in manual] == []
