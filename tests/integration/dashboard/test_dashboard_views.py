"""Saved views of a dashboard, asked for by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.dashboards import Peer, make_page, serving

from dashboard.config import Array


def names(peer: Peer) -> list[tuple[str, str]]:
    return [(view["name"], view["address"]) for view in peer.get("/api/views")["views"]]


def test_views_are_saved_replaced_and_removed_and_outlive_the_dashboard(tmp_path: Path) -> None:
    page, store = make_page(tmp_path / "page"), tmp_path / "state" / "d.sqlite3"
    with serving(Array(urls={}), page, store=store) as peer:
        assert names(peer) == []
        for address in ("/history?key=BANKA.x", "/bank/BANKA?search=net"):
            answer = peer.post("/api/views", {"name": "net", "address": address})
            assert (answer.status, len(answer.json["views"])) == (200, 1)
        peer.post("/api/views", {"name": "all", "address": "/"})
    with serving(Array(urls={}), page, store=store) as peer:
        assert names(peer) == [("all", "/"), ("net", "/bank/BANKA?search=net")]
        assert peer.post("/api/views/remove", {"name": "all"}).status == 200
        assert peer.post("/api/views/remove", {"name": "all"}).status == 404
        assert [name for name, _ in names(peer)] == ["net"]


def test_only_addresses_of_pages_here_are_saved(tmp_path: Path) -> None:
    with serving(Array(urls={}), make_page(tmp_path / "page")) as peer:
        for address in (
            "//evil.example.org/",
            "//[",
            "http://[::1",
            "https://evil.example.org/hosts",
            "javascript:alert(1)",
            "/api/overview",
            "/hosts/../api",
            "/hosts\n",
            "",
        ):
            answer = peer.post("/api/views", {"name": "x", "address": address})
            assert (answer.status, "no page" in answer.json["detail"]) == (400, True), address
        for body in ({"name": "x"}, {"name": "", "address": "/"}, {"name": 1, "address": "/"}, []):
            assert peer.post("/api/views", body).status == 400
        for name in ("a\0b", "\u202egnp", " ", "two\nlines"):
            answer = peer.post("/api/views", {"name": name, "address": "/"})
            assert (answer.status, "can be read" in answer.json["detail"]) == (400, True), name
        assert peer.post("/api/views", {"name": "x" * 70_000, "address": "/"}).status == 413
        assert names(peer) == []


@pytest.mark.parametrize("path", ["/api/overview", "/api/nosuch", "/"])
def test_nothing_else_takes_a_post(tmp_path: Path, path: str) -> None:
    with serving(Array(urls={}), make_page(tmp_path / "page")) as peer:
        assert peer.post(path, {}).status == 405
