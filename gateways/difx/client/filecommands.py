"""The commands `difx ls`, `get` and `put`."""

from __future__ import annotations

import argparse
import posixpath
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from commandline import (
    DONE,
    FAILED,
    ProgressLine,
    ProgressState,
    argument,
    command,
    flag,
    render_rows,
    tell,
)
from gateways.difx.client.client import DifxClient
from gateways.difx.client.connecting import complain, connected
from gateways.difx.client.protocol.results import ListedFile
from groundwork.printable import printable

__all__ = ["COMMANDS"]

EVERY_S = 0.3
WILDCARDS = frozenset("*?[")


class _TransferLine(ProgressLine):
    """Progress line of a transfer."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name, self._begun, self._shown_at = name, time.monotonic(), 0.0

    def show(self, done: int, size: int) -> None:
        """Write the line anew, a few times a second."""
        now = time.monotonic()
        if self.is_shown and now - self._shown_at >= EVERY_S:
            self._shown_at = now
            rate = done / max(now - self._begun, EVERY_S) / 1e6
            text = f"{done / 1e6:.1f} of {size / 1e6:.1f} MB"
            words = (f"{rate:.1f} MB/s", printable(self._name))
            fraction = done / size if size else 1.0
            self.write(ProgressState(fraction=fraction, text=text, words=words))


def _ls(options: argparse.Namespace) -> int:
    found: list[ListedFile] = []
    lines: list[tuple[object, ...]] = []
    absent: list[str] = []
    with connected(options) as client:
        for path in options.paths:
            itself = client.stat(path) if options.directory else None
            listed = client.entries(path) if itself is None and not options.directory else []
            if itself is not None:
                listed = [itself]
            if not listed and (options.directory or client.stat(path) is None):
                absent.append(path)
            found += listed
            lines += [(each.mode, each.size, each.modified, _name(each, path)) for each in listed]
    text = (
        render_rows((), lines if options.long else [line[-1:] for line in lines]) if lines else ""
    )
    if text or options.json:
        tell(options.json, [asdict(each) for each in found], text)
    for path in absent:
        complain(f"ls {path}: it is not there")
    return FAILED if absent else DONE


def _name(entry: ListedFile, asked: str) -> str:
    """Return a name as `ls` shows it: of what is in a folder without that."""
    in_it = entry.path.removeprefix(f"{asked.rstrip('/')}/")
    name = printable(in_it or entry.path)
    if entry.is_folder and name != "/":
        name += "/"
    return f"{name} -> {printable(entry.target)}" if entry.target else name


def _get(options: argparse.Namespace) -> int:
    with connected(options) as client:
        paths = [options.path]
        if WILDCARDS & set(options.path):
            paths = [line for line in client.ls(options.path, "-d -p") if not line.endswith("/")]
        if not paths:
            complain(f"get {options.path}: no file is like that")
            return FAILED
        targets = _targets(paths, options.target)
        if targets is None:
            complain(f"get {options.path}: {options.target} is no folder, for {len(paths)} files")
            return FAILED
        got = [_fetched(client, path, target) for path, target in zip(paths, targets, strict=True)]
    lines = [f"{one['path']}  {one['size']} bytes" for one in got]
    tell(options.json, got, "\n".join(lines))
    return DONE


def _targets(paths: Sequence[str], target: Path | None) -> list[Path] | None:
    """Return where files go; None: they cannot all go there."""
    if target is None or target.is_dir():
        return [(target or Path()) / posixpath.basename(path) for path in paths]
    return [target] if len(paths) == 1 else None


def _fetched(client: DifxClient, path: str, target: Path) -> dict[str, object]:
    line = _TransferLine(path)
    try:
        size = client.get(path, target, line.show)
    finally:
        line.clear()
    return {"path": str(target), "from": path, "size": size}


def _put(options: argparse.Namespace) -> int:
    line = _TransferLine(options.file.name)
    with connected(options) as client:
        path = options.path
        if path.endswith("/") or any(each.endswith("/") for each in client.ls(path, "-d -p")):
            path = posixpath.join(path, options.file.name)
        try:
            size = client.put(options.file, path, line.show)
        finally:
            line.clear()
    told = {"path": path, "from": str(options.file), "size": size}
    tell(options.json, told, f"{printable(path)}  {size} bytes")
    return DONE


COMMANDS = (
    command(
        "ls",
        _ls,
        "list files of the server; exit status 1 if one is not there",
        argument("paths PATHS", "files, folders, patterns; default: /", nargs="*", default=["/"]),
        flag("-l --long", "with mode, size and time"),
        flag("-d --directory", "folders themselves, not what is in them"),
    ),
    command(
        "get",
        _get,
        "download a file; it is there when it is whole",
        argument("path PATH", "file of the server, or a pattern"),
        argument("target TARGET", "file, or folder, here; default: here", nargs="?", type=Path),
    ),
    command(
        "put",
        _put,
        "upload a file; it is there when it is whole, and what was there is kept until then",
        argument("file FILE", "file here", type=Path),
        argument("path PATH", "its path at the server, or a folder there"),
    ),
)
