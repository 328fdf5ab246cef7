"""Hubs without sockets: servers that answer at once, as told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dealer import Dealer
from zmqjsonproxy import CallRequest, CallResult, InterfaceDescription, MethodDescription
from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.parameters import MethodParameter, Passing


@dataclass
class FakeServer:
    """One server, with one object and what its server answers itself.

    Attributes:
        answers: Method -> value or error, or a function of the arguments that returns one.
        takes: Method -> names of its parameters, where they matter.
        kinds: Method -> kind, where it is no command.
        native: It speaks JSON-RPC.
        generation: Of its process.
        lost: Comes instead of every answer; None: it is there.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    takes: dict[str, list[str]] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    native: bool = True
    generation: int = 1
    lost: ProxyError | None = None

    def describe(self) -> InterfaceDescription:
        """Return what it offers."""
        methods = {
            name: MethodDescription(
                name,
                f"{name} of a fake.",
                self.kinds.get(name, "command"),
                tuple(
                    MethodParameter(name=each, passing=Passing.KEYWORD)
                    for each in self.takes.get(name, ())
                ),
            )
            for name in self.answers
            if not name.startswith("rpc.")
        }
        return InterfaceDescription(self.native, methods, generation=self.generation)

    def answer(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> CallResult:
        """Return the answer to a call."""
        if self.lost is not None:
            return CallResult(error=self.lost)
        answer = self.answers[name]
        if callable(answer):
            answer = answer(*args, **kwargs)
        if isinstance(answer, ProxyError):
            return CallResult(error=answer)
        return CallResult(answer, None, 0.002)


class FakeThreadHub:
    """A ThreadHub with servers that are none.

    Attributes:
        asked: (method, URLs) of each question, in their order.
        args: Positional arguments of the last call.
        kwargs: Its keyword arguments.
        timeout: Its deadline, s.
        paused: Pauses, s.
        on_pause: Called in each.
    """

    def __init__(self, servers: Mapping[str, FakeServer]) -> None:
        self.servers = dict(servers)
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        self.args: Sequence[Any] = ()
        self.kwargs: Mapping[str, Any] = {}
        self.timeout = 0.0
        self.paused: list[float] = []
        self.on_pause: Callable[[], object] = lambda: None

    def peer(self, url: str) -> FakeServer:
        """See Hub."""
        return self.servers[url]

    def is_native(self, url: str) -> bool:
        """See Hub."""
        return self.servers[url].native

    def call_many(self, requests: Sequence[CallRequest], timeout: float) -> list[CallResult]:
        """See Hub."""
        self.timeout = timeout
        found = []
        for each in requests:
            name = each.method if each.object_name == "bank" else f"rpc.{each.method}"
            self.asked.append((name, (each.url,)))
            self.args, self.kwargs = each.args, each.kwargs
            found.append(self.servers[each.url].answer(name, each.args, each.kwargs))
        return found

    def call_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any] | None,
        timeout: float,
    ) -> list[CallResult]:
        """See Hub."""
        urls, name = tuple(urls), method if object_name == "bank" else f"{object_name}.{method}"
        self.asked.append((name, urls))
        self.args, self.kwargs, self.timeout = args, kwargs or {}, timeout
        return [self.servers[url].answer(name, args, kwargs or {}) for url in urls]

    def begin_each(
        self,
        urls: Iterable[str],
        object_name: str,
        method: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        timeout: float,
        begun_by: str,
    ) -> list[CallResult]:
        """See Hub."""
        assert begun_by
        return self.call_each(urls, object_name, method, args, kwargs, timeout)

    def describe_many(
        self, urls: Sequence[str], object_name: str, timeout: float
    ) -> list[CallResult]:
        """See Hub."""
        assert object_name == "bank"
        self.asked.append(("hello", tuple(urls)))
        servers = [self.servers[url] for url in urls]
        return [
            CallResult(each.describe()) if each.lost is None else CallResult(error=each.lost)
            for each in servers
        ]

    def pause(self, seconds: float) -> None:
        """See Hub; takes no time."""
        self.paused.append(seconds)
        self.on_pause()

    def close(self) -> None:
        """Nothing is to be closed."""


class FakeDealer(Dealer):
    """A Dealer of servers that are none, all of them active: Bank -> server."""

    def __init__(self, **servers: FakeServer) -> None:
        self._servers = {f"tcp://{bank}:1": server for bank, server in servers.items()}
        super().__init__({bank: f"tcp://{bank}:1" for bank in servers})
        self.add_active_player(*servers)

    def _make_hub(self, urls: Mapping[str, str], config: Any) -> Any:
        self._fake = FakeThreadHub(self._servers)
        return self._fake

    @property
    def hub(self) -> FakeThreadHub:
        """Of the fakes."""
        return self._fake

    def asked(self) -> list[tuple[str, str]]:
        """Return what was asked of whom since the last time, hellos left out."""
        asked = [
            (method, " ".join(url[6:-2] for url in urls))
            for method, urls in self.hub.asked
            if method != "hello"
        ]
        self.hub.asked.clear()
        return asked
