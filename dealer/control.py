"""Control of Banks that a Dealer has: taken of all or of none, renewed, given back.

Coroutines over a hub, for the verbs of both Dealers; what gives signs of life meanwhile is a thread
of a Dealer, or a task of an AsyncDealer.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from dealer.errors import PlayersError
from dealer.fanout import BankCalls, all_values
from dealer.outcome import Outcome, Outcomes
from groundwork.values import RemoteValue
from zmqjsonproxy import CallRequest
from zmqjsonproxy.control.protocol.lease import RENEW_EVERY_S, SILENT_S
from zmqjsonproxy.errors import NotInControlError, ProxyError
from zmqjsonproxy.hubs import run

__all__ = ["Control", "ControlBlock", "Controls", "Renewal", "ThreadRenewal"]

log = logging.getLogger(__name__)

GIVE_BACK_WITHIN_S = 1.0
"""Time for giving control back when a Dealer is closed, s; silence does it, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """Control of one Bank, as its Player tells it.

    Attributes:
        bank: Name.
        owner: Client that has it, `user@host:pid`; None: nobody has.
        host: Of the owner, as it calls itself.
        key: Name of the owner's key; empty: it has none.
        reason: As the owner gave it.
        since: When it was taken, UTC.
        until: When it ends at the latest, UTC.
        number: Rises each time that control of this Bank is taken.
        ended: How the control before this one ended, in words; None: there was none.
        required: Commands are refused while nobody has control.
        credential: Of control that was just taken: whoever has it commands. Empty: as of others.
    """

    bank: str
    owner: str | None = None
    host: str = ""
    key: str = ""
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    number: int | None = None
    ended: str | None = None
    required: bool = False
    credential: str = field(default="", repr=False)

    @classmethod
    def read(cls, bank: str, told: Mapping[str, RemoteValue]) -> Control:
        """Return what a Player said of its Bank."""
        return cls(
            bank=bank,
            owner=told.get("owner"),
            host=told.get("host") or "",
            key=told.get("key") or "",
            reason=told.get("reason") or "",
            since=_time(told.get("since")),
            until=_time(told.get("until")),
            number=told.get("number"),
            ended=told.get("ended"),
            required=bool(told.get("required")),
            credential=f"{told['number']}:{told['token']}" if told.get("token") else "",
        )

    def describe(self) -> dict[str, object]:
        """Return it as JSON holds it, without the credential."""
        times = {"since": self.since, "until": self.until}
        return {
            "owner": self.owner,
            "host": self.host,
            "key": self.key,
            "reason": self.reason,
            **{name: None if time is None else time.isoformat() for name, time in times.items()},
            "number": self.number,
            "ended": self.ended,
            "required": self.required,
        }

    def __str__(self) -> str:
        if self.owner is None or self.until is None:
            before = f"; {self.ended}" if self.ended else ""
            return f"nobody has control{', which commands need' if self.required else ''}{before}"
        who = f"{self.owner} (key {self.key})" if self.key else self.owner
        return f"{who} until {self.until:%Y-%m-%d %H:%M:%S} UTC: {self.reason}"

    def __repr__(self) -> str:
        return f"<{self.bank}: {self}>"


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class Renewal(Protocol):
    """Repetition of the signs of life of whoever has control."""

    def begin(self, sign: Callable[[], Coroutine[object, None, bool]]) -> None:
        """Give one every RENEW_EVERY_S, until it returns False; nothing if that goes on already."""

    def end(self) -> None:
        """Give none any more."""


class ThreadRenewal:
    """A thread that gives signs of life, for callers that wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: threading.Event | None = None
        self._thread: threading.Thread | None = None

    def begin(self, sign: Callable[[], Coroutine[object, None, bool]]) -> None:
        """See Renewal."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._ended = ended = threading.Event()
            self._thread = threading.Thread(
                target=_repeat, args=(sign, ended), name="control", daemon=True
            )
            self._thread.start()

    def end(self) -> None:
        """See Renewal."""
        with self._lock:
            thread, self._thread = self._thread, None
            if self._ended is not None:
                self._ended.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join(2 * RENEW_EVERY_S)


def _repeat(sign: Callable[[], Coroutine[object, None, bool]], ended: threading.Event) -> None:
    while not ended.wait(RENEW_EVERY_S):
        if not run(sign()):
            return


@dataclass(slots=True)
class Held:
    """Control of one Bank that this Dealer has taken.

    Attributes:
        is_renewed: It ends when this Dealer is silent.
        is_lost: Its Player has said that it has ended. Commands are refused until it is given
            back, or taken anew: whoever went on without would not know of the others.
    """

    is_renewed: bool
    is_lost: bool = False


class Controls:
    """Control that one Dealer has, and asks for.

    Args:
        calls: Calls to its Banks.

    Attributes:
        renewal: Gives the signs of life; None: control is taken so that it needs none.
    """

    def __init__(self, calls: BankCalls) -> None:
        self._calls = calls
        self._held: dict[str, Held] = {}
        self._pid = os.getpid()
        self.renewal: Renewal | None = None

    @property
    def held(self) -> list[str]:
        """Banks whose control was taken and not given back yet."""
        return list(self._mine())

    def _mine(self) -> dict[str, Held]:
        """Return what this process has: a child of whoever took control has none."""
        if self._pid != os.getpid():
            self._held, self._pid = {}, os.getpid()
        return self._held

    async def take(
        self, reason: str, minutes: float, stays: bool, banks: Sequence[str], timeout: float
    ) -> dict[str, Control]:
        """Take control of Banks, or of none; see `Verbs.take_control`."""
        renewal = None if stays else self.renewal
        # What stays is silent at first, too: what nobody can prove, for its answer was lost, ends.
        args = (reason, minutes * 60.0, None if self.renewal is None else SILENT_S)
        found = await self._calls.outcomes("control.take", banks, timeout, args)
        taken = {
            bank: Control.read(bank, outcome.value)
            for bank, outcome in found.items()
            if outcome.error is None
        }
        for bank, control in taken.items():
            self.hold(bank, control.credential, is_renewed=renewal is not None)
        if stays and self.renewal is not None and len(taken) == len(found):
            found = await self._calls.outcomes("control.renew", banks, timeout, (True,))
        if any(outcome.error is not None for outcome in found.values()):
            await self._give_back(list(taken), timeout)
            raise PlayersError("take_control", found, _none_taken(found))
        if renewal is not None:
            renewal.begin(self.give_sign)
        return taken

    async def release(self, banks: Sequence[str], timeout: float) -> dict[str, Control]:
        """Give control of Banks back; see `Verbs.release_control`."""
        found = await self._give_back([bank for bank in banks if bank in self._mine()], timeout)
        return _controls("release_control", found)

    async def break_(self, reason: str, banks: Sequence[str], timeout: float) -> dict[str, Control]:
        """Take control of Banks from whoever has it; see `Verbs.break_control`."""
        found = await self._calls.outcomes("control.break_lease", banks, timeout, (reason,))
        return _controls("break_control", found)

    async def show(self, banks: Sequence[str], timeout: float) -> dict[str, Control]:
        """Return who has control of Banks; see `Verbs.who_controls`."""
        return _controls(
            "who_controls", await self._calls.outcomes("control.state", banks, timeout)
        )

    async def let_go(self) -> None:
        """Give back what needs signs of life, when the Dealer is closed; a Player that cannot be
        told notices the silence."""
        if self.renewal is not None:
            self.renewal.end()
        renewed = [bank for bank, held in self._mine().items() if held.is_renewed]
        with suppress(ProxyError):
            await self._give_back(renewed, GIVE_BACK_WITHIN_S)

    def hold(self, bank: str, credential: str, *, is_renewed: bool = False) -> None:
        """Have a credential go with each call to a Bank from now on."""
        self._mine()[bank] = Held(is_renewed)
        self._calls.hub.set_control(self._calls.urls[bank], credential)

    def forget(self, bank: str) -> None:
        """Have no credential go with calls to a Bank any more: its control is known to have ended."""
        self._mine().pop(bank, None)
        self._calls.hub.set_control(self._calls.urls[bank], "")

    async def _give_back(self, banks: Sequence[str], timeout: float) -> Outcomes:
        """Release control of Banks; outcomes, in which what had ended before is a value."""
        requests = [CallRequest(self._calls.urls[bank], "control", "release") for bank in banks]
        try:
            results = await self._calls.hub.call_many(requests, timeout) if requests else []
        finally:
            for bank in banks:
                self.forget(bank)
        found = Outcomes()
        for bank, result in zip(banks, results, strict=True):
            error, value = result.error, result.value
            if isinstance(error, NotInControlError):
                log.warning("release_control: %s", error)
                value, error = error.control, None
            found[bank] = Outcome(bank, value if error is None else None, error, result.delay_s)
        return found

    async def give_sign(self) -> bool:
        """Give a sign of life to all Players whose control is to be kept; False: there is none."""
        kept = {b: held for b, held in list(self._mine().items()) if held.is_renewed}
        if self._calls.is_closed or all(held.is_lost for held in kept.values()):
            return False
        asked = [bank for bank, held in kept.items() if not held.is_lost]
        requests = [CallRequest(self._calls.urls[bank], "control", "renew") for bank in asked]
        results = await self._calls.hub.call_many(requests, RENEW_EVERY_S)
        for bank, result in zip(asked, results, strict=True):
            if self._mine().get(bank) is not kept[bank]:
                continue  # given back, or taken anew, meanwhile
            if isinstance(result.error, NotInControlError):
                kept[bank].is_lost = True
                log.warning("control is lost: %s", result.error)
            elif result.error is not None:
                log.warning("%s does not hear that this Dealer lives: %s", bank, result.error)
        return True


def _none_taken(found: Outcomes) -> str:
    """Return what holds where control of some Banks could not be taken."""
    text = "control was taken of none of them"
    errors = [outcome.error for outcome in found.values()]
    if any(getattr(error, "call_id", "") for error in errors):
        text += f"; where the answer was lost it ends after {SILENT_S:g} s, if it was given"
    return text


def _controls(action: str, found: Outcomes) -> dict[str, Control]:
    values = all_values(action, found)
    return {bank: Control.read(bank, told) for bank, told in values.items()}


class ControlBlock:
    """Control within a block: `with` for callers that wait, `async with` for tasks.

    Args:
        take: Takes it.
        release: Gives it back.
    """

    def __init__(
        self,
        take: Callable[[], Coroutine[object, None, dict[str, Control]]],
        release: Callable[[], Coroutine[object, None, dict[str, Control]]],
    ) -> None:
        self._take, self._release = take, release

    def __enter__(self) -> dict[str, Control]:
        return run(self._take())

    def __exit__(self, kind: type[BaseException] | None, *_exc: object) -> None:
        try:
            run(self._release())
        except PlayersError as error:
            self._tell(error, kind)

    async def __aenter__(self) -> dict[str, Control]:
        return await self._take()

    async def __aexit__(self, kind: type[BaseException] | None, *_exc: object) -> None:
        try:
            await self._release()
        except PlayersError as error:
            self._tell(error, kind)

    def _tell(self, error: PlayersError, kind: type[BaseException] | None) -> None:
        """Raise what came of giving control back, unless the block has raised something itself."""
        if kind is None:
            raise error
        log.warning("%s", error)
