"""A Bank of one's own kind in a Player in a thread, called over real sockets."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import tomlkit

from player.bank import Bank
from player.clock import Clock
from player.config import load
from player.host import Host
from player.kinds import find_kind
from player.ports import port_of
from player.testing.faults import Faults
from player.testing.wire import Wire
from zmqjsonproxy import ZMQJSONProxyClient

__all__ = ["HostedBank"]


class HostedBank:
    """A Player with one Bank, from `with` to the end of its block; nothing is left behind.

    Args:
        kind: The class, one of a module, or as `kind` in the file.
        settings: Further keys of `[banks.NAME]`.
        name: Of the Bank.
        sections: Further tables of the file, with what they hold.
        simulate: As `player --simulate`.
        clock: What the Bank takes for the time; None: the computer's.
        folder: For files, also the Bank's data; None: one that is removed at the end.
        state_dir: For what outlives the Player, as its journal; None: nothing is kept.

    Raises:
        ValueError: The class is inside a function or another class, where a file could not name it.
        ConfigError, BankStartError, EndpointError: On entering the block, as of `player`.

    Attributes:
        faults: Of the Bank's methods.
        host: The Player.
        bank: The Bank itself, for a look inside.
        url: Where it serves.
        endpoints: Where the endpoints of `settings` serve, by name.
        proxy: Its remote methods, as any client has them.
    """

    host: Host
    bank: Bank
    url: str
    endpoints: dict[str, str]
    proxy: Any

    def __init__(
        self,
        kind: type[Bank] | str,
        settings: Mapping[str, Any] | None = None,
        *,
        name: str = "BANKA",
        sections: Mapping[str, Any] | None = None,
        simulate: bool = True,
        clock: Clock | None = None,
        folder: Path | None = None,
        state_dir: Path | None = None,
    ) -> None:
        if not isinstance(kind, str) and "." in kind.__qualname__:
            outer = kind.__qualname__.partition(".")[0]
            raise ValueError(f"{kind.__qualname__} is inside {outer}: define it in its module")
        self.name, self.faults = name, Faults()
        self._kind, self._settings, self._sections = (
            kind,
            dict(settings or {}),
            dict(sections or {}),
        )
        self._simulate, self._clock, self._folder = simulate, clock, folder
        self._state_dir = state_dir or Path(os.devnull)
        self._stack = ExitStack()

    def __enter__(self) -> HostedBank:
        with ExitStack() as stack:
            folder = self._folder
            if folder is None:
                folder = Path(
                    stack.enter_context(tempfile.TemporaryDirectory(prefix="hosted-bank-"))
                )
            kind = find_kind(self._kind) if isinstance(self._kind, str) else self._kind
            self.host = Host(
                load(self._write(folder, kind)),
                self.name,
                "tcp://127.0.0.1:*",
                simulate=self._simulate,
                data_root=folder,
                state_dir=self._state_dir,
                clock=self._clock,
                kind=self.faults.into(kind),
            )
            stack.callback(self.host.close)
            stack.callback(
                self.faults.clear
            )  # what hangs may end, or the Player would have to leave it
            self.host.open()
            self.host.wait_until_ready()
            assert self.host.bank is not None
            self.bank, self.url, self.endpoints = (
                self.host.bank,
                self.host.url,
                self.host.endpoint_urls,
            )
            client = ZMQJSONProxyClient(None, "bank", self.url, keys=self.host.client_keys)
            self.proxy = stack.enter_context(client)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    @property
    def players(self) -> dict[str, str]:
        """Bank -> URL, as a Dealer takes it: `dealer.Dealer(hosted.players)`."""
        return {self.name: self.url}

    def wire(self) -> Wire:
        """Return a line to the Player that can be cut; clients that use its `url` go through it."""
        return self._stack.enter_context(Wire(port_of(self.url)))

    def _write(self, folder: Path, kind: type[Bank]) -> Path:
        named = (
            self._kind if isinstance(self._kind, str) else f"{kind.__module__}:{kind.__qualname__}"
        )
        table = {"kind": named, "hpc_host": "localhost", **self._settings}
        path = folder / "dibas.toml"
        path.write_text(
            tomlkit.dumps({**self._sections, "banks": {self.name: table}}), encoding="utf-8"
        )
        return path
