"""A dashboard behind a web server that ends TLS and serves it below a path; requests as that sends them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.dashboards import Answer, Peer, make_page, serving
from websockets.exceptions import InvalidStatus

from dashboard.config import Array
from player.tables import DashboardConfig
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.keys.register import make_server, new_client, register
from zmqjsonproxy.rights import Role

ORIGIN, HOST = "https://vegas.example.org", "vegas.example.org"
OURS = {"Content_Type": "application/json", "X_Dealer_Player": "1"}


class Site:
    def __init__(self, folder: Path, stack: ExitStack) -> None:
        keys = folder / "keys"
        make_server(keys)
        new = new_client("ann")
        register(keys, "ann", Role.OBSERVE, new.public, new.digest)
        self.token = new.own.token
        site = DashboardConfig(origins=[ORIGIN], proxies=["127.0.0.1"], prefix="/vegas")
        array = Array(urls={}, keys=True, key_dir=keys, site=site)
        self.peer: Peer = stack.enter_context(serving(array, make_page(folder / "page")))

    def log_in(self, token: str = "", **headers: str) -> Answer:
        body = json.dumps({"token": token or self.token})
        sent = {"Host": HOST, "Origin": ORIGIN, **OURS, **headers}
        return self.peer.ask("/vegas/login", "POST", body, **sent)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path_factory.mktemp("proxied"), stack)


def test_people_log_in_through_a_web_server_that_ends_tls(site: Site) -> None:
    own = site.peer.host
    for headers in ({}, {"Host": own}):
        answer = site.log_in(**headers)
        assert answer.status == 200, answer.body
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-dealer_player_")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))
        sent = {"Cookie": cookie.partition(";")[0]}
        for host in (HOST, own):
            told = site.peer.ask("/vegas/api/session", Host=host, **sent)
            assert told.json["key"] == "ann"
        saved = json.dumps({"name": "x", "address": "/hosts"})
        put = site.peer.ask(
            "/vegas/api/views", "POST", saved, Host=HOST, Origin=ORIGIN, **OURS, **sent
        )
        assert put.status == 200
        out = site.peer.ask("/vegas/logout", "POST", "{}", Host=HOST, Origin=ORIGIN, **OURS, **sent)
        assert "__Host-" in out.headers["set-cookie"]


def test_other_origins_stay_foreign(site: Site) -> None:
    for origin in (
        "http://vegas.example.org",
        "https://vegas.example.org:444",
        "https://evil.example.org",
        f"http://{site.peer.host}",
    ):
        assert site.log_in(Origin=origin).status == 403, origin
    cookie = site.log_in().headers["set-cookie"].partition(";")[0]
    with site.peer.web_socket(ORIGIN, Cookie=cookie) as socket:
        assert json.loads(socket.recv(60))["event"] == "hello"
    with pytest.raises(InvalidStatus, match="403"):
        with site.peer.web_socket("https://evil.example.org", Cookie=cookie):
            pass


def test_each_client_of_a_web_server_has_its_own_pause_after_wrong_tokens(site: Site) -> None:
    for _ in range(6):
        site.log_in("nonsense", X_Forwarded_For="203.0.113.7")
    assert site.log_in(X_Forwarded_For="198.51.100.1, 203.0.113.7").status == 429
    assert site.log_in(X_Forwarded_For="203.0.113.7, 198.51.100.1").status == 200
    assert site.log_in().status == 200


def test_pages_below_a_path_name_addresses_below_it(site: Site) -> None:
    page = site.peer.ask("/vegas/hosts", Sec_Fetch_Mode="navigate", Host=HOST)
    assert (page.status, page.headers["location"]) == (303, "/vegas/login?to=/hosts")
    assert site.peer.ask("/vegas/static/app.js", Host=HOST).status == 200


def test_nobody_runs_an_array_behind_a_web_server_without_logins(tmp_path: Path) -> None:
    array = Array(urls={}, site=DashboardConfig(origins=[ORIGIN]))
    with pytest.raises(RefusedError, match="keys = true"):
        with serving(array, make_page(tmp_path / "page"), control=True):
            pass
    with serving(array, make_page(tmp_path / "page2")) as peer:
        assert peer.get("/api/session")["control"] is False
