"""Client of a command: made of its options, with what the server says on standard error."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from gateways.difx.client.aio import AsyncDifxClient
from gateways.difx.client.client import DifxClient
from gateways.difx.client.protocol.primary import Diagnostic, Level
from groundwork.printable import printable
from zmqjsonproxy.jsontext import json_text

__all__ = ["complain", "connected", "connecting", "tell"]


def connected(options: argparse.Namespace) -> DifxClient:
    """Return a blocking client that is connected."""
    return DifxClient(options.host, options.port, **_how(options))


def connecting(options: argparse.Namespace, **more: Any) -> AsyncDifxClient:
    """Return a client for asyncio, to be connected by its `async with`."""
    return AsyncDifxClient(options.host, options.port, **_how(options), **more)


def _how(options: argparse.Namespace) -> dict[str, Any]:
    shown: Callable[[Diagnostic], None] | None = _show if options.verbose else None
    return {"channels": not options.tcp, "timeout": options.timeout, "on_diagnostic": shown}


def _show(diagnostic: Diagnostic) -> None:
    kinds = {Level.INFORMATION: "info", Level.WARNING: "warning", Level.ERROR: "error"}
    complain(f"server: {kinds[diagnostic.level]}: {diagnostic.text}")


def complain(text: str) -> None:
    """Print a line on standard error."""
    print(f"difx: {printable(text)}", file=sys.stderr)


def tell(options: argparse.Namespace, value: Any, text: str, *, is_line: bool = False) -> None:
    """Print a value as JSON if that is wanted, else the text that people read.

    Args:
        options: Of the command.
        value: What JSON shows.
        text: Lines; empty: nothing is printed.
        is_line: It is one of many.
    """
    told = json_text(value, None if is_line else 2) if options.json else text
    if told:
        print(told, flush=is_line)
