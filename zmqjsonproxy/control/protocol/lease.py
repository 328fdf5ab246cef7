"""Lease of control over a Bank: its holder, its number, its end. No clock, no chance, no files.

Callers say the time twice: `now`, s, of a clock that is never set and counts the sleep of the
machine, which alone decides; and `wall`, UTC, unix seconds, for people to read.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from groundwork.values import JsonObject
from zmqjsonproxy.errors import NotInControlError, RefusedError

__all__ = [
    "LONGEST_TERM_S",
    "RENEW_EVERY_S",
    "SHORTEST_SILENCE_S",
    "SILENT_S",
    "Credential",
    "Ended",
    "Holder",
    "Lease",
    "LeaseEnding",
    "Terms",
    "utc",
]

SILENT_S = 15.0
"""An owner that is silent for so long has lost control; as a lost channel (RMIF /TIMEOUT)."""
RENEW_EVERY_S = 4.0
"""Pause between two signs of life of an owner, s; as pings of a channel (RMIF /TIMEPING)."""
SHORTEST_SILENCE_S = 1.0
LONGEST_TERM_S = 7 * 86400.0
_LONGEST_TEXT = 200


class LeaseEnding(StrEnum):
    """Reason why a lease ended."""

    OVER = "its time was over"
    SILENT = "its owner was silent"
    RELEASED = "it was released"
    BROKEN = "it was broken"


@dataclass(frozen=True, slots=True)
class Credential:
    """Proof of control: number of a lease, and the token that only its owner was told."""

    number: int
    token: str

    def __str__(self) -> str:
        return f"{self.number}:{self.token}"

    def __repr__(self) -> str:  # tokens are for no log
        return f"<control {self.number}>"

    @classmethod
    def read(cls, text: str) -> Credential | None:
        """Return what a text "NUMBER:TOKEN" says; None: it is none."""
        number, colon, token = text.partition(":")
        if not colon or not token or not (text.isascii() and number.isdigit()):
            return None
        return cls(int(number[:18]), token)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Terms on which control is taken; they hold until the lease ends, whoever asks next.

    Attributes:
        owner: Name of the client, `user@host:pid`.
        key: Its proven name; empty: none.
        reason: For people.
        seconds: Time after which the lease ends in any case.
        silent_s: An owner that is silent for so long has lost control; None: it need not renew.
    """

    owner: str
    key: str = ""
    reason: str
    seconds: float
    silent_s: float | None = SILENT_S

    @property
    def who(self) -> str:
        """Return the owner with its proven name, if it has one."""
        return f"{self.owner} (key {self.key})" if self.key else self.owner

    def __post_init__(self) -> None:
        _check_reason(self.reason)
        if not _is_within(self.seconds, 1.0, LONGEST_TERM_S):
            raise RefusedError(
                f"control: the time is {self.seconds!r} s; it is 1 to {LONGEST_TERM_S:g} s"
            )
        if self.silent_s is not None and not _is_within(
            self.silent_s, SHORTEST_SILENCE_S, LONGEST_TERM_S
        ):
            raise RefusedError(
                f"control: silent_s is {self.silent_s!r}; it is {SHORTEST_SILENCE_S:g} to "
                f"{LONGEST_TERM_S:g} s, or null"
            )

    @property
    def host(self) -> str:
        """Host of the owner, as it calls itself."""
        return self.owner.rpartition("@")[2].partition(":")[0] if "@" in self.owner else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A lease that is held.

    Attributes:
        number: Rises with each lease of the Bank.
        digest: Of the token.
        terms: As they were taken.
        since: When it was taken, UTC, unix seconds.
        until: When it ends at the latest, likewise.
        ends: When it ends at the latest, s.
        heard: When its owner gave the last sign of life, s.
    """

    number: int
    digest: str
    terms: Terms
    since: float
    until: float
    ends: float
    heard: float

    @property
    def due(self) -> float:
        """Time of its end unless its owner gives a sign of life, s."""
        silent = self.terms.silent_s
        return self.ends if silent is None else min(self.ends, self.heard + silent)

    def ending(self, now: float) -> LeaseEnding:
        """Return how it ended that was due."""
        return LeaseEnding.OVER if now >= self.ends else LeaseEnding.SILENT

    def is_proven_by(self, credential: Credential | None, key: str) -> bool:
        """Tell whether a credential is that of this lease, and comes from its owner.

        Args:
            credential: That came with a call.
            key: Proven name of who calls; empty: none. Control that was taken with a key is of no use
                to others who have learned its token.
        """
        if credential is None or credential.number != self.number:
            return False
        if self.terms.key and key != self.terms.key:
            return False
        return hmac.compare_digest(_digest(credential.token), self.digest)

    def describe(self) -> JsonObject:
        """Return what everybody may know."""
        terms = self.terms
        return {
            "owner": terms.owner,
            "host": terms.host,
            "key": terms.key,
            "reason": terms.reason,
            "since": self.since,
            "until": self.until,
            "number": self.number,
        }

    def __str__(self) -> str:
        return f"{self.terms.who} has control until {utc(self.until)}: {self.terms.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The last lease that ended.

    Attributes:
        number: Its number.
        owner: Its owner.
        why: How it ended.
        at: When, UTC, unix seconds.
        by: Whoever broke it.
        reason: Why they did.
    """

    number: int
    owner: str
    why: LeaseEnding
    at: float
    by: str = ""
    reason: str = ""

    def __str__(self) -> str:
        broken = f" by {self.by}: {self.reason}" if self.by else ""
        return f"control {self.number} of {self.owner} ended at {utc(self.at)}: {self.why}{broken}"


class Lease:
    """Control of one Bank, which has one owner at most.

    Args:
        name: Of the Bank.
        number: Of the last lease there was; 0: there was none.
        holder: The lease that is held.
        is_required: Commands need control also where nobody has it.

    Attributes:
        holder: The lease that is held, as far as `tick` has looked; replaced, never changed.
        ended: The lease that ended last, as far as it is known.
    """

    def __init__(
        self, name: str, number: int = 0, holder: Holder | None = None, is_required: bool = False
    ) -> None:
        self.name, self.is_required = name, is_required
        self.number = max(number, holder.number if holder else 0)
        self.holder = holder
        self.ended: Ended | None = None

    def tick(self, now: float, wall: float) -> bool:
        """End a lease that is due; whether it did. To be called at least once per second."""
        holder = self.holder
        if holder is None or now < holder.due:
            return False
        self._end(holder, holder.ending(now), wall)
        return True

    def take(
        self,
        now: float,
        wall: float,
        terms: Terms,
        token: str,
        credential: Credential | None = None,
    ) -> Holder:
        """Give control, under the next number.

        Args:
            now: s.
            wall: UTC, unix seconds.
            terms: Those of the new owner.
            token: Which nobody can guess.
            credential: Of the asker: whoever has control may take it anew, with other terms.

        Raises:
            NotInControlError: Somebody else has it.
        """
        self.tick(now, wall)
        holder = self.holder
        if holder is not None:
            if not holder.is_proven_by(credential, terms.key):
                raise self._refusal(f"{self.name}: {holder}", holder)
            self._end(holder, LeaseEnding.RELEASED, wall)
        self.number += 1
        self.holder = Holder(
            number=self.number,
            digest=_digest(token),
            terms=terms,
            since=wall,
            until=wall + terms.seconds,
            ends=now + terms.seconds,
            heard=now,
        )
        return self.holder

    def renew(
        self,
        now: float,
        wall: float,
        credential: Credential | None,
        *,
        key: str = "",
        stays: bool = False,
    ) -> Holder:
        """Take note of a sign of life of the owner; its terms stay, but for `stays`: it need not
        renew from now on. NotInControlError: it is not the owner, or no longer."""
        self.tick(now, wall)
        holder = self._proven(credential, key)
        terms = replace(holder.terms, silent_s=None) if stays else holder.terms
        self.holder = replace(holder, terms=terms, heard=max(now, holder.heard))
        return self.holder

    def release(
        self, now: float, wall: float, credential: Credential | None, *, key: str = ""
    ) -> Ended:
        """Give control back. NotInControlError: it is not the owner, or no longer; whoever has
        control by now keeps it."""
        self.tick(now, wall)
        return self._end(self._proven(credential, key), LeaseEnding.RELEASED, wall)

    def break_it(self, now: float, wall: float, by: str, reason: str) -> Ended | None:
        """Take control from whoever has it; None: nobody has.

        Args:
            now: s.
            wall: UTC, unix seconds.
            by: Name of whoever does.
            reason: For both.

        Raises:
            RefusedError: The reason is none.
        """
        _check_reason(reason)
        self.tick(now, wall)
        holder = self.holder
        return None if holder is None else self._end(holder, LeaseEnding.BROKEN, wall, by, reason)

    def check(self, now: float, text: str, key: str = "") -> None:
        """Let a command pass; changes nothing, and may be called in any thread.

        Args:
            now: s.
            text: The credential that came with it; empty: none.
            key: Proven name of its caller; empty: none.

        Raises:
            NotInControlError: Somebody else has control, or the credential is of a lease that has
                ended, or nobody has control and it is demanded.
        """
        holder = self.holder
        if holder is None or now >= holder.due:
            credential = Credential.read(text)
            if holder is not None and holder.is_proven_by(credential, key):
                why = holder.ending(now)
                raise self._refusal(f"{self.name}: control {holder.number} has ended: {why}", None)
            if text:
                raise self._refusal(self._late(credential), None)
            if self.is_required:
                raise self._refusal(
                    f"{self.name}: nobody has control, which commands need here "
                    "([instrument] require_control); take_control takes it",
                    None,
                )
            return
        if not text:
            raise self._refusal(f"{self.name}: {holder}", holder)
        credential = Credential.read(text)
        if not holder.is_proven_by(credential, key):
            raise self._refusal(f"{self._late(credential)}; now {holder}", holder)

    def describe(self, now: float) -> JsonObject:
        """Return what everybody may know: the lease, its values None if there is none, and how the
        last one ended."""
        holder, ended, told = self.holder, self.ended, _NOBODY
        if holder is not None and now < holder.due:
            told = holder.describe()
        elif holder is not None:  # `tick` has not looked yet
            at, who = holder.until - (holder.ends - holder.due), holder.terms.who
            ended = Ended(number=holder.number, owner=who, why=holder.ending(now), at=at)
        return told | {
            "last_number": self.number,
            "ended": None if ended is None else str(ended),
            "required": self.is_required,
        }

    def _proven(self, credential: Credential | None, key: str) -> Holder:
        holder = self.holder
        if holder is not None and holder.is_proven_by(credential, key):
            return holder
        now_has = "nobody has it now" if holder is None else f"now {holder}"
        raise self._refusal(f"{self._late(credential)}; {now_has}", holder)

    def _late(self, credential: Credential | None) -> str:
        if credential is None:
            return f"{self.name}: the caller has no control"
        if self.holder is not None and self.holder.number == credential.number:
            return f"{self.name}: control {credential.number} is not the caller's"
        if self.ended is not None and self.ended.number == credential.number:
            return f"{self.name}: {self.ended}"
        return f"{self.name}: control {credential.number} has ended, or was never given"

    def _refusal(self, text: str, holder: Holder | None) -> NotInControlError:
        return NotInControlError(text, control=_NOBODY if holder is None else holder.describe())

    def _end(
        self, holder: Holder, why: LeaseEnding, wall: float, by: str = "", reason: str = ""
    ) -> Ended:
        self.holder = None
        self.ended = Ended(
            number=holder.number, owner=holder.terms.who, why=why, at=wall, by=by, reason=reason
        )
        return self.ended


_NOBODY: JsonObject = dict.fromkeys(("owner", "host", "key", "reason", "since", "until", "number"))


def utc(seconds: float) -> str:
    """Return a time as people read it, "2026-11-30 12:30:00 UTC"."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _check_reason(reason: object) -> None:
    """Refuse what is no reason that others can read."""
    text = reason.strip() if isinstance(reason, str) else ""
    if not text or len(text) > _LONGEST_TEXT or not text.isprintable():
        raise RefusedError(
            f"control: reason is {reason!r:.80}; it is a text of one line, "
            f"1 to {_LONGEST_TEXT} characters, for others to read"
        )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _is_within(value: object, least: float, most: float) -> bool:
    return (
        isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value <= most
    )
