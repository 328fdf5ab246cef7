"""The public key of a host's servers over a plain socket that serves nothing else.

Whoever connects is sent one line, `dealer-player key 1 PUBLIC`, and the connection is closed. What
a client sends is never read. Nothing proves that the answer is true: people compare fingerprints.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import selectors
import socket
import threading
import time

from groundwork.addresses import bind_address, tcp_url
from groundwork.closing import Closing
from zmqjsonproxy.keys.errors import TrustError
from zmqjsonproxy.keys.protocol.keytexts import is_key

__all__ = ["DEFAULT_PORT", "KeySocket", "fetch_key"]

log = logging.getLogger(__name__)

DEFAULT_PORT = 6666
"""Below that of Players."""
_BEGIN = b"dealer-player key 1 "
_LONGEST = 200
_BACKLOG = 64
_TRY_AGAIN_S = 5.0
_BREATH_S, _NO_DESCRIPTOR_S = 0.01, 0.2


class KeySocket(Closing):
    """Answers with a public key at a port of this host, in a thread of its own.

    Of several Players of a host, which have one key, the first that gets the port answers; the
    others try again every 5 s, and one of them takes over when it ends.

    Args:
        public: The key.
        address: To serve on.
        port: A number; 0: one that the system chooses.
        again: Pause between two tries to get the port, s.
    """

    def __init__(
        self, public: str, address: str, port: int, *, again: float = _TRY_AGAIN_S
    ) -> None:
        self._line = _BEGIN + public.encode() + b"\n"
        self._address, self._again = (bind_address(address), port), again
        self._end, self._wake = socket.socketpair()
        self._listening = threading.Event()
        self._port, self._is_refused = 0, False
        self._thread = threading.Thread(target=self._run, name="key socket", daemon=True)
        self._thread.start()

    def wait(self, within: float) -> int:
        """Return the port once it serves there; 0: it does not within a time, s."""
        self._listening.wait(within)
        return self._port

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._end, selectors.EVENT_READ)
            listener: socket.socket | None = None
            while listener is None:
                listener = self._listen()
                if listener is None and self._is_ending(selector, self._again):
                    return
            selector.register(listener, selectors.EVENT_READ)
            with listener:
                while not self._is_ending(selector, None):
                    pause = _BREATH_S if self._answer(listener) else _NO_DESCRIPTOR_S
                    selector.unregister(listener)  # however many there are, the Player goes first
                    if self._is_ending(selector, pause):
                        return
                    selector.register(listener, selectors.EVENT_READ)

    def _is_ending(self, selector: selectors.BaseSelector, within: float | None) -> bool:
        return any(key.fileobj is self._end for key, _ in selector.select(within))

    def _listen(self) -> socket.socket | None:
        family = socket.AF_INET6 if ":" in self._address[0] else socket.AF_INET
        address = ("" if self._address[0] == "*" else self._address[0], self._address[1])
        try:
            listener = socket.create_server(
                address, family=family, backlog=_BACKLOG, dualstack_ipv6=address[0] == "::"
            )
        except OSError as error:
            if not self._is_refused:
                level = logging.INFO if error.errno == errno.EADDRINUSE else logging.WARNING
                text = "the key of this host is not told at port %d yet: %s"
                log.log(level, text, self._address[1], error.strerror or error)
            self._is_refused = True
            return None
        listener.setblocking(False)
        self._port = listener.getsockname()[1]
        self._listening.set()
        log.info("the public key of this host is told at %s", tcp_url(self._address[0], self._port))
        return listener

    def _answer(self, listener: socket.socket) -> bool:
        """Answer one client; False: there is no descriptor left for it."""
        try:
            peer, _ = listener.accept()
        except (BlockingIOError, ConnectionError):  # it has gone
            return True
        except OSError:
            return False
        with peer, contextlib.suppress(OSError):
            peer.setblocking(False)
            peer.send(self._line)  # fits into the empty buffer of a new connection
            peer.shutdown(socket.SHUT_WR)
        return True

    def close(self) -> None:
        """Serve no more; may be called twice."""
        if self._thread.is_alive():
            with contextlib.suppress(OSError):
                self._wake.send(b"\0")
            self._thread.join()
        self._end.close()
        self._wake.close()


def fetch_key(host: str, port: int = DEFAULT_PORT, timeout: float = 5.0) -> str:
    """Return the public key that the servers of a host say they have.

    Args:
        host: Name or address.
        port: Of the plain socket.
        timeout: s.

    Raises:
        TrustError: No such answer.
    """
    at = tcp_url(host, port).removeprefix("tcp://")
    told, end = b"", time.monotonic() + timeout
    try:
        with socket.create_connection((host, port), timeout) as connection:
            while len(told) < _LONGEST and not told.endswith(b"\n"):
                connection.settimeout(max(end - time.monotonic(), 0.001))
                if not (more := connection.recv(_LONGEST)):
                    break
                told += more
    except TimeoutError:
        raise TrustError(at, f"no answer within {timeout:g} s") from None
    except OSError as error:
        reason = f"no key is told there ({error.strerror or error})"
        remedy = "is a Player with keys running there, and key_port the same?"
        raise TrustError(at, f"{reason}; {remedy}") from error
    key = told.removeprefix(_BEGIN).removesuffix(b"\n").decode(errors="replace")
    if not told.startswith(_BEGIN) or not is_key(key):
        raise TrustError(at, "what answers there tells no key")
    return key
