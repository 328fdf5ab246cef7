"""Traffic between clients and a server into a file, and a server that answers from such a file.

    python -m zmqjsonproxy record --listen tcp://127.0.0.1:7777 --server tcp://127.0.0.1:6667 FILE
    python -m zmqjsonproxy replay --listen tcp://127.0.0.1:7777 FILE

Both print the address they listen on and end at SIGINT or SIGTERM. Decides nothing about messages:
that is zmqjsonproxy/recording/protocol/record.py and answers.py.
"""

from __future__ import annotations

import argparse
import contextlib
import heapq
import itertools
import logging
import os
import signal
import socket as sockets
import sys
import time
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

import zmq

from commandline import DONE, FAILED, argument, command, flag, parser_for, say
from groundwork.addresses import is_loopback_host
from groundwork.closing import Closing
from zmqjsonproxy.errors import AccessError, KeysNeededError, ProxyError, RecordingError
from zmqjsonproxy.keys.ring import KeyRing
from zmqjsonproxy.recording.protocol.answers import RecordedAnswers
from zmqjsonproxy.recording.protocol.record import (
    MessageDirection,
    Record,
    RecordedTraffic,
    read_recording,
    write_header,
    write_record,
)
from zmqjsonproxy.rights import ClientKeys
from zmqjsonproxy.rpc.clienttracking import ClientTrackingRouter, bound_url
from zmqjsonproxy.rpc.curve import connect_with_keys
from zmqjsonproxy.sockmon import SocketMonitor, Transition

__all__ = ["COMMANDS", "Recorder", "Replayer", "load_recording", "main"]

log = logging.getLogger(__name__)
T = TypeVar("T")

_RETRY_BIND_MS = 100
_KEEP_ALIVE = {
    zmq.TCP_KEEPALIVE: 1,
    zmq.TCP_KEEPALIVE_IDLE: 1,
    zmq.TCP_KEEPALIVE_INTVL: 1,
    zmq.TCP_KEEPALIVE_CNT: 3,
}
"""As of rpc/bridge.py, and for its reason: servers of the original's time answer no heartbeats."""
_DENIED = {
    Transition.OTHER_MECHANISM,
    Transition.HANDSHAKE_FAILED,
    Transition.KEY_UNKNOWN,
}
"""Ends of a handshake that are about keys."""
_LINGER_MS = 1000
"""What a client sent before it left is still handed to the server for so long."""


def load_recording(path: str | os.PathLike[str]) -> RecordedTraffic:
    """Read a file; RecordingError says what is wrong with it, and in which line."""
    try:
        with open(path, "rb") as file:
            return read_recording(file, str(path))
    except OSError as error:
        raise RecordingError(str(path), 0, f"cannot be read: {error.strerror}") from error


class _Program(Closing):
    """A loop that runs until it is told to end."""

    def __init__(self) -> None:
        self._quit = False
        self._woken, self.waker = sockets.socketpair()
        self.waker.setblocking(False)

    def run(self) -> None:
        """Pass messages on, or answer them, until `quit`; blocks. All is closed at the end."""
        try:
            while not self._quit:
                self._turn()
        finally:
            self.close()

    @abstractmethod
    def _turn(self) -> None:
        """Wait, and do what is to be done."""

    def quit(self) -> None:
        """End `run`; for any thread and for signal handlers. Returns at once."""
        self._quit = True
        with contextlib.suppress(OSError):  # full: it is woken already; closed: nobody waits
            self.waker.send(b"x")

    def close(self) -> None:
        """Close sockets and file; not while `run` runs: use `quit`."""
        self.waker.close()
        self._woken.close()


@dataclass(slots=True)
class _Client:
    """A connection to the front, and the connection to the server that stands for it."""

    number: int
    rid: bytes
    fd: int
    back: zmq.Socket[bytes]


class Recorder(_Program):
    """A proxy between clients and one server that writes all messages with their times.

    Frames pass unchanged. Each client has a connection to the server of its own, so the server,
    which may be one of the original (a REP socket), sees what it would see without the proxy. While
    the server is not there, neither is the proxy: clients are refused, and those that were
    connected lose their connection.

    Args:
        context: ZeroMQ context.
        listen: Where to bind; `tcp://127.0.0.1:*` takes a free port, see `url`.
        server: The server's address.
        path: File to write; it must not exist.
        keys: By which it comes to the server; None: without.

    Attributes:
        url: Where it listens.
        trouble: Why nothing is written any more (the disk is full); messages are passed on all the
            same.

    Raises:
        FileExistsError: The file is there already.
        zmq.ZMQError: The address cannot be bound, or the server's is no address.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        listen: str,
        server: str,
        path: str | os.PathLike[str],
        keys: ClientKeys | None = None,
    ) -> None:
        super().__init__()
        self._context, self._server, self._keys = context, server, keys
        self._clients: dict[bytes, _Client] = {}
        self._numbers = itertools.count(1)
        self._server_was_there = True
        self._file: IO[bytes] | None = None
        self.trouble: OSError | None = None
        self._front: ClientTrackingRouter | None = None
        self._probe = self._new_back()  # sends nothing; shows whether the server is there
        self._monitor = SocketMonitor(self._probe)
        try:
            self._front = ClientTrackingRouter(context, listen)
            self.url = self._front.url
            self._probe.connect(server)
            self._file = open(path, "xb")  # noqa: SIM115 (closed by `close`)
            self._file.write(write_header(server, datetime.now(UTC)))
            self._file.flush()
        except BaseException:
            self.close()
            raise

    def _turn(self) -> None:
        self._wait()
        self._look_at_server()
        self._take_requests()
        self._take_replies()
        self._write(b"")

    def close(self) -> None:
        """Close sockets and file; not while `run` runs: use `quit`."""
        if self._probe.closed:
            return
        self._close_front()
        self._monitor.close()
        self._probe.close(linger=0)
        super().close()
        if self._file is not None:
            with contextlib.suppress(OSError):  # it is known already: see `trouble`
                self._file.close()

    def _wait(self) -> None:
        poller = zmq.Poller()
        poller.register(self._woken.fileno(), zmq.POLLIN)
        poller.register(self._monitor.socket, zmq.POLLIN)
        if self._front is not None:
            poller.register(self._front.socket, zmq.POLLIN)
            poller.register(self._front.monitor, zmq.POLLIN)
        for client in self._clients.values():
            poller.register(client.back, zmq.POLLIN)
        poller.poll(_RETRY_BIND_MS if self._front is None and self._server_was_there else None)

    # the server comes and goes

    def _look_at_server(self) -> None:
        for event in self._monitor.read():
            is_there = event.transition is Transition.CONNECTED
            if event.transition in _DENIED and self._server_was_there:
                without = "it demands keys: --with-keys comes to it with yours"
                text = without if self._keys is None else "`dealer doctor` says what puts it right"
                log.error("%s: %s; %s", self._server, event.transition.value, text)
            if is_there is not self._server_was_there:
                self._server_was_there = is_there
                self._note(
                    0, f"the server is {'there' if is_there else 'gone'}: {event.transition.value}"
                )
        if not self._server_was_there:
            self._take_replies()  # its last words
            self._close_front()
        elif self._front is None:
            try:
                self._front = ClientTrackingRouter(self._context, self.url)
            except (
                zmq.ZMQError
            ) as error:  # ZeroMQ closes the old one in its own time; or another process was faster
                log.debug("%s: %s; trying again", self.url, error)

    def _close_front(self) -> None:
        for client in list(self._clients.values()):
            self._forget(client, 0)
        if self._front is not None:
            self._front.close()
            self._front = None

    # clients come and go

    def _take_requests(self) -> None:
        front = self._front
        if front is None:
            return
        self._drop_gone(front)
        for rid, fd, frames in _all_there(front.receive):
            now = datetime.now(UTC)
            # Before this one is noted: it may have the file descriptor of one that has gone.
            self._drop_gone(front)
            client = self._clients.get(rid)
            if client is None:
                client = self._clients[rid] = self._new_client(rid, fd)
            client.back.send_multipart(frames)
            self._write(
                write_record(Record(now, MessageDirection.REQUEST, client.number, tuple(frames)))
            )
        for client in list(self._clients.values()):
            if client.fd >= 0 and not front.has(client.fd):
                self._forget(client, _LINGER_MS)

    def _new_client(self, rid: bytes, fd: int) -> _Client:
        back = self._new_back()
        back.connect(self._server)
        return _Client(next(self._numbers), rid, fd, back)

    def _new_back(self) -> zmq.Socket[bytes]:
        back: zmq.Socket[bytes] = self._context.socket(zmq.DEALER)
        back.linger = back.sndhwm = back.rcvhwm = 0
        for option, value in _KEEP_ALIVE.items():
            back.set(option, value)
        back.set(zmq.IPV6, "[" in self._server)
        public = None if self._keys is None else self._keys.for_server(self._server)
        if self._keys is not None and public is not None:
            connect_with_keys(back, self._keys.pair, public)
        return back

    def _drop_gone(self, front: ClientTrackingRouter) -> None:
        gone = front.gone()
        if gone:
            for client in [c for c in self._clients.values() if c.fd in gone]:
                self._forget(client, _LINGER_MS)

    def _forget(self, client: _Client, linger_ms: int) -> None:
        del self._clients[client.rid]
        client.back.close(linger=linger_ms)
        self._note(client.number, "the connection of this client ended")

    def _take_replies(self) -> None:
        for client in list(self._clients.values()):
            for frames in _all_there(partial(client.back.recv_multipart, zmq.NOBLOCK)):
                now = datetime.now(UTC)
                if self._front is not None:
                    self._front.socket.send_multipart([client.rid, *frames], zmq.NOBLOCK)
                self._write(
                    write_record(Record(now, MessageDirection.REPLY, client.number, tuple(frames)))
                )

    def _note(self, peer: int, text: str) -> None:
        self._write(
            write_record(Record(datetime.now(UTC), MessageDirection.NOTE, peer, (text.encode(),)))
        )

    def _write(self, line: bytes) -> None:
        """Write a line; an empty one hands all to the system."""
        if self._file is None or self._file.closed or self.trouble is not None:
            return
        try:
            if line:
                self._file.write(line)
            else:
                self._file.flush()
        except OSError as error:
            self.trouble = error
            log.error(
                "%s: %s; from here on messages are passed on and not recorded",
                self._file.name,
                error.strerror,
            )


def _all_there(receive: Callable[[], T]) -> Iterator[T]:
    """Yield what has arrived."""
    while True:
        try:
            yield receive()
        except zmq.Again:
            return


class Replayer(_Program):
    """A server that answers as the recorded one did; to others it says what was asked and what it
    has.

    Args:
        context: ZeroMQ context.
        listen: Where to bind; `tcp://127.0.0.1:*` takes a free port, see `url`.
        recording: What to answer from.
        keep_delays: Answer after the time that the recorded server took; otherwise at once.
        moves_times: A request may carry another time than the recorded one, and times in answers
            are moved to now.
        source: Name of the recording, for errors.

    Raises:
        zmq.ZMQError: The address cannot be bound.
    """

    def __init__(
        self,
        context: zmq.Context[Any],
        listen: str,
        recording: RecordedTraffic,
        *,
        keep_delays: bool = False,
        moves_times: bool = False,
        source: str = "the recording",
    ) -> None:
        super().__init__()
        self.answers = RecordedAnswers(recording.records, source, moves_times=moves_times)
        self._keep_delays = keep_delays
        self._due: list[tuple[float, int, list[bytes]]] = []  # heap: s, monotonic; number; message
        self._numbers = itertools.count()
        self._poller = zmq.Poller()
        self._socket: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        self._socket.linger = 0
        try:
            self.url = bound_url(self._socket, listen)
        except BaseException:
            self.close()
            raise
        self._poller.register(self._woken.fileno(), zmq.POLLIN)
        self._poller.register(self._socket, zmq.POLLIN)

    def _turn(self) -> None:
        wait_s = max(self._due[0][0] - time.monotonic(), 0.0) if self._due else None
        self._poller.poll(None if wait_s is None else int(1000 * wait_s) + 1)
        self._take()
        while self._due and self._due[0][0] <= time.monotonic():
            self._socket.send_multipart(heapq.heappop(self._due)[2], zmq.NOBLOCK)

    def close(self) -> None:
        """Close the socket; not while `run` runs: use `quit`."""
        self._socket.close(linger=0)
        super().close()

    def _take(self) -> None:
        for rid, *frames in _all_there(partial(self._socket.recv_multipart, zmq.NOBLOCK)):
            if not frames:
                continue
            asked = Record(datetime.now(UTC), MessageDirection.REQUEST, 0, tuple(frames))
            answer = self.answers.answer(asked.content, asked.time)
            if answer is None:
                continue
            envelope = [rid, b""] if asked.has_delimiter else [rid]
            message = [*envelope, *answer.content]
            delay_s = answer.delay_s if self._keep_delays else 0.0
            heapq.heappush(self._due, (time.monotonic() + delay_s, next(self._numbers), message))


# the commands


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command until SIGINT or SIGTERM; exit status 0 done, 1 failed, 2 usage."""
    parser = parser_for(
        "python -m zmqjsonproxy",
        "Records the messages of a server, and answers from them.",
        commands=COMMANDS,
        required=True,
        epilog="Exit status: 0 done, 1 failed, 2 usage.",
    )
    return run(parser.parse_args(argv))


def run(options: argparse.Namespace) -> int:
    """Run `record` or `replay` until SIGINT or SIGTERM; the exit status."""
    context: zmq.Context[Any] = zmq.Context()
    try:
        with _begin(context, options) as runner:
            with _ended_by_signals(runner):
                print(runner.url, flush=True)
                runner.run()
            if isinstance(runner, Recorder) and runner.trouble is not None:
                raise runner.trouble
    except (ProxyError, zmq.ZMQError, OSError) as error:
        say(options.command, _explain(error, options))
        return FAILED
    finally:
        context.destroy(linger=0)
    return DONE


def _begin(context: zmq.Context[Any], options: argparse.Namespace) -> Recorder | Replayer:
    if options.command == "record":
        keys = _keys_for(options) if options.with_keys else None
        return Recorder(context, options.listen, options.server, options.file, keys)
    recording = load_recording(options.file)
    if recording.was_cut:
        say("replay", f"{options.file}: the last line is incomplete and is left out")
    return Replayer(
        context,
        options.listen,
        recording,
        keep_delays=options.delays,
        moves_times=options.now,
        source=str(options.file),
    )


def _keys_for(options: argparse.Namespace) -> ClientKeys:
    """Return the keys with which to come to the server.

    Raises:
        KeyFileError: They cannot be used.
        AccessError: There are none for it, or others than those of this host could use them.
    """
    host = str(options.listen).removeprefix("tcp://").rpartition(":")[0]
    if not is_loopback_host(host.strip("[]")):
        text = "--with-keys: whoever connects there would have your rights; listen on 127.0.0.1"
        raise AccessError(text, peer=options.listen)
    ring = KeyRing.load()
    if ring is None or ring.for_server(options.server) is None:
        text = (
            "no keys for it are known here: `dealer keys import BUNDLE`, `dealer keys trust HOST`"
        )
        raise KeysNeededError(text, peer=options.server)
    return ring


@contextlib.contextmanager
def _ended_by_signals(runner: Recorder | Replayer) -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: runner.quit()) for number in numbers]
    # Python's handler runs between two steps of Python only. A signal just before the wait has to
    # end it all the same.
    wakeup_before = signal.set_wakeup_fd(runner.waker.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(wakeup_before)
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _explain(error: Exception, options: argparse.Namespace) -> str:
    if isinstance(error, FileExistsError):
        return f"{options.file} exists already: name another file, or remove it"
    if isinstance(error, zmq.ZMQError):
        urls = (
            options.listen
            if options.command == "replay"
            else f"{options.listen} or {options.server}"
        )
        return f"{urls}: {error}; an address is as tcp://127.0.0.1:6667, and its port must be free to listen on"
    return str(error)


_LISTEN = argument(
    "--listen URL",
    "where clients connect, as tcp://127.0.0.1:7777; default: a free port of this host, which is printed",
    default="tcp://127.0.0.1:*",
)
COMMANDS = (
    command(
        "record",
        run,
        "stand between clients and a Player, and write all messages to a file",
        argument(
            "--server URL",
            "the Player, as tcp://host:6667; to `dealer record` also a Bank",
            required=True,
        ),
        flag(
            "--with-keys",
            "come to a Player that demands keys with yours: whoever of this host connects has your rights",
        ),
        _LISTEN,
        argument("file FILE", "the new recording; no file is overwritten", type=Path),
        takes_common=False,
        description="Stand between clients and a Player until SIGINT or SIGTERM, and write all messages to a file.",
    ),
    command(
        "replay",
        run,
        "answer from a file of `record` as the recorded Player did",
        flag("--delays", "answer after the time that the recorded Player took"),
        flag("--now", "move times to now, so that a scan can be started again"),
        _LISTEN,
        argument("file FILE", "the recording", type=Path),
        takes_common=False,
        description="Answer from a file of `record` as the recorded Player did, until SIGINT or SIGTERM.",
    ),
)


if __name__ == "__main__":
    sys.exit(main())
