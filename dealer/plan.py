"""What an observing script would do, when, and how long it takes: it runs against models of the Banks in virtual time.

The script gets a Dealer whose verbs are those of the real one and whose socket is a `ModelHub`; every question to Banks
that changes something, and every one that fails, is a row of the plan.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import runpy
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, TypeVar
from unittest import mock

import dealer
from dealer.aio import AsyncDealer
from dealer.bank import AsyncBankProxy, BankProxy
from dealer.dealer import Dealer
from dealer.errors import DealerError
from dealer.players import configuration_path, find_players
from dealer.rehearsal import DEFAULT_KIND, Answered, AsyncModelHub, ModelHub, ModelPlayer, factory_of, find_models
from dealer.roster import DEFAULT_TIMEOUT, Roster, default_deadline
from dealer.virtualtime import EndlessError, VirtualClock, virtual_time
from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.rpc.aiooperation import AsyncOperation
from zmqjsonproxy.rpc.aiosteps import take_in_task
from zmqjsonproxy.rpc.operation import Operation
from zmqjsonproxy.rpc.steps import Steps, take

__all__ = ["Plan", "Row", "plan_script"]

T = TypeVar("T")

HIDDEN = frozenset({"arm", "confirm_start", "disarm_start"})
"""What a common start consists of besides `commit`, which stands for it."""
SHOWN_AS = {"commit": "start"}


@dataclass(slots=True)
class Row:
    """One thing that happens.

    Attributes:
        at: Since the beginning, s.
        banks: Whom it concerns; empty: the script itself.
        call: As the script would write it.
        text: What it does, or why it fails.
        line: Of the script; 0: none of it.
        is_fault: It fails.
        doubts: What is allowed, but probably not meant.
    """

    at: float
    banks: tuple[str, ...]
    call: str
    text: str
    line: int
    is_fault: bool = False
    doubts: list[str] = field(default_factory=list)


class Plan:
    """What has happened so far, and the Players to which it happens.

    Args:
        script: The file.
        config: Configuration of the array; None: as a Dealer finds it.

    Attributes:
        rows: In the order of time.
    """

    def __init__(self, script: Path, config: str | os.PathLike[str] | None) -> None:
        self.script, self.config = script, config
        self.clock = VirtualClock()
        self.rows: list[Row] = []
        self._players: dict[tuple[Path, str], ModelPlayer] = {}
        self._told: list[BaseException] = []
        self._files = {str(script), os.path.abspath(script)}

    @property
    def faults(self) -> list[Row]:
        """The rows that fail."""
        return [row for row in self.rows if row.is_fault]

    @property
    def doubts(self) -> list[tuple[Row, str]]:
        """What is doubtful, with its row."""
        return [(row, doubt) for row in self.rows for doubt in row.doubts]

    @property
    def banks(self) -> int:
        """How many Banks there are models of."""
        return len(self._players)

    @property
    def seconds(self) -> float:
        """How long it takes, s."""
        return self.clock.elapsed

    # for the Dealers of the script

    def players(self, urls: Mapping[str, str], config: str | os.PathLike[str] | None) -> dict[str, ModelPlayer]:
        """URL -> Player; Dealers of one configuration share them."""
        path = configuration_path(self.config if config is None else config)
        missing = [bank for bank in urls if (path, bank) not in self._players]
        for bank, model in find_models(path, missing).items() if missing else ():
            self._players[path, bank] = ModelPlayer(bank, urls[bank], model, self.clock)
        return {url: self._players[path, bank] for bank, url in urls.items()}

    def keep(self, answers: Sequence[Answered]) -> None:
        """Make rows of a question to Banks; those to which the same happens share one."""
        rows: dict[tuple[str, bool], Row] = {}
        for each in answers:
            error = each.result.error
            if error is not None:
                self._told.append(error)
            elif each.kind == "query" or each.method in HIDDEN:
                continue
            text = each.text if error is None else _reason(error)
            row = rows.get((text, error is not None))
            if row is None:
                row = Row(self.clock.elapsed, (), _call(each), text, self.line(), error is not None)
                rows[text, error is not None] = row
            row.banks += (each.bank,)
            row.doubts += [doubt for doubt in each.doubts if doubt not in row.doubts]
        self.rows += rows.values()

    def fail(self, what: str, error: BaseException, line: int | None = None) -> None:
        """Make a row of an error, unless its cause has one."""
        if self._is_told(error):
            return
        self._told.append(error)
        text = str(error) if isinstance(error, DealerError) else f"{type(error).__name__}: {error}"
        self.rows.append(Row(self.clock.elapsed, (), what, text, self.line() if line is None else line, True))

    def end(self) -> None:
        """Say which Banks still have something to do when the script has ended."""
        busy: dict[float, list[str]] = {}
        for player in self._players.values():
            if (when := player.model.next_change()) is not None:
                busy.setdefault(when, []).append(player.bank)
        for banks in busy.values():
            row = Row(self.clock.elapsed, tuple(banks), "(end)", "the script ends", 0)
            row.doubts.append("a scan is under way or waits, and nobody waits for its end")
            self.rows.append(row)

    def _is_told(self, error: BaseException | None) -> bool:
        while error is not None:
            outcomes = getattr(error, "failed", {}) or {}
            causes = [o.error for o in outcomes.values()] if isinstance(outcomes, Mapping) else []
            if any(known is error or known in causes for known in self._told):
                return True
            error = error.__cause__ or error.__context__
        return False

    def line(self) -> int:
        """Line of the script that is being carried out; 0: none of it is."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename in self._files:
                return frame.f_lineno
            frame = frame.f_back
        return 0

    def line_of(self, error: BaseException) -> int:
        """The innermost line of the script that an error came through; 0: none."""
        line, trace = 0, error.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename in self._files:
                line = trace.tb_lineno
            trace = trace.tb_next
        if isinstance(error, SyntaxError) and error.filename in self._files:
            line = error.lineno or 0
        return line


def _call(each: Answered) -> str:
    words = [repr(arg) for arg in each.args] + [f"{name}={value!r}" for name, value in each.kwargs.items()]
    if each.method in ("commit", "arm"):
        words = []
    while words and words[-1] in ("None", "False"):
        words.pop()
    part = each.object_name.removeprefix("bank").removeprefix(".")
    name = SHOWN_AS.get(each.method, each.method)
    return f"{part + '.' if part else ''}{name}({', '.join(words)})"


def _reason(error: ProxyError) -> str:
    named = getattr(error, "type", "")
    text = getattr(error, "text", "") or str(error)
    return f"{named}: {text}" if named else text


# the Dealers


class _Planned(Roster[Any]):
    """What the Dealers of a plan have: names that do not exist are noted, whatever the script makes of the error."""

    plan: ClassVar[Plan]

    def _check_names(self, names: Iterable[str]) -> None:
        names = list(names)
        try:
            super()._check_names(names)
        except (DealerError, TypeError) as error:
            self.plan.fail(f"add_active_player({', '.join(map(repr, names))})", error)
            raise

    def _note(self, steps: Any, error: BaseException) -> None:
        if isinstance(error, Exception):
            named = getattr(error, "method", "") or getattr(error, "action", "") or steps.gi_code.co_name
            self.plan.fail(f"{named}()", error)


class PlannedDealer(_Planned, Dealer):
    """A Dealer whose Players are models; arguments as those of Dealer."""

    def __init__(
        self, players: Mapping[str, str] | str | None = None, *, config: str | os.PathLike[str] | None = None,
        timeout: float | None = DEFAULT_TIMEOUT, clocks_refuse_s: float = 1.0,
    ) -> None:  # fmt: skip
        within = default_deadline(timeout)
        urls = find_players(players, self.plan.config if config is None else config)
        hub: Any = ModelHub(self.plan.players(urls, config), self.plan.clock, self.plan.keep)
        Roster.__init__(self, urls, lambda name, url: BankProxy(name, url, hub, within), hub, within, clocks_refuse_s)
        self._operation = lambda url, described: Operation(hub, url, described)
        self._models = hub

    def _take(self, steps: Steps[T]) -> T:
        try:
            return take(self._models, steps, lambda seconds: self.plan.clock.sleep(self._models.longer(seconds)))
        except BaseException as error:
            self._note(steps, error)
            raise


class PlannedAsyncDealer(_Planned, AsyncDealer):
    """An AsyncDealer whose Players are models; arguments as those of AsyncDealer."""

    def __init__(
        self, players: Mapping[str, str] | str | None = None, *, config: str | os.PathLike[str] | None = None,
        timeout: float | None = DEFAULT_TIMEOUT, clocks_refuse_s: float = 1.0,
    ) -> None:  # fmt: skip
        within = default_deadline(timeout)
        urls = find_players(players, self.plan.config if config is None else config)
        hub: Any = AsyncModelHub(self.plan.players(urls, config), self.plan.clock, self.plan.keep)
        Roster.__init__(
            self, urls, lambda name, url: AsyncBankProxy(name, url, hub, within), hub, within, clocks_refuse_s
        )
        self._operation = lambda url, described: AsyncOperation(hub, url, described)
        self._models = hub

    async def _take(self, steps: Steps[T]) -> T:
        try:
            return await take_in_task(self._models, steps, lambda seconds: asyncio.sleep(self._models.longer(seconds)))
        except BaseException as error:
            self._note(steps, error)
            raise


# running the script


@contextlib.contextmanager
def _instead_of_the_real_ones(plan: Plan) -> Iterator[None]:
    """Let whoever imports a Dealer get one of the plan's, within the block."""
    waits = type("Dealer", (PlannedDealer,), {"plan": plan, "__doc__": Dealer.__doc__})
    awaits = type("AsyncDealer", (PlannedAsyncDealer,), {"plan": plan, "__doc__": AsyncDealer.__doc__})
    with contextlib.ExitStack() as undo:
        for module in (dealer, sys.modules["dealer.dealer"]):
            undo.enter_context(mock.patch.object(module, "Dealer", waits))
        undo.enter_context(mock.patch.object(sys.modules["dealer.aio"], "AsyncDealer", awaits))
        undo.enter_context(mock.patch.dict(vars(dealer), {"AsyncDealer": awaits}))
        yield


def plan_script(
    script: Path, words: Sequence[str] = (), config: str | os.PathLike[str] | None = None,
    prints: Callable[[str], object] | None = None,
) -> Plan:  # fmt: skip
    """Run a script to its end, in no time, and return what happened.

    Args:
        script: A python file, run as `__main__`.
        words: Its arguments.
        config: Configuration of the array, for Dealers that name none; None: as a Dealer finds it.
        prints: Is given what the script prints; None: nobody is.

    Raises:
        DealerError, RefusedError: There are no models, or the configuration is faulty.
    """
    plan = Plan(script, config)
    if config is not None or "DIBAS_CONFIG" in os.environ or "DIBAS_DIR" in os.environ:  # else the script names it
        find_players(None, configuration_path(config))  # what is wrong with it is no fault of the script
    factory_of(DEFAULT_KIND)  # before virtual time, and so that what is not installed is told at once
    said = io.StringIO()
    with (
        _instead_of_the_real_ones(plan), virtual_time(plan.clock), contextlib.redirect_stdout(said),
        mock.patch.object(sys, "argv", [str(script), *words]), mock.patch.object(sys, "path", list(sys.path)),
    ):  # fmt: skip
        sys.path.insert(0, str(script.resolve().parent))
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as end:
            if end.code not in (None, 0) and not plan.faults:
                plan.fail("(exit)", DealerError(f"the script ended with {end.code!r}"), plan.line_of(end))
        except (Exception, EndlessError, KeyboardInterrupt) as error:
            plan.fail("(script)", error, plan.line_of(error))
    plan.end()
    if prints is not None:
        prints(said.getvalue())
    return plan
