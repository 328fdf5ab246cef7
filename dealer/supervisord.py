"""Orders to one supervisord over XML-RPC, on a TCP port or a socket file. Knows nothing of
Banks."""

from __future__ import annotations

import base64
import contextlib
import http.client
import math
import re
import socket
import threading
import time
import xmlrpc.client
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlsplit
from xml.parsers.expat import ExpatError

from arrayconfig.hosts import SupervisorAddress
from dealer.errors import DealerError
from dealer.lossytext import read_lossy
from groundwork.planned import refusal

__all__ = ["ProcessInfo", "SupervisorError", "Supervisord", "abnormal_ends", "loop_age"]

MAX_ANSWER = 16 * 2**20
"""Bytes of an answer that are read."""
MAIN_LOG_TAIL = 64 * 2**10
"""Of supervisord's own log, so much is looked at for ends of programs, bytes."""
MAX_LOG = 2**31 - 1
"""XML-RPC has no larger numbers, bytes."""
PLACES_AT_ONCE = 256
NOT_XML = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
"""Characters, as programs colour their logs with, that XML cannot hold and supervisord sends all
the same."""
LOG_LINE = re.compile(r"^(\S+ \d\d:\d\d:\d\d),\d+ \S+ (spawned|exited|stopped): '?([^ ']+)'? (.*)$")


class SupervisorError(DealerError):
    """A supervisord does not answer, or refuses.

    Attributes:
        host: Its host.
        is_refusal: It answered.
    """

    def __init__(self, host: str, text: str, is_refusal: bool = False) -> None:
        super().__init__(f"{host}: {text}")
        self.host, self.text, self.is_refusal = host, text, is_refusal


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """State of a program, as its supervisord tells it.

    Attributes:
        group: Its group.
        name: Its name.
        state: STOPPED, STARTING, RUNNING, BACKOFF, STOPPING, EXITED, FATAL or UNKNOWN.
        pid: 0 if it does not run.
        up_s: Since its start, s; 0 if it does not run.
        exit_status: Of its last end.
        why: What kept it from starting; empty if nothing did.
        changed: When it was started or ended last, by its host's clock, UTC, unix seconds; 0: never.
    """

    group: str
    name: str
    state: str
    pid: int
    up_s: float
    exit_status: int
    why: str
    changed: float = 0.0

    @property
    def full_name(self) -> str:
        """Name as supervisord wants it in orders."""
        return f"{self.group}:{self.name}"

    @classmethod
    def of(cls, told: dict[str, Any]) -> ProcessInfo:
        """Read an answer; KeyError, TypeError, ValueError: it is none."""
        pid = int(told["pid"])
        up = float(told["now"]) - float(told["start"]) if pid else 0.0
        changed = float(told["start"]) if pid else float(told.get("stop", 0))
        if not (math.isfinite(up) and math.isfinite(changed)):
            raise ValueError(f"it runs for {up} s, since {changed}")
        return cls(
            str(told["group"]),
            str(told["name"]),
            str(told["statename"]),
            pid,
            max(up, 0.0),
            int(told["exitstatus"]),
            " ".join(str(told["spawnerr"]).split()),
            max(changed, 0.0),
        )


class Supervisord:
    """One supervisord.

    Args:
        address: Where it is.
        until: Nothing is waited for longer than this, s, monotonic.
    """

    def __init__(self, address: SupervisorAddress, until: float) -> None:
        self.address = address
        self._proxy = xmlrpc.client.ServerProxy(
            "http://supervisor/RPC2", _Transport(address, until)
        )

    def processes(self) -> list[ProcessInfo]:
        """Return all its programs."""
        told = self._call("getAllProcessInfo")
        if not isinstance(told, list):
            raise SupervisorError(
                self.address.host,
                f"its supervisord sent no list of programs: {type(told).__name__}",
            )
        return [self._read(each) for each in told]

    def process(self, program: str) -> ProcessInfo:
        """Return one program; SupervisorError if it has none of this name."""
        for each in self.processes():
            if each.name == program:
                return each
        raise SupervisorError(self.address.host, f"its supervisord has no program {program}", True)

    def start(self, process: ProcessInfo) -> None:
        """Start a program and return."""
        self._call("startProcess", process.full_name, False)

    def stop(self, process: ProcessInfo) -> None:
        """Ask a program to end and return."""
        self._call("stopProcess", process.full_name, False)

    def log_size(self, process: ProcessInfo, stream: str) -> int:
        """Return the bytes that the log of a program has.

        Args:
            process: The program.
            stream: "Stdout" or "Stderr".
        """
        told = self._call(f"tailProcess{stream}Log", process.full_name, 0, 0)
        if not (isinstance(told, list) and len(told) == 3 and isinstance(told[1], int)):
            raise SupervisorError(
                self.address.host, "its supervisord sent what is no size of a log"
            )
        return int(told[1])

    def log(self, process: ProcessInfo, stream: str, begin: int, length: int) -> tuple[str, int]:
        """Return a piece of the log of a program, from byte `begin` on, and how many bytes it is
        of.

        Bytes that are no text are U+FFFD; a character that has only begun at the end is left for
        later.
        """
        return self._read_log(f"readProcess{stream}Log", (process.full_name,), begin, length)

    def main_log(self) -> list[str]:
        """Return the last lines of supervisord's own log."""
        try:
            return str(self._call("readLog", -MAIN_LOG_TAIL, 0)).splitlines()
        except SupervisorError as error:
            if not _is_no_text(error):
                raise
        size = self._main_log_size()
        begin = max(size - MAIN_LOG_TAIL, 0)
        return self._read_log("readLog", (), begin, size - begin)[0].splitlines()

    def _main_log_size(self) -> int:
        """Return the bytes of supervisord's own log, which it does not tell: by whether there is
        one at a place."""
        first, last = 0, MAX_LOG  # the size is within
        while last > first:
            step = -(-(last - first) // PLACES_AT_ONCE)
            places = range(first, last, step)
            beyond = [
                place
                for place, text in zip(
                    places, self._pieces("readLog", (), [(p, 1) for p in places]), strict=True
                )
                if text == ""
            ]
            if beyond:
                last = beyond[0]
            first = max([first, *(place + 1 for place in places if place < last)])
        return last

    def _read_log(
        self, method: str, before: Sequence[str], begin: int, length: int
    ) -> tuple[str, int]:
        if length <= 0:  # which means the whole log to supervisord
            return "", 0
        try:
            return str(self._call(method, *before, begin, length)), length
        except SupervisorError as error:
            if not _is_no_text(error):
                raise
        return read_lossy(partial(self._pieces, method, before), begin, length)

    def _pieces(
        self, method: str, before: Sequence[str], pieces: Sequence[tuple[int, int]]
    ) -> list[str | None]:
        """Read pieces of a log with one question; None: it is no text."""
        calls = [
            {"methodName": f"supervisor.{method}", "params": [*before, *piece]} for piece in pieces
        ]
        told = self._call("system.multicall", calls)
        if not (isinstance(told, list) and len(told) == len(pieces)):
            raise SupervisorError(
                self.address.host, "its supervisord sent what is no answer to many questions"
            )
        return [each if isinstance(each, str) else None for each in told]

    def _read(self, told: Any) -> ProcessInfo:
        try:
            return ProcessInfo.of(told)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise SupervisorError(
                self.address.host, f"its supervisord sent what is no program: {error!r}"
            ) from error

    def _call(self, method: str, *args: Any) -> Any:
        host, url = self.address.host, self.address.url
        if why := refusal(f"ask the supervisord of {host} for {method}"):
            raise SupervisorError(host, why)
        try:
            return getattr(self._proxy, method if "." in method else f"supervisor.{method}")(*args)
        except xmlrpc.client.Fault as error:
            raise SupervisorError(
                host, f"supervisord refused {method}: {error.faultString}", True
            ) from error
        except xmlrpc.client.ProtocolError as error:
            why = (
                "user or password are wrong"
                if error.errcode == 401
                else f"{error.errcode} {error.errmsg}"
            )
            raise SupervisorError(host, f"supervisord at {url}: {why}") from error
        except OSError as error:
            why = (
                "no answer in time"
                if isinstance(error, TimeoutError)
                else error.strerror or str(error)
            )
            raise SupervisorError(host, f"no supervisord at {url}: {why}") from error
        except (
            ExpatError,
            xmlrpc.client.Error,
            http.client.HTTPException,
            ValueError,
            LookupError,
            TypeError,
            AttributeError,  # of xmlrpc.client, for XML that means nothing
        ) as error:
            raise SupervisorError(
                host, f"what answers at {url} is no supervisord: {error!r}"
            ) from error


def _is_no_text(error: SupervisorError) -> bool:
    """Return whether supervisord failed on an answer, as it does on a piece of a log that is no
    UTF-8."""
    return (
        isinstance(error.__cause__, xmlrpc.client.ProtocolError) and error.__cause__.errcode == 500
    )


class _Transport(xmlrpc.client.Transport):
    """Connects to where an address says, with its credentials, and waits no longer than allowed."""

    def __init__(self, address: SupervisorAddress, until: float) -> None:
        super().__init__()
        self._address, self._until = address, until
        self._asked: http.client.HTTPConnection | None = None

    def send_headers(self, connection: http.client.HTTPConnection, headers: Any) -> None:
        """Add who asks."""
        if self._address.user:
            words = f"{self._address.user}:{self._address.password}".encode()
            connection.putheader("Authorization", f"Basic {base64.b64encode(words).decode()}")
        super().send_headers(connection, headers)

    def request(self, host: Any, handler: str, request_body: Any, verbose: bool = False) -> Any:
        """Ask once: an order that may have been heard is not repeated."""
        self.close()
        # A time-out of a socket begins anew with each byte; this one does not.
        alarm = threading.Timer(max(self._until - time.monotonic(), 0.0), self._give_up)
        alarm.daemon = True
        alarm.start()
        try:
            return self.single_request(host, handler, request_body, verbose)
        except Exception as error:  # half an answer can be anything
            if time.monotonic() >= self._until:
                raise TimeoutError("no end of the answer in time") from error
            raise
        finally:
            alarm.cancel()

    def _give_up(self) -> None:
        sock = None if self._asked is None else self._asked.sock
        if sock is not None:
            with contextlib.suppress(OSError):  # it is over already
                sock.shutdown(socket.SHUT_RDWR)

    def make_connection(self, _host: Any) -> http.client.HTTPConnection:
        """Connect anew for each question."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("no time left")
        parts = urlsplit(self._address.url)
        connection: http.client.HTTPConnection
        if parts.scheme == "unix":
            connection = _UnixConnection(parts.path, left)
        else:
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=left)
        self._connection = "supervisor", connection
        self._asked = connection
        return connection

    def parse_response(self, response: http.client.HTTPResponse) -> Any:
        """Read an answer, without characters that XML cannot hold."""
        parser, unmarshaller = self.getparser()
        answer = bytearray()
        while data := response.read1(2**16):
            answer += data
            if len(answer) > MAX_ANSWER:
                raise ValueError(f"it sends more than {MAX_ANSWER} bytes")
            if time.monotonic() > self._until:
                raise TimeoutError("no end of the answer in time")
        parser.feed(NOT_XML.sub(b"?", answer))
        parser.close()
        self.close()
        return unmarshaller.close()


class _UnixConnection(http.client.HTTPConnection):
    """HTTP on a socket file."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def abnormal_ends(lines: Iterable[str], info: ProcessInfo, within_s: float) -> tuple[int, int]:
    """Count the ends of a program that nobody asked for: (all in these lines, those of the last
    `within_s` seconds).

    What was before somebody stopped it counts no more: with the next start it begins anew. The log
    has the time of its host without a zone, so the present is told from the line of the start of
    the process that runs now; without one, from the last line about it.

    Args:
        lines: Of supervisord's own log.
        info: The program.
        within_s: s.
    """
    ends, now, _ = _ends_of(lines, info)
    return len(ends), sum(at >= now - within_s for at in ends)


def loop_age(lines: Iterable[str], info: ProcessInfo, apart_s: float) -> float:
    """Return how long before `info.changed` a program ended first, of the ends that nobody asked for
    and that are less than `apart_s` seconds apart, s; other arguments as of `abnormal_ends`."""
    ends, _, started = _ends_of(lines, info)
    first = ends[-1] if ends else 0.0
    for at in reversed(ends):
        if first - at >= apart_s:
            break
        first = at
    return max((started or ends[-1]) - first, 0.0) if ends else 0.0


def _ends_of(lines: Iterable[str], info: ProcessInfo) -> tuple[list[float], float, float]:
    """Return times of ends, the present, and the start of the process that runs now (0: it is not
    there), by a clock of any zone: differences count."""
    ends: list[float] = []
    now = started = 0.0
    for line in lines:
        found = LOG_LINE.match(line)
        if found is None or found[3] != info.name:
            continue
        try:
            at = time.mktime(time.strptime(found[1], "%Y-%m-%d %H:%M:%S"))
        except (ValueError, OverflowError):
            continue
        if found[2] == "exited" and found[4].endswith("; not expected)"):
            ends.append(at)
        elif found[2] == "stopped":
            ends.clear()
        elif found[2] == "spawned" and found[4] == f"with pid {info.pid}":
            now, started = at + info.up_s, at
        now = max(now, at)
    return ends, now, started
