"""Targets of the endpoint for browsers: origins of requests, texts on pages."""

from __future__ import annotations

import json

from groundwork.peers import Peers
from player.endpoints.http.protocol.origins import refusal
from player.endpoints.http.protocol.texts import shown, value_text, write_json
from tools.fuzz.target import Target, json_of

PEERS = Peers(["192.0.2.0/24"])
HEADERS = ("host", "origin", "sec-fetch-site", "sec-fetch-mode")


def read_headers(data: bytes) -> None:
    """Judge a request by its headers; only one for this host is answered."""
    texts = data.decode("latin-1").split("\n")
    headers = dict(zip(HEADERS, texts, strict=False))
    for is_websocket in (False, True):
        if not refusal(headers, is_websocket=is_websocket, local="192.0.2.1", names=("player",)):
            assert headers["host"].lower().split(":")[0].rstrip(".") in (
                "player",
                "192.0.2.1",
                "localhost",
                "127.0.0.1",
                "[",
            )


def read_peer(data: bytes) -> None:
    """Judge a peer by its address."""
    PEERS.role(data.decode("latin-1"))


def write_texts(data: bytes) -> None:
    """Write any value for a page; it is plain text of bounded length, and JSON that all read."""
    value = json_of(data)
    assert len(shown(data.decode("utf-8", "replace"), 100)) <= 1000
    value_text(value)
    json.loads(write_json(value))


TARGETS = (
    Target(
        name="http-headers",
        folder="player/endpoints/http/protocol",
        read=read_headers,
        samples=(b"192.0.2.1:8080\nhttp://192.0.2.1:8080\nsame-origin\nnavigate", b"evil.example"),
    ),
    Target(
        name="http-peers",
        folder="player/endpoints/http/protocol",
        read=read_peer,
        samples=(b"192.0.2.7", b"::1"),
    ),
    Target(
        name="http-texts",
        folder="player/endpoints/http/protocol",
        read=write_texts,
        samples=(b'{"a":[1,2,"x"]}', b'"\\u202e"'),
    ),
)
