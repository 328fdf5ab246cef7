"""Logins: tokens in headers, sessions, keys that are revoked while they last."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from groundwork.roles import Role
from player.endpoints.http.logins import Logins, NotProvedError
from zmqjsonproxy.keys import ClientKey

HERE = "10.0.0.1"
BEARER = {"authorization": "Bearer ann-token"}


class Site:
    """Known keys by token, a clock to turn, and the logins of a server."""

    def __init__(self) -> None:
        ann = ClientKey(name="ann", role=Role.ADMIN, public="")
        self.keys, self.now = {"ann-token": ann}, 0.0
        self.logins = Logins(self.keys.get, port=8081, is_secure=False, clock=lambda: self.now)

    def revoke(self) -> None:
        self.keys["ann-token"] = replace(self.keys["ann-token"], is_revoked=True)

    def cookie(self) -> dict[str, str]:
        """Log in; the header of the next request."""
        login = self.logins.log_in("ann-token", HERE, is_secure=False)
        match = re.match(r"(\w+)=([\w-]+);", login.cookie)
        assert match
        assert match[1] == "dealer_player_8081"
        assert "ann-token" not in login.cookie
        return {"cookie": f"other=1; {match[1]}={match[2]}"}


@pytest.fixture
def site() -> Site:
    return Site()


def refused(site: Site, headers: dict[str, str]) -> NotProvedError:
    with pytest.raises(NotProvedError) as caught:
        site.logins.person(headers, HERE, is_act=True)
    return caught.value


def test_a_token_proves_a_key_and_travels_with_the_person(site: Site) -> None:
    person = site.logins.person(BEARER, HERE, is_act=True)
    assert (person.key, person.role) == ("ann", Role.ADMIN)
    assert (person.token, person.session) == ("ann-token", "")
    assert "ann-token" not in repr(person)


def test_a_session_proves_the_same_with_its_cookie(site: Site) -> None:
    headers = site.cookie()
    person = site.logins.person(headers, HERE, is_act=True)
    assert (person.key, person.role, person.token) == ("ann", Role.ADMIN, "ann-token")
    assert site.logins.ended(person) == ""
    assert "Max-Age=0" in site.logins.log_out(person, is_secure=False)
    assert site.logins.ended(person) != ""
    assert refused(site, headers).status == 401


def test_nothing_and_wrong_things_are_refused_with_what_to_do(site: Site) -> None:
    for headers in {}, {"cookie": "dealer_player_8081=guessed"}, {"authorization": "Basic x"}:
        error = refused(site, headers)
        assert (error.status, error.headers) == (401, {"www-authenticate": "Bearer"})
        assert "/login" in error.why
    assert "ask who administers" in refused(site, {"authorization": "Bearer wrong"}).why
    assert "ask who administers" in refused(site, {"authorization": "Bearer \xe9"}).why


def test_a_wrong_token_is_not_saved_by_a_cookie(site: Site) -> None:
    assert refused(site, {**site.cookie(), "authorization": "Bearer wrong"}).status == 401


def test_a_revoked_key_is_told_so_and_its_sessions_and_streams_end(site: Site) -> None:
    headers = site.cookie()
    by_session = site.logins.person(headers, HERE, is_act=True)
    by_token = site.logins.person(BEARER, HERE, is_act=True)
    site.revoke()
    for person in by_session, by_token:
        assert "the key ann was revoked" in site.logins.ended(person)
    assert "the key ann was revoked" in refused(site, BEARER).why
    with pytest.raises(NotProvedError, match="revoked"):
        site.logins.log_in("ann-token", HERE, is_secure=False)
    site.keys["ann-token"] = replace(site.keys["ann-token"], is_revoked=False)
    assert refused(site, headers).status == 401  # the session does not come back


def test_a_new_token_of_a_key_ends_what_the_old_one_began(site: Site) -> None:
    person = site.logins.person(site.cookie(), HERE, is_act=True)
    site.keys["new"] = site.keys.pop("ann-token")
    assert site.logins.ended(person) != ""


def test_a_role_is_that_of_the_key_now_and_lower_after_half_an_hour(site: Site) -> None:
    headers = site.cookie()
    site.keys["ann-token"] = replace(site.keys["ann-token"], role=Role.OPERATE)
    assert site.logins.person(headers, HERE, is_act=True).role is Role.OPERATE
    site.now = 31 * 60.0
    person = site.logins.person(headers, HERE, is_act=True)
    assert (person.role, site.logins.ended(person)) == (Role.OBSERVE, "")
    site.now += 12.1 * 3600
    assert site.logins.ended(person) != ""


def test_guesses_make_their_source_wait_and_nobody_else(site: Site) -> None:
    errors = [refused(site, {"authorization": f"Bearer guess{n}"}) for n in range(10)]
    assert [error.status for error in errors] == [401] * 6 + [429] * 4
    assert errors[-1].headers == {"retry-after": "1"}
    assert refused(site, BEARER).status == 429  # the right one has to wait, too
    assert site.logins.person(BEARER, "10.0.0.2", is_act=True).key == "ann"
    site.now += 1.1
    assert site.logins.person(BEARER, HERE, is_act=True).key == "ann"


def test_who_was_right_before_does_not_wait_for_those_who_guess_at_the_same_address(
    site: Site,
) -> None:
    assert site.logins.person(BEARER, HERE, is_act=True).key == "ann"
    errors = [refused(site, {"authorization": f"Bearer guess{n}"}) for n in range(10)]
    assert errors[-1].status == 429
    assert site.logins.person(BEARER, HERE, is_act=True).key == "ann"
    assert refused(site, {"authorization": "Bearer guess"}).status == 429  # that ended no pause
    del site.keys["ann-token"]
    assert refused(site, BEARER).status == 401
    assert refused(site, BEARER).status == 429


def test_who_has_a_session_does_not_wait_for_those_who_guess(site: Site) -> None:
    headers = site.cookie()
    for n in range(10):
        refused(site, {"authorization": f"Bearer guess{n}"})
    assert site.logins.person(headers, HERE, is_act=True).key == "ann"
