"""Client-side state of a remote operation: news of it, and silence. No I/O."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from zmqjsonproxy.errors import (
    CallTimeoutError,
    OperationLostError,
    PeerLostError,
    ProtocolError,
    ProxyError,
    RefusedError,
)
from zmqjsonproxy.process import ForkSafeLock, OfOneProcess
from zmqjsonproxy.protocol.operations import OperationState
from zmqjsonproxy.rpc.protocol.jsonrpc import error_from

__all__ = ["FRESH_S", "LOST_AFTER_S", "RemoteOperation", "no_description", "read_told"]

LOST_AFTER_S = 10.0
"""An operation whose server does not answer for so long is lost, s."""
FRESH_S = 0.1
"""What was heard so recently is not asked again by an attribute, s."""


_NUMBERS = ("fraction", "estimate", "started", "ended")
_FAR = 2.0**37
"""s since 1970: no time is so far away."""


class RemoteOperation(OfOneProcess, ABC):
    """One operation of a server, as far as it was heard of. Thread-safe.

    A server that does not answer changes nothing for `lost_after` seconds: it may come back, and
    the operation with it. One that was started again does not know the operation: then it is lost
    at once.

    Args:
        url: Server.
        described: What the server said of it: `id`, `method`, `state`, ...
        lost_after: s.
    """

    def __init__(
        self, url: str, described: dict[str, Any], lost_after: float = LOST_AFTER_S
    ) -> None:
        self.url, self._lost_after = url, lost_after
        self._lock = ForkSafeLock()
        self._heard = dict(described)
        self._heard_at = -FRESH_S
        self._silent_since: float | None = None
        self._trouble: ProxyError | None = None
        self._on_done: list[Callable[[Any], object]] = []
        self._on_progress: list[Callable[[Any], object]] = []
        self._told: tuple[Any, ...] = ()

    def _made_by(self) -> str:
        return f"proxy.operation({self.id!r}), of a proxy of {self.url}"

    # what is known of it

    @property
    def id(self) -> str:
        """Identity, by which any client can ask for it."""
        return str(self._heard["id"])

    @property
    def method(self) -> str:
        """`object.method`; empty if it is lost and was never heard of here."""
        return str(self._heard.get("method", ""))

    @property
    def state(self) -> OperationState:
        """Queued or running; or done, failed, aborted or lost, which are final."""
        return OperationState(self._lately()["state"])

    @property
    def fraction(self) -> float | None:
        """Progress of the work, 0..1; None if that is not known."""
        fraction: float | None = self._lately().get("fraction")
        return fraction

    @property
    def text(self) -> str:
        """Text of what is being done."""
        return str(self._lately().get("text", ""))

    @property
    def estimate(self) -> float | None:
        """Time that it will probably still take, s; None if that cannot be told."""
        left: float | None = self._lately().get("estimate")
        return left

    @property
    def started(self) -> datetime | None:
        """When it began to run, UTC, by the clock of its server."""
        return _time(self._lately().get("started"))

    @property
    def ended(self) -> datetime | None:
        """When it got its final state, UTC, by the clock of its server; None: it has none yet, or
        is lost."""
        return _time(self._lately().get("ended"))

    @property
    def client(self) -> str:
        """Name of the client that asked for it; empty if that was not said."""
        return str(self._lately().get("client", ""))

    @property
    def trouble(self) -> ProxyError | None:
        """Why nothing newer is known: its server does not answer at present; None if it does."""
        self._lately()
        return self._trouble

    def done(self) -> bool:
        """Tell whether it has a final state."""
        return self.state.is_final

    def _lately(self) -> dict[str, Any]:
        """State that the attributes tell of."""
        return self._heard

    # its end

    @property
    def has_ended(self) -> bool:
        """Tell whether a final state was heard of; asks nobody."""
        return OperationState(self._heard["state"]).is_final

    def _end(self, waited: float | None) -> ProxyError | None:
        """Return its error, None if it has a value, after a wait of `waited` seconds.

        Raises:
            TimeoutError: It has not ended, and goes on.
            OperationLostError: It has not ended as far as was heard, and its server does not answer
                at present.
        """
        if not self.has_ended:
            if self._trouble is not None:
                told = f"nothing is heard of it within {waited:g} s: {self._trouble}; it was {self._heard['state']}"
                raise OperationLostError(
                    f"{self.method}: {told}; if its server comes back, ask again"
                )
            raise TimeoutError(
                f"{self.method}: no end within {waited:g} s; it is still {self._heard['state']}"
            )
        heard = self._heard
        state = OperationState(heard["state"])
        if state is OperationState.LOST:
            return OperationLostError(f"{self.method or self.id}: {_text(heard)}")
        if state is not OperationState.DONE:
            return error_from(heard.get("error"), peer=self.url, method=self.method)
        if "value" not in heard:
            return RefusedError(
                "it is done, but its result is not kept any more", peer=self.url, method=self.method
            )
        return None

    def _value(self, waited: float | None) -> Any:
        """Return its value; raises its error, or as `_end`."""
        error = self._end(waited)
        if error is not None:
            raise error
        return self._heard["value"]

    # news of it

    @abstractmethod
    def on_done(self, tell: Callable[[Any], object]) -> None:
        """Call `tell(operation)` once when it has its final state."""

    @abstractmethod
    def on_progress(self, tell: Callable[[Any], object]) -> None:
        """Call `tell(operation)` whenever state, fraction or text are others than before."""

    def take(self, described: Any, now: float) -> None:
        """Take what the server says; a final state stays."""
        with self._lock:
            if self.has_ended:
                return
            if (told := read_told(described)) is None:
                self._miss(no_description(self.url, described), now, now)
                return
            self._heard = {"method": self.method, **told, "id": self.id}
            self._heard_at, self._silent_since, self._trouble = now, None, None

    def take_error(self, error: ProxyError, asked: float, now: float) -> None:
        """Take what came instead of an answer to a question of the time `asked`; a final state
        stays."""
        with self._lock:
            if self.has_ended:
                return
            if isinstance(error, PeerLostError | CallTimeoutError | ProtocolError):
                self._miss(error, asked, now)
            else:  # it answers, but not of this
                self._lose(f"its server has forgotten it: {error}")

    def _miss(self, error: ProxyError, asked: float, now: float) -> None:
        self._trouble, self._heard_at = error, now
        if self._silent_since is None:
            self._silent_since = asked
        if now - self._silent_since >= self._lost_after:
            self._lose(f"its server has not answered for {now - self._silent_since:.0f} s: {error}")

    def _lose(self, text: str) -> None:
        described = {
            "code": 0,
            "message": text,
            "data": {"type": OperationLostError.__name__, "text": text},
        }
        self._heard = {
            **self._heard,
            "state": OperationState.LOST.value,
            "estimate": None,
            "error": described,
        }

    @property
    def is_told(self) -> bool:
        """It has ended, and all who wanted to hear of that have."""
        return self.has_ended and not self._on_done and not self._on_progress

    def _news(self) -> list[Callable[[Any], object]]:
        """Return whom to tell of what is new; for the one that watches."""
        with self._lock:
            heard, final = self._heard, self.has_ended
            news = (heard["state"], heard.get("fraction"), heard.get("text"))
            listeners = list(self._on_progress) if news != self._told else []
            self._told = news
            if final:
                listeners += self._on_done
                self._on_done, self._on_progress = [], []
        return listeners

    def __repr__(self) -> str:
        """Show what was heard last; asks nobody."""
        heard = self._heard
        words = [f"{self.method or 'operation'} {self.id}: {heard['state']}"]
        if heard.get("fraction") is not None:
            words.append(f"{heard['fraction']:.0%}")
        if heard.get("text"):
            words.append(str(heard["text"]))
        if heard.get("estimate") is not None:
            words.append(f"{heard['estimate']:.0f} s left")
        if heard.get("error"):
            words.append(_text(heard))
        return f"<{', '.join(words)}>"


def _text(heard: dict[str, Any]) -> str:
    error = heard.get("error")
    return str(error.get("message", "")) if isinstance(error, dict) else ""


def read_told(described: Any) -> dict[str, Any] | None:
    """Return what is said of an operation, numbers only where numbers belong; None: it is no
    description."""
    if not isinstance(described, dict) or described.get("state") not in list(OperationState):
        return None
    strange = [name for name in _NUMBERS if not _is_number(described.get(name, 0.0))]
    return described | dict.fromkeys(strange)


def no_description(url: str, described: Any) -> ProtocolError:
    """Return the error of a server that was asked for an operation and told something else."""
    return ProtocolError(f"{url}: no description of an operation: {str(described)[:200]}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _FAR


def _time(seconds: Any) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
