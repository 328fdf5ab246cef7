"""Client of a command: made of its options, with what the server says on standard error."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from commandline import say
from gateways.difx.client.aio import AsyncDifxClient
from gateways.difx.client.client import DifxClient
from gateways.difx.client.protocol.primary import Diagnostic, Level
from groundwork.printable import printable

__all__ = ["complain", "connected", "connecting"]


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
    """Say a sentence, in which there may be words of the server."""
    say("difx", printable(text))
