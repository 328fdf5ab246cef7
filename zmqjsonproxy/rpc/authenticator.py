"""Authenticator: the one thread of a ZeroMQ context that says which keys are admitted (ZAP, ZeroMQ
RFC 27).

A revoked key is admitted: `zmqjsonproxy.rpc.admission` refuses its owner message by message, and tells why.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

import zmq
from zmq.utils import z85

from zmqjsonproxy.process import ForkSafeLock
from zmqjsonproxy.rights import KnownKey

__all__ = ["admit", "admit_no_more", "decide"]

log = logging.getLogger(__name__)

Find = Callable[[str], KnownKey | None]
_ZAP = "inproc://zeromq.zap.01"
_KEY_BYTES = 32
_END_WITHIN_S = 5.0
_END = b"end"


def decide(request: list[bytes], find: Find | None) -> tuple[bytes, bytes, bytes]:
    """Decide on a handshake.

    Args:
        request: Frames of the request: version, number, domain, address, routing id, mechanism,
            credentials.
        find: Finds keys of that domain; None: nobody serves it any more.

    Returns:
        Status, its text, and the public key as text, which then stands at each message; empty: the
        peer has none.
    """
    mechanism, credentials = request[5], request[6:]
    if find is None:
        return b"400", b"nobody serves here", b""
    if mechanism == b"NULL":  # where keys are demanded ZeroMQ does not even ask
        return b"200", b"OK", b""
    if mechanism != b"CURVE" or len(credentials) != 1 or len(credentials[0]) != _KEY_BYTES:
        return b"400", b"a CURVE key is wanted", b""
    public = z85.encode(credentials[0])
    if find(public.decode()) is None:
        return b"400", b"unknown key", b""
    return b"200", b"OK", public


class _Authenticator:
    """The thread of one context; ends when no server is left."""

    def __init__(self, context: zmq.Context[Any]) -> None:
        self.domains: dict[bytes, Find] = {}
        self._rep: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        self._rep.linger = 0
        try:
            self._rep.bind(_ZAP)
        except zmq.ZMQError as error:
            self._rep.close()
            text = "this ZeroMQ context has an authenticator already, of another program"
            raise RuntimeError(f"{text}; serve with keys in a context of its own") from error
        self._inner: zmq.Socket[bytes] = context.socket(zmq.DEALER)
        self._inner.linger = 0
        self._inner.connect(_ZAP)
        self._thread = threading.Thread(target=self._serve, name="authenticator", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def _serve(self) -> None:
        try:
            while (frames := self._rep.recv_multipart())[-1] != _END or len(frames) != 2:
                self._answer(frames)
        except zmq.ContextTerminated:
            pass
        except zmq.ZMQError:
            log.exception("the authenticator ended: nobody is admitted any more")
        finally:
            self._rep.close()

    def _answer(self, frames: list[bytes]) -> None:
        envelope, request = frames[:2], frames[2:]
        if len(request) < 6:
            return
        try:
            status, text, user = decide(request, self.domains.get(request[2]))
        except Exception:  # whoever reads keys is anybody's code
            log.exception("a key could not be looked up; its owner is not admitted")
            status, text, user = b"500", b"the server could not look the key up", b""
        answer = [request[0], request[1], status, text, user, b""]
        self._rep.send_multipart([*envelope, *answer])

    def close(self) -> None:
        """End the thread."""
        try:
            self._inner.send(_END)
        except zmq.ZMQError:  # the context ends anyway
            pass
        self._thread.join(_END_WITHIN_S)
        self._inner.close()


_of_contexts: WeakKeyDictionary[zmq.Context[Any], _Authenticator] = WeakKeyDictionary()
_changing = ForkSafeLock()
_parents: list[object] = []
"""Those of the parent, in a child made by `fork`: not to be closed here."""


def _leave_to_parent() -> None:
    global _of_contexts
    _parents.append(dict(_of_contexts))
    _of_contexts = WeakKeyDictionary()


os.register_at_fork(after_in_child=_leave_to_parent)


def admit(context: zmq.Context[Any], domain: bytes, find: Find) -> None:
    """Admit the keys that `find` knows to the sockets of a domain, until `admit_no_more`.

    Args:
        context: Of the sockets.
        domain: A name that is nobody else's.
        find: Called in a thread of its own with a public key as text.

    Raises:
        RuntimeError: Another authenticator serves in this context.
    """
    with _changing:
        one = _of_contexts.get(context)
        if one is None or not one.is_alive:
            one = _of_contexts[context] = _Authenticator(context)
        one.domains[domain] = find


def admit_no_more(context: zmq.Context[Any], domain: bytes) -> None:
    """Admit nobody to a domain; no effect on one that is not there."""
    with _changing:
        one = _of_contexts.get(context)
        if one is not None and one.domains.pop(domain, None) is not None and not one.domains:
            del _of_contexts[context]
            one.close()
