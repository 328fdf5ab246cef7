"""Profiles of a browser for tests of pages. What it has to complain about is kept: a test ends with
nothing of that."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Watched"]

WITHIN_MS = 60_000
"""Time that anything may take on a busy machine."""
_BROKEN = re.compile(
    "ERR_CONNECTION|ERR_SOCKET|ERR_EMPTY_RESPONSE|ERR_TIMED_OUT|WebSocket connection"
)
LEFT = "net::ERR_ABORTED"
"""A page that is left gives its requests up."""


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
        from playwright.sync_api import expect

        expect.set_options(timeout=WITHIN_MS)
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

    def forgive_line(self) -> None:
        """Close all pages, and forget what the browser itself said of a line that a test has cut."""
        for page in self.context.pages:
            page.close()
        self.faults[:] = [each for each in self.faults if not _BROKEN.search(each)]

    def close(self) -> None:
        """Close it; fails if anything was wrong.

        Raises:
            AssertionError: With all faults.
        """
        self.context.close()
        assert not self.faults, "\n".join(self.faults)
