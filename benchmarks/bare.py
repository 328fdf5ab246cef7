"""The second floor: the bare design, the same calls by the same sockets and nothing else.

A ROUTER socket serves; a DEALER socket calls one server, a ROUTER socket calls many. One orjson
object has number, method and arguments, one has number and result; an array follows as a raw frame
that is not copied; commands go through one worker thread; a batch is one JSON list. There are no
deadlines, dialects, guards, marks or logs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from queue import SimpleQueue
from typing import Any

import numpy as np
import orjson
import zmq

from benchmarks.floors import Telling, ready
from benchmarks.subject import ArraySubject, Subject

__all__ = ["BareClient", "BareFanOut", "BareServer", "bare_player", "serve_arrays", "serve_subject"]

Methods = Mapping[str, Callable[..., Any]]
_MORE = int(zmq.SNDMORE)
_POLLIN = int(zmq.POLLIN)
_WORKER = b"worker"
"""Routing id of the worker thread's socket; those that ZeroMQ makes begin with a zero byte."""


def _encoded(number: int, result: Any) -> bytes:
    return orjson.dumps({"id": number, "result": result})


class BareServer:
    """Answers calls of `queries` at once, those of `commands` by a worker thread.

    The worker sends its answers to the same ROUTER socket, by inproc, so that nothing is polled.

    Args:
        queries: Name -> function.
        commands: Name -> function.

    Attributes:
        url: Its address.
    """

    def __init__(self, queries: Methods, commands: Methods) -> None:
        self._queries, self._commands = queries, commands
        self._waiting: SimpleQueue[tuple[bytes, dict[str, Any]]] = SimpleQueue()
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.ROUTER)
        self._socket.bind("tcp://127.0.0.1:*")
        self.url = str(self._socket.getsockopt_string(zmq.LAST_ENDPOINT))
        self._socket.bind(f"inproc://bare-{id(self)}")
        self._has_worker = False

    def fileno(self) -> int:
        """See Served."""
        return int(self._socket.get(zmq.FD))

    def serve_waiting(self) -> None:
        """See Served."""
        ask: Callable[[int], Any] = self._socket.get
        while ask(zmq.EVENTS) & _POLLIN:
            self._serve_next()

    def serve(self) -> None:
        """Answer for ever."""
        while True:
            self._serve_next()

    def _serve_next(self) -> None:
        receive, send = self._socket.recv, self._socket.send
        client, body = receive(), receive()
        if client == _WORKER:
            send(body, _MORE)
            send(receive())
            return
        request = orjson.loads(body)
        if type(request) is list:
            answers = [
                {"id": r["id"], "result": self._queries[r["method"]](*r["params"])} for r in request
            ]
            send(client, _MORE)
            send(orjson.dumps(answers))
            return
        query = self._queries.get(request["method"])
        if query is None:
            if not self._has_worker:
                self._has_worker = True
                threading.Thread(target=self._work, daemon=True).start()
            self._waiting.put((client, request))
            return
        result = query(*request["params"])
        send(client, _MORE)
        if type(result) is np.ndarray:
            about = {"dtype": result.dtype.str, "shape": result.shape}
            send(_encoded(request["id"], about), _MORE)
            self._socket.send(result.data, copy=False)
        else:
            send(_encoded(request["id"], result))

    def _work(self) -> None:
        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        socket.setsockopt(zmq.IDENTITY, _WORKER)
        socket.connect(f"inproc://bare-{id(self)}")
        while True:
            client, request = self._waiting.get()
            result = self._commands[request["method"]](*request["params"])
            socket.send(client, _MORE)
            socket.send(_encoded(request["id"], result))


class BareClient:
    """Calls one server.

    Args:
        url: Its address.
    """

    def __init__(self, url: str) -> None:
        self._number = 0
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.connect(url)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _request(self, method: str, args: tuple[Any, ...]) -> dict[str, Any]:
        self._number += 1
        return {"id": self._number, "method": method, "params": args}

    def call(self, method: str, *args: Any) -> Any:
        """Return the result of one call."""
        self._socket.send(orjson.dumps(self._request(method, args)))
        return orjson.loads(self._socket.recv())["result"]

    def call_for_array(self, method: str, *args: Any) -> np.ndarray[Any, Any]:
        """Like `call`, of a method that returns an array."""
        about = self.call(method, *args)
        frame = self._socket.recv(copy=False)
        return np.frombuffer(frame.buffer, about["dtype"]).reshape(about["shape"])

    def call_outstanding(self, count: int, method: str, *args: Any) -> list[Any]:
        """Send `count` calls, then receive their results; in the order of the calls."""
        send, receive, first = self._socket.send, self._socket.recv, self._number + 1
        for _ in range(count):
            send(orjson.dumps(self._request(method, args)))
        return _in_order((orjson.loads(receive()) for _ in range(count)), first, count)

    def call_batch(self, count: int, method: str, *args: Any) -> list[Any]:
        """Make `count` calls in one message; results in the order of the calls."""
        first = self._number + 1
        self._socket.send(orjson.dumps([self._request(method, args) for _ in range(count)]))
        return _in_order(orjson.loads(self._socket.recv()), first, count)


def _in_order(answers: Iterable[dict[str, Any]], first: int, count: int) -> list[Any]:
    results = {answer["id"]: answer["result"] for answer in answers}
    return [results[number] for number in range(first, first + count)]


class BareFanOut:
    """Calls many servers at once.

    Args:
        urls: Their addresses.
    """

    def __init__(self, urls: Iterable[str]) -> None:
        self._number = 0
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.ROUTER)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._names = []
        for n, url in enumerate(urls):
            self._names.append(b"%d" % n)
            self._socket.setsockopt(zmq.CONNECT_ROUTING_ID, self._names[-1])
            self._socket.connect(url)

    def close(self) -> None:
        """Close the connections."""
        self._socket.close()

    def call_each(self, method: str, *args: Any) -> list[Any]:
        """Make one call to each server; results in the order of the servers."""
        send, receive, first = self._socket.send, self._socket.recv, self._number + 1
        for number, name in enumerate(self._names, first):
            send(name, _MORE)
            send(orjson.dumps({"id": number, "method": method, "params": args}))
        count = len(self._names)
        self._number += count
        results = {}
        for _ in range(count):
            receive()
            answer = orjson.loads(receive())
            results[answer["id"]] = answer["result"]
        return [results[number] for number in range(first, first + count)]


def bare_player() -> BareServer:
    """Return a bare server of a Subject."""
    subject = Subject()
    queries: Methods = {"add": subject.add, "get_status": subject.get_status}
    return BareServer(queries, {"set_value": subject.set_value})


def serve_subject(connection: Telling) -> None:
    """Serve a Subject for ever."""
    _serve(connection, bare_player())


def serve_arrays(connection: Telling) -> None:
    """Serve an ArraySubject for ever."""
    subject = ArraySubject()
    queries: Methods = {
        "add": subject.add,
        "get_spectrum": subject.get_spectrum,
        "get_large": subject.get_large,
    }
    _serve(connection, BareServer(queries, {}))


def _serve(connection: Telling, server: BareServer) -> None:
    ready(connection, server.url)
    server.serve()
