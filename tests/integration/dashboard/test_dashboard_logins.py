"""A dashboard at which people log in, asked by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.error import HTTPError

import pytest
from support.dashboards import Peer, make_page, serving
from support.player_run import poll
from websockets.exceptions import ConnectionClosed, InvalidStatus

from dashboard.config import Array
from player.endpoints.http.application import STREAMS_OF_PERSON
from zmqjsonproxy.keys.register import make_server, new_client, register, revoke
from zmqjsonproxy.rights import Role


class Site:
    """A dashboard of an array without Banks, and its people."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.keys, self.tokens = folder / "keys", dict[str, str]()
        make_server(self.keys)
        self.add("ann", Role.OPERATE)
        array = Array(urls={}, keys=True, key_dir=self.keys)
        self.peer: Peer = stack.enter_context(serving(array, make_page(folder / "page")))

    def add(self, name: str, role: Role) -> None:
        """Make a key."""
        new = new_client(name)
        register(self.keys, name, role, new.public, new.digest)
        self.tokens[name] = new.own.token

    def bearer(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[name]}"}

    def log_in(self, name: str) -> str:
        """Log in as a browser does; the cookie."""
        answer = self.peer.ask(
            "/login",
            "POST",
            json.dumps({"token": self.tokens[name]}),
            Origin=self.peer.url.rstrip("/"),
            Content_Type="application/json",
            X_Dealer_Player="1",
        )
        assert answer.status == 200, answer.body
        assert {"HttpOnly", "SameSite=Strict"} <= set(answer.headers["set-cookie"].split("; "))
        return answer.headers["set-cookie"].partition(";")[0]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path_factory.mktemp("logins"), stack)


def test_nothing_but_login_and_assets_is_answered_to_who_proves_nothing(site: Site) -> None:
    described = site.peer.ask("/openapi.json", **site.bearer("ann")).json
    paths = {path for path, methods in described["paths"].items() if "get" in methods}
    assert {"/", "/events", "/api/overview", "/files/{bank}/{name}"} <= paths
    filled = (
        path.replace("{bank}", "BANKA").replace("{area}", "DATA").replace("{name}", "x")
        for path in sorted(paths - {"/login"})
    )
    for path in [*filled, "/bank/BANKA", "/nosuch"]:
        assert site.peer.ask(path).status == 401, path
    for path in ("/login", "/static/app.js"):
        assert site.peer.ask(path).status == 200
    shown = site.peer.ask("/hosts", Sec_Fetch_Mode="navigate")
    assert (shown.status, shown.headers["location"]) == (303, "/login?to=/hosts")
    with pytest.raises(InvalidStatus, match="401"), site.peer.web_socket():
        pass


def test_a_cookie_or_a_bearer_token_proves_who_looks(site: Site) -> None:
    cookie = site.log_in("ann")
    assert site.peer.ask("/api/session", Cookie=cookie).json == {
        "key": "ann",
        "role": "operate",
        "is_lowered": False,
        "control": False,
        "holds": {},
    }
    assert site.peer.ask("/api/overview", **site.bearer("ann")).json["rows"] == {}
    with closing(site.peer.events("overview", Cookie=cookie)) as events:
        assert events.next("hello")["topics"] == ["overview"]
    with site.peer.web_socket(Cookie=cookie) as socket:
        assert json.loads(socket.recv(60))["event"] == "hello"


def test_only_a_login_of_our_own_page_is_taken(site: Site) -> None:
    body = json.dumps({"token": site.tokens["ann"]})
    ours = {"Content_Type": "application/json", "X_Dealer_Player": "1"}
    own = site.peer.url.rstrip("/")
    for headers in (
        {"Content_Type": "application/x-www-form-urlencoded"},
        ours,
        ours | {"Origin": "http://evil.example.org"},
        {"Origin": own, "Content_Type": "application/json"},
        ours | {"Origin": own, "Sec_Fetch_Site": "cross-site"},
    ):
        assert site.peer.ask("/login", "POST", body, **headers).status == 403
    assert site.peer.ask("/login", "POST", "{}", Origin=own, **ours).status in (400, 401)


def test_the_streams_of_one_session_are_bounded(site: Site) -> None:
    cookie = site.log_in("ann")
    with ExitStack() as stack:
        for _ in range(STREAMS_OF_PERSON):
            events = stack.enter_context(closing(site.peer.events("overview", Cookie=cookie)))
            events.next("hello")
        with pytest.raises(HTTPError, match="429"):
            site.peer.events("overview", Cookie=cookie)
    poll(lambda: site.peer.ask("/api/session", Cookie=cookie).status == 200, "an answer")


def test_a_revoked_key_ends_its_streams_with_a_reason(site: Site) -> None:
    site.add("eve", Role.OBSERVE)
    poll(lambda: site.peer.ask("/healthz", **site.bearer("eve")).status == 200, "the key is known")
    cookie = site.log_in("eve")
    with (
        closing(site.peer.events("overview", Cookie=cookie)) as events,
        site.peer.web_socket(**site.bearer("eve")) as socket,
    ):
        events.next("hello")
        revoke(site.keys, "eve")
        assert "eve was revoked" in events.next("end")["reason"]
        texts = []
        with pytest.raises(ConnectionClosed):
            while True:
                texts.append(str(socket.recv(60)))
        assert "eve was revoked" in json.loads(texts[-1])["reason"]
    assert site.peer.ask("/api/overview", Cookie=cookie).status == 401
