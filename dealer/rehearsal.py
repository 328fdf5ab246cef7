"""Players without processes: models of Banks, asked by the messages that would go to them, in
virtual time.

A kind of Bank brings its model by entry point (group `dealer_player.plans`): a function
(configuration file, names of Banks) -> {Bank: `Model`}. It is looked up when a plan is made; a
Dealer needs none of it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from arrayconfig.files import FilesError, read_tables, table_of
from dealer.errors import ConfigurationError, DealerError
from dealer.virtualtime import VirtualClock
from groundwork.loading import TargetError, load_target, registered, target_of
from zmqjsonproxy import CallResult, InterfaceDescription, MethodDescription
from zmqjsonproxy.caller import own_name
from zmqjsonproxy.control.protocol.lease import Lease, utc
from zmqjsonproxy.control.served import ServedControl
from zmqjsonproxy.engine import CallEngine, CommandQueue, CommandQueues
from zmqjsonproxy.engine.commandqueues import QueuedCall
from zmqjsonproxy.errors import CallTimeoutError, ProtocolError
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.interface import Interface, query, running
from zmqjsonproxy.protocol.arrays import Framed
from zmqjsonproxy.protocol.operations import (
    OperationRecord,
    OperationState,
    OperationTable,
    Progress,
)
from zmqjsonproxy.protocol.request import Request
from zmqjsonproxy.rpc import replyencoding
from zmqjsonproxy.rpc.dispatch import Dispatcher
from zmqjsonproxy.rpc.protocol import jsonrpc, original
from zmqjsonproxy.rpc.protocol.dialect import MessageLimits, read_message
from zmqjsonproxy.rpc.settings import ServerSettings

__all__ = [
    "BUILT_IN",
    "DEFAULT_KIND",
    "GROUP",
    "Answered",
    "Model",
    "ModelPlayer",
    "factory_of",
    "find_models",
    "requires_control",
]

GROUP = "dealer_player.plans"

# Used where the package runs from a source tree without distribution metadata.
BUILT_IN = {"spectrometer": "spectrometer.rehearsal:rehearse"}

DEFAULT_KIND = "spectrometer"
_CLIENT = b"plan"

NEEDS = "a plan needs models of the Banks: pip install 'dealer-player[player]'"


class Model(Protocol):
    """A Bank without instrument; its exported methods are marked as those of the real one. Used by
    one thread."""

    def objects(self) -> Mapping[str, object | None]:
        """Return what the Player would serve: `bank` and its parts `bank.NAME`; None: there, and
        without methods."""

    def catch_up(self) -> None:
        """Do what became due up to now, by `time.time()`, which is virtual."""

    def take_waited(self) -> float:
        """Return how long the last call would have waited, s; then 0."""

    def next_change(self) -> float | None:
        """Unix time at which something will become due; None: nothing will."""

    def tell(
        self, method: str, args: Sequence[Any], kwargs: Mapping[str, Any], value: Any
    ) -> tuple[str, list[str]]:
        """In words: what a call that succeeded with `value` has done, and what is doubtful about
        it."""


def find_models(path: Path, banks: Sequence[str]) -> dict[str, Model]:
    """Make the models of Banks.

    Args:
        path: Configuration of the array.
        banks: Names.

    Raises:
        ConfigurationError: The file; or it has no such Bank.
        DealerError: A kind has no model, or it cannot be imported.
    """
    try:
        tables = read_tables(path, os.environ, (("banks", "*", "kind"),))
    except FilesError as error:
        raise ConfigurationError(str(path), [str(fault) for fault in error.faults]) from error
    known = table_of(tables, "banks")
    unknown = [bank for bank in banks if not isinstance(known.get(bank), dict)]
    if unknown:
        raise ConfigurationError(
            str(path), [f"there is no table [banks.{bank}]; no model of it" for bank in unknown]
        )
    kinds: dict[str, list[str]] = {}
    for bank in banks:
        kind = str(table_of(known, bank).get("kind", DEFAULT_KIND))
        kinds.setdefault(kind, []).append(bank)
    found: dict[str, Model] = {}
    for kind, names in kinds.items():
        found |= factory_of(kind)(path, names)
    return found


def requires_control(path: Path) -> bool:
    """Tell whether commands need control of their Bank, by a configuration; False also where that
    cannot be read."""
    try:
        tables = read_tables(path, os.environ, (("instrument", "require_control"),))
    except FilesError:
        return False
    return table_of(tables, "instrument").get("require_control") is True


def factory_of(kind: str) -> Callable[[Path, Sequence[str]], Mapping[str, Model]]:
    """Return what makes the models of a kind; DealerError: it has none, or something for it is not
    installed."""
    targets = registered(GROUP, BUILT_IN)
    if kind not in targets:
        raise DealerError(
            f"Banks of the kind {kind} bring no model; there are models of {', '.join(sorted(targets))}"
        )
    try:
        factory: Callable[[Path, Sequence[str]], Mapping[str, Model]] = load_target(
            target_of(kind, targets)
        )
    except TargetError as error:
        raise DealerError(
            f"{NEEDS} ({error})" if error.missing else f"models of {kind}: {error}"
        ) from error
    return factory


class Answered(NamedTuple):
    """One call to one Bank and what came of it, for whoever keeps the plan.

    Attributes:
        bank: Name.
        object_name: Exposed object.
        method: Its method.
        args: As they arrived.
        kwargs: As they arrived.
        kind: query, command or operation; empty if there is no such method.
        result: Value or error.
        text: What was done.
        doubts: What is doubtful about it.
    """

    bank: str
    object_name: str
    method: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]
    kind: str
    result: CallResult
    text: str
    doubts: list[str]


class _Handle(OperationHandle):
    """Lets nobody wait, and counts what would have been waited; its operation, which is done at
    once, ends when that is over."""

    def __init__(
        self,
        player: ModelPlayer,
        record: OperationRecord,
        on_accept: Callable[[Any], None] | None = None,
    ) -> None:
        super().__init__(record, on_accept)
        self._player = player

    def wait(self, seconds: float) -> None:
        self._player.waited += max(seconds, 0.0)
        self.check()

    def finish(self, state: OperationState, **more: Any) -> bool:
        is_first = super().finish(state, **more)
        if is_first:
            self._player.waited += self._player.model.take_waited()
            self.record.ended = self._player.clock.time() + self._player.waited
        return is_first


class _Operations(OperationTable):
    """Operations whose ends may be ahead: until then they run."""

    def get(self, identity: str, now: float) -> OperationRecord | None:
        record = super().get(identity, now)
        return None if record is None else _by(now, record)

    def records(
        self, now: float, wanted: Callable[[OperationRecord], bool] = lambda _: True
    ) -> list[OperationRecord]:
        found = (_by(now, record) for record in super().records(now))
        return [record for record in found if wanted(record)]

    def next_end(self, now: float) -> float | None:
        """Unix time at which the next operation ends; None: none is under way."""
        ends = [record.ended for record in super().records(now) if record.ended is not None]
        return min((end for end in ends if end > now), default=None)


def _by(now: float, record: OperationRecord) -> OperationRecord:
    """Return an operation as it is told by a time."""
    started, ended = record.started, record.ended
    if started is None or ended is None or ended <= now:
        return record
    progress = Progress((now - started) / (ended - started), "", ended - now, now)
    running = {"state": OperationState.RUNNING, "progress": progress, "ended": None}
    return replace(record, **running, value=None, error=None)  # type: ignore[arg-type]


class _Inline(CommandQueue):
    """A queue in which nothing waits."""

    def put(self, job: QueuedCall) -> bool:
        job.carry_out()
        return True


@dataclass
class ModelPlayer:
    """Model of the Player of one Bank: takes requests as a server does and answers at once.

    Attributes:
        bank: Name.
        url: Where the Player would be.
        model: Of the Bank.
        clock: Virtual.
        is_control_required: Commands need control of the Bank.
        waited: What the call that is being carried out would have waited, s.
    """

    bank: str
    url: str
    model: Model
    clock: VirtualClock
    is_control_required: bool = False
    waited: float = 0.0

    def __post_init__(self) -> None:
        self._operations = _Operations("plan")
        self._engine = CallEngine(
            name=self.url,
            replies=replyencoding,
            slow_query_s=math.inf,
            queues=CommandQueues(1, self.url, _Inline),
            operations=self._operations,
            handle=self._handle,
        )
        self._dispatcher = Dispatcher(self._engine, ServerSettings(), _nowhere, _nowhere)
        for name, thing in self.model.objects().items():
            self._engine.expose(name, thing)
        lease = Lease(self.bank, is_required=self.is_control_required)
        control = ServedControl(lease, now=self.clock.time, wall=self.clock.time)
        self._engine.expose("control", control)
        self._engine.expose("journal", _NoJournal())
        self._engine.gate = control
        self._dispatcher.serve([_CLIENT, original.hello("", own_name())])  # says whose calls come

    def _handle(
        self, record: OperationRecord, on_accept: Callable[[Any], None] | None
    ) -> OperationHandle:
        self._last = _Handle(self, record, on_accept)
        return self._last

    def describe(self, object_name: str) -> InterfaceDescription:
        """Return what is exported under this name; nothing if there is no such object."""
        interfaces = self._engine.interfaces
        methods = interfaces.get(object_name, Interface("")).methods
        described = {
            name: MethodDescription(
                name, method.doc, method.kind.value, method.parameters, method.returns
            )
            for name, method in methods.items()
        }
        return InterfaceDescription(True, described, "plan", "", tuple(interfaces), 1)

    def call(
        self,
        object_name: str,
        method: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any] | None,
        timeout: float,
        control: str = "",
    ) -> Answered:
        """Answer a call, which comes with a credential, or none; `delay_s` of the result is how long
        it takes. Raises what encoding the call raises."""
        request = _as_it_arrives(object_name, method, args, kwargs, timeout, control=control)
        result = self._carry_out(request)
        if result.delay_s > timeout:
            result = CallResult(None, CallTimeoutError(self.url, request.target, timeout), timeout)
        return self._answered(object_name, method, request, result, result.value)

    def begin(
        self,
        object_name: str,
        method: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        control: str = "",
    ) -> Answered:
        """Begin an operation; the result says which it is, or why it fails at once: what it does is
        done when it is begun, and told when its time is over."""
        request = _as_it_arrives(
            object_name, method, args, kwargs, 60.0, begun_by="plan", control=control
        )
        known = self._engine.methods.get(request.target)
        if known is None or known.kind != "operation":
            text = f"{request.target} at {self.url} is no operation"
            return self._answered(
                object_name, method, request, CallResult(error=ProtocolError(text)), None
            )
        result = self._carry_out(request)
        record = self._last.record
        if result.error is None and record.error is not None:
            result = self._result({"error": record.error}, method)
        return self._answered(object_name, method, request, result, record.value)

    def _carry_out(self, request: Request) -> CallResult:
        self.model.catch_up()
        self.model.take_waited()
        self.waited, replies = 0.0, list[tuple[bytes, float]]()

        def answer(reply: bytes) -> None:  # what is waited when a call is accepted takes no time
            replies.append((reply, self.waited))

        with running(_Handle(self, OperationRecord("", request.target, OperationState.RUNNING))):
            if (at_once := self._dispatcher.call(request, (_CLIENT,), answer)) is not None:
                answer(at_once)
        (reply, waited), *_ = replies
        result = self._result(jsonrpc.read_reply(reply), request.target.rpartition(".")[2])
        result.delay_s = waited + self.model.take_waited()
        return result

    def _result(self, reply: dict[str, Any], method: str) -> CallResult:
        if "error" not in reply:
            return CallResult(reply.get("result"))
        error = jsonrpc.error_from(reply["error"], peer=self.url, method=method)
        return CallResult(error=error)

    def _answered(
        self, name: str, method: str, request: Request, result: CallResult, value: Any
    ) -> Answered:
        known = self._engine.methods.get(request.target)
        kind = "" if known is None else known.kind.value
        text, doubts = "", list[str]()
        if result.error is None and name == "bank" and kind != "query":
            text, doubts = self.model.tell(method, request.args, request.kwargs, value)
        elif result.error is None and name == "control" and method == "take":
            text = f"control {value['number']}, until {utc(value['until'])}"
        return Answered(
            self.bank, name, method, request.args, request.kwargs, kind, result, text, doubts
        )

    def next_end(self) -> float | None:
        """Unix time at which the next operation ends; None: none is under way."""
        return self._operations.next_end(self.clock.time())


class _NoJournal:
    """The journal of a Player that does nothing."""

    @query
    def find(self, call_id: str, client: str = "") -> None:
        """Return nothing: no call of a plan is in it."""


def _nowhere(_envelope: Sequence[bytes], _reply: bytes) -> None:
    """Take what nobody waits for."""


def _as_it_arrives(
    object_name: str,
    method: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None,
    timeout: float,
    begun_by: str = "",
    control: str = "",
) -> Request:
    """The request as a Player would read it: what cannot travel raises here as it would there."""
    within = min(timeout, 1e6)
    before, after = jsonrpc.request_around_id(
        object_name,
        method,
        args,
        kwargs,
        within,
        True,
        begun_by,
        members=(("control", control),) if control else (),
    )
    body = b"%b%d%b" % (before, 1, after)
    request = read_message(
        Framed(body, after.frames) if isinstance(after, Framed) else body, MessageLimits()
    )
    if not isinstance(request, Request):
        raise ProtocolError(f"{object_name}.{method}: this is no request to a Player: {request}")
    return request
