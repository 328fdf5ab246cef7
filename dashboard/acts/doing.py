"""Carrying out of acts: calls of a seat, and what their answers mean for the act."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from dashboard.acts.act import Act, ActOutcome, OutcomeState
from dashboard.acts.book import ActBook
from dashboard.acts.seats import Seat, Seats
from dealer.control import Control
from dealer.errors import DealerError, PlayersError, StartError, reason_of
from dealer.outcome import Outcome, Outcomes
from groundwork.errors import text_of
from player.endpoints.http.protocol.sessions import Person
from zmqjsonproxy import AsyncOperation, MethodDescription
from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.operations import begin, look

__all__ = [
    "Doer",
    "abort",
    "ask_again",
    "break_control",
    "call",
    "release",
    "set_parameters",
    "start",
    "stop",
    "take",
]

log = logging.getLogger(__name__)

Work = Callable[[Seat, Act], Coroutine[Any, Any, None]]
_ENDED = frozenset({"done", "failed", "aborted", "lost"})
"""States of operations that have ended."""
LOOK_EVERY_S, ASK_EVERY_S = 0.1, 5.0
READ_WITHIN_S, CONTROL_WITHIN_S, SET_WITHIN_S, SCAN_WITHIN_S = 10.0, 10.0, 60.0, 180.0


class Doer:
    """Carries acts out, each in a task of its own.

    Args:
        seats: Of the people.
        book: Of the acts.
    """

    def __init__(self, seats: Seats, book: ActBook) -> None:
        self._seats, self._book = seats, book

    def begin(
        self,
        person: Person,
        verb: str,
        text: str,
        banks: Sequence[str],
        work: Work,
        **more: Any,
    ) -> Act:
        """Begin an act; TooManyActsError: that person does too much at once.

        Args:
            person: Does it.
            verb: What it is.
            text: The same in words.
            banks: Where.
            work: Does it.
            **more: Further attributes of the act.
        """
        seat = self._seats.of(person)  # if there is none, for want of sockets, nothing has begun
        act = self._book.begin(person.key, verb, text, banks, **more)
        log.info("%s: %s, %s at %s", act.id, person.key or "somebody", text, ", ".join(banks))
        task = asyncio.get_running_loop().create_task(self._carry_out(seat, act, work))
        seat.acts[task] = act
        task.add_done_callback(seat.acts.pop)
        return act

    async def _carry_out(self, seat: Seat, act: Act, work: Work) -> None:
        try:
            await work(seat, act)
        except PlayersError as error:
            act.note = _note(error)
            act.fail(error.outcomes, _of_the_others(error))
        except (DealerError, ProxyError, ValueError, TypeError) as error:
            act.fail({}, text_of(error))
        except asyncio.CancelledError:
            act.give_up("the dashboard ended before the answer came; the journal may know more")
            raise
        except Exception as error:  # what Players answer is anybody's
            log.exception("%s: %s", act.id, act.text)
            act.fail({}, text_of(error))
        finally:
            self._book.show(act)


def _note(error: PlayersError) -> str:
    return error.action if isinstance(error, StartError) and error.outcomes else error.remark


def _of_the_others(error: PlayersError) -> str:
    """Return what holds for the Banks that told no error of their own."""
    if not error.outcomes:
        return str(error)
    return f"not done, for {', '.join(error.failed)} failed"


# calls


async def call(
    seat: Seat,
    act: Act,
    *,
    described: Mapping[str, MethodDescription],
    heard: Mapping[str, Mapping[str, Any]],
    show: Callable[[Act], None],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    timeout: float,
) -> None:
    """Call a method; where it is an operation, begin it, and wait for its end.

    Args:
        seat: Calls.
        act: Which is carried out.
        described: Bank -> what it says of the method.
        heard: "BANK ID" -> how an operation stands, as viewers are told.
        show: Called with the act when operations were begun, and at each answer.
        args: Positional arguments.
        kwargs: Keyword arguments.
        timeout: s, of the call, or of the answer that an operation was begun.
    """
    begun = [bank for bank in act.banks if described[bank].kind == "operation"]
    called = [bank for bank in act.banks if bank not in begun]
    works = []
    if begun:
        making = _begin(seat, act, begun, args, kwargs, timeout)
        works.append(_follow(seat, act, making, heard, show))
    if called:
        tells = any(described[bank].kind == "command" for bank in called)
        name = act.method if act.object_name == "bank" else f"{act.object_name}.{act.method}"
        calls = seat.verbs(called, timeout)
        for bank in called:
            asking = calls.outcomes(name, *args, _banks=[bank], **kwargs)
            works.append(_take(act, asking, show, tells=tells))
    await asyncio.gather(*works)


async def _take(
    act: Act,
    asking: Coroutine[Any, Any, Outcomes],
    show: Callable[[Act], None],
    *,
    tells: bool = True,
) -> None:
    """Tell an answer as soon as it is there: a Bank that is silent keeps those of others from nobody."""
    act.take(await asking, tells=tells)
    show(act)


async def _begin(
    seat: Seat,
    act: Act,
    banks: Sequence[str],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    timeout: float,
) -> dict[str, AsyncOperation]:
    """Begin an operation; Bank -> it, where it was begun."""
    urls = [seat.urls[bank] for bank in banks]
    make = partial(AsyncOperation, seat.hub)
    results = await begin(seat.hub, make, urls, act.object_name, act.method, args, kwargs, timeout)
    found = {}
    for bank, result in zip(banks, results, strict=True):
        if isinstance(result, ProxyError):
            act.tell({bank: Outcome(bank, None, result)})
        else:
            act.outcomes[bank] = ActOutcome(OutcomeState.RUNNING, operation=result.id)
            found[bank] = result
    return found


async def _follow(
    seat: Seat,
    act: Act,
    making: Coroutine[Any, Any, dict[str, AsyncOperation]],
    heard: Mapping[str, Mapping[str, Any]],
    show: Callable[[Act], None],
) -> None:
    """Wait for the ends of operations: ask for them when viewers were told of one, else seldom."""
    going_on, clock = await making, asyncio.get_running_loop().time
    show(act)
    due = clock() + ASK_EVERY_S
    while going_on:
        await asyncio.sleep(LOOK_EVERY_S)
        told = (heard.get(f"{bank} {each.id}", {}) for bank, each in going_on.items())
        if clock() < due and not any(each.get("state") in _ENDED for each in told):
            continue
        due = clock() + ASK_EVERY_S
        await look(seat.hub, list(going_on.values()))
        for bank, operation in list(going_on.items()):
            if operation.has_ended:
                del going_on[bank]
                act.take({bank: await _end_of(bank, operation)})
                act.outcomes[bank].operation = operation.id
                show(act)


async def _end_of(bank: str, operation: AsyncOperation) -> Outcome:
    try:
        return Outcome(bank, await operation.result(0.0))
    except ProxyError as error:
        return Outcome(bank, None, error)


async def abort(seat: Seat, act: Act, *, id: str, reason: str) -> None:
    """Abort an operation."""
    verbs = seat.verbs(act.banks, READ_WITHIN_S)
    act.take(await verbs.outcomes("rpc.abort", id, reason), tells=False)


async def ask_again(seat: Seat, act: Act) -> None:
    """Ask Players what became of calls whose answers did not come."""
    unknown = {
        bank: outcome.call_id
        for bank, outcome in act.outcomes.items()
        if outcome.state is OutcomeState.UNKNOWN and outcome.call_id
    }
    for bank, call_id in unknown.items():
        outcome = act.outcomes[bank]
        try:
            states = await seat.verbs([bank], READ_WITHIN_S).outcome_of(call_id, _banks=[bank])
        except PlayersError as error:
            outcome.text = reason_of(error.failed[bank].error)
            continue
        state = states[bank]
        if state.state == "done" or state.error is not None:
            act.take({bank: Outcome(bank, state.value, state.error)})
        else:
            outcome.text = f"{state.state}{f': {state.text}' if state.text else ''}"


# parameters and scans


async def _parameters(seat: Seat, banks: Sequence[str], names: Sequence[str]) -> dict[str, Any]:
    """Return parameters of Banks, as far as they tell them: Bank -> name -> value."""
    found = await seat.verbs(banks, READ_WITHIN_S).outcomes("get_param")
    return {
        bank: {name: outcome.value[name] for name in names if name in outcome.value}
        for bank, outcome in found.items()
        if isinstance(outcome.value, Mapping)
    }


async def set_parameters(seat: Seat, act: Act, *, values: Mapping[str, Any]) -> None:
    """Set parameters, and read them back."""
    try:
        await _set(seat, act, values)
    except PlayersError as error:  # each Bank has set all of them, or none
        act.tell(error.outcomes, tells=False)
    else:
        act.tell({bank: Outcome(bank) for bank in act.banks})


async def _set(seat: Seat, act: Act, values: Mapping[str, Any]) -> None:
    names = list(values)
    act.before = await _parameters(seat, act.banks, names)
    try:
        await seat.verbs(act.banks, SET_WITHIN_S).set_param(**values)
    finally:
        act.values = await _parameters(seat, act.banks, names)


async def start(
    seat: Seat, act: Act, *, parameters: Mapping[str, Any], prepare: bool, at: float | None
) -> None:
    """Set parameters, prepare, and start a scan on all Banks, or on none."""
    when = None if at is None else datetime.fromtimestamp(at, UTC)
    if parameters:
        await _set(seat, act, parameters)
    verbs = seat.verbs(act.banks, SCAN_WITHIN_S)
    if prepare:
        await verbs.prepare()
    found = await verbs.start(when)
    act.tell({bank: Outcome(bank, value) for bank, value in found.items()})


async def stop(seat: Seat, act: Act, *, show: Callable[[Act], None]) -> None:
    """End the scan of Banks; `show` is called with the act at each answer."""
    verbs = seat.verbs(act.banks, SET_WITHIN_S)
    asked = (verbs.outcomes("stop", _banks=[bank]) for bank in act.banks)
    await asyncio.gather(*(_take(act, asking, show) for asking in asked))


# control


async def take(seat: Seat, act: Act, *, reason: str, minutes: float, stays: bool) -> None:
    """Take control of all Banks, or of none."""
    taken = await seat.controls.take(reason, minutes, stays, act.banks, CONTROL_WITHIN_S)
    for bank, control in taken.items():
        if control.number is not None:
            seat.numbers[bank] = control.number
    _tell(act, taken)


async def release(seat: Seat, act: Act) -> None:
    """Give control of Banks back."""
    _tell(act, await seat.controls.release(act.banks, CONTROL_WITHIN_S))


async def break_control(seat: Seat, act: Act, *, reason: str) -> None:
    """Take control of Banks from whoever has it."""
    _tell(act, await seat.controls.break_(reason, act.banks, CONTROL_WITHIN_S))


def _tell(act: Act, controls: Mapping[str, Control]) -> None:
    act.tell({bank: Outcome(bank, str(control)) for bank, control in controls.items()})
    for bank in act.banks:
        if bank not in controls:
            act.outcomes[bank] = ActOutcome(OutcomeState.REFUSED, "you have no control of it")
