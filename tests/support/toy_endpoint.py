"""Endpoints for tests of the host: one that answers each connection with a line, and some that do not
open."""

from __future__ import annotations

import socket
import threading

from player.bank import Bank
from player.endpoints.base import EndpointContext, SiteEndpoint
from player.tables import EndpointConfig, PortOrService
from zmqjsonproxy.errors import RefusedError


class LineEndpointConfig(EndpointConfig):
    """Without a port: any free one."""

    port: PortOrService = 0
    greeting: str = "hello"


class LineEndpoint(SiteEndpoint):
    """Says a greeting and the Bank's name to whoever connects."""

    def __init__(self, context: EndpointContext) -> None:
        super().__init__(context)
        assert isinstance(context.config, LineEndpointConfig)
        self._greeting = context.config.greeting
        self._socket = context.serve(
            context.config.port, lambda port: socket.create_server((context.bind, port))
        )
        self._url = "tcp://{}:{}".format(*self._socket.getsockname()[:2])

    @classmethod
    def config_model(cls) -> type[EndpointConfig]:
        return LineEndpointConfig

    @property
    def url(self) -> str:
        return self._url

    def open(self, bank: Bank) -> None:
        threading.Thread(target=self._serve, args=(bank.name,), daemon=True).start()

    def _serve(self, name: str) -> None:
        while True:
            try:
                peer, _ = self._socket.accept()
            except OSError:
                return
            with peer:
                peer.sendall(f"{self._greeting} {name}\n".encode())
                if peer.recv(100) == b"fail\n":
                    self.context.on_end("somebody asked it to fail")

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
        self._socket.close()


class StuckEndpoint(LineEndpoint):
    """Refuses, raises, blocks, or closes badly, as its greeting says."""

    def __init__(self, context: EndpointContext) -> None:
        assert isinstance(context.config, LineEndpointConfig)
        match context.config.greeting:
            case "refuse":
                raise RefusedError("it is out of order")
            case "raise":
                raise ZeroDivisionError("its own mistake")
            case "exit":
                raise SystemExit(3)
            case "block":
                threading.Event().wait()
        super().__init__(context)

    def open(self, bank: Bank) -> None:
        if self._greeting == "block open":
            threading.Event().wait()
        super().open(bank)

    def close(self) -> None:
        super().close()
        if self._greeting == "block close":
            threading.Event().wait()
        raise ZeroDivisionError("it does not close")
