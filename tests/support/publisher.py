"""A Player that publishes what tests ask for.

python -m support.publisher URL [options]     (--help lists them; the bound URL is the first line of stdout)

with Publisher(rate=500) as player: ...       (runs it as a process of its own)
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
import zlib
from typing import Any

import numpy as np
import psutil
import zmq
from support.player_process import ToyProcess

from zmqjsonproxy import ServerSettings, ZMQJSONProxyServer, command, query
from zmqjsonproxy.channels.properties import message, pipe, published, table_of

PIECES_PER_S = 200


class PublishingBank:
    """Publishes numbers, texts, arrays, and any number of keys."""

    number = published(0, doc="Counts.")
    other = published(0, doc="Counts likewise, when it is told to.")
    said = message(doc="Counts: its `n`.")
    frames = pipe(doc="Arrays of bytes; `x_start` is their checksum.")

    def __init__(self, server: ZMQJSONProxyServer) -> None:
        self._server = server
        self._ended: threading.Event | None = None
        self._flow: threading.Thread | None = None

    @command
    def count(self, name: str, many: int, pause_every: int = 0) -> int:
        """Publish numbers that go on counting, as fast as can be; the last one."""
        table = table_of(self)
        first = table.properties[name].number
        for n in range(first + 1, first + many + 1):
            table.publish(name, n)
            if pause_every and n % pause_every == 0:
                time.sleep(0.001)
        return first + many

    @query
    def count_here(self, name: str, many: int) -> int:
        """Do what `count` does, in the thread of the socket."""
        return self.count(name, many)

    @command
    def say(self, many: int) -> None:
        """Publish so many messages."""
        for n in range(1, many + 1):
            self.said(n=n)

    @command
    def flow(self, rate: float) -> int:
        """Go on counting `number`, so many times per second; 0: no more. Return what it is."""
        if self._ended is not None and self._flow is not None:
            self._ended.set()
            self._flow.join()
            self._flow = None
        if rate:
            self._ended = threading.Event()
            self._flow = threading.Thread(
                target=self._run, args=(rate, self._ended), name="flow", daemon=True
            )
            self._flow.start()
        return table_of(self).properties["number"].number

    def _run(self, rate: float, ended: threading.Event) -> None:
        pause, done, begun = 1 / min(rate, PIECES_PER_S), 0, time.monotonic()
        while not ended.wait(pause):
            due = int((time.monotonic() - begun) * rate)
            for _ in range(due - done):
                self.number = table_of(self).properties["number"].number + 1
            done = due

    @command
    def send_frames(self, many: int, size: int) -> None:
        """Publish arrays of one size, bytes; each is overwritten as soon as it is published."""
        data = np.empty(size, np.uint8)
        for n in range(many):
            data[:] = n % 251
            data[:8] = np.frombuffer(n.to_bytes(8, "little"), np.uint8)
            self.frames(data, x_start=float(zlib.crc32(data)))
            data[:] = 255

    @command
    def touch(self, many: int, value: int) -> None:
        """Publish `key.0`, `key.1` and so on."""
        for n in range(many):
            table_of(self).publish(f"key.{n}", value)

    @query
    def echo(self, value: int) -> int:
        """Return it."""
        return value

    @query
    def hang(self, seconds: float) -> None:
        """Keep the thread of the socket, the first time."""
        time.sleep(seconds)

    @query
    def clients(self) -> int:
        """Return how many clients have subscriptions."""
        return self._server.publisher.clients

    @query
    def memory(self) -> int:
        """Return the resident memory of the process, bytes."""
        return int(psutil.Process().memory_info().rss)


def is_whole(update: Any) -> bool:
    """Tell whether a frame is the one that was published."""
    return bool(zlib.crc32(update.value["data"]) == update.value["x_start"])


class Publisher(ToyProcess):
    """The Player as a process; keyword arguments are options.

    With `held=True` it waits, with all that it needs loaded, until it is told to `begin`.
    """

    module = "support.publisher"

    def begin(self) -> str:
        """Let one that is held serve; its URL."""
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGUSR1)
        self.url = self.process.stdout.readline().strip()
        return self.url


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of its options."""
    parser = argparse.ArgumentParser(description="A Player that publishes.")
    parser.add_argument("url", help="where to bind; tcp://127.0.0.1:* takes a free port")
    parser.add_argument("--held", action="store_true", help="wait for SIGUSR1 before it serves")
    parser.add_argument("--rate", type=float, default=0.0, help="of `number`, from the start on")
    parser.add_argument("--keys", type=int, default=0, help="so many, `key.0` and so on")
    parser.add_argument(
        "--change-after", type=float, default=None, help="set `other` to 42 so long after, s"
    )
    parser.add_argument(
        "--slow-query-s",
        type=float,
        default=ServerSettings().slow_query_s,
        help="queries that take longer, and what is left of their batches, leave the socket's thread",
    )
    return parser


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    options = build_parser().parse_args(argv)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    if options.held:
        print("held", flush=True)
        signal.sigwait({signal.SIGUSR1})
    settings = ServerSettings(slow_query_s=options.slow_query_s)
    with (
        zmq.Context() as context,
        ZMQJSONProxyServer(context, options.url, settings=settings) as server,
    ):
        bank = PublishingBank(server)
        bank.touch(options.keys, 0)
        server.expose("bank", bank)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: server.quit_loop())
        loop = threading.Thread(target=server.run_loop, name="server")
        loop.start()
        bank.flow(options.rate)  # before anybody can end it
        print(server.url, flush=True)
        if options.change_after is not None:
            time.sleep(options.change_after)
            bank.other = 42
        while loop.is_alive():  # in pieces, for the handlers of signals
            loop.join(0.2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
