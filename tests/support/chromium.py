"""Chromium of the distribution, driven for tests of pages. It reaches no host but this one, and what it
has to complain about is kept: a test ends with nothing of that."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

__all__ = ["PROGRAM", "Watched", "chromium", "why_not"]

PROGRAM = "/usr/bin/chromium"
WITHIN_MS = 12_000
"""Time that anything may take on a busy machine."""
SWITCHES = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
LEFT = "net::ERR_ABORTED"
"""A page that is left gives its requests up."""


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
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=WITHIN_MS)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=PROGRAM, args=SWITCHES, chromium_sandbox=False
        )
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A profile of its own with its pages, and what was wrong with them.

    Args:
        browser: Has it.
        origin: Of the pages; requests to others are faults.
        options: Of the context, as `timezone_id="Asia/Kolkata"`.

    Attributes:
        faults: Messages of the console, errors, requests that failed or went elsewhere.
    """

    def __init__(self, browser: Any, origin: str, **options: Any) -> None:
        self.origin, self.faults = origin.rstrip("/"), list[str]()
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 720}, **options}
        )
        self.context.set_default_timeout(WITHIN_MS)
        self.context.on("page", self._watch)

    def _watch(self, page: Any) -> None:
        page.on("console", lambda said: self.faults.append(f"console, {said.type}: {said.text}"))
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("requestfailed", self._take_failure)
        page.on("request", self._take_request)
        page.on("response", self._take_response)

    def _take_failure(self, request: Any) -> None:
        if request.failure != LEFT:
            self.faults.append(f"{request.failure}: {request.url}")

    def _take_request(self, request: Any) -> None:
        asked = urlsplit(request.url)
        if asked.scheme not in ("data", "blob") and asked.netloc != urlsplit(self.origin).netloc:
            self.faults.append(f"another host: {request.url}")

    def _take_response(self, response: Any) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status}: {response.url}")

    def open(self, path: str = "/") -> Any:
        """Open an address of the site in a new page; returns the page."""
        page = self.context.new_page()
        page.goto(self.origin + path)
        return page

    def close(self) -> None:
        """Close it; fails if anything was wrong.

        Raises:
            AssertionError: With all faults.
        """
        self.context.close()
        assert not self.faults, "\n".join(self.faults)
