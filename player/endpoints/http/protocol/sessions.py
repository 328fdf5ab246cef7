"""Sessions of people who logged in with a token: who they are, how long a session lasts. No clock,
nothing random: callers say `now`, and bring the secret of a new session.

A session that does nothing keeps more than `observe` for half an hour, and ends after twelve hours.
Open streams, which nobody looks at perhaps, are something for the session, and nothing for its
rights.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from groundwork.roles import Role

__all__ = ["LoginSession", "Person", "SessionSettings", "Sessions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person or program, proved by the token of its key.

    Attributes:
        key: Name of the key.
        role: Rights that it has at most here and now; the Player decides by the token.
        token: Of the key; goes with the calls that are made for this person.
        session: Digest of the secret of its session; empty: each request brings the token.
        is_lowered: The key allows more; a new login does, too.
    """

    key: str
    role: Role
    token: str = field(repr=False)
    session: str = ""
    is_lowered: bool = False

    @property
    def place(self) -> tuple[str, str]:
        """Name by which the streams of one browser, or one program, are counted."""
        return self.key, self.session


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSettings:
    """Limits of sessions.

    Attributes:
        idle: A session that nothing uses for so long ends, s.
        rights_idle: So long after the last act of its person it has `observe` only, s.
        most: Sessions of all people; the one that was unused for longest makes room.
        most_of_key: Those of one key.
    """

    idle: float = 12 * 3600.0
    rights_idle: float = 1800.0
    most: int = 1000
    most_of_key: int = 50


@dataclass(slots=True)
class LoginSession:
    """A session.

    Attributes:
        key: Name of the key whose token opened it.
        token: That token.
        used_at: When anything used it, s.
        acted_at: When its person did something, s.
        is_lowered: Its person did nothing for too long; only a new login gives more than `observe`.
    """

    key: str
    token: str = field(repr=False)
    used_at: float
    acted_at: float
    is_lowered: bool = False


class Sessions:
    """All sessions of one server.

    Args:
        settings: Their limits.
    """

    def __init__(self, settings: SessionSettings | None = None) -> None:
        self._settings = settings or SessionSettings()
        self._sessions: dict[str, LoginSession] = {}  # by digest, in the order of their last use

    def __len__(self) -> int:
        return len(self._sessions)

    def open(self, secret: str, key: str, token: str, now: float) -> str:
        """Begin a session.

        Args:
            secret: What its cookie carries; never used before.
            key: Name of the key that the token belongs to.
            token: Of the key.
            now: s, monotonic.

        Returns:
            The digest of the secret, by which it is known here.
        """
        self.forget_old(now)
        settings = self._settings
        of_key = [digest for digest, session in self._sessions.items() if session.key == key]
        if len(of_key) >= settings.most_of_key:
            del self._sessions[of_key[0]]
        elif len(self._sessions) >= settings.most:
            del self._sessions[next(iter(self._sessions))]
        digest = _digest(secret)
        self._sessions[digest] = LoginSession(key, token, now, now)
        return digest

    def find(self, secret: str) -> str:
        """Return the digest of a secret, if there is such a session; else nothing."""
        digest = _digest(secret)
        return digest if digest in self._sessions else ""

    def use(self, digest: str, now: float, *, is_act: bool) -> LoginSession | None:
        """Note that a session is used.

        Args:
            digest: As of `open`.
            now: s, monotonic.
            is_act: Its person did something; else a page of it did, or its stream goes on.

        Returns:
            It; None: it has ended.
        """
        session = self._sessions.pop(digest, None)
        if session is None or now - session.used_at > self._settings.idle:
            return None
        session.used_at = now
        session.is_lowered |= now - session.acted_at > self._settings.rights_idle
        if is_act and not session.is_lowered:
            session.acted_at = now
        self._sessions[digest] = session
        return session

    def close(self, digest: str) -> None:
        """End a session, if it is there still."""
        self._sessions.pop(digest, None)

    def forget_old(self, now: float) -> None:
        """End those that nothing used for too long."""
        for digest, session in list(self._sessions.items()):
            if now - session.used_at <= self._settings.idle:
                break
            del self._sessions[digest]


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
