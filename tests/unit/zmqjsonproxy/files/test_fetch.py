"""Fetches without sockets: servers that lose requests, are started anew, or lie."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.planned import VARIABLE
from zmqjsonproxy.errors import (
    BusyError,
    OperationAbortedError,
    PeerLostError,
    ProtocolError,
    ProxyError,
    RefusedError,
)
from zmqjsonproxy.files import requests
from zmqjsonproxy.files.areas import Areas
from zmqjsonproxy.files.errors import ChecksumError, FetchError, FileChangedError
from zmqjsonproxy.files.fetch import Fetched, fetch
from zmqjsonproxy.files.partfile import PartFile
from zmqjsonproxy.files.protocol.pacing import PIECE_BYTES, Window
from zmqjsonproxy.files.served import ServedFiles
from zmqjsonproxy.hubs import run
from zmqjsonproxy.protocol.failures import Code
from zmqjsonproxy.rpc.callresults import CallRequest, CallResult

SIZE = 2 * PIECE_BYTES + 100
LOST = PeerLostError("tcp://h:1", "files.read", "it went away")


class Sent:
    """A call that was sent, and what came of it."""

    def __init__(self, result: CallResult) -> None:
        self._result = result

    def cancel(self) -> bool:
        return True

    def exception(self) -> ProxyError | None:
        return self._result.error

    def result(self) -> Any:
        return self._result.value


class DirectHub:
    """A Hub whose one server serves files here.

    Attributes:
        change: Is given the method and the value of each call, and returns what comes instead; what
            it raises comes as an error.
        asked: Methods, in their order.
        paused: Pauses, s.
        states: Further states of operations before they are done.
    """

    def __init__(self, folder: Path) -> None:
        self._files = ServedFiles(Areas({"DATA": folder}))
        self.change: Callable[[str, Any], Any] = lambda _method, value: value
        self.asked: list[str] = []
        self.paused: list[float] = []
        self.states: list[dict[str, Any]] = []
        self._done: dict[str, Any] = {}

    def _call(self, request: CallRequest) -> CallResult:
        self.asked.append(request.method)
        try:
            if request.object_name == "rpc":
                value = self.states.pop() if self.states else self._done
            else:
                value = getattr(self._files, request.method)(*request.args)
            return CallResult(self.change(request.method, value))
        except ProxyError as error:
            return CallResult(error=error)

    async def call_many(self, requests: Sequence[CallRequest], timeout: float) -> list[CallResult]:
        return [self._call(each) for each in requests]

    def send(self, request: CallRequest, timeout: float) -> Sent:
        return Sent(self._call(request))

    async def answer(self, sent: Sent) -> CallResult:
        return CallResult(sent._result.value, sent._result.error)

    async def begin_each(
        self, urls: list[str], name: str, method: str, args: Any, *_rest: Any
    ) -> list[CallResult]:
        found = self._call(CallRequest(urls[0], name, method, args))
        if found.error is not None:
            return [found]
        self._done = {"id": "x-1", "state": "done", "value": found.value}
        return [CallResult({"operation": "x-1", "state": "queued"})]

    async def pause(self, seconds: float) -> None:
        self.paused.append(seconds)

    async def beside(self, work: Callable[[], Any]) -> Any:
        return work()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (folder := tmp_path / "data").mkdir()
    (folder / "scan").write_bytes(os.urandom(SIZE))
    return folder


@pytest.fixture
def hub(folder: Path) -> DirectHub:
    return DirectHub(folder)


def fetched(hub: DirectHub, to: Path, name: str = "scan", **more: Any) -> Fetched:
    return run(fetch(hub, "tcp://h:1", name, to, **({"timeout": 30.0} | more)))  # type: ignore[arg-type]  # as much of a Hub as it needs


def after(count: int, error: ProxyError) -> Callable[[str, Any], Any]:
    """Lose the answer to one read."""
    left = [count]

    def change(method: str, value: Any) -> Any:
        left[0] -= method == "read"
        if method == "read" and left[0] == 0:
            raise error
        return value

    return change


@pytest.mark.parametrize(
    "error", [LOST, BusyError("BusyError", "full"), RefusedError("no"), ProtocolError("what?")]
)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_an_answer_that_is_lost_is_asked_for_again_and_a_refusal_is_not(
    hub: DirectHub, folder: Path, tmp_path: Path, error: ProxyError, count: int
) -> None:
    hub.change = after(count, error)
    if isinstance(error, RefusedError | ProtocolError):
        with pytest.raises(type(error), match=str(error)):
            fetched(hub, tmp_path)
        hub.change = lambda _method, value: value
        assert fetched(hub, tmp_path).resumed_at == (count - 1) * Window(1.0).piece_bytes
    else:
        fetched(hub, tmp_path)
        assert hub.paused == [requests.FIRST_PAUSE_S]
    assert (tmp_path / "scan").read_bytes() == (folder / "scan").read_bytes()


def test_a_server_that_stays_away_is_waited_for_as_long_as_was_said(
    hub: DirectHub, tmp_path: Path
) -> None:
    def change(method: str, value: Any) -> Any:
        if method == "read":
            raise LOST
        return value

    hub.change = change
    with pytest.raises(FetchError, match=r"it went away; 0 bytes are kept in .*scan.part") as told:
        fetched(hub, tmp_path, timeout=0.1)
    assert told.value.__cause__ is LOST
    assert sum(hub.paused) <= 0.1
    assert not (tmp_path / "scan.part").exists()


@pytest.mark.parametrize(
    ("member", "value", "error"),
    [
        ("ranges", [[1, PIECE_BYTES]], "came"),
        ("ranges", [[0, PIECE_BYTES - 1]], "came"),
        ("data", [b"short"], "came"),
        ("data", ["text" * (PIECE_BYTES // 4)], "came"),
        ("data", [], "no bytes came"),
        ("file", [1, 2], "no bytes came"),
        ("file", [1, 2, 0, SIZE, 4], "replaced by another file"),
    ],
)
def test_the_client_looks_at_offsets_and_identities_too(
    hub: DirectHub, tmp_path: Path, member: str, value: Any, error: str
) -> None:
    hub.change = lambda method, found: found | {member: value} if method == "read" else found
    with pytest.raises((ProtocolError, FileChangedError), match=error):
        fetched(hub, tmp_path)
    assert "checksum" not in hub.asked
    assert not (tmp_path / "scan").exists()


@pytest.mark.parametrize(
    ("method", "value"),
    [
        ("look_up", {}),
        ("look_up", None),
        ("look_up", {"name": "../x", "file": [1, 2, 0, 3, 4]}),
        ("checksum", {"sha256": 1, "blocks": b"", "file": [1, 2, 0, 3, 4]}),
        ("checksum", None),
        ("operation", {"id": "x-1", "state": "asleep"}),
    ],
)
def test_answers_that_are_none_are_told(
    hub: DirectHub, tmp_path: Path, method: str, value: Any
) -> None:
    hub.change = lambda asked, found: value if asked == method else found
    with pytest.raises(ProtocolError):
        fetched(hub, tmp_path)
    assert not (tmp_path / "scan").exists()


def test_bytes_that_differ_do_not_get_the_name(hub: DirectHub, tmp_path: Path) -> None:
    def change(method: str, value: Any) -> Any:
        return value | {"data": [bytes(len(value["data"][0]))]} if method == "read" else value

    hub.change = change
    with pytest.raises(ChecksumError, match="it is removed: fetch it anew"):
        fetched(hub, tmp_path)
    assert list(tmp_path.glob("scan*")) == []


@pytest.mark.parametrize("lost", [1, requests.MAX_BEGINNINGS])
def test_a_checksum_is_begun_again_by_a_server_that_was_started_again(
    hub: DirectHub, tmp_path: Path, lost: int
) -> None:
    state = {"id": "x-1", "state": "lost", "error": {"message": "of another run"}}
    hub.states = [{"id": "x-1", "state": "running", "fraction": 0.5}] + [state] * lost
    if lost == 1:
        fetched(hub, tmp_path)
        assert hub.asked.count("checksum") == 2
    else:
        with pytest.raises(FetchError, match=r"of another run; .* bytes are kept"):
            fetched(hub, tmp_path)
        hub.states = []
        assert fetched(hub, tmp_path).resumed_at == SIZE


def test_a_checksum_that_is_aborted_is_told_and_all_is_kept(hub: DirectHub, tmp_path: Path) -> None:
    error = {
        "code": int(Code.ABORTED),
        "message": "aborted",
        "data": {"type": "OperationAbortedError"},
    }
    hub.states = [{"id": "x-1", "state": "aborted", "error": error}]
    with pytest.raises(ProxyError, match="aborted"):
        fetched(hub, tmp_path)
    assert (tmp_path / "scan.part").stat().st_size == SIZE


def test_who_is_interrupted_in_the_checksum_has_it_aborted(hub: DirectHub, tmp_path: Path) -> None:
    def interrupt(method: str, value: Any) -> Any:
        if method == "operation":
            raise KeyboardInterrupt
        return value

    hub.change = interrupt
    with pytest.raises(KeyboardInterrupt):
        fetched(hub, tmp_path)
    assert hub.asked[-1] == "abort"


def test_a_slow_pace_is_kept_by_pauses(hub: DirectHub, tmp_path: Path) -> None:
    fetched(hub, tmp_path, rate=1e6)
    assert sum(hub.paused) > 0
    with pytest.raises(ValueError, match="a rate is 1 byte/s or more, not 0"):
        fetched(hub, tmp_path, rate=0)
    with pytest.raises(ValueError, match="a time-out is more than 0 s, not 0"):
        fetched(hub, tmp_path, timeout=0)


def test_a_note_that_is_none_is_not_believed(hub: DirectHub, folder: Path, tmp_path: Path) -> None:
    for note in ("", "{}", "[" * 100_000, "null", '{"name": "DATA/scan"}'):
        (tmp_path / "scan.part").write_bytes(b"what else")
        (tmp_path / "scan.part.json").write_text(note)
        found = fetched(hub, tmp_path)
        assert (found.resumed_at, found.path.read_bytes()) == (0, (folder / "scan").read_bytes())


def test_a_part_file_is_neither_a_link_nor_skipped_into(tmp_path: Path) -> None:
    (tmp_path / "x.part").symlink_to(tmp_path / "other")
    with pytest.raises(FetchError, match=r"x\.part: cannot be written"):
        PartFile(tmp_path / "x")
    (tmp_path / "x.part").unlink()
    with PartFile(tmp_path / "x") as part, pytest.raises(FetchError, match="has 0 bytes, and 5"):
        part.write(5, b"x")
    assert list(tmp_path.iterdir()) == []


def test_a_plan_fetches_nothing_and_says_so(
    hub: DirectHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (records := tmp_path / "records").touch()
    monkeypatch.setenv(VARIABLE, str(records))
    with pytest.raises(FetchError, match=r"this is a `dealer plan` .*, which does not fetch scan"):
        fetched(hub, tmp_path)
    assert "fetch scan" in records.read_text()
    assert hub.asked == []


def test_a_part_file_that_was_removed_meanwhile_is_told(hub: DirectHub, tmp_path: Path) -> None:
    def remove(method: str, value: Any) -> Any:
        if method == "checksum":
            (tmp_path / "scan.part").unlink()
            (tmp_path / "scan.part").write_bytes(b"of somebody else")
        return value

    hub.change = remove
    with pytest.raises(FetchError, match="it was removed meanwhile"):
        fetched(hub, tmp_path)
    assert (tmp_path / "scan.part").read_bytes() == b"of somebody else"


EVENTS = st.lists(
    st.tuples(st.integers(1, 9), st.sampled_from(["lose", "append", "header", "replace", "stop"])),
    max_size=4,
)


class Counting:
    """A file as a program writes it: data, and then a header in it that counts all bytes.

    Args:
        path: Of the file.
        at: Offset of the header.
    """

    def __init__(self, path: Path, at: int) -> None:
        self._path, self._at = path, at
        self._letter = b"a"
        path.write_bytes(self._content(SIZE))

    def _content(self, size: int) -> bytes:
        return (self._letter * self._at + b"%10d" % size).ljust(size, self._letter)

    def replace(self) -> None:
        self._letter = b"b"
        (new := self._path.with_name("new")).write_bytes(self._content(SIZE))
        os.replace(new, self._path)

    def append(self, *, is_counted: bool) -> None:
        with self._path.open("r+b", buffering=0) as file:
            size = file.seek(0, 2) + PIECE_BYTES
            file.write(self._letter * PIECE_BYTES)
            if is_counted:
                file.seek(self._at)
                file.write(b"%10d" % size)

    def check(self, data: bytes) -> None:
        """All that the header counts is there, and of one file."""
        at = self._at
        body = data[:at] + data[at + 10 :]
        assert len(data) >= int(data[at : at + 10]) >= SIZE
        assert body in (b"a" * len(body), b"b" * len(body))


@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(EVENTS, st.sampled_from([0, 100_000, 900_000]))
def test_whatever_happens_what_gets_the_name_is_what_the_file_was(
    tmp_path: Path, events: list[tuple[int, str]], at: int
) -> None:
    for old in tmp_path.rglob("*"):
        if old.is_file():
            old.unlink()
    (folder := tmp_path / "data").mkdir(exist_ok=True)
    scan, hub, due = Counting(folder / "scan", at), DirectHub(folder), sorted(events)

    def change(method: str, value: Any) -> Any:
        while due and method == "read" and hub.asked.count("read") >= due[0][0]:
            what = due.pop(0)[1]
            if what == "lose":
                raise LOST
            if what == "stop":
                raise KeyboardInterrupt
            if what == "replace":
                scan.replace()
            else:
                scan.append(is_counted=what == "header")
        return value

    hub.change = change
    while True:
        try:
            found = fetched(hub, tmp_path)
        except (KeyboardInterrupt, FileChangedError):
            continue
        break
    data = found.path.read_bytes()
    scan.check(data)
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "scan"]


@pytest.mark.parametrize("at", [0, 100_000, 900_000])
def test_a_header_that_was_written_between_two_pieces_counts_no_more_than_there_is(
    hub: DirectHub, folder: Path, tmp_path: Path, at: int
) -> None:
    scan = Counting(folder / "scan", at)

    def change(method: str, value: Any) -> Any:
        if method == "read" and hub.asked.count("read") == 1:
            scan.append(is_counted=True)
        return value

    hub.change = change
    scan.check(fetched(hub, tmp_path).path.read_bytes())


def test_a_small_file_that_grows_all_the_time_is_not_followed(
    hub: DirectHub, folder: Path, tmp_path: Path
) -> None:
    (folder / "scan").write_bytes(b"%10d" % 10)

    def change(method: str, value: Any) -> Any:
        if method == "read":
            with (folder / "scan").open("r+b") as file:
                file.seek(0, 2)
                file.write(b"x" * 100)
        return value

    hub.change = change
    found = fetched(hub, tmp_path)
    assert hub.asked.count("read") <= 2
    assert (found.size, found.is_growing) == (10, True)


def test_an_abort_is_no_reason_to_ask_again() -> None:
    assert not issubclass(OperationAbortedError, requests.PASSING)
