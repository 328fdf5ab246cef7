"""An endpoint that speaks the device's own protocol over TCP, read only: for programs that know
nothing else."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from typing import Any

from pydantic import Field

from player.bank import Bank
from player.endpoints.base import EndpointContext, SiteEndpoint
from player.tables import EndpointConfig
from power_supply.bank import PowerSupply
from power_supply.scpi import QUERIES, ScpiError
from zmqjsonproxy.errors import RefusedError

__all__ = ["ScpiEndpoint", "ScpiEndpointConfig"]

MAX_LINE = 256
MAX_PEERS = 8
IDLE_S = 600.0


class ScpiEndpointConfig(EndpointConfig):
    """`[banks.X.endpoints.scpi]`."""

    port: int = Field(5025, ge=0, le=65535, description="TCP port; 0: any free one")


class _Server(socketserver.ThreadingTCPServer):
    """Serves a few peers at once, and asks the device for one of them at a time.

    So no flood of queries keeps a call through another endpoint, such as `off`, waiting for more
    than one line.
    """

    allow_reuse_address = daemon_threads = True
    bank: PowerSupply

    def __init__(self, address: tuple[str, int]) -> None:
        self.turn = threading.Lock()
        self._lock = threading.Lock()
        self._peers: set[socket.socket] = set()
        super().__init__(address, _Connection)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        with self._lock:
            if len(self._peers) >= MAX_PEERS:
                return False
            self._peers.add(request)
            return True

    def shutdown_request(self, request: Any) -> None:
        with self._lock:
            self._peers.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        with self._lock:
            for peer in self._peers:
                with contextlib.suppress(OSError):
                    peer.shutdown(socket.SHUT_RDWR)


class _Connection(socketserver.StreamRequestHandler):
    server: _Server
    timeout = IDLE_S

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # the peer is gone, or was silent for too long
            while (line := self.rfile.readline(MAX_LINE)).endswith(b"\n"):
                self.wfile.write(self._answer(line).encode("ascii", "replace") + b"\n")
            if line:
                self.wfile.write(
                    f"ERR a line has at most {MAX_LINE} bytes and ends with a line feed\n".encode()
                )

    def _answer(self, line: bytes) -> str:
        text = line.decode("ascii", "replace").strip().upper()
        if (
            text not in QUERIES
        ):  # a question mark at the end is not enough: "OUTP ON;VOLT?" has one, too
            return f"ERR this endpoint only reads: {', '.join(sorted(QUERIES))}"
        try:
            with self.server.turn:
                return self.server.bank.device.ask(text)
        except (ScpiError, RefusedError, OSError) as error:
            return f"ERR {error}"


class ScpiEndpoint(SiteEndpoint):
    """Answers the queries of the protocol, and passes nothing else on."""

    def __init__(self, context: EndpointContext) -> None:
        super().__init__(context)
        assert isinstance(context.config, ScpiEndpointConfig)
        self._server = _Server((context.bind, context.config.port))
        self._thread: threading.Thread | None = None

    @classmethod
    def config_model(cls) -> type[EndpointConfig]:
        return ScpiEndpointConfig

    @property
    def url(self) -> str:
        host, port = self._server.server_address[:2]
        return f"tcp://{host!s}:{port}"

    def open(self, bank: Bank) -> None:
        if not isinstance(bank, PowerSupply):
            raise OSError(f"{bank.name} is no power supply")
        self._server.bank = bank
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="scpi endpoint", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(2)
            self._thread = None
        self._server.server_close()
