"""Seats: connections of the people who run the array, each with the control that the person has.

All calls of a seat carry the token of its person's key, by which the Players decide. One person has one
seat, however many windows.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any

from dashboard.acts.act import Act
from dealer.control import Controls
from dealer.fanout import BankCalls
from dealer.operations import AsyncOperations
from dealer.services import AsyncServices, Services
from dealer.verbs import Verbs
from player.endpoints.http.protocol.sessions import Person
from zmqjsonproxy import AsyncHub, AsyncOperation
from zmqjsonproxy.control.protocol.lease import RENEW_EVERY_S
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.subscriptions import Subscriptions

__all__ = ["PresentRenewal", "Seat", "SeatVerbs", "Seats"]

ABSENT_S = 15.0
"""Control that is to be renewed is given back when nobody was there for so long."""
MAX_SEATS, IDLE_S = 50, 600.0


class SeatVerbs(Verbs[str, AsyncOperation, AsyncOperations]):
    """The verbs of a Dealer, for some Banks, over the connections of a seat.

    Args:
        hub: Of the seat.
        urls: Bank -> URL, of these Banks.
        timeout: Default deadline of a call, s.
        subscriptions: Of the seat.
    """

    def __init__(
        self, hub: AsyncHub, urls: Mapping[str, str], timeout: float, subscriptions: Subscriptions
    ) -> None:
        super().__init__(urls, {bank: bank for bank in urls}, hub, timeout, 1.0, subscriptions)
        self.players = dict(self.available_players)
        self._operation, self._operations = partial(AsyncOperation, hub), AsyncOperations


class Seat:
    """Seat of one person.

    Args:
        token: Of the person's key; empty: calls are those of this program.
        urls: Bank -> URL.
        keys: By which Players are called; None: without.
        is_present: Tells whether the person is there.

    Attributes:
        urls: Bank -> URL.
        hub: Makes the calls.
        controls: Control that the person has.
        numbers: Bank -> number of the control that was taken of it last.
        acts: Tasks that go on.
        used: When it was used last, s, monotonic.
    """

    def __init__(
        self,
        token: str,
        urls: Mapping[str, str],
        keys: ClientKeys | None,
        is_present: Callable[[], bool],
    ) -> None:
        self.urls = urls
        self.hub = AsyncHub(resolvers=AsyncServices(keys).resolvers, keys=keys)
        if token:
            self.hub.call_for(token)
        self._subscriptions = Subscriptions(Services(keys).resolvers, keys=keys)
        self.controls = Controls(BankCalls(self.hub, urls))
        self.controls.renewal = PresentRenewal(self.controls, is_present)
        self.numbers: dict[str, int] = {}
        self.acts: dict[asyncio.Task[None], Act] = {}
        self.used = time.monotonic()

    def verbs(self, banks: Sequence[str], timeout: float) -> SeatVerbs:
        """Return the verbs for some Banks, with a default deadline, s."""
        urls = {bank: self.urls[bank] for bank in banks}
        return SeatVerbs(self.hub, urls, timeout, self._subscriptions)

    @property
    def holds(self) -> dict[str, int]:
        """Banks whose control the person has, with its number."""
        return {bank: self.numbers[bank] for bank in self.controls.held if bank in self.numbers}

    def forget_ended(self, control_of: Callable[[str], Any]) -> None:
        """Forget control that has ended: commands are those of somebody without, as the page shows
        it, and a stop is not refused for control that nobody has.

        An act that is still to send something to the Bank keeps it, to be refused there: its next
        step is not to be carried out without control.

        Args:
            control_of: Bank -> control as its Player publishes it.
        """
        for bank, number in self.holds.items():
            is_kept = any(act.has_steps_at(bank) for act in self.acts.values())
            if not is_kept and _has_ended(number, control_of(bank)):
                self.controls.forget(bank)

    @property
    def is_idle(self) -> bool:
        """Tell whether it may be taken away."""
        return not self.acts and not self.controls.held

    async def close(self) -> None:
        """End it: what goes on at Players goes on; control that needs signs of life is given back."""
        for task in self.acts:
            task.cancel()
        await asyncio.gather(*self.acts, return_exceptions=True)
        await self.controls.let_go()
        self._subscriptions.close()
        await self.hub.close()


def _has_ended(number: int, told: Any) -> bool:
    """Tell whether control of a number is over; what is told may be older than the number."""
    if not isinstance(told, Mapping) or told.get("number") == number:
        return False
    newest = told.get("last_number")
    return isinstance(newest, int) and newest >= number


class PresentRenewal:
    """Signs of life of a person, as long as they are there; see `dealer.control.Renewal`."""

    def __init__(self, controls: Controls, is_present: Callable[[], bool]) -> None:
        self._controls, self._is_present = controls, is_present
        self._task: asyncio.Task[None] | None = None

    def begin(self, sign: Callable[[], Coroutine[object, None, bool]]) -> None:
        """See Renewal."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._repeat(sign))

    async def _repeat(self, sign: Callable[[], Coroutine[object, None, bool]]) -> None:
        seen = time.monotonic()
        while True:
            await asyncio.sleep(RENEW_EVERY_S)
            now = time.monotonic()
            if self._is_present():
                seen = now
            if now - seen > ABSENT_S:
                self._task = None  # which is this one: it is not to end itself
                await self._controls.let_go()
                return
            if not await sign():
                return

    def end(self) -> None:
        """See Renewal."""
        if self._task is not None:
            self._task.cancel()
            self._task = None


class Seats:
    """All seats.

    Args:
        urls: Bank -> URL.
        keys: By which Players are called; None: without.
        is_present: Tells whether a person is there.
        control_of: Bank -> control as its Player publishes it.
    """

    def __init__(
        self,
        urls: Mapping[str, str],
        keys: ClientKeys | None,
        is_present: Callable[[Person], bool],
        control_of: Callable[[str], Any],
    ) -> None:
        self._urls, self._keys, self._is_present = urls, keys, is_present
        self._control_of = control_of
        self._seats: dict[tuple[str, str], Seat] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def of(self, person: Person) -> Seat:
        """Return the seat of a person, who may be new."""
        place = person.key, person.token
        seat = self._seats.pop(place, None)
        if seat is None:
            self._make_room()
            is_present = partial(self._is_present, person)
            seat = Seat(person.token, self._urls, self._keys, is_present)
        self._seats[place] = seat  # the one that was used last stands at the end
        seat.used = time.monotonic()
        seat.forget_ended(self._control_of)
        return seat

    def holds(self, person: Person) -> dict[str, int]:
        """Return the Banks whose control a person has, with its number."""
        seat = self._seats.get((person.key, person.token))
        if seat is None:
            return {}
        seat.forget_ended(self._control_of)
        return seat.holds

    def _make_room(self) -> None:
        """Take seats away that nobody has used for long, and of too many the oldest of them."""
        now, excess = time.monotonic(), len(self._seats) + 1 - MAX_SEATS
        for place, seat in list(self._seats.items()):
            if seat.is_idle and (excess > 0 or now - seat.used > IDLE_S):
                del self._seats[place]
                excess -= 1
                task = asyncio.get_running_loop().create_task(seat.close())
                self._closing.add(task)
                task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Take all seats away."""
        seats, self._seats = list(self._seats.values()), {}
        ends: list[Coroutine[Any, Any, None]] = [seat.close() for seat in seats]
        await asyncio.gather(*ends, *self._closing, return_exceptions=True)
