"""The dashboard of an array, asked by programs: what only it knows. HTTP by the standard library."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from dealer.errors import DealerError
from dealer.players import configuration_path, is_port_manager, tables_of_file
from groundwork.addresses import is_loopback_host
from zmqjsonproxy.keys import KeyRing

__all__ = ["DashboardClient", "DashboardError"]

MAX_ANSWER = 16 * 2**20


class DashboardError(DealerError):
    """The dashboard does not answer, or refuses."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"the dashboard at {url}: {why}")
        self.url, self.why = url, why


class DashboardClient:
    """Asks a dashboard, as the person whose keys these are.

    Args:
        url: Of the dashboard.
        token: Of the person's key; empty: none. It goes to this host, or by TLS, and nowhere else.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        is_safe = parts.scheme == "https" or is_loopback_host(parts.hostname or "")
        self._token = token if is_safe else ""
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._opener = build_opener(ProxyHandler({}))

    @property
    def sends_token(self) -> bool:
        """Tell whether its requests say whose they are."""
        return bool(self._token)

    @classmethod
    def of_array(cls, config: str | os.PathLike[str] | None) -> DashboardClient | None:
        """Return the dashboard that a configuration names, `[dashboard] url`; None: it names none.

        Raises:
            ConfigurationError: The file.
            KeyFileError: The keys.
        """
        if is_port_manager(config):
            return None
        tables = tables_of_file(configuration_path(config), [("dashboard", "url")])
        table = tables.get("dashboard")
        url = table.get("url") if isinstance(table, dict) else None
        if not isinstance(url, str) or urlsplit(url).scheme not in ("http", "https"):
            return None
        ring = KeyRing.load()
        return cls(url, "" if ring is None else ring.token)

    def get(self, path: str, timeout: float) -> Any:
        """Return what a path answers; DashboardError."""
        return self._ask(Request(f"{self.url}{path}"), timeout)

    def post(self, path: str, body: Mapping[str, Any], timeout: float) -> Any:
        """Have something changed, and return the answer; DashboardError."""
        headers = {
            "Content-Type": "application/json",
            "X-Dealer-Player": "1",
            "Origin": self._origin,
        }
        data = json.dumps(body).encode()
        return self._ask(Request(f"{self.url}{path}", data, headers), timeout)

    def _ask(self, request: Request, timeout: float) -> Any:
        if self._token:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=timeout) as answer:
                return json.loads(answer.read(MAX_ANSWER))
        except HTTPError as error:
            raise DashboardError(self.url, _detail(error)) from error
        except (URLError, OSError, ValueError) as error:
            raise DashboardError(self.url, str(getattr(error, "reason", error))) from error


def _detail(error: HTTPError) -> str:
    """Return the sentence of an error."""
    try:
        with error:
            return str(json.loads(error.read(MAX_ANSWER))["detail"])
    except (OSError, ValueError, LookupError, TypeError):
        return f"status {error.code}"
