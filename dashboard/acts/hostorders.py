"""Orders to the supervisords of hosts: start, stop and restart Players."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Literal, TypeVar

from dashboard.acts.act import Act, ActOutcome, OutcomeState
from dashboard.acts.seats import Seat
from dealer.hosts import BankOnHost, Installation
from dealer.services import open_hub
from dealer.supervision import OrderOutcome, Supervision

__all__ = ["HostOrders", "Order"]

Order = Literal["start", "stop", "restart"]
WITHIN_S = 60.0
"""Deadline of an order to one Player."""
AT_ONCE = {"start": 64, "stop": 64, "restart": 1}
_STATES = {
    "ready": OutcomeState.DONE,
    "stopped": OutcomeState.DONE,
    "failed": OutcomeState.FAILED,
    "left alone": OutcomeState.REFUSED,
}
T = TypeVar("T")


class HostOrders:
    """Gives orders.

    Args:
        installation: Hosts with their supervisords.
    """

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self._hub = open_hub()
        self._supervision = Supervision(installation, self._hub, WITHIN_S)

    def close(self) -> None:
        """Ask Players no more; what was ordered goes on."""
        self._hub.close()

    async def give(
        self,
        _seat: Seat,
        act: Act,
        *,
        order: Order,
        banks: Sequence[BankOnHost],
        force: bool,
        show: Callable[[Act], None],
    ) -> None:
        """Give an order, and wait for its end.

        Args:
            _seat: Of who gives it.
            act: Which is carried out.
            order: What is to be done.
            banks: Whose Players.
            force: Also while a scan runs.
            show: Called with the act whenever an outcome is known.
        """
        supervision = self._supervision
        if not force and order != "start":
            scanning = await _beside(partial(supervision.scanning, banks))
            if scanning:
                names = ", ".join(scanning)
                act.note = (
                    f"{names}: a scan runs; nothing was done. Wait for its end, or: "
                    f"dealer hosts {order} {' '.join(act.banks)} --force"
                )
                act.refuse("not done, for a scan runs")
                return
        loop = asyncio.get_running_loop()

        def take(outcome: OrderOutcome) -> None:
            state = _STATES.get(outcome.outcome, OutcomeState.FAILED)
            text = f"{outcome.outcome}: {outcome.text}" if outcome.text else outcome.outcome
            act.outcomes[outcome.bank] = ActOutcome(state, text, outcome.took_s)
            show(act)

        def tell(outcome: OrderOutcome) -> None:
            with suppress(RuntimeError):  # the dashboard has ended meanwhile
                loop.call_soon_threadsafe(take, outcome)

        await _beside(partial(supervision.order, order, banks, AT_ONCE[order], tell))


async def _beside(work: Callable[[], T]) -> T:
    """Carry out in a thread what may take a minute, and which the end of the program does not wait
    for."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(take: Callable[[Any], None], what: object) -> None:
        if not done.done():
            take(what)

    def carry_out() -> None:
        try:
            told: tuple[Callable[[Any], None], object] = (done.set_result, work())
        except Exception as error:  # for whoever waits
            told = (done.set_exception, error)
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, *told)

    threading.Thread(target=carry_out, name="host order", daemon=True).start()
    return await done
