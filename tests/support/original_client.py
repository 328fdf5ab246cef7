"""The original's client as the reference describes it: one REQ socket, four keys, strict
alternation, std json."""

from __future__ import annotations

import json
from typing import Any

import zmq

from groundwork.closing import Closing


class OriginalClient(Closing):
    """One interface of one server.

    Args:
        url: The server.
        name: Interface.
        timeout: s; a test that waits longer has failed.
    """

    def __init__(self, url: str, name: str = "bank", timeout: float = 20.0) -> None:
        self.name = name
        self._context = zmq.Context()
        self.socket = self._context.socket(zmq.REQ)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.RCVTIMEO, int(timeout * 1000))
        self.socket.connect(url)

    def raw(self, body: bytes) -> Any:
        """Send any bytes; the decoded reply."""
        self.socket.send(body)
        return json.loads(self.socket.recv())

    def ask(self, proc: str, *args: Any, **kwargs: Any) -> Any:
        """Call; the reply as it came, exceptions included."""
        return self.raw(
            json.dumps({"name": self.name, "proc": proc, "args": args, "kwargs": kwargs}).encode()
        )

    def rpc(self, method: str, params: Any = None, **members: Any) -> Any:
        """A JSON-RPC call over the same kind of socket; the whole reply."""
        call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or [], **members}
        return self.raw(json.dumps(call).encode())

    def methods(self) -> dict[str, str | None]:
        """Do as the constructor of the original: it unpacks pairs, and dies of anything
        else."""
        return dict(self.ask("list_methods"))

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()
        self._context.term()
