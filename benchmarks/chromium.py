"""Chromium of the distribution, without a window and with no way to any host but this one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["PROGRAM", "chromium", "why_not"]

PROGRAM = "/usr/bin/chromium"
SWITCHES = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def why_not() -> str:
    """Say why there is no browser; empty: there is one."""
    try:
        import playwright.sync_api  # noqa: F401  # its presence is the question
    except ImportError:
        return "playwright is not installed: pip install 'dealer-player[dev-web]'"
    return "" if shutil.which(PROGRAM) else f"{PROGRAM} is not there: install Chromium"


@contextmanager
def chromium() -> Iterator[Any]:
    """Run a browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=PROGRAM, args=SWITCHES, chromium_sandbox=False
        )
        try:
            yield browser
        finally:
            browser.close()
