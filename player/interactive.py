"""A Bank in this very process, for a shell: its methods, parts and documentation, and nobody else
can call it.

    from player import Bank
    p = Bank("BANKA", simulate=True)
    p.set_mode("MODE1")

Serves nothing and takes no port. What is a command for callers of a Player is one here: one after
the other, an operation can be aborted (Ctrl-C), and `stop` ends a start that waits.
"""

from __future__ import annotations

import atexit
import functools
import itertools
import logging
import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from contextvars import ContextVar
from pathlib import Path
from types import FrameType
from typing import Any

from groundwork.closing import Closing
from groundwork.portranges import has_range
from groundwork.watchdog import watch
from player import config as configuration
from player.access import keys_of_host
from player.bank import Bank
from player.errors import BankStartError, NotReadyError, ServiceError
from player.host import ask_ready, bank_context, start_errors
from player.kinds import find_kind
from player.ports import local_url, split_url
from player.records import Records
from player.services import found_in_range, reached_at
from player.signals import Handlers
from portmanager.protocol.urls import is_service
from zmqjsonproxy import MethodDescription, ThreadHub
from zmqjsonproxy.caller import Caller, own_name
from zmqjsonproxy.engine import CallEngine, CommandQueues, ServedCall
from zmqjsonproxy.errors import AlreadyDoneError, OperationAbortedError, RefusedError
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.interface import Method, MethodKind
from zmqjsonproxy.protocol.failures import Code, error_object
from zmqjsonproxy.protocol.operations import OperationState, OperationTable
from zmqjsonproxy.protocol.request import Request
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.signatures import document

__all__ = ["BankPart", "InteractiveBank"]

log = logging.getLogger(__name__)

WATCHDOG_EVERY_S = 1.0  # as a Player does
CONNECT_S = 0.5
ANSWER_S = 1.0
END_WITHIN_S = 3.0
POLL_S = 0.1
MAX_CALLS = 64
"""Of this process that wait for their turn: each has a thread that waits."""
INTERRUPTED = "interrupted (Ctrl-C)"

Outcome = tuple[Any, BaseException | None]
"""Value that a call returned, or the error that it raised."""

_open: dict[
    tuple[Path, str], InteractiveBank
] = {}  # of this process; two of one Bank would share its status memory


class BankPart:
    """Object offered under a name: the marked methods of one object as attributes."""

    def __init__(self, path: str, methods: Mapping[str, Callable[..., Any]]) -> None:
        self._path, self._methods = path, methods

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._methods:
            known = ", ".join(self._methods) or "none"
            raise AttributeError(f"{self._path} has no method {name}; it has: {known}")
        return self._methods[name]

    def __dir__(self) -> list[str]:
        return sorted(self._methods)

    def __repr__(self) -> str:
        return f"<{self._path}: {', '.join(self._methods) or 'no methods'}>"


class InteractiveBank(Closing):
    """One Bank, opened in this process; a context manager, and closed when the process ends.

    Its methods and parts are attributes: `p.get_status()`, `p.roach`. A part whose device does not
    exist is None. The object itself, with everything that callers never see, is `p.bank`.

    Args:
        name: Bank name, in either case; None: the Bank of this host.
        config: The array's TOML file; None: `$DIBAS_CONFIG`, else
            `$DIBAS_DIR/etc/config/dibas.toml`.
        simulate: Touch no real instrument.
        environment: None: that of the process.

    Raises:
        ConfigError: The configuration has faults.
        BankNameError: There is no such Bank.
        BankStartError: It cannot be opened, or it is open already, here or in a Player.
    """

    def __init__(
        self,
        name: str | None = None,
        config: Path | str | None = None,
        *,
        simulate: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        environment = os.environ if environment is None else environment
        given = None if config is None else Path(config)
        array = configuration.load(configuration.find_file(given, environment), environment)
        bank = configuration.pick_bank(array, name, socket.gethostname())
        keys = keys_of_host(array, bank)
        context = bank_context(
            array,
            bank,
            simulate=simulate,
            data_root=configuration.data_root(array, environment),
            dibas_dir=configuration.dibas_dir(environment),
            state_dir=configuration.state_dir(environment),
            keys=keys,
        )
        self._key = (array.path.resolve(), bank)
        self._refuse_a_second(array.url(bank), keys)
        self._engine = CallEngine(
            name=bank,
            replies=_REPLIES,
            queues=CommandQueues(MAX_CALLS, bank),
            operations=OperationTable(keep=0),
            served=_CallHere,
        )
        self._numbers = itertools.count(1)
        self._closing, self._ended = threading.Lock(), threading.Event()
        self._parts: dict[str, BankPart | None] = {}
        self._methods: dict[str, Callable[..., Any]] = {}
        self._watching: threading.Thread | None = None
        self._records: Records | None = None
        with start_errors(bank):
            self.bank: Bank = find_kind(context.config.kind)(context)
        _open[self._key] = self
        atexit.register(self.close)
        try:
            with start_errors(bank):
                self.bank.open()
                self._methods = self._offered("bank", self.bank)
                for part, device in self.bank.parts().items():
                    path = f"bank.{part}"
                    offered = self._offered(path, device)
                    self._parts[part] = None if device is None else BankPart(path, offered)
            self._records = Records(
                array,
                bank,
                context.state_dir,
                context.clock,
                simulated=simulate,
                whose="player shell",
            )
            self._engine.on_command = self._records.on_command
        except BaseException:
            self.close()
            raise
        barks = functools.partial(
            watch, self.bank.watchdog, self._ended, name=bank, every=WATCHDOG_EVERY_S
        )
        self._watching = threading.Thread(target=barks, name=f"watchdog {bank}", daemon=True)
        self._watching.start()

    def _refuse_a_second(self, url: str, keys: ClientKeys | None) -> None:
        path, name = self._key
        if self._key in _open:
            raise BankStartError(
                f"{name} of {path} is open in this process already; close that one first: p.close()"
            )
        if _is_served(name, url, keys):
            raise BankStartError(
                f"a Player of {name} serves at {url}, and two would share its instrument; end it first "
                f"(supervisorctl stop player-{name}), or call it with a Dealer"
            )

    # attributes

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            if name in self._methods:
                return self._methods[name]
            if name in self._parts:
                return self._parts[name]
        raise AttributeError(
            f"{type(self).__name__} has no attribute {name}; press Tab after `p.` to see what it has"
        )

    def __dir__(self) -> list[str]:
        return sorted({*self._methods, *self._parts, "bank", "close"})

    def __repr__(self) -> str:
        context = self.bank.context
        words = [
            context.name,
            "simulated" if context.simulate else "",
            "closed" if self._ended.is_set() else "",
        ]
        return (
            f"<Bank {', '.join(filter(None, words))}: {len(self._methods)} methods in this process>"
        )

    def _offered(self, path: str, device: object) -> dict[str, Callable[..., Any]]:
        methods = self._engine.expose(path, device).methods
        return {name: self._bound(path, method) for name, method in methods.items()}

    def _bound(self, path: str, method: Method) -> Callable[..., Any]:
        """Return what stands for a method: the same signature and documentation, called as a Player
        calls it."""

        @functools.wraps(method.function)
        def bound(*args: Any, **kwargs: Any) -> Any:
            self._refuse_if_closed()
            number = next(self._numbers)
            request = Request(f"{path}.{method.name}", list(args), kwargs, True, number)
            if method.kind is MethodKind.QUERY:
                value, error = _REPLIES.call(method, request)
            else:
                value, error = self._hand_over(method, request)
            if error is not None:
                raise error
            return value

        if method.mark.keywords is not None:  # which the function itself does not show
            told = MethodDescription(
                method.name, method.doc, method.kind.value, method.parameters, method.returns
            )
            document(bound, told)
        return bound

    def _refuse_if_closed(self) -> None:
        if self._ended.is_set():
            text = f"{self.bank.name} is closed; make a new one: p = Bank({self.bank.name!r})"
            raise RefusedError(text)

    def _hand_over(self, method: Method, request: Request) -> Outcome:
        """Wait for the turn of a call, and carry it out here; or, of one that answers when it is
        accepted, wait for that."""
        if (outer := _carried_out.get()) and outer.queue is self._engine.queues.of(method):
            raise RefusedError(
                f"{request.target} was called within {outer.request.target}, behind which it would wait for its turn; "
                f"call the method of the object itself there"
            )
        turn = _Turn()
        with turn.held:
            try:
                refusal = self._engine.hand_over(method, request, turn.take, Caller(own_name()))
                if refusal is not None:
                    return refusal
                self._wait(turn)
            except KeyboardInterrupt:
                told = self._engine.cancel(b"", request.id, reason=INTERRUPTED)
                if method.kind is not MethodKind.OPERATION or told == "unknown":
                    raise
                self._wait(turn)
            if turn.call is not None:
                turn.call.carry_out_here()
                turn.call = None
            assert turn.outcome is not None
            return turn.outcome

    def _wait(self, turn: _Turn) -> None:
        while not turn.is_told(POLL_S):
            self._refuse_if_closed()

    # life

    def close(self) -> None:
        """Abort what is being done and close the Bank. Idempotent; called when the process ends."""
        with self._closing:
            if self._ended.is_set():
                return
            self._ended.set()
            end = time.monotonic() + END_WITHIN_S
            self._engine.queues.end(END_WITHIN_S, "the Bank is closed")
            if self._watching is not None:
                self._watching.join(max(end - time.monotonic(), 0.0))
            try:
                self.bank.close()
            finally:
                if self._records is not None:
                    self._records.close()
                _open.pop(self._key, None)
                atexit.unregister(self.close)


class _CallHere(ServedCall[Outcome]):
    """A call that its caller carries out, in its own thread, when it is its turn: that is where
    Ctrl-C and debuggers are. But for one that answers when it is accepted, and goes on."""

    __slots__ = ()

    def carry_out(self) -> None:
        """Tell the caller that it is its turn, and keep the queue until it is over."""
        is_aborted = self.operation is not None and self.operation.aborted
        if is_aborted or self.is_cancelled or self.method.mark.answers_when_accepted:
            with self._known():
                super().carry_out()
            self._tell_of_failure()
        else:
            self.answer((self, None))

    def _tell_of_failure(self) -> None:
        """Log how an operation failed that was accepted: nobody waits for its end."""
        record = None if self.operation is None else self.operation.record
        if self.is_answered and record is not None and record.state is OperationState.FAILED:
            log.error("%s: %s", self.request.target, (record.error or {}).get("message"))

    def carry_out_here(self) -> None:
        """Carry it out; by its caller, who gets a Ctrl-C between the steps of this as it is."""
        operation = self.operation
        with self._known(), nullcontext() if operation is None else _aborted_by_ctrl_c(operation):
            self._carry_out()

    @contextmanager
    def _known(self) -> Iterator[None]:
        token = _carried_out.set(self)
        try:
            yield
        finally:
            _carried_out.reset(token)


_carried_out: ContextVar[_CallHere | None] = ContextVar("carried out", default=None)


class _Turn:
    """The end of a wait: the turn of a call, or its outcome.

    All that has to hold at a Ctrl-C is done by locks and queues in C, which it does not divide.

    Attributes:
        held: By the caller, until it has done with its call: so long the queue does not go on.
        call: Whose turn it is.
        outcome: What came of it.
    """

    def __init__(self) -> None:
        self.held = threading.Lock()
        self.call: _CallHere | None = None
        self.outcome: Outcome | None = None
        self._told: queue.SimpleQueue[None] = queue.SimpleQueue()

    def is_told(self, within: float) -> bool:
        """Wait until there is something to be told, at most so long, s; whether there is."""
        if self.call is None and self.outcome is None:
            with suppress(queue.Empty):
                self._told.get(timeout=within)
        return self.call is not None or self.outcome is not None

    def take(self, told: Outcome) -> None:
        """Take the call whose turn it is, and return when its caller has done with it; or take what
        came of it."""
        if isinstance(told[0], _CallHere):
            self.call = told[0]
            self._told.put(None)
            with self.held:
                pass
        else:
            self.outcome = told
            self._told.put(None)


class _Replies:
    """Outcomes of calls as they are: nothing travels."""

    TOO_FULL = ""

    def call(self, method: Method, request: Request) -> Outcome:
        """Call a method; what it returns or raises."""
        try:
            return method.function(*request.args, **request.kwargs), None
        except AlreadyDoneError as done:
            return done.value, None
        except BaseException as error:
            return None, error

    def result(self, _request: Request, value: Any) -> tuple[Outcome, int]:
        """Return a value."""
        return (value, None), 0

    def raised(
        self, _method: Method, _request: Request, error: BaseException
    ) -> tuple[Outcome, dict[str, Any]]:
        """Return what was raised."""
        code = Code.REFUSED if isinstance(error, RefusedError) else Code.APPLICATION
        if isinstance(error, OperationAbortedError):
            code = Code.ABORTED
        return (None, error), error_object(code, type(error).__name__, str(error))

    def unserializable(
        self, _request: Request, error: BaseException
    ) -> tuple[Outcome, dict[str, Any]]:
        """Return why no copy of a value could be kept."""
        return (None, error), error_object(Code.INTERNAL, type(error).__name__, str(error))

    def not_begun(
        self, _request: Request, code: Code, type_: str, text: str
    ) -> tuple[Outcome, dict[str, Any]]:
        """Return why nothing was done."""
        return (None, RefusedError(text)), error_object(code, type_, text)

    def accepted(self, _request: Request, operation: str, _state: str) -> Outcome:
        """Return the identity of an operation."""
        return operation, None


_REPLIES = _Replies()


@contextmanager
def _aborted_by_ctrl_c(handle: OperationHandle) -> Iterator[None]:
    """Make the first Ctrl-C an abort; the second does what Ctrl-C did before. Only the main thread
    gets signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # The handler may run while this thread holds the locks that an abort takes, so another thread
    # aborts.
    noted: queue.SimpleQueue[bool] = queue.SimpleQueue()
    before = signal.getsignal(signal.SIGINT)
    interrupted = False

    def on_interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        if interrupted:  # at once, even where whoever started us had it ignored
            (before if callable(before) else signal.default_int_handler)(number, frame)
        interrupted = True
        noted.put(True)

    def abort_when_noted() -> None:
        if noted.get():
            handle.abort(INTERRUPTED)

    aborts = threading.Thread(
        target=abort_when_noted, name=f"Ctrl-C of {handle.record.method}", daemon=True
    )
    handlers = Handlers()
    try:
        handlers.install(signal.SIGINT, on_interrupt)
        aborts.start()
        yield
    finally:
        noted.put(False)
        handlers.remove()


def _is_served(bank: str, url: str, keys: ClientKeys | None) -> bool:
    """Tell whether a Player of this Bank answers at `url`, or under the name there."""
    try:
        if has_range(url):
            url = found_in_range(url, bank, keys=keys)
        url = reached_at(url) if is_service(url) else local_url(url)
        socket.create_connection(split_url(url), timeout=CONNECT_S).close()
    except (OSError, ValueError, ServiceError, NotReadyError):
        return False
    with ThreadHub(keys=keys) as hub:
        try:
            ask_ready(hub, bank, url, ANSWER_S)
        except NotReadyError as error:
            log.warning("somebody is at the address of %s, but not its Player: %s", bank, error)
            return False
        return True
