"""A Player that demands keys, asked over HTTP by hand: who proves who it is, and how, and for how
long."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.certificates import make_certificate
from support.player_run import poll
from support.publishing_bank import PublishingBank
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from player.config import load
from player.endpoints.http.tls import MAX_HALF_OPEN
from player.host import Host
from zmqjsonproxy import ThreadHub
from zmqjsonproxy.errors import RoleTooLowError, UnknownKeyError
from zmqjsonproxy.keys.register import make_server, new_client, register, revoke
from zmqjsonproxy.rights import Role

WITHIN = 60.0
FILE = """
[instrument]
keys = true
key_port = 0

[banks.BANKA]
kind = "{kind}"
hpc_host = "localhost"

[banks.BANKA.files]
DATA = "data"

[banks.BANKA.endpoints.http]
areas = ["DATA"]
ping_every = 0.2

[banks.BANKA.endpoints.secure]
kind = "http"
certificate = "certificate.pem"
certificate_key = "key.pem"
"""


class Site:
    """A Player with two pages, of which one speaks TLS, and three people.

    Attributes:
        tokens: Of each person.
        port: Of the page without TLS.
        secure_port: Of the other.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.keys = folder, folder / "keys"
        make_server(self.keys)
        self.tokens = {
            name: self.register(name, role)
            for name, role in (("ann", Role.ADMIN), ("bob", Role.OBSERVE))
        }
        self.certificate, _ = make_certificate(folder)
        (folder / "data").mkdir()
        (folder / "data" / "long.bin").write_bytes(bytes(64 * 2**20))
        kind = f"{PublishingBank.__module__}:{PublishingBank.__qualname__}"
        path = folder / "dibas.toml"
        path.write_text(FILE.format(kind=kind))
        self.host = Host(load(path), "BANKA", "tcp://127.0.0.1:*", simulate=True, data_root=folder)

    def register(self, name: str, role: Role) -> str:
        """Make a key; its token."""
        new = new_client(name)
        register(self.keys, name, role, new.public, new.digest)
        return new.own.token

    @property
    def port(self) -> int:
        return port_of(self.host.endpoint_urls["http"])

    @property
    def secure_port(self) -> int:
        return port_of(self.host.endpoint_urls["secure"])

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ours(self) -> dict[str, str]:
        """Headers of what a page of ours posts."""
        return {
            "Origin": self.origin,
            "Sec-Fetch-Site": "same-origin",
            "Content-Type": "application/json",
            "X-Dealer-Player": "1",
        }

    def log_in(self, name: str) -> str:
        """Log in as a browser does; the cookie."""
        body = json.dumps({"token": self.tokens[name]})
        answer = ask(self, "/login", "POST", self.ours, body)
        assert answer.status == 200, answer.text
        return answer.headers["set-cookie"].partition(";")[0]

    def new_person(self, name: str, role: Role = Role.OPERATE) -> None:
        """Make a key, and wait until the Player knows it."""
        self.tokens[name] = self.register(name, role)
        poll(lambda: ask(self, headers=self.bearer(name)).status == 200, "the key is known")

    def bearer(self, name: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[name]}"}


def port_of(url: str) -> int:
    return int(url.rstrip("/").rpartition(":")[2])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("logins"))
    try:
        made.host.open()
        made.host.wait_until_ready()
        yield made
    finally:
        made.host.close()


class Answer:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.text = response.read().decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        return json.loads(self.text)


def ask(
    site: Site,
    path: str = "/",
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: str | None = None,
    source: str = "127.0.0.1",
) -> Answer:
    peer = http.client.HTTPConnection(
        "127.0.0.1", site.port, timeout=WITHIN, source_address=(source, 0)
    )
    with closing(peer):
        peer.request(method, path, body, headers or {})
        return Answer(peer.getresponse())


@contextmanager
def stream_of(site: Site, headers: dict[str, str]) -> Iterator[http.client.HTTPResponse]:
    """Open a stream of events."""
    peer = http.client.HTTPConnection("127.0.0.1", site.port, timeout=WITHIN)
    with closing(peer):
        peer.request("GET", "/events?pattern=level", headers=headers)
        yield peer.getresponse()


def web_socket(site: Site, headers: dict[str, str], origin: str | None) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{site.port}/ws?pattern=level",
        origin=origin,  # type: ignore[arg-type]  # a NewType of str
        additional_headers=headers,
        legacy=False,
        proxy=None,
    )


def test_nothing_but_the_login_is_answered_to_who_proves_nothing(site: Site) -> None:
    described = ask(site, "/openapi.json", headers=site.bearer("bob")).json
    paths = {path for path, methods in described["paths"].items() if "get" in methods}
    paths = {path.replace("{name}", "level").replace("{area}", "DATA") for path in paths}
    assert {"/", "/events", "/metrics", "/healthz", "/Files/level"} <= paths
    for path in [*sorted(paths - {"/login"}), "/openapi.json", "/none/such"]:
        answer = ask(site, path)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer"), path
        assert "/login" in answer.json["detail"]
    shown = ask(site, "/Controls", headers={"Sec-Fetch-Mode": "navigate"})
    assert (shown.status, shown.headers["location"]) == (303, "/login?to=/Controls")
    assert ask(site, "/static/../api/status").status == 404
    login = ask(site, "/login")
    assert login.status == 200
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', login.text):
        assert ask(site, path).status == 200


def test_all_that_changes_something_is_described_and_only_posted(site: Site) -> None:
    described = ask(site, "/openapi.json", headers=site.bearer("bob")).json["paths"]
    changing = {path for path, methods in described.items() if set(methods) != {"get"}}
    assert changing == {"/login", "/logout"}
    for method in "PUT", "DELETE", "PATCH", "OPTIONS":
        assert ask(site, "/login", method, site.ours).status == 405
    assert ask(site, "/logout", headers=site.bearer("bob")).status == 405
    assert ask(site, "/", "POST", site.ours | site.bearer("bob")).status == 405


def test_a_token_is_posted_once_and_a_cookie_takes_its_place(site: Site) -> None:
    token = site.tokens["ann"]
    answer = ask(site, "/login", "POST", site.ours, json.dumps({"token": token}))
    assert answer.json == {"key": "ann", "role": "admin"}
    cookie, *attributes = answer.headers["set-cookie"].split("; ")
    assert cookie.startswith(f"dealer_player_{site.port}=")
    assert attributes == ["HttpOnly", "SameSite=Strict", "Path=/"]
    assert token not in str(answer.headers)
    page = ask(site, "/", headers={"Cookie": cookie})
    assert "ann (admin)" in page.text
    assert token not in page.text
    assert ask(site, "/api/session", headers={"Cookie": cookie}).json["key"] == "ann"
    left = ask(site, "/logout", "POST", site.ours | {"Cookie": cookie}, "{}")
    assert "Max-Age=0" in left.headers["set-cookie"]
    assert ask(site, "/api/session", headers={"Cookie": cookie}).status == 401


def test_a_program_logs_in_by_its_header_or_sends_it_with_each_request(site: Site) -> None:
    ours = {"X-Dealer-Player": "1", **site.bearer("bob")}
    answer = ask(site, "/login", "POST", ours)
    cookie = answer.headers["set-cookie"].partition(";")[0]
    told = {"key": "bob", "role": "observe"}
    assert ask(site, "/api/session", headers={"Cookie": cookie}).json == told
    assert ask(site, "/api/session", headers=site.bearer("bob")).json == told


def test_other_pages_and_links_log_nobody_in(site: Site) -> None:
    body = json.dumps({"token": site.tokens["ann"]})
    for change in (
        {"Origin": "http://127.0.0.1:1"},  # a neighbour's page, whose cookies are not told apart
        {"Origin": f"https://127.0.0.1:{site.port}"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"X-Dealer-Player": ""},
        {"Host": "evil.example.org", "Origin": "http://evil.example.org"},
    ):
        answer = ask(site, "/login", "POST", site.ours | change, body)
        assert answer.status == 403, change
        assert "set-cookie" not in answer.headers
    by_link = ask(site, f"/login?token={site.tokens['ann']}")
    assert "set-cookie" not in by_link.headers
    assert site.tokens["ann"] not in by_link.text
    assert ask(site, "/login", "POST", site.ours, "[]").status == 400
    assert ask(site, "/login", "POST", site.ours, "x" * 5000).status == 413


def test_no_header_lets_pages_of_others_read(site: Site) -> None:
    for path, headers in ("/login", {}), ("/", site.bearer("bob")), ("/none", {}):
        for name, value in ask(site, path, headers=headers).headers.items():
            assert not name.startswith("access-control"), value
    answer = ask(site, "/", "OPTIONS", {"Origin": "http://evil.example.org"})
    assert answer.status == 403
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_a_websocket_needs_our_origin_or_a_token_in_its_header(site: Site) -> None:
    cookie = {"Cookie": site.log_in("bob")}
    with web_socket(site, cookie, site.origin) as peer:
        assert json.loads(peer.recv(WITHIN))["event"] in ("update", "heartbeat")
    with web_socket(site, site.bearer("bob"), None) as peer:
        assert json.loads(peer.recv(WITHIN))["event"] in ("update", "heartbeat")
    for headers, origin, status in (
        (cookie, None, 403),
        (cookie, "http://127.0.0.1:1", 403),
        ({}, site.origin, 401),
        ({"Cookie": "dealer_player_1=x"}, site.origin, 401),
    ):
        with pytest.raises(InvalidStatus) as refused:
            with web_socket(site, headers, origin):
                pass
        assert refused.value.response.status_code == status


def test_a_revoked_key_is_refused_and_all_that_goes_on_of_it_ends(site: Site) -> None:
    site.new_person("eve")
    cookie = {"Cookie": site.log_in("eve")}
    with ExitStack() as stack:
        streams = [
            stack.enter_context(stream_of(site, headers))
            for headers in (cookie, site.bearer("eve"))
        ]
        peer = stack.enter_context(web_socket(site, cookie, site.origin))
        download = stack.enter_context(closing(socket.create_connection(("127.0.0.1", site.port))))
        download.settimeout(WITHIN)
        lines = ["GET /Files/DATA/long.bin HTTP/1.1", f"Host: 127.0.0.1:{site.port}"]
        lines += [f"{name}: {value}" for name, value in site.bearer("eve").items()]
        download.sendall("\r\n".join([*lines, "", ""]).encode())
        assert download.recv(15) == b"HTTP/1.1 200 OK"
        revoke(site.keys, "eve")
        for stream in streams:
            assert b"the key eve was revoked" in stream.read()
        with pytest.raises(ConnectionClosed):
            while True:
                last = peer.recv(WITHIN)
        assert json.loads(last)["event"] == "end"
        assert peer.close_code == 1008
        assert _size_until_its_end(download) < 64 * 2**20
    for headers in cookie, site.bearer("eve"):
        answer = ask(site, "/api/status", headers=headers)
        assert answer.status == 401
    assert "the key eve was revoked" in answer.json["detail"]


def _size_until_its_end(peer: socket.socket) -> int:
    size = 0
    try:
        while data := peer.recv(2**16):
            size += len(data)
    except ConnectionResetError:
        pass
    return size


def test_streams_of_a_session_are_bounded_and_end_with_it(site: Site) -> None:
    cookie = {"Cookie": site.log_in("ann")}
    with ExitStack() as stack:
        streams = [stack.enter_context(stream_of(site, cookie)) for _ in range(8)]
        assert [stream.status for stream in streams] == [200] * 8
        with stream_of(site, cookie) as refused:
            assert refused.status == 429
            assert "a page needs one" in json.loads(refused.read())["detail"]
        another = {"Cookie": site.log_in("ann")}
        assert stack.enter_context(stream_of(site, another)).status == 200
        ask(site, "/logout", "POST", site.ours | cookie, "{}")
        for stream in streams:
            assert stream.read().endswith(b"\n\n")  # to its end


def test_guesses_make_their_address_wait(site: Site) -> None:
    wrong = {"Authorization": "Bearer guess"}
    answers = [ask(site, headers=wrong, source="127.0.0.9") for _ in range(10)]
    assert [answer.status for answer in answers][:6] == [401] * 6
    assert answers[-1].status == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert ask(site, headers=site.bearer("bob")).status == 200


def test_what_is_asked_for_a_person_is_decided_by_that_persons_key(site: Site) -> None:
    with ThreadHub(keys=site.host._access.client_keys()) as hub:

        def call(method: str, token: str = "") -> Any:
            return hub.call(site.host.url, "bank", method, (1.0,), timeout=WITHIN, token=token)

        call("set_level")
        call("set_level", site.tokens["ann"])
        with pytest.raises(RoleTooLowError, match="bob"):
            call("set_level", site.tokens["bob"])
        with pytest.raises(UnknownKeyError):
            call("set_level", "guess")


def test_tls_is_spoken_with_the_certificate_and_its_cookie_goes_nowhere_else(site: Site) -> None:
    trusted = ssl.create_default_context(cafile=str(site.certificate))
    port = site.secure_port
    peer = http.client.HTTPSConnection("127.0.0.1", port, timeout=WITHIN, context=trusted)
    with closing(peer):
        ours = site.ours | {"Origin": f"https://127.0.0.1:{port}"}
        peer.request("POST", "/login", json.dumps({"token": site.tokens["bob"]}), ours)
        login = Answer(peer.getresponse())
        cookie, *attributes = login.headers["set-cookie"].split("; ")
        assert cookie.startswith(f"__Host-dealer_player_{port}=")
        assert "Secure" in attributes
        peer.request("GET", "/events?pattern=level", headers={"Cookie": cookie})
        with closing(peer.getresponse()) as stream:
            assert stream.readline().startswith(b"retry")
    with web_socket_of_tls(site, trusted, cookie) as socket_:
        assert json.loads(socket_.recv(WITHIN))["event"] in ("update", "heartbeat")
    with socket.create_connection(("127.0.0.1", port), WITHIN) as plain:
        plain.sendall(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert b"200 OK" not in plain.recv(1000)


def test_connections_without_a_handshake_keep_nobody_out(site: Site) -> None:
    trusted = ssl.create_default_context(cafile=str(site.certificate))
    address = ("127.0.0.1", site.secure_port)
    with ExitStack() as stack:
        silent = [
            stack.enter_context(socket.create_connection(address, WITHIN))
            for _ in range(MAX_HALF_OPEN + 8)
        ]
        peer = http.client.HTTPSConnection(*address, timeout=WITHIN, context=trusted)
        with closing(peer):
            peer.request("GET", "/login")
            assert Answer(peer.getresponse()).status == 200
        for one in silent[:8]:
            assert _size_until_its_end(one) == 0


def web_socket_of_tls(site: Site, trusted: ssl.SSLContext, cookie: str) -> ClientConnection:
    port = site.secure_port
    return connect(
        f"wss://127.0.0.1:{port}/ws?pattern=level",
        origin=f"https://127.0.0.1:{port}",  # type: ignore[arg-type]  # a NewType of str
        additional_headers={"Cookie": cookie},
        ssl=trusted,
        legacy=False,
        proxy=None,
    )
