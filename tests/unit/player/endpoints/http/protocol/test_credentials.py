"""Credentials of requests, and cookies."""

from __future__ import annotations

import pytest

from player.endpoints.http.protocol.credentials import (
    cookie_name,
    cookie_that_ends,
    has_bearer,
    read_bearer,
    read_cookies,
    read_login,
    session_cookie,
)


@pytest.mark.parametrize(
    ("header", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer abc=", "abc="),
        ("BEARER   a-b_c.d~e+f/g", "a-b_c.d~e+f/g"),
        ("Bearer abc def", ""),
        ("Bearer " + "a" * 257, ""),
        ("Bearer abc, Bearer def", ""),  # twice
        ("Bearer \xe9", ""),
        ("Basic abc", ""),
        ("Bearer", ""),
        ("", ""),
    ],
)
def test_a_token_is_read_from_its_header(header: str, token: str) -> None:
    assert read_bearer({"authorization": header}) == token


def test_a_token_of_a_wrong_form_is_not_the_same_as_none() -> None:
    assert has_bearer({"authorization": "Bearer \xe9"})
    assert not has_bearer({"authorization": "Basic abc"})
    assert not has_bearer({})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"token":1}',
        b'{"token":""}',
        b'{"token":"a b"}',
        b"\xff",
        b"[" * 100_000,
        b'{"token":"%b"}' % (b"a" * 300),
    ],
)
def test_a_body_that_is_no_login_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="a login is JSON"):
        read_login(body)


def test_a_login_may_have_blanks_around_its_token_as_it_was_copied() -> None:
    assert read_login(b'{"token":" abc\\n"}') == "abc"


def test_cookies_are_named_by_their_port_and_no_script_or_other_site_gets_them() -> None:
    assert session_cookie(cookie_name(8081, is_secure=False), "s3", is_secure=False) == (
        "dealer_player_8081=s3; HttpOnly; SameSite=Strict; Path=/"
    )
    assert session_cookie(cookie_name(8081, is_secure=True), "s3", is_secure=True) == (
        "__Host-dealer_player_8081=s3; HttpOnly; SameSite=Strict; Path=/; Secure"
    )
    assert cookie_that_ends("n", is_secure=False).startswith("n=; HttpOnly")
    assert "Max-Age=0" in cookie_that_ends("n", is_secure=False)


def test_a_cookie_is_found_among_others_and_a_planted_one_does_not_hide_it() -> None:
    name = "dealer_player_8081"
    headers = {"cookie": f"a=1; dealer_player_80=x; {name}=planted; {name}=own"}
    assert read_cookies(headers, name) == ["planted", "own"]
    assert read_cookies({"cookie": "n=1; " * 100}, "n") == ["1"] * 4
    assert read_cookies({}, "n") == []
