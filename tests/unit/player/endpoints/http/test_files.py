"""A file that is sent is the one that was opened, as long as it was then."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from player.endpoints.http.files import list_files, open_file
from player.endpoints.http.guard import HEAD
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.files.areas import Areas

CONTENT = bytes(range(256)) * 1000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "data" / "scan 1.fits"
    found.parent.mkdir()
    found.write_bytes(CONTENT)
    return found


def sent(path: Path, meanwhile: Callable[[], object] = lambda: None, **scope: Any) -> list[Any]:
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
        response = await open_file(areas, f"DATA/{path.name}", is_download=True)
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
