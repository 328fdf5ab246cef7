"""Client core with the shell of a test around it, which does on no socket what the core wants done."""

from __future__ import annotations

import json
from typing import Any

from zmqjsonproxy.protocol.transitions import Transition
from zmqjsonproxy.rpc.calls import Call, Hello, Question
from zmqjsonproxy.rpc.core import ClientCore, Do, HubSettings
from zmqjsonproxy.rpc.peer import ConnectionState, Peer, PendingCall

URL = "tcp://127.0.0.1:1"
OURS = json.dumps({"dealer": 1, "instance": "one", "arrays": True, "methods": []}).encode()
OLD = b'[["add", null]]'


class Wire:
    """The shell around a core: does what it wants, on no socket, and keeps a list of it."""

    def __init__(self, *, named: tuple[str, ...] = ()) -> None:
        self.core = ClientCore(HubSettings(), named)
        self.core.open("me", b"8 bytes.")
        self.done: list[tuple[Do, str]] = []
        self.sent: list[bytes] = []
        self.calls: list[PendingCall] = []

    def carry_out(self) -> list[tuple[Do, str]]:
        """Return what was done since the last time."""
        done = []
        while self.core.actions:
            do, peer, what, _ = self.core.actions.popleft()
            if isinstance(what, bytes):
                self.sent.append(what)
                done.append((do, peer.url))
            else:
                done.append((do, what))
        self.done += done
        return done

    def ask(
        self, url: str = URL, now: float = 1.0, timeout: float = 5.0, what: Question | None = None
    ) -> PendingCall:
        """Submit a call."""
        question = what or Call("bank", "add", (2, 3), None, timeout)
        call = PendingCall(self.core.peer(url), question, now, now + timeout)
        self.calls.append(call)
        self.core.submit(call, now)
        return call

    def ready(self, hello: bytes = OURS, url: str = URL, now: float = 1.0) -> Peer:
        """Connect to a server, by a first call that is answered if the server is ours."""
        peer = self.core.peer(url)
        if peer.state is ConnectionState.IDLE:
            self.ask(url, now, what=Hello("bank", "me"))
        self.carry_out()
        self.core.socket_event(peer.address, Transition.CONNECTED, now)
        self.core.receive(peer, hello, now)
        self.carry_out()
        self.sent.clear()
        return peer

    def number(self) -> int:
        """Request number of what was sent last."""
        number = json.loads(self.sent[-1])["id"]
        assert isinstance(number, int)
        return number


def answer(number: int, value: Any = 5) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": number, "result": value}).encode()
