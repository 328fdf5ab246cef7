"""Routes of live state: streams of events, WebSockets, and figures of this program."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import FastAPI, HTTPException, Query, Request, Response, WebSocket
from fastapi.responses import StreamingResponse

from dashboard.board import BATCH_HZ, PageViewer, TooManyStreamsError
from dashboard.hub import ArrayHub
from dashboard.metrics import write_metrics
from dashboard.protocol.liveness import LOST_S, STALE_S
from dashboard.protocol.messages import write_hello
from dashboard.protocol.wishes import FRAME_HZ, MAX_TOPICS
from dashboard.streams import PageStream, serve_websocket
from groundwork.values import JsonObject
from player.endpoints.http.application import STREAMS_OF_ADDRESS, STREAMS_OF_PERSON
from player.endpoints.http.guard import PERSON, Guard, address_of
from player.endpoints.http.metrics import CONTENT_TYPE
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.responses import json_response

__all__ = ["Viewing"]

Topics = Annotated[
    list[Annotated[str, Query(min_length=1, max_length=250)]],
    Query(
        alias="topic",
        min_length=1,
        max_length=MAX_TOPICS,
        description="overview, values:BANK, bandpass, operations, hosts, acts, log, alarms; several times",
    ),
]


class Viewing:
    """The routes.

    Args:
        version: Of this program.
        started: When it began to serve, UTC, unix seconds.

    Attributes:
        hub: Of the array; set when it is there.
        guard: Before the routes; likewise.
    """

    hub: ArrayHub
    guard: Guard

    def __init__(self, version: str, started: float) -> None:
        self._version, self._started = version, started

    def add_to(self, api: FastAPI) -> None:
        """Add them to an application."""
        api.add_api_route("/events", self.events, response_class=StreamingResponse)
        api.add_api_websocket_route("/ws", self.websocket)
        api.add_api_route("/metrics", self.metrics)
        api.add_exception_handler(TooManyStreamsError, _too_many)

    def rates(self) -> JsonObject:
        """Return how often viewers hear of changes, and when a Bank looks stale."""
        return {
            "batch_hz": BATCH_HZ,
            "frame_hz": FRAME_HZ,
            "stale_s": STALE_S,
            "lost_s": LOST_S,
        }

    async def events(self, request: Request, topics: Topics) -> Response:
        """Stream topics as server-sent events: `hello`, `changes`, `lines`, and a `heartbeat` each
        second."""
        viewer = self._join(request.scope, "events")
        known, unknown = self.hub.board.follow(viewer, topics)
        hello = self._hello(known, unknown)
        return PageStream(self.hub.board, viewer, hello, self.hub.silent)

    async def websocket(self, socket: WebSocket) -> None:
        """Stream topics, and frames of pipes, over a WebSocket, as its client asks for them."""
        try:
            viewer = self._join(socket.scope, "websocket")
        except TooManyStreamsError as full:
            await socket.send_denial_response(json_response({"detail": str(full)}, 503))
        except HTTPException as misuse:
            told = json_response({"detail": misuse.detail}, misuse.status_code)
            await socket.send_denial_response(told)
        else:
            hello = self._hello([], [])
            await serve_websocket(socket, self.hub.board, viewer, hello, self.hub.silent)

    def _hello(self, topics: list[str], unknown: list[str]) -> str:
        return write_hello(time.time(), self._version, self._started, topics, unknown)

    def _join(self, scope: Any, way: str) -> PageViewer:
        person: Person | None = scope.get(PERSON)
        host, port = address_of(scope) or "?", (scope.get("client") or ("", 0))[1]
        if person is not None:
            of_person = self.hub.board.count_of(person)
            of_address = self.guard.count_at(host)
            if of_person >= STREAMS_OF_PERSON or of_address > STREAMS_OF_ADDRESS:
                raise HTTPException(
                    429,
                    f"{of_person} streams of {person.key} are open, {STREAMS_OF_PERSON} may be, and of one "
                    f"address {STREAMS_OF_ADDRESS}: close one; a browser needs one or two",
                )
        return self.hub.board.join(f"{host} port {port}", way, person)

    async def metrics(self) -> Response:
        """Return figures in Prometheus' text format."""
        states, board = self.hub.states.values(), self.hub.board
        text = write_metrics(states, board.counts(), self.guard.refused + board.refused)
        return Response(text, media_type=CONTENT_TYPE)


async def _too_many(_request: Any, error: Any) -> Response:
    response = json_response({"detail": str(error)}, 503)
    response.headers["retry-after"] = "5"
    return response
