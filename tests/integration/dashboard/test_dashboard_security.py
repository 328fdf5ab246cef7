"""Security of the dashboard, line by line, by hand-made requests: who may, from where, by what."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support.dashboards import Answer, Peer, make_page, serving
from websockets.exceptions import InvalidStatus

from dashboard.acts.routes import ACT_PATHS
from dashboard.config import Array
from zmqjsonproxy.keys.register import make_server, new_client, register
from zmqjsonproxy.rights import Role

BANKS = {"banks": ["NOBANK"]}
ALARM = {"alarms": [{"bank": "NOBANK", "name": "drop"}]}
CHANGES: dict[str, tuple[Role, Mapping[str, Any], int]] = {
    "/api/call": (Role.OBSERVE, BANKS | {"method": "stop"}, 404),
    "/api/parameters": (Role.OPERATE, BANKS | {"values": {"exposure": 1}}, 404),
    "/api/scan/start": (Role.OPERATE, BANKS, 404),
    "/api/scan/stop": (Role.OPERATE, BANKS, 404),
    "/api/scan/plan": (Role.OPERATE, BANKS, 404),
    "/api/operations/abort": (Role.OPERATE, {"bank": "NOBANK", "id": "x"}, 404),
    "/api/control/take": (Role.OPERATE, BANKS | {"reason": "x"}, 404),
    "/api/control/release": (Role.OPERATE, BANKS, 404),
    "/api/control/break": (Role.ADMIN, BANKS | {"reason": "x"}, 404),
    "/api/hosts/order": (Role.ADMIN, BANKS | {"order": "stop"}, 409),
    "/api/acts/ask": (Role.OPERATE, {"id": "a1"}, 404),
    "/api/acts/dismiss": (Role.OBSERVE, {"ids": ["a1"]}, 200),
    "/api/views": (Role.OBSERVE, {"name": "mine", "address": "/"}, 200),
    "/api/views/remove": (Role.OBSERVE, {"name": "nosuch"}, 404),
    "/api/alarms/acknowledge": (Role.OBSERVE, ALARM, 404),
    "/api/alarms/shelve": (Role.OPERATE, {**ALARM, "seconds": 60}, 404),
    "/api/alarms/unshelve": (Role.OPERATE, ALARM, 404),
}
"""Path -> role that it needs, a body, what whoever has the role is answered without Banks."""
LOGINS = {"/login", "/logout"}


class PatientPeer(Peer):
    """A client that keeps to the pace that the dashboard asks for."""

    def ask(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> Answer:
        while (answer := super().ask(path, method, body, **headers)).status == 429:
            time.sleep(float(answer.headers["retry-after"]))
        return answer


class Site:
    """A dashboard of an array without Banks, and people of each role."""

    def __init__(self, folder: Path, stack: ExitStack, *, control: bool) -> None:
        keys = folder / "keys"
        make_server(keys)
        self.tokens = dict[str, str]()
        for role in Role:
            new = new_client(str(role))
            register(keys, str(role), role, new.public, new.digest)
            self.tokens[str(role)] = new.own.token
        array = Array(urls={}, keys=True, key_dir=keys)
        page = make_page(folder / "page")
        served = stack.enter_context(serving(array, page, control=control))
        self.peer = PatientPeer(served.url)
        self.own = self.peer.url.rstrip("/")

    def bearer(self, role: Role) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[str(role)]}"}

    def cookie(self, role: Role) -> str:
        """Log in, as a browser does."""
        answer = self.peer.post("/login", {"token": self.tokens[str(role)]})
        assert answer.status == 200, answer.body
        return answer.headers["set-cookie"].partition(";")[0]

    def raw(self, path: str, body: str, **headers: str) -> Answer:
        """Send what a page of ours sends, with other headers; an empty one is left out."""
        ours = {
            "Origin": self.own,
            "Content_Type": "application/json",
            "X_Dealer_Player": "1",
            "Sec_Fetch_Site": "same-origin",
        }
        sent = {name: value for name, value in (ours | headers).items() if value}
        return self.peer.ask(path, "POST", body, **sent)


@pytest.fixture(scope="module", params=[True, False], ids=["control", "looking"])
def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    with ExitStack() as stack:
        yield Site(tmp_path_factory.mktemp("security"), stack, control=request.param)


def has_control(site: Site) -> bool:
    told = site.peer.ask("/api/session", **site.bearer(Role.OBSERVE)).json
    return bool(told["control"])


def described(site: Site) -> set[str]:
    """Return the paths that take something, as the site describes them."""
    paths = site.peer.ask("/openapi.json", **site.bearer(Role.OBSERVE)).json["paths"]
    return {path for path, methods in paths.items() if methods.keys() - {"get"}}


def test_all_that_changes_something_is_described_and_takes_post_only(site: Site) -> None:
    paths = site.peer.ask("/openapi.json", **site.bearer(Role.OBSERVE)).json["paths"]
    assert {method for methods in paths.values() for method in methods} == {"get", "post"}
    wanted = set(CHANGES) if has_control(site) else set(CHANGES) - set(ACT_PATHS)
    assert described(site) - LOGINS == wanted
    for path in CHANGES:
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS"):
            answer = site.peer.ask(path, method, "{}", **site.bearer(Role.ADMIN))
            assert answer.status == 405, (method, path)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_may_what_it_needs_and_nothing_more(site: Site, role: Role) -> None:
    for path, (needs, body, done) in CHANGES.items():
        named = {"name": str(role)} if path == "/api/views" else {}
        answer = site.peer.post(path, {**body, **named}, **site.bearer(role))
        if path in ACT_PATHS and not has_control(site):
            assert (answer.status, "only looks" in answer.json["detail"]) == (403, True), path
        elif role < needs:
            assert (answer.status, f"role {needs}" in answer.json["detail"]) == (403, True), path
        else:
            assert answer.status == done, (path, answer.body)


def test_nobody_without_a_proof_changes_anything(site: Site) -> None:
    for path, (_, body, _) in CHANGES.items():
        assert site.peer.post(path, body).status == 401, path
    wrong = site.peer.post("/api/call", {}, Authorization="Bearer nonsense")
    assert wrong.status == 401


def test_only_requests_of_our_own_pages_change_anything(site: Site) -> None:
    cookie = site.cookie(Role.ADMIN)
    host, port = site.peer.host.split(":")
    wrong: list[dict[str, str]] = [
        {"Origin": "http://evil.example.org"},
        {"Origin": f"http://{host}:{int(port) + 1}"},
        {"Origin": f"http://{host}"},
        {"Origin": f"https://{host}:{port}"},
        {"Origin": "null"},
        {"Origin": ""},
        {"X_Dealer_Player": ""},
        {"X_Dealer_Player": "0"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Content_Type": "application/x-www-form-urlencoded"},
        {"Content_Type": "multipart/form-data; boundary=x"},
        {"Content_Type": "text/plain"},
        {"Content_Type": ""},
        {"Host": "evil.example.org"},
        {"Host": f"evil.example.org:{port}", "Origin": f"http://evil.example.org:{port}"},
    ]
    for path in ("/api/views", "/api/control/break"):
        body = json.dumps(CHANGES[path][1])
        for headers in wrong:
            answer = site.raw(path, body, Cookie=cookie, **headers)
            assert answer.status == 403, (path, headers, answer.body)
            assert "access-control-allow-origin" not in answer.headers
    assert site.raw("/api/views", json.dumps(CHANGES["/api/views"][1]), Cookie=cookie).status == 200


def test_a_cookie_of_another_port_is_nobody_here(site: Site) -> None:
    name, _, secret = site.cookie(Role.ADMIN).partition("=")
    assert name.endswith(site.peer.host.split(":")[1])
    other = f"{name[:-1]}{(int(name[-1]) + 1) % 10}={secret}"
    assert site.raw("/api/views", "{}", Cookie=other).status == 401


def test_reading_changes_nothing_whatever_it_is_asked(site: Site) -> None:
    for path in CHANGES:
        for query in ("", "?banks=BANKA&method=stop", "?name=x&address=/&_method=POST"):
            answer = site.peer.ask(path + query, **site.bearer(Role.ADMIN))
            is_read = path in ("/api/views", "/api/parameters")
            assert answer.status in ((200,) if is_read else (404, 405)), path


def test_a_websocket_of_another_page_is_refused(site: Site) -> None:
    cookie = site.cookie(Role.ADMIN)
    host, port = site.peer.host.split(":")
    for origin in ("http://evil.example.org", f"http://{host}:{int(port) + 1}", "null"):
        with pytest.raises(InvalidStatus, match="403"), site.peer.web_socket(origin, Cookie=cookie):
            pass


def test_every_answer_may_not_be_framed_sniffed_or_told_of_to_others(site: Site) -> None:
    asked = [
        site.peer.ask("/", **site.bearer(Role.OBSERVE)),
        site.peer.ask("/login"),
        site.peer.ask("/static/app.js"),
        site.peer.ask("/nosuch", **site.bearer(Role.OBSERVE)),
        site.peer.ask("/api/overview"),
        site.peer.post("/api/views", [], **site.bearer(Role.OBSERVE)),
        site.peer.post("/api/call", {}, Origin="http://evil.example.org"),
    ]
    for answer in asked:
        assert answer.headers["x-frame-options"] == "DENY"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert not any(name.startswith("access-control") for name in answer.headers)


def test_bodies_are_bounded_and_checked(site: Site) -> None:
    for body in ("", "[]", "null", "{", '{"name": "x"}', '{"name": NaN, "address": "/"}', "\xff"):
        assert site.raw("/api/views", body, **site.bearer(Role.ADMIN)).status == 400, body
    deep = "[" * 30_000 + "]" * 30_000
    assert site.raw("/api/views", deep, **site.bearer(Role.ADMIN)).status == 400
    long = json.dumps({"name": "x", "address": "/?" + "x" * 70_000})
    assert site.raw("/api/views", long, **site.bearer(Role.ADMIN)).status == 413


def test_tokens_and_sessions_are_in_no_answer(site: Site) -> None:
    cookie = site.cookie(Role.ADMIN)
    paths = ("/api/session", "/api/site", "/metrics", "/openapi.json", "/api/views")
    for path in paths:
        told = site.peer.ask(path, Cookie=cookie).body.decode()
        assert site.tokens["admin"] not in told
        assert cookie.partition("=")[2] not in told
