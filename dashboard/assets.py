"""Pages and files that browsers load: looked at again each time, sent again if they changed."""

from __future__ import annotations

import base64
import hashlib
import os
import re
from pathlib import Path
from typing import Any

from fastapi import Response
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from player.endpoints.http.guard import content_policy

__all__ = ["STATIC", "Page", "import_map_hash", "served_folder", "without_comments"]

STATIC = Path(__file__).resolve().parent / "static"
_REVALIDATED = "no-cache"
_LEAST_COMPRESSED = 300
"""Bytes; less is hardly made smaller."""
_KEPT = ("cache-control", "etag", "last-modified")
_BARED = {".js": "text/javascript", ".css": "text/css"}
_BLOCK = re.compile(r"/\*[* ].*?\*/", re.DOTALL)
_LINE = re.compile(r"^[ \t]*//.*$", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]+", re.MULTILINE)
_IMPORT_MAP = re.compile(rb"<script type=\"importmap\">(.*?)</script>", re.DOTALL)


def import_map_hash(page: bytes) -> str:
    """Return the hash, as a content security policy has it, of the import map in a page; empty: it
    has none."""
    match = _IMPORT_MAP.search(page)
    if match is None:
        return ""
    return f"sha256-{base64.b64encode(hashlib.sha256(match[1]).digest()).decode()}"


def without_comments(text: str) -> str:
    """Return a module or a style of ours without its comments, a third of what would be sent, and without
    what lines begin with; they keep their numbers. No string of ours has the marks of a comment; blanks
    at the begin of a line mean nothing in markup."""
    bare = _BLOCK.sub(lambda block: "\n" * block[0].count("\n"), text)
    return _INDENT.sub("", _LINE.sub("", bare))


class _AssetFiles(StaticFiles):
    """Files of a folder, with `ETag`.

    Args:
        folder: It.
        is_ours: Its modules and styles are ours but for those of others in `vendor`.
    """

    def __init__(self, folder: Path, is_ours: bool) -> None:
        super().__init__(directory=folder)
        self._vendor = folder / "vendor"
        self._is_ours = is_ours

    def file_response(self, *args: Any, **more: Any) -> Response:
        """Return a file, or that it has not changed."""
        response = super().file_response(*args, **more)
        response.headers["cache-control"] = _REVALIDATED
        if isinstance(response, FileResponse) and self._has_comments(Path(response.path)):
            path = Path(response.path)
            kept = {name: response.headers[name] for name in _KEPT}
            text = without_comments(path.read_text(encoding="utf-8"))
            return Response(text, media_type=_BARED[path.suffix], headers=kept)
        return response

    def _has_comments(self, path: Path) -> bool:
        return self._is_ours and path.suffix in _BARED and not path.is_relative_to(self._vendor)


def served_folder(folder: Path, *, is_ours: bool = False) -> Any:
    """Return an ASGI application that serves the files of a folder, compressed for who can read
    that.

    Args:
        folder: It.
        is_ours: Its modules and styles are ours: they are sent without comments.
    """
    return GZipMiddleware(_AssetFiles(folder, is_ours), minimum_size=_LEAST_COMPRESSED)


class Page:
    """Page in a file, whose import map may run.

    Args:
        path: The file.
        prefix: Path below which browsers see it; empty: they see it at the top.
    """

    def __init__(self, path: Path, prefix: str = "") -> None:
        self._path, self._prefix = path, prefix
        self._policy = content_policy(import_map_hash(self._content()))

    def _content(self) -> bytes:
        """Return it with the addresses that browsers know."""
        return self._path.read_bytes().replace(b'"/', f'"{self._prefix}/'.encode())

    def response(self) -> Response:
        """Return it."""
        headers = {"cache-control": _REVALIDATED, "content-security-policy": self._policy}
        if self._prefix:
            return Response(self._content(), headers=headers, media_type="text/html")
        status = os.stat(self._path)
        return FileResponse(self._path, headers=headers, media_type="text/html", stat_result=status)
