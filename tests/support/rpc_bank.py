"""Objects served for tests of the proxy: in a thread of the test, or `python -m support.rpc_bank
[URL [more|few]]`."""

from __future__ import annotations

import math
import os
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import zmq
from support.player_process import PlayerProcess

from zmqjsonproxy import (
    RefusedError,
    ServerSettings,
    ZMQJSONProxyServer,
    command,
    current_operation,
    operation,
    query,
)
from zmqjsonproxy.errors import AlreadyDoneError
from zmqjsonproxy.rights import ServerKeys


class Bank:
    """A Bank whose long calls wait for the test."""

    server: ZMQJSONProxyServer | None = None
    progress_text = "programming"

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.stopped = 0
        self.heard: list[bool] = []
        self.written: list[Any] = []

    def waiting(self) -> int:
        """Number of calls that wait in the command queues of the server that serves it."""
        return (
            0
            if self.server is None
            else sum(queue.waiting for queue in self.server.engine.queues.values())
        )

    @query
    def add(self, x: Any, y: Any) -> Any:
        """Adds two values."""
        return x + y

    @query
    def echo(self, value: Any) -> Any:
        return value

    @query
    def status(self) -> dict[str, str]:
        return {f"KEY{n}": f"value {n}" for n in range(200)}

    @command
    def write(self, value: Any) -> None:
        self.written.append(value)

    @query
    def descriptor(self) -> int:
        """A descriptor that was free."""
        with open(os.devnull) as file:
            return file.fileno()

    @command
    def hold(self) -> str:
        """A command that lasts until the test says so."""
        self.begun.set()
        self.go_on.wait(300)
        return "held"

    @command
    def sleep(self, seconds: float) -> str:
        threading.Event().wait(seconds)
        return "slept"

    @command
    def end(self, kind: str) -> Any:
        """Raises, or returns, what no method should."""
        if kind == "value":
            return object()
        if kind == "loop":
            loop: list[Any] = []
            loop.append(loop)
            return loop
        raise {
            "exit": SystemExit,
            "interrupt": KeyboardInterrupt,
            "generator": GeneratorExit,
            "value error": ValueError,
            "memory": MemoryError,
            "recursion": RecursionError,
        }[kind]("as asked")

    @query
    def numbers(self) -> list[float]:
        return [math.nan, math.inf, -math.inf, 2**64, -(2**70)]

    @command(refusal_pair=True)
    def refuse(self) -> None:
        raise RefusedError("20 s is not within 0 to 10")

    @command(refusal_pair=True)
    def again(self) -> None:
        raise AlreadyDoneError("already set, use force", [True, "is set already"])

    @operation(refusal_pair=True)
    def set_mode(self, mode: str) -> str:
        handle = current_operation()
        handle.progress(0.25, self.progress_text)
        self.begun.set()
        handle.wait(300)
        return mode

    @operation(answers_when_accepted=True)
    def start(self) -> list[Any]:
        handle = current_operation()
        handle.accept([True, "accepted"])
        self.begun.set()
        handle.wait(300)
        return [True, "later"]

    @operation(answers_when_accepted=True)
    def accept(self, kind: str) -> Any:
        """Accepts with what cannot travel, or with a hook that raises, or one that takes until
        `go_on`."""
        handle = current_operation()
        if kind == "hook":
            handle.on_abort(lambda: [][0])
        if kind == "slow hook":
            handle.on_abort(lambda: self.heard.append(self.go_on.wait(300)))
        handle.accept(object() if kind == "value" else "accepted")
        self.begun.set()
        handle.wait(300)

    @operation
    def hooked(self) -> None:
        """Like `accept`, with a hook that takes until `go_on`."""
        self.accept("slow hook")

    @command
    def average(
        self, method: str, name: str, timeout: float, url: str, args: int, kwargs: int, calls: int
    ) -> Any:
        """Takes what proxies and hubs name their own parameters."""
        return [method, name, timeout, url, args, kwargs, calls]

    @operation
    def calibrate(
        self, method: str, name: str, timeout: float, url: str, args: int, kwargs: int, calls: int
    ) -> Any:
        return self.average(method, name, timeout, url, args, kwargs, calls)

    @staticmethod
    @command
    def of_itself(self: str, cls: str = "") -> list[str]:
        return [self, cls]

    @operation
    def count(self, to: int) -> int:
        for n in range(to):
            current_operation().progress(n / to, f"{n}")
        return to

    @command(urgent=True)
    def stop(self) -> str:
        self.stopped += 1
        return "stopped"

    def unmarked(self) -> str:
        return "must not be reached"

    def _hidden(self) -> str:
        return "must not be reached"


class More(Bank):
    """The Bank of a Player that was restarted with another interface."""

    @query
    def more(self) -> str:
        """New in this version."""
        return "more"


class Valon:
    """A part whose methods are not marked, as the original's."""

    def get_frequency(self, synth: int) -> float:
        """MHz."""
        return 1500.0 + synth


@contextmanager
def serving(
    settings: ServerSettings | None = None,
    bank: Bank | None = None,
    keys: ServerKeys | None = None,
) -> Iterator[tuple[str, Bank]]:
    """A server in a thread: (URL, the Bank)."""
    bank = bank or Bank()
    with (
        zmq.Context() as context,
        ZMQJSONProxyServer(context, "tcp://127.0.0.1:*", settings, keys=keys) as server,
    ):
        _expose(server, bank)
        bank.server = server
        thread = threading.Thread(target=server.run_loop)
        thread.start()
        try:
            yield server.url, bank
        finally:
            bank.go_on.set()
            server.quit_loop()
            thread.join(10)
            assert not thread.is_alive()


class RpcServer(PlayerProcess):
    """This module as a process: `RpcServer(URL, "more")`, both optional."""

    def __init__(self, *arguments: str) -> None:
        super().__init__("support.rpc_bank", arguments)


def _expose(server: ZMQJSONProxyServer, bank: Bank) -> None:
    server.expose("bank", bank)
    server.expose("bank.valon", Valon())
    server.expose("bank.roach", None)


def main() -> None:
    """Serve until killed; prints the URL."""
    if "few" in sys.argv:
        resource.setrlimit(resource.RLIMIT_NOFILE, (300, 300))
    url = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:*"
    server = ZMQJSONProxyServer(zmq.Context(), url)
    _expose(server, More() if "more" in sys.argv else Bank())
    print(server.url, flush=True)
    server.run_loop()


if __name__ == "__main__":
    main()
