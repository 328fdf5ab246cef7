"""People and programs of an HTTP server: proved by the token of a key, in each request or once for a
session. Revoked keys end here. Knows no connection; for one event loop.

A dashboard has the same: it gives `find_token` of its key folder, and looks at `ended` for its streams.
"""

from __future__ import annotations

import math
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from player.endpoints.http.protocol.backoff import Backoff, BackoffSettings, source_of
from player.endpoints.http.protocol.credentials import (
    cookie_name,
    cookie_that_ends,
    has_bearer,
    read_bearer,
    read_cookies,
    session_cookie,
)
from player.endpoints.http.protocol.sessions import Person, Sessions, SessionSettings
from zmqjsonproxy.keys.folder import token_digest
from zmqjsonproxy.rights import KnownKey, Role

__all__ = ["Login", "Logins", "NotProvedError"]

MAX_PROVED = 10_000
"""Tokens that are remembered with the address that they came from."""
_NO_CREDENTIALS = (
    "people with keys are answered here: log in at /login, or send the token of your key, "
    "Authorization: Bearer TOKEN"
)
_UNKNOWN = "the token is of no key that is known here; ask who administers it for one"


class NotProvedError(Exception):
    """Error: who asks did not prove who it is.

    Attributes:
        status: Of HTTP.
        why: Sentence with what to do.
        retry_after: Time after which another try is looked at, s; 0: at once.
    """

    def __init__(self, why: str, status: int = 401, retry_after: int = 0) -> None:
        super().__init__(why)
        self.why, self.status, self.retry_after = why, status, retry_after

    @property
    def headers(self) -> dict[str, str]:
        """Headers of its answer."""
        if self.status == 401:
            return {"www-authenticate": "Bearer"}
        return {"retry-after": str(self.retry_after)} if self.retry_after else {}


@dataclass(frozen=True, slots=True)
class Login:
    """A login that succeeded.

    Attributes:
        person: Who it is.
        cookie: Header `Set-Cookie` of the answer.
    """

    person: Person
    cookie: str


class Logins:
    """Logins of one server.

    Args:
        find_token: Returns the key of a token; None: it is none that is known.
        port: Of the server, which its cookies are named by.
        is_secure: It speaks TLS: cookies that came without are nothing.
        sessions: Limits of sessions.
        backoff: Growth of pauses after failures.
        clock: Monotonic, s.
    """

    def __init__(
        self,
        find_token: Callable[[str], KnownKey | None],
        *,
        port: int,
        is_secure: bool,
        sessions: SessionSettings | None = None,
        backoff: BackoffSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find_token, self._clock = find_token, clock
        self._secure = cookie_name(port, is_secure=True)
        self._plain = cookie_name(port, is_secure=False)
        self._cookies = (self._secure,) if is_secure else (self._secure, self._plain)
        self._sessions, self._backoff = Sessions(sessions), Backoff(backoff)
        self._proved_before: OrderedDict[tuple[str, str], bool] = OrderedDict()  # the oldest first

    def person(self, headers: Mapping[str, str], peer: str, *, is_act: bool) -> Person:
        """Return who makes a request.

        Args:
            headers: By lower-case name.
            peer: Address that it comes from.
            is_act: A person did something, which keeps the rights of a session.

        Raises:
            NotProvedError: It is not said, or not true, or not any more.
        """
        if has_bearer(headers):
            token = read_bearer(headers)
            key = self._proved(token, peer)
            return Person(key=key.name, role=key.role, token=token)
        why = _NO_CREDENTIALS
        for secret in (each for name in self._cookies for each in read_cookies(headers, name)):
            digest = self._sessions.find(secret)
            if not digest:
                continue
            person, why = self._of_session(digest, is_act=is_act)
            if person is not None:
                return person
        raise NotProvedError(why)

    def _proved(self, token: str, peer: str) -> KnownKey:
        """Return the key of a token; each that is none makes its source wait longer. Tokens that have
        come from there before, and were right, do not wait for those of others who guess behind the
        same address, of a gateway say."""
        source, now = source_of(peer), self._clock()
        proved = source, token_digest(token)
        is_proved = self._proved_before.pop(proved, False)
        if not is_proved and (pause := self._backoff.pause(source, now)):
            seconds = math.ceil(pause)
            raise NotProvedError(
                f"too many tokens from {peer} were wrong; try again in {seconds} s", 429, seconds
            )
        key = self._find_token(token) if token else None
        if key is None:
            self._backoff.fail(source, now)
            raise NotProvedError(_UNKNOWN)
        if key.is_revoked:
            raise NotProvedError(_revoked(key))
        if not is_proved:
            self._backoff.succeed(source)
        self._proved_before[proved] = True
        if len(self._proved_before) > MAX_PROVED:
            self._proved_before.popitem(last=False)
        return key

    def _of_session(self, digest: str, *, is_act: bool) -> tuple[Person | None, str]:
        """Return whose session it is; else why it is nobody's any more."""
        session = self._sessions.use(digest, self._clock(), is_act=is_act)
        if session is None:
            return None, "the session has ended: log in again"
        key = self._find_token(session.token)
        if key is None or key.is_revoked:
            self._sessions.close(digest)
            return None, _UNKNOWN if key is None else _revoked(key)
        is_lowered = session.is_lowered and key.role > Role.OBSERVE
        person = Person(
            key=key.name,
            role=Role.OBSERVE if is_lowered else key.role,
            token=session.token,
            session=digest,
            is_lowered=is_lowered,
        )
        return person, ""

    def log_in(self, token: str, peer: str, *, is_secure: bool) -> Login:
        """Begin a session.

        Args:
            token: Of a key.
            peer: Address that it comes from.
            is_secure: The browser sends its cookie by TLS only.

        Raises:
            NotProvedError: The token is none, or too many before it were none.
        """
        key, secret = self._proved(token, peer), secrets.token_urlsafe(32)
        digest = self._sessions.open(secret, key.name, token, self._clock())
        person = Person(key=key.name, role=key.role, token=token, session=digest)
        name = self._secure if is_secure else self._plain
        return Login(person, session_cookie(name, secret, is_secure=is_secure))

    def log_out(self, person: Person, *, is_secure: bool) -> str:
        """End the session of a person, if there is one; the header `Set-Cookie` of the answer."""
        self._sessions.close(person.session)
        name = self._secure if is_secure else self._plain
        return cookie_that_ends(name, is_secure=is_secure)

    def rights(self, person: Person) -> Role | None:
        """Return the rights that a person has by now whose stream goes on; None: none any more."""
        if person.session:
            found = self._of_session(person.session, is_act=False)[0]
            return None if found is None else found.role
        key = self._find_token(person.token)
        return None if key is None or key.is_revoked else key.role

    def ended(self, person: Person) -> str:
        """Return why a person whose stream goes on may not have it any more; empty: they may."""
        if person.session:
            return self._of_session(person.session, is_act=False)[1]
        key = self._find_token(person.token)
        if key is None:
            return _UNKNOWN
        return _revoked(key) if key.is_revoked else ""


def _revoked(key: KnownKey) -> str:
    return f"the key {key.name} was revoked; ask who administers this server for a new one"
