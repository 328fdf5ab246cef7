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
import logging
import os
import queue
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Self

from groundwork.watching import watch
from player import config as configuration
from player.bank import Bank as KindOfBank
from player.errors import BankStartError, NotReadyError, ServiceError
from player.host import ask_ready, bank_context, start_errors
from player.kinds import find_kind
from player.ports import local_url, split_url
from player.services import reached_at
from player.signals import Handlers
from portmanager.protocol.urls import is_service
from zmqjsonproxy import MethodDescription, ThreadHub
from zmqjsonproxy.errors import AlreadyDoneError, OperationAbortedError, RefusedError
from zmqjsonproxy.handle import OperationHandle
from zmqjsonproxy.interface import Interface, Kind, Method, running
from zmqjsonproxy.protocol.operations import OperationRecord, State
from zmqjsonproxy.signatures import document

__all__ = ["Bank", "Part"]

log = logging.getLogger(__name__)

WATCHDOG_EVERY_S = 1.0  # as a Player does
CONNECT_S = 0.5
ANSWER_S = 1.0
END_WITHIN_S = 3.0
POLL_S = 0.1
INTERRUPTED = "interrupted (Ctrl-C)"

_open: dict[
    tuple[Path, str], Bank
] = {}  # of this process; two of one Bank would share its status memory


class Part:
    """What is offered under a name: the marked methods of one object as attributes."""

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


class Bank:
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
        context = bank_context(
            array,
            bank,
            simulate=simulate,
            data_root=configuration.data_root(array, environment),
            dibas_dir=configuration.dibas_dir(environment),
            state_dir=configuration.state_dir(environment),
        )
        self._key = (array.path.resolve(), bank)
        self._refuse_a_second(array.url(bank))
        self._one_at_a_time = threading.Lock()
        self._handles: set[OperationHandle] = set()
        self._closing, self._ended = threading.Lock(), threading.Event()
        self._parts: dict[str, Part | None] = {}
        self._methods: dict[str, Callable[..., Any]] = {}
        self._watching: threading.Thread | None = None
        with start_errors(bank):
            self.bank: KindOfBank = find_kind(context.config.kind)(context)
        _open[self._key] = self
        atexit.register(self.close)
        try:
            with start_errors(bank):
                self.bank.open()
                self._methods = self._offered("bank", self.bank)
                for part, device in self.bank.parts().items():
                    path = f"bank.{part}"
                    self._parts[part] = (
                        None if device is None else Part(path, self._offered(path, device))
                    )
        except BaseException:
            self.close()
            raise
        barks = functools.partial(
            watch, self.bank.watchdog, self._ended, name=bank, every=WATCHDOG_EVERY_S
        )
        self._watching = threading.Thread(target=barks, name=f"watchdog {bank}", daemon=True)
        self._watching.start()

    def _refuse_a_second(self, url: str) -> None:
        path, name = self._key
        if self._key in _open:
            raise BankStartError(
                f"{name} of {path} is open in this process already; close that one first: p.close()"
            )
        if _is_served(name, url):
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
        return {
            name: self._bound(path, m) for name, m in Interface.of(path, device).methods.items()
        }

    def _bound(self, path: str, method: Method) -> Callable[..., Any]:
        """Return what stands for a method: the same signature and documentation, called as a Player
        calls it."""
        call: Callable[[str, Method, functools.partial[Any]], Any] = self._call
        if method.kind is Kind.OPERATION:
            call = self._begin if method.mark.answers_when_accepted else self._operate
        elif method.kind is Kind.COMMAND and not method.mark.urgent:
            call = self._command

        @functools.wraps(method.function)
        def bound(*args: Any, **kwargs: Any) -> Any:
            if self._ended.is_set():
                raise RefusedError(
                    f"{self.bank.name} is closed; make a new one: p = Bank({self.bank.name!r})"
                )
            try:
                return call(
                    f"{path}.{method.name}",
                    method,
                    functools.partial(method.function, *args, **kwargs),
                )
            except AlreadyDoneError as done:
                return done.value

        if method.mark.keywords is not None:  # which the function itself does not show
            told = MethodDescription(
                method.name, method.doc, method.kind.value, method.parameters, method.returns
            )
            document(bound, told)
        return bound

    # calls

    def _call(self, _path: str, method: Method, function: functools.partial[Any]) -> Any:
        if method.mark.aborts:
            self._abort(f"{method.name} was called")
        return function()

    def _command(self, _path: str, _method: Method, function: functools.partial[Any]) -> Any:
        with self._one_at_a_time:
            return function()

    @contextmanager
    def _operation(self, handle: OperationHandle) -> Iterator[None]:
        """Hold the command queue and be the current operation; the record gets its final state."""
        self._handles.add(handle)
        try:
            while not self._one_at_a_time.acquire(timeout=POLL_S):
                handle.check()
            held = [self._one_at_a_time]
            handle.on_leave = lambda: held.pop().release()
            try:
                handle.check()
                handle.begin()
                with running(handle):
                    yield
            finally:
                for lock in held:
                    lock.release()
        except BaseException as error:
            aborted = isinstance(error, OperationAbortedError)
            handle.finish(State.ABORTED if aborted else State.FAILED, error={"message": str(error)})
            raise
        finally:
            self._handles.discard(handle)

    def _operate(self, path: str, method: Method, function: functools.partial[Any]) -> Any:
        handle = OperationHandle(OperationRecord(secrets.token_hex(6), path))
        _admit(method, handle, function)
        with _aborted_by_ctrl_c(handle), self._operation(handle):
            value = function()
        handle.finish(State.DONE, value=value)
        return value

    def _begin(self, path: str, method: Method, function: functools.partial[Any]) -> Any:
        """Run an operation in a thread; it answers when it is accepted, and goes on."""
        answers: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        handle = OperationHandle(
            OperationRecord(secrets.token_hex(6), path),
            on_accept=lambda value: answers.put((value, None)),
        )
        _admit(method, handle, function)

        def run() -> None:
            value, error = None, None
            try:
                with self._operation(handle):
                    value = function()
                handle.finish(State.DONE, value=value)
            except BaseException as caught:
                error = caught
            if handle.close_acceptance():
                answers.put((value, error))
            elif error is not None and not isinstance(error, OperationAbortedError):
                log.error("%s: %s", path, error)

        threading.Thread(target=run, name=path, daemon=True).start()
        try:
            value, error = answers.get()
        except KeyboardInterrupt:
            handle.abort(INTERRUPTED)
            value, error = answers.get()
        if error is not None:
            raise error
        return value

    def _abort(self, reason: str) -> None:
        for handle in list(self._handles):
            handle.abort(reason)

    # life

    def close(self) -> None:
        """Abort what is being done and close the Bank. Idempotent; called when the process ends."""
        with self._closing:
            if self._ended.is_set():
                return
            self._ended.set()
            self._abort("the Bank is closed")
            end = time.monotonic() + END_WITHIN_S
            while self._handles and time.monotonic() < end:
                time.sleep(0.01)
            if self._watching is not None:
                self._watching.join(max(end - time.monotonic(), 0.0))
            try:
                self.bank.close()
            finally:
                _open.pop(self._key, None)
                atexit.unregister(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()


def _admit(method: Method, handle: OperationHandle, call: functools.partial[Any]) -> None:
    """Ask the object whether an operation may wait for its turn, as a server does; raises what it
    raises."""
    if method.mark.admit is not None:
        method.mark.admit(method.owner, handle, *call.args, **call.keywords)


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

    threading.Thread(
        target=abort_when_noted, name=f"Ctrl-C of {handle.record.method}", daemon=True
    ).start()
    handlers = Handlers()
    handlers.install(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        handlers.remove()
        noted.put(False)


def _is_served(bank: str, url: str) -> bool:
    """Tell whether a Player of this Bank answers at `url`, or under the name there."""
    try:
        url = reached_at(url) if is_service(url) else local_url(url)
        socket.create_connection(split_url(url), timeout=CONNECT_S).close()
    except (OSError, ValueError, ServiceError):
        return False
    with ThreadHub() as hub:
        try:
            ask_ready(hub, bank, url, ANSWER_S)
        except NotReadyError as error:
            log.warning("somebody is at the address of %s, but not its Player: %s", bank, error)
            return False
        return True
