"""A file that is sent is the one that was opened, as long as it was then."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from player.endpoints.http import files
from player.endpoints.http.digests import Digests, wants_digest
from player.endpoints.http.files import list_files, open_file
from player.endpoints.http.guard import HEAD
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.files.areas import Areas
from zmqjsonproxy.files.protocol.pacing import Pacer

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "data" / "scan 1.fits"
    found.parent.mkdir()
    found.write_bytes(CONTENT)
    return found


def sent(
    path: Path,
    meanwhile: Callable[[], object] = lambda: None,
    pacer: Pacer | None = None,
    digests: Digests | None = None,
    **scope: Any,
) -> list[Any]:
    """Return the messages of a response; something happens after its first one."""
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(dict(message))
        if len(messages) == 1:
            meanwhile()

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def run() -> None:
        areas = Areas({"DATA": path.parent})
        response = await open_file(
            areas, f"DATA/{path.name}", is_download=True, pacer=pacer, digests=digests
        )
        told = {"type": "http", "method": "GET", "headers": [], "asgi": {"spec_version": "2.3"}}
        await response({**told, **scope}, receive, send)

    before = len(os.listdir("/proc/self/fd"))
    asyncio.run(run())
    assert len(os.listdir("/proc/self/fd")) <= before
    return messages


def body_of(messages: list[Any]) -> bytes:
    return b"".join(message.get("body", b"") for message in messages)


def test_a_file_is_sent_whole_as_a_download(path: Path) -> None:
    start, *rest = sent(path)
    headers = dict(start["headers"])
    assert headers[b"content-length"] == b"256000"
    assert headers[b"content-disposition"].startswith(b"attachment;")
    assert (body_of(rest), rest[-1]["more_body"]) == (CONTENT, False)


def test_a_file_that_grows_is_sent_as_long_as_it_was(path: Path) -> None:
    def grow() -> None:
        with path.open("ab") as file:
            file.write(CONTENT)

    _, *rest = sent(path, grow)
    assert (body_of(rest), rest[-1]["more_body"]) == (CONTENT, False)


def test_a_file_that_is_cut_does_not_seem_whole(path: Path) -> None:
    _, *rest = sent(path, lambda: os.truncate(path, 1000))
    assert body_of(rest) == b""
    assert all(message["more_body"] for message in rest)


def test_a_file_that_is_replaced_is_sent_as_it_was(path: Path) -> None:
    def replace() -> None:
        path.unlink()
        path.write_bytes(b"another")

    assert body_of(sent(path, replace)[1:]) == CONTENT


def test_an_empty_file_and_a_head_end_at_once(path: Path) -> None:
    start, end = sent(path, **{HEAD: True})
    assert dict(start["headers"])[b"content-length"] == b"256000"
    assert (end["body"], end["more_body"]) == (b"", False)
    path.write_bytes(b"")
    _, end = sent(path)
    assert (end["body"], end["more_body"]) == (b"", False)


def test_nothing_outside_of_the_areas_is_opened_or_listed(path: Path) -> None:
    areas = Areas({"DATA": path.parent})
    (path.parent / "leak").symlink_to(path.parent.parent)
    (path.parent.parent / "secret").write_text("secret")
    with pytest.raises(RefusedError, match="leads out"):
        asyncio.run(open_file(areas, "DATA/leak/secret", is_download=True))
    with pytest.raises(RefusedError, match=r"\.\."):
        asyncio.run(list_files(areas, "DATA", "../*"))
    listing = asyncio.run(list_files(areas, "DATA", "*"))
    assert [entry.name for entry in listing.entries] == ["DATA/scan 1.fits"]


def header_of(messages: list[Any], name: bytes) -> bytes:
    return dict(messages[0]["headers"]).get(name, b"")


def test_a_range_is_of_the_file_that_is_named(path: Path) -> None:
    etag = header_of(sent(path), b"etag")
    part = [(b"range", b"bytes=10-19")]
    assert body_of(sent(path, headers=part)) == CONTENT[10:20]
    assert body_of(sent(path, headers=[*part, (b"if-range", etag)])) == CONTENT[10:20]
    date = header_of(sent(path), b"last-modified")
    stat = path.stat()
    path.unlink()
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    assert header_of(sent(path), b"etag") != etag
    for named in (etag, date):
        messages = sent(path, headers=[*part, (b"if-range", named)])
        assert messages[0]["status"] == 200
        assert body_of(messages) == CONTENT[::-1]


def test_the_checksum_of_the_whole_comes_with_each_part(path: Path) -> None:
    digests = Digests()
    told = base64.b64encode(hashlib.sha256(CONTENT).digest()).decode()
    for headers in ([], [(b"range", b"bytes=10-19")]):
        messages = sent(path, digests=digests, headers=headers)
        assert header_of(messages, b"repr-digest").decode() == f"sha-256=:{told}:"
    assert header_of(sent(path), b"repr-digest") == b""
    path.write_bytes(b"another")
    told = base64.b64encode(hashlib.sha256(b"another").digest()).decode()
    assert header_of(sent(path, digests=digests), b"repr-digest").decode() == f"sha-256=:{told}:"


def test_a_file_that_is_written_to_while_it_is_read_has_no_checksum(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_and_write(descriptor: int, size: int, first: int) -> bytes:
        with path.open("ab") as file:
            file.write(b"more")
        return read(descriptor, size, first)

    read = os.pread
    monkeypatch.setattr(os, "pread", read_and_write)
    assert header_of(sent(path, digests=Digests()), b"repr-digest") == b""


@pytest.mark.parametrize(
    ("header", "is_wanted"),
    [
        ("sha-256=1", True),
        ("SHA-512=3, sha-256=10", True),
        ("sha-256", True),
        ("sha-256=0", False),
        ("sha-512=1", False),
        ("", False),
    ],
)
def test_a_checksum_is_for_who_wants_one(header: str, is_wanted: bool) -> None:
    assert wants_digest(header) is is_wanted


def test_files_are_sent_at_a_pace(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(files.asyncio, "sleep", sleep)
    pacer = Pacer(1e6)
    assert body_of(sent(path, pacer=pacer)) == CONTENT
    assert body_of(sent(path, pacer=pacer)) == CONTENT
    assert max(slept) == pytest.approx((2 * len(CONTENT) - 65536) / 1e6, rel=0.5)
