"""Answers of a server about its display memory, by REST."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from histogrammer.display.protocol.directory import MirrorEntry
from histogrammer.display.source import ask_source
from histogrammer.errors import MirrorError

GOOD = {
    "/spectcl/shmem/key": {"status": "OK", "detail": "file:/home/daq/.tmpAbC123"},
    "/spectcl/shmem/size": {"status": "OK", "detail": "33554432"},
    "/spectcl/mirror": {"status": "OK", "detail": [{"host": "192.0.2.17", "shmkey": "abcd"}]},
}


@contextmanager
def server(answers: Mapping[str, object]) -> Iterator[str]:
    """Answer requests by their paths; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers[self.path]
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{made.server_address[1]}"
        finally:
            made.shutdown()
            thread.join()


def test_key_size_and_copies_are_told() -> None:
    with server(GOOD) as url:
        found = ask_source(url)
    assert (found.key, found.channel_bytes) == ("file:/home/daq/.tmpAbC123", 32 << 20)
    assert found.mirrors == (MirrorEntry("192.0.2.17", "abcd"),)
    assert (found.host, found.here, found.is_local) == ("127.0.0.1", "127.0.0.1", True)
    assert found.keys_here == [found.key]


BAD: list[tuple[str, object, str]] = [
    ("shmem/size", {"status": "OK", "detail": "many"}, "as SpecTcl does"),
    ("shmem/size", {"status": "OK", "detail": "-4"}, "of -4 bytes"),
    ("shmem/size", {"status": "OK", "detail": "5"}, "of 5 bytes"),
    ("shmem/size", {"status": "OK", "detail": str(1 << 50)}, "bytes"),
    ("shmem/key", {"status": "no", "detail": "why"}, "shmem/key: no: why"),
    ("shmem/key", [1], "as SpecTcl does"),
    ("shmem/key", b"<html>", "as SpecTcl does"),
    ("mirror", {"status": "OK", "detail": [{"host": "h"}]}, "as SpecTcl does"),
    ("mirror", {"status": "OK", "detail": None}, "as SpecTcl does"),
    ("mirror", b"[" * 100_000, "as SpecTcl does"),
]


@pytest.mark.parametrize(("request_", "answer", "told"), BAD)
def test_other_answers_are_an_error(request_: str, answer: object, told: str) -> None:
    with server({**GOOD, f"/spectcl/{request_}": answer}) as url:
        with pytest.raises(MirrorError, match=told):
            ask_source(url)


@pytest.mark.parametrize("url", ["http://", "http://h:x", "http://127.0.0.1:1/"])
def test_what_cannot_be_asked_is_an_error(url: str) -> None:
    with pytest.raises(MirrorError, match=f"{url}"):
        ask_source(url)


def test_what_a_server_says_reaches_a_terminal_shortly_and_without_its_signs() -> None:
    answer = {"status": "\x1b[2J" + "x" * 100_000, "detail": ""}
    with server({**GOOD, "/spectcl/shmem/key": answer}) as url:
        with pytest.raises(MirrorError) as raised:
            ask_source(url)
    assert len(str(raised.value)) < 1000
    assert "\x1b" not in str(raised.value)
