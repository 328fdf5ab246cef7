"""Host and Origin: whom a Player answers."""

from __future__ import annotations

import pytest

from player.endpoints.http.protocol.origins import change_refusal, refusal

NAMES = {"localhost", "hpc1", "vegas.example.org"}


def why(local: str = "10.0.0.5", is_websocket: bool = False, **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal(named, is_websocket=is_websocket, local=local, names=NAMES)


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("10.0.0.5:8080", "10.0.0.5"),
        ("10.0.0.5", "10.0.0.5"),
        ("HPC1:8080", "10.0.0.5"),
        ("vegas.example.org.:8080", "10.0.0.5"),
        ("localhost:9000", "127.0.0.1"),  # as through a tunnel
        ("127.0.0.1:9000", "127.0.0.1"),
        ("127.0.0.2:9000", "127.0.0.1"),
        ("[::1]:9000", "::1"),
        ("127.0.0.1:1", "::ffff:127.0.0.1"),
        ("[fd00::1]", "fd00:0::1"),
    ],
)
def test_a_host_that_is_ours_is_answered(host: str, local: str) -> None:
    assert why(local, host=host) == ""
    assert why(local, is_websocket=True, host=host, origin=f"http://{host}") == ""
    assert why(local, host=host, origin=f"https://{host.upper()}") == ""


@pytest.mark.parametrize(
    "host",
    [
        "",
        "evil.example.org",
        "evil.example.org:8080",
        "10.0.0.6:8080",
        "127.0.0.1:8080",
        "hpc1.evil.org",
        "hpc1@evil.org",
        "hpc1:8080, evil.org",
        "hpc1:99999999",
        "[::1",
        "hpc1\n",
    ],
)
def test_a_host_that_is_not_ours_is_refused_with_the_remedy(host: str) -> None:
    assert "`hosts`" in why(host=host)
    assert "`hosts`" in why()


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example.org",
        "http://hpc1:8081",  # another port of the same host
        "http://hpc1",
        "null",
        "",
        "ftp://hpc1:8080",
        "http://hpc1:8080.evil.org",
    ],
)
def test_another_origin_is_refused(origin: str) -> None:
    assert "open it from there" in why(host="hpc1:8080", origin=origin)
    assert "open it from there" in why(host="hpc1:8080", origin=origin, is_websocket=True)


def test_a_websocket_without_an_origin_is_refused_with_the_one_to_send() -> None:
    assert "as http://hpc1:8080" in why(host="hpc1:8080", is_websocket=True)
    assert why(host="hpc1:8080") == ""


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_parts_of_foreign_pages_are_refused_and_links_in_them_are_not(site: str) -> None:
    assert "another origin" in why(host="hpc1", sec_fetch_site=site, sec_fetch_mode="no-cors")
    assert why(host="hpc1", sec_fetch_site=site, sec_fetch_mode="navigate") == ""
    assert why(host="hpc1", sec_fetch_site="same-origin", sec_fetch_mode="cors") == ""
    assert "another origin" in why(
        host="hpc1",
        origin="http://hpc1",
        is_websocket=True,
        sec_fetch_site=site,
        sec_fetch_mode="navigate",
    )


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_links_of_foreign_pages_to_what_changes_something_are_refused(site: str) -> None:
    headers = {"host": "hpc1", "sec-fetch-site": site, "sec-fetch-mode": "navigate"}
    told = refusal(headers, is_websocket=False, local="10.0.0.5", names=NAMES, links=False)
    assert "another origin" in told
    headers["sec-fetch-site"] = "none"  # written by a user
    assert refusal(headers, is_websocket=False, local="10.0.0.5", names=NAMES, links=False) == ""


@pytest.mark.parametrize(
    ("scheme", "headers", "said"),
    [
        ("http", {"origin": "http://hpc1:8080"}, ""),
        ("https", {"origin": "https://HPC1:8080"}, ""),
        ("http", {"origin": "http://hpc1:8080", "sec-fetch-site": "same-origin"}, ""),
        ("http", {"authorization": "Bearer abc"}, ""),  # a program
        ("http", {"origin": "https://hpc1:8080"}, "a page of"),
        ("https", {"origin": "http://hpc1:8080"}, "a page of"),
        ("http", {"origin": "http://hpc1:8081"}, "a page of"),
        ("http", {"origin": "http://hpc1"}, "a page of"),
        ("http", {"origin": "null"}, "a page of"),
        ("http", {}, "Origin: http://hpc1:8080"),
        ("http", {"origin": "http://hpc1:8080", "sec-fetch-site": "same-site"}, "another origin"),
        ("http", {"origin": "http://hpc1:8080", "sec-fetch-site": "none"}, "another origin"),
        ("http", {"origin": "http://hpc1:8080", "x-dealer-player": ""}, "X-Dealer-Player: 1"),
        ("http", {"origin": "http://hpc1:8080", "content-type": "text/plain"}, "application/json"),
    ],
)
def test_only_our_own_pages_and_programs_with_a_token_change_something(
    scheme: str, headers: dict[str, str], said: str
) -> None:
    ours = {"host": "hpc1:8080", "x-dealer-player": "1", "content-type": "application/json"}
    sent = {**ours, "content-length": "2", **headers}
    told = change_refusal(sent, scheme=scheme)
    assert said in told if said else told == ""


def test_what_has_no_body_needs_no_type_of_it() -> None:
    sent = {"host": "hpc1", "x-dealer-player": "1", "origin": "http://hpc1"}
    assert change_refusal(sent, scheme="http") == ""
    assert change_refusal({**sent, "content-length": "0"}, scheme="http") == ""


def test_a_program_with_a_token_needs_no_origin_for_a_websocket() -> None:
    assert why(host="hpc1", is_websocket=True, authorization="Bearer abc") == ""
    assert why(host="hpc1", is_websocket=True, authorization="Basic abc") != ""
