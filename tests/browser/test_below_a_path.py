"""The dashboard below a path, as a web server may have put it there, in a browser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from support.chromium import Watched
from support.dashboards import serving

from dashboard.assets import STATIC
from dashboard.config import Array
from player.tables import DashboardConfig

sync_api = pytest.importorskip("playwright.sync_api")
expect = sync_api.expect


def test_all_addresses_stay_below_the_path(visit: Callable[..., Watched], tmp_path: Path) -> None:
    array = Array(
        urls={"BANKA": "tcp://127.0.0.1:9"}, site=DashboardConfig(name="VEGAS", prefix="/vegas")
    )
    with serving(array, STATIC, store=tmp_path / "d.sqlite3") as peer:
        watched = visit(peer.url)
        asked: list[str] = []
        watched.context.on("request", lambda request: asked.append(urlsplit(request.url).path))
        page = watched.open("/vegas/hosts")
        expect(page.locator(".pulse")).to_contain_text("LIVE")
        page.get_by_role("link", name="Log", exact=True).click()
        expect(page).to_have_url(f"{peer.url}vegas/log")
        page.keyboard.press("g")
        page.keyboard.press("o")
        expect(page).to_have_url(f"{peer.url}vegas/")
        page.get_by_role("link", name="BANKA", exact=True).first.click()
        expect(page).to_have_url(f"{peer.url}vegas/bank/BANKA")
        page.reload()
        expect(page.locator(".pulse")).to_contain_text("LIVE")
        assert asked
        assert {path.split("/")[1] for path in asked} == {"vegas"}
