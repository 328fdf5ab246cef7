"""Players without processes: models of Banks, asked by the messages that would go to them, in
virtual time.

A kind of Bank brings its model by entry point (group `dealer_player.plans`): a function
(configuration file, names of Banks) -> {Bank: `Model`}. It is looked up when a plan is made; a
Dealer needs none of it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from arrayconfig.files import FilesError, read_tables
from dealer.errors import ConfigurationError, DealerError
from dealer.virtualtime import VirtualClock
from groundwork.loading import TargetError, load_target, registered, target_of
from zmqjsonproxy import CallResult, InterfaceDescription, MethodDescription
from zmqjsonproxy.errors import CallTimeoutError, ProtocolError, ProxyError
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.interface import Interface, Method, running
from zmqjsonproxy.protocol.arrays import Framed
from zmqjsonproxy.protocol.operations import OperationRecord, State
from zmqjsonproxy.rpc.outcomes import carry_out
from zmqjsonproxy.rpc.protocol import jsonrpc
from zmqjsonproxy.rpc.protocol.dialect import Limits, Request, read_message
from zmqjsonproxy.rpc.protocol.jsonrpc import Code

__all__ = [
    "BUILT_IN",
    "DEFAULT_KIND",
    "GROUP",
    "Answered",
    "Model",
    "ModelPlayer",
    "factory_of",
    "find_models",
]

GROUP = "dealer_player.plans"

# Used where the package runs from a source tree without distribution metadata.
BUILT_IN = {"spectrometer": "spectrometer.rehearsal:rehearse"}

DEFAULT_KIND = "spectrometer"
NEEDS = "a plan needs models of the Banks: pip install 'dealer-player[player]'"


class Model(Protocol):
    """A Bank without instrument; its exported methods are marked as those of the real one. Used by
    one thread."""

    def objects(self) -> Mapping[str, object | None]:
        """What the Player would serve: `bank` and its parts `bank.NAME`; None: there, and without
        methods."""

    def catch_up(self) -> None:
        """Do what became due up to now, by `time.time()`, which is virtual."""

    def take_waited(self) -> float:
        """How long the last call would have waited, s; then 0."""

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
        tables = read_tables(path, os.environ, (("banks", "*", "kind"),)).get("banks", {})
    except FilesError as error:
        raise ConfigurationError(str(path), [str(fault) for fault in error.faults]) from error
    unknown = [bank for bank in banks if not isinstance(tables.get(bank), dict)]
    if unknown:
        raise ConfigurationError(
            str(path), [f"there is no table [banks.{bank}]; no model of it" for bank in unknown]
        )
    kinds: dict[str, list[str]] = {}
    for bank in banks:
        kinds.setdefault(str(tables[bank].get("kind", DEFAULT_KIND)), []).append(bank)
    found: dict[str, Model] = {}
    for kind, names in kinds.items():
        found |= factory_of(kind)(path, names)
    return found


def factory_of(kind: str) -> Callable[[Path, Sequence[str]], Mapping[str, Model]]:
    """What makes the models of a kind; DealerError: it has none, or something for it is not
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
    """Lets nobody wait, and counts what would have been waited."""

    def __init__(self, method: str) -> None:
        super().__init__(OperationRecord(id=uuid.uuid4().hex, method=method, state=State.RUNNING))
        self.waited = 0.0

    def wait(self, seconds: float) -> None:
        self.waited += max(seconds, 0.0)
        self.check()


@dataclass
class ModelPlayer:
    """What stands for the Player of one Bank: takes requests as a server does and answers at once.

    Attributes:
        bank: Name.
        url: Where the Player would be.
        model: Of the Bank.
        clock: Virtual.
    """

    bank: str
    url: str
    model: Model
    clock: VirtualClock
    operations: dict[str, tuple[OperationRecord, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._interfaces = {
            name: Interface.of(name, thing) for name, thing in self.model.objects().items()
        }
        self._own: dict[str, Callable[..., Any]] = {
            "rpc.ping": self._ping,
            "rpc.operation": self._operation,
            "rpc.operations": self._operations,
            "rpc.abort": self._operation,
        }

    def describe(self, object_name: str) -> InterfaceDescription:
        """What is exported under this name; nothing if there is no such object."""
        known = self._interfaces.get(object_name)
        methods = {} if known is None else known.methods
        described = {
            name: MethodDescription(
                name, method.doc, method.kind.value, method.parameters, method.returns
            )
            for name, method in methods.items()
        }
        return InterfaceDescription(True, described, "plan", "", tuple(self._interfaces), 1)

    def call(
        self,
        object_name: str,
        method: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any] | None,
        timeout: float,
    ) -> Answered:
        """Answer a call; `delay_s` of the result is how long it takes. Raises what encoding the
        call raises."""
        request = _as_it_arrives(object_name, method, args, kwargs, timeout)
        self.model.catch_up()
        own = self._own.get(request.target)
        if own is not None:
            return self._answered(
                object_name, method, request, "query", CallResult(own(*request.args[:1]))
            )
        interface = self._interfaces.get(object_name)
        known = None if interface is None else interface.methods.get(method)
        if known is None:
            error = jsonrpc.error_from(
                self._not_there(object_name, method), peer=self.url, method=method
            )
            return self._answered(object_name, method, request, "", CallResult(error=error))
        result = self._carry_out(known, request)
        if result.delay_s > timeout:
            result = CallResult(None, CallTimeoutError(self.url, request.target, timeout), timeout)
        return self._answered(object_name, method, request, known.kind.value, result)

    def _answered(
        self, name: str, method: str, request: Request, kind: str, result: CallResult
    ) -> Answered:
        text, doubts = "", list[str]()
        if result.error is None and name == "bank" and kind != "query":
            text, doubts = self.model.tell(method, request.args, request.kwargs, result.value)
        return Answered(
            self.bank, name, method, request.args, request.kwargs, kind, result, text, doubts
        )

    def _carry_out(self, method: Method, request: Request) -> CallResult:
        self.model.take_waited()
        handle = _Handle(request.target)
        with running(handle):
            reply = jsonrpc.read_reply(carry_out(method, request))
        result = CallResult(reply.get("result"), None, handle.waited + self.model.take_waited())
        if "error" in reply:
            result.error = jsonrpc.error_from(reply["error"], peer=self.url, method=method.name)
        return result

    def _not_there(self, object_name: str, method: str) -> dict[str, Any]:
        if object_name in self._interfaces:
            known = ", ".join(self._interfaces[object_name].methods) or "none"
            text = f"{object_name} has no method {method}; it has: {known}"
            return jsonrpc.error_object(Code.NO_SUCH_METHOD, "NoSuchMethodError", text)
        text = f"no interface {object_name!r} here; there are: {', '.join(self._interfaces)}"
        return jsonrpc.error_object(Code.NO_SUCH_METHOD, "NoSuchInterfaceError", text)

    # operations: what one does is done when it is begun, and is told when its time is over

    def begin(
        self, object_name: str, method: str, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Answered:
        """Begin an operation; the result says which it is."""
        known = self._interfaces.get(object_name, Interface("")).methods.get(method)
        if known is None or known.kind != "operation":
            text = f"{object_name}.{method} at {self.url} is no operation"
            request = _as_it_arrives(object_name, method, args, kwargs, 60.0)
            return self._answered(
                object_name, method, request, "operation", CallResult(error=ProtocolError(text))
            )
        done = self.call(object_name, method, args, kwargs, float("inf"))
        now, error = self.clock.time(), done.result.error
        record = OperationRecord(id=uuid.uuid4().hex, method=f"{object_name}.{method}", asked=now)
        record.begin(now)
        end = now + done.result.delay_s
        if error is None:
            record.finish(State.DONE, end, value=done.result.value)
        else:
            record.finish(State.FAILED, end, error=_error_object(error))
        self.operations[record.id] = (record, end)
        accepted = CallResult({"operation": record.id}) if error is None else done.result
        return done._replace(result=accepted)

    def _operation(self, identity: str) -> dict[str, Any]:
        found = self.operations.get(identity)
        if found is None:
            error = {"message": "there is no such operation in this plan"}
            return {"id": identity, "state": State.LOST.value, "error": error}
        record, end = found
        described = record.describe(now := self.clock.time())
        if now < end and record.started is not None:
            part = (now - record.started) / (end - record.started)
            described = {key: described[key] for key in ("id", "method")}
            described |= {"state": State.RUNNING.value, "fraction": part, "estimate": end - now}
        return described

    def _operations(self, active: bool = False) -> list[dict[str, Any]]:
        found = [self._operation(identity) for identity in self.operations]
        return [each for each in found if not (active and State(each["state"]).is_final)]

    def next_end(self) -> float | None:
        """Unix time at which the next operation ends; None: none is under way."""
        return min(
            (end for _, end in self.operations.values() if end > self.clock.time()), default=None
        )

    def _ping(self) -> dict[str, Any]:
        return {"instance": "plan", "time": self.clock.time(), "host": "plan", "pid": os.getpid()}


def _as_it_arrives(
    object_name: str,
    method: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None,
    timeout: float,
) -> Request:
    """The request as a Player would read it: what cannot travel raises here as it would there."""
    within = min(timeout, 1e6)
    before, after = jsonrpc.request_around_id(
        object_name, method, args, kwargs, within, arrays=True
    )
    body = b"%b%d%b" % (before, 1, after)
    request = read_message(
        Framed(body, after.frames) if isinstance(after, Framed) else body, Limits()
    )
    if not isinstance(request, Request):
        raise ProtocolError(f"{object_name}.{method}: this is no request to a Player: {request}")
    return request


def _error_object(error: ProxyError) -> dict[str, Any]:
    return jsonrpc.error_object(
        Code.APPLICATION, getattr(error, "type", type(error).__name__), str(error)
    )
