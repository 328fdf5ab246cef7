"""A dashboard in a thread, and requests to it by hand."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from support.event_stream import Events
from websockets.sync.client import ClientConnection, connect

from dashboard.config import Array
from dashboard.service import DashboardService, Where
from zmqjsonproxy.rights import ClientKeys

__all__ = ["Answer", "Peer", "make_page", "serving"]

WITHIN = 60.0
INDEX = '<!doctype html><script type="importmap">{"imports": {}}</script><p>page'


def make_page(folder: Path) -> Path:
    """Make a folder with the files that a page has at least."""
    folder.mkdir()
    (folder / "index.html").write_text(INDEX)
    (folder / "login.html").write_text("<!doctype html><p>log in")
    (folder / "icon.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    (folder / "app.js").write_text("export {};" + "//" * 1000)
    return folder


class Answer:
    """An answer.

    Attributes:
        status: Of HTTP.
        headers: By lower-case name.
        body: Bytes.
    """

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Peer:
    """Asks a dashboard, as a client of another maker does."""

    def __init__(self, url: str) -> None:
        self.url, self.host = url, url.split("/")[2]

    def ask(
        self, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> Answer:
        """Make a request; `_` in names of headers stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection(self.host, timeout=WITHIN)) as connection:
            connection.request(method, path, body, headers=named)
            return Answer(connection.getresponse())

    def get(self, path: str) -> Any:
        """Return what a path answers as JSON, at the pace that the dashboard asks for."""
        while (answer := self.ask(path)).status == 429:
            time.sleep(float(answer.headers["retry-after"]))
        assert answer.status == 200, answer.body
        return answer.json

    def post(self, path: str, body: object, **headers: str) -> Answer:
        """Make a request that changes something, as the page does."""
        own = {
            "Origin": self.url.rstrip("/"),
            "Content_Type": "application/json",
            "X_Dealer_Player": "1",
        }
        return self.ask(path, "POST", json.dumps(body), **(own | headers))

    def events(self, *topics: str, **headers: str) -> Events:
        """Open a stream of events."""
        query = "&".join(f"topic={topic}" for topic in topics)
        return Events(f"{self.url}events?{query}", headers)

    def web_socket(self, origin: str | None = None, **headers: str) -> ClientConnection:
        """Open a WebSocket, as a page of ours does."""
        return connect(
            f"ws://{self.host}/ws",
            origin=origin or f"http://{self.host}",  # type: ignore[arg-type]  # a NewType of str
            additional_headers=headers,
            max_size=None,
            legacy=False,
            proxy=None,
        )


@contextmanager
def serving(
    array: Array,
    page: Path,
    keys: ClientKeys | None = None,
    *,
    store: Path | None = None,
    control: bool = False,
) -> Iterator[Peer]:
    """Serve an array's dashboard at a free port of the loopback address."""
    ends: list[str] = []
    where = Where(host="127.0.0.1", port=0)
    with DashboardService(
        array, where, keys, ends.append, static=page, store=store, control=control
    ) as service:
        yield Peer(service.url)
    assert not ends
