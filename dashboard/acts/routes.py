"""Routes by which people run the array. They are there with `--control` only."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from functools import partial
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response

from dashboard.acts import doing
from dashboard.acts.act import Act
from dashboard.acts.bodies import (
    AbortBody,
    ActBody,
    AskBody,
    BanksBody,
    BreakBody,
    CallBody,
    DismissBody,
    OrderBody,
    ParametersBody,
    StartBody,
    TakeBody,
)
from dashboard.acts.book import ActBook, TooManyActsError
from dashboard.acts.checks import NothingSentError, call_text, check_heard, has_secret, methods_of
from dashboard.acts.doing import Doer
from dashboard.acts.hostorders import HostOrders
from dashboard.acts.planning import BankSetting, Planner, refusals
from dashboard.acts.seats import Seats
from dashboard.changes import ChangeRoutes, require_role
from dashboard.hub import ArrayHub
from dashboard.records import ArrayRecords
from dealer.errors import ConfigurationError
from groundwork.printable import printable
from groundwork.roles import Role
from groundwork.values import JsonObject
from player.endpoints.http.logins import Logins
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.responses import json_response
from zmqjsonproxy.rights import ClientKeys

__all__ = ["ACT_PATHS", "ActRoutes"]

ACT_PATHS = (
    "/api/call",
    "/api/parameters",
    "/api/scan/start",
    "/api/scan/stop",
    "/api/scan/plan",
    "/api/operations/abort",
    "/api/control/take",
    "/api/control/release",
    "/api/control/break",
    "/api/acts/ask",
    "/api/acts/dismiss",
    "/api/hosts/order",
)
LOOK_EVERY_S = 10.0
URGENT = frozenset({"abort", "stop"})
"""Methods that end something."""


class ActRoutes:
    """The routes, and what is behind them while the dashboard serves.

    Args:
        logins: Of people; None: nobody has to log in.
        keys: By which Players are called; None: without.
        changes: Of the dashboard.
    """

    _hub: ArrayHub
    _seats: Seats
    _book: ActBook
    _doer: Doer
    _records: ArrayRecords
    _planner: Planner
    _orders: HostOrders | None

    def __init__(
        self, logins: Logins | None, keys: ClientKeys | None, changes: ChangeRoutes
    ) -> None:
        self._logins, self._keys, self._changes = logins, keys, changes

    def add_to(self, api: FastAPI) -> None:
        """Add them to an application."""
        api.add_api_route("/api/acts", self.acts)
        api.add_api_route("/api/acts/{id}", self.act)
        changes: Sequence[tuple[type[Any], Any, Role]] = (
            (CallBody, self.call, Role.OBSERVE),
            (ParametersBody, self.set_parameters, Role.OPERATE),
            (StartBody, self.start, Role.OPERATE),
            (BanksBody, self.stop, Role.OPERATE),
            (StartBody, self.plan, Role.OPERATE),
            (AbortBody, self.abort, Role.OPERATE),
            (TakeBody, self.take, Role.OPERATE),
            (BanksBody, self.release, Role.OPERATE),
            (BreakBody, self.break_control, Role.ADMIN),
            (AskBody, self.ask, Role.OPERATE),
            (DismissBody, self.dismiss, Role.OBSERVE),
            (OrderBody, self.order, Role.ADMIN),
        )
        for path, (model, change, needs) in zip(ACT_PATHS, changes, strict=True):
            self._changes.add(api, path, model, change, needs)
        api.add_exception_handler(NothingSentError, _nothing_sent)
        api.add_exception_handler(TooManyActsError, _too_many)

    @contextlib.asynccontextmanager
    async def running(self, hub: ArrayHub) -> AsyncIterator[None]:
        """Be ready for acts meanwhile."""
        self._hub, self._book = hub, ActBook(hub.board.acts)
        self._records = ArrayRecords(hub.calls, hub.array.urls)
        self._planner = Planner(hub.array.path)
        self._seats = Seats(
            hub.array.urls,
            self._keys,
            self._is_present,
            lambda bank: hub.states[bank].control,
        )
        self._doer = Doer(self._seats, self._book)
        installation = hub.array.installation
        self._orders = None if installation is None else HostOrders(installation)
        looking = asyncio.create_task(self._look())
        try:
            yield
        finally:
            looking.cancel()
            await self._seats.close()
            if self._orders is not None:
                self._orders.close()

    async def _look(self) -> None:
        while True:
            self._book.forget_old()
            await asyncio.sleep(LOOK_EVERY_S)

    def _is_present(self, person: Person) -> bool:
        """Tell whether a page of a person is open who may command by now."""
        for viewer in self._hub.board.people():
            if self._logins is None or viewer is None:
                return True
            if viewer.key == person.key:
                rights = self._logins.rights(viewer)
                if rights is not None and rights >= Role.OPERATE:
                    return True
        return False

    def holds(self, person: Person) -> dict[str, int]:
        """Return the Banks whose control a person has, with its number."""
        return self._seats.holds(person)

    # what was done

    async def acts(self, request: Request) -> Response:
        """Return the acts of the person who asks, without values, the newest at the end."""
        acts = self._book.of(self._changes.person(request).key)
        return json_response({"acts": [act.describe() for act in acts]})

    async def act(self, request: Request, id: str) -> Response:
        """Return one act of the person who asks, with what was answered."""
        return json_response({"act": self._own(self._changes.person(request), id).describe_whole()})

    async def ask(self, person: Person, body: AskBody) -> Response:
        """Ask the Players what became of an act of one's own where that is not known."""
        act = self._own(person, body.id)
        if act.ended is None:
            raise HTTPException(409, f"{act.id} goes on: its outcome comes by itself")
        await doing.ask_again(self._seats.of(person), act)
        self._book.show(act)
        return json_response({"act": act.describe_whole()})

    def _own(self, person: Person, id: str) -> Act:
        act = self._book.find(person.key, id)
        if act is None:
            raise HTTPException(404, f"no act {id[:80]!r} of yours is kept")
        return act

    async def dismiss(self, person: Person, body: DismissBody) -> Response:
        """Forget acts of one's own that have ended."""
        self._book.dismiss(person.key, body.ids)
        return json_response({"acts": [act.describe() for act in self._book.of(person.key)]})

    # what is done

    async def call(self, person: Person, body: CallBody) -> Response:
        """Call a method of Banks; an operation is begun."""
        of_bank = body.object == "bank"
        label = body.method if of_bank else f"{body.object}.{body.method}"
        banks = self._known(body.banks)
        check_heard(self._hub.states, banks, label, is_urgent=of_bank and body.method in URGENT)
        described = methods_of(self._hub.states, banks, body.object, body.method)
        if any(each.kind != "query" for each in described.values()):
            require_role(person, Role.OPERATE)
        text = call_text(label, body.args, body.kwargs, next(iter(described.values())))
        work = partial(
            doing.call,
            described=described,
            heard=self._hub.board.operations.values,
            show=self._book.show,
            args=body.args,
            kwargs=body.kwargs,
            timeout=body.timeout,
        )
        is_secret = any(has_secret(body.args, body.kwargs, each) for each in described.values())
        of = {"object_name": body.object, "method": body.method, "has_secret": is_secret}
        return await self._answer(body, self._doer.begin(person, "call", text, banks, work, **of))

    async def set_parameters(self, person: Person, body: ParametersBody) -> Response:
        """Set parameters of Banks, all of them in each, and read them back."""
        banks = self._able(body.banks, "set_param")
        text = call_text("set_param", (), body.values)
        work = partial(doing.set_parameters, values=body.values)
        act = self._doer.begin(person, "parameters", text, banks, work, method="set_param")
        return await self._answer(body, act)

    async def start(self, person: Person, body: StartBody) -> Response:
        """Set parameters, prepare, and start a scan on all Banks at one second, or on none."""
        banks = self._able(body.banks, "start")
        text = call_text("start", (), body.parameters)
        work = partial(doing.start, parameters=body.parameters, prepare=body.prepare, at=body.at)
        return await self._answer(body, self._doer.begin(person, "start", text, banks, work))

    async def stop(self, person: Person, body: BanksBody) -> Response:
        """End the scan of Banks."""
        banks = self._able(body.banks, "stop", is_urgent=True)
        work = partial(doing.stop, show=self._book.show)
        act = self._doer.begin(person, "stop", "stop()", banks, work, method="stop")
        return await self._answer(body, act)

    async def plan(self, person: Person, body: StartBody) -> Response:
        """Return what a start would do, how long it takes, and what would be refused; no Player is
        told."""
        banks, states = self._known(body.banks), self._hub.states
        (modes, _), (told, _) = await asyncio.gather(
            *(self._records.ask(banks, "bank", method) for method in ("get_mode", "get_param"))
        )
        settings = {
            bank: BankSetting(
                mode=modes[bank] if isinstance(modes.get(bank), str) else "",
                parameters=told[bank] if isinstance(told.get(bank), dict) else {},
                scan=states[bank].scan_number,
            )
            for bank in banks
        }
        wanted = {"parameters": body.parameters, "prepare": body.prepare, "at": body.at}
        refused = refusals(states, banks, self.holds(person))
        plan = await self._planner.plan(settings, wanted)
        return json_response({"banks": list(banks), "refused": refused, **plan})

    async def abort(self, person: Person, body: AbortBody) -> Response:
        """Abort an operation of a Bank."""
        banks = self._known((body.bank,))
        told = self._hub.board.operations.values.get(f"{body.bank} {body.id}")
        if told is None:
            raise HTTPException(404, f"{body.bank} has no operation {body.id[:80]!r}")
        text = f"abort of {printable(str(told.get('method', body.id))[:200])}"
        check_heard(self._hub.states, banks, text, is_urgent=True)
        work = partial(
            doing.abort, id=body.id, reason=f"aborted by {person.key or 'the dashboard'}"
        )
        of = {"object_name": "rpc", "method": "abort"}
        return await self._answer(body, self._doer.begin(person, "abort", text, banks, work, **of))

    async def take(self, person: Person, body: TakeBody) -> Response:
        """Take control of Banks, of all or of none."""
        banks = self._heard(body.banks, "take control")
        work = partial(doing.take, reason=body.reason, minutes=body.minutes, stays=body.stays)
        return await self._control(
            person, body, "take", f"take control: {body.reason}", banks, work
        )

    async def release(self, person: Person, body: BanksBody) -> Response:
        """Give control of Banks back."""
        banks = self._known(body.banks)
        return await self._control(
            person, body, "release", "give control back", banks, doing.release
        )

    async def break_control(self, person: Person, body: BreakBody) -> Response:
        """Take control of Banks from whoever has it."""
        banks = self._heard(body.banks, "break control")
        work = partial(doing.break_control, reason=body.reason)
        return await self._control(
            person, body, "break", f"break control: {body.reason}", banks, work
        )

    async def order(self, person: Person, body: OrderBody) -> Response:
        """Start, stop or restart Players by the supervisords of their hosts."""
        if self._orders is None:
            raise NothingSentError(
                f"{body.order}: nothing was done: the configuration names no supervisord, a table "
                "[hosts.X] for each host"
            )
        try:
            banks = self._orders.installation.choose(self._known(body.banks))
        except ConfigurationError as error:
            raise NothingSentError(f"{body.order}: nothing was done: {error}") from error
        names = [bank.name for bank in banks]
        give = partial(
            self._orders.give,
            order=body.order,
            banks=banks,
            force=body.force,
            show=self._book.show,
        )
        text = f"{body.order} of the Player"
        act = self._doer.begin(person, "hosts", text, names, give, object_name="host")
        return await self._answer(body, act)

    async def _control(
        self,
        person: Person,
        body: ActBody,
        verb: str,
        text: str,
        banks: Sequence[str],
        work: doing.Work,
    ) -> Response:
        act = self._doer.begin(person, verb, text, banks, work, object_name="control")
        return await self._answer(body, act, lambda: {"holds": self.holds(person)})

    async def _answer(self, body: ActBody, act: Act, more: Any = dict) -> Response:
        await self._book.wait(act, body.wait)
        told: JsonObject = {"act": act.describe_whole()}
        return json_response(told | more(), 202 if act.ended is None else 200)

    # Banks

    def _known(self, banks: Sequence[str]) -> tuple[str, ...]:
        unknown = [bank[:80] for bank in banks if bank not in self._hub.states]
        if unknown:
            there = ", ".join(self._hub.states)
            raise HTTPException(404, f"no Bank {', '.join(unknown)}; there are {there}")
        return tuple(banks)

    def _heard(
        self, banks: Sequence[str], what: str, *, is_urgent: bool = False
    ) -> tuple[str, ...]:
        check_heard(self._hub.states, self._known(banks), what, is_urgent=is_urgent)
        return tuple(banks)

    def _able(
        self, banks: Sequence[str], method: str, *, is_urgent: bool = False
    ) -> tuple[str, ...]:
        self._heard(banks, method, is_urgent=is_urgent)
        methods_of(self._hub.states, banks, "bank", method)
        return tuple(banks)


async def _nothing_sent(_request: Any, error: Any) -> Response:
    return json_response({"detail": str(error)}, 409)


async def _too_many(_request: Any, error: Any) -> Response:
    response = json_response({"detail": str(error)}, 429)
    response.headers["retry-after"] = "5"
    return response
