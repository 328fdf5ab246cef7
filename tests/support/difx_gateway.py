"""A gateway in this process, and a fake correlator's programs, for tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateways.difx.endpoint import GuiServerEndpoint
from gateways.difx.server import GuiServer
from player.ports import port_of
from player.testing import HostedBank

__all__ = ["Gateway", "gateway", "program"]


def program(text: str) -> list[str]:
    """Command of a Python program; its arguments come behind."""
    return [sys.executable, "-c", text]


@dataclass(frozen=True)
class Gateway:
    """A gateway that serves.

    Attributes:
        port: For clients.
        root: Folder that is their "/".
        hosted: Its Player.
    """

    port: int
    root: Path
    hosted: HostedBank

    @property
    def server(self) -> GuiServer:
        """Its clients."""
        endpoint = self.hosted.host._site_endpoints["guiserver"]
        assert isinstance(endpoint, GuiServerEndpoint)
        assert endpoint.server is not None
        return endpoint.server


@contextmanager
def gateway(
    folder: Path,
    endpoint: Mapping[str, Any] | None = None,
    *,
    state_dir: Path | None = None,
    **settings: Any,
) -> Iterator[Gateway]:
    """Serve; `folder/root` is the clients' "/".

    Args:
        folder: For its files.
        endpoint: Further keys of the endpoint's table.
        state_dir: For its journal; None: it keeps none.
        **settings: Further keys of the Bank's table.
    """
    root = folder / "root"
    root.mkdir(exist_ok=True)
    table = {
        "root": str(root),
        "runner": {"DIFX-DEVEL": {"run": program("pass")}},
        **settings,
        "endpoints": {"guiserver": {"port": 0, **(endpoint or {})}},
    }
    with HostedBank("difx", table, name="DIFX", folder=folder, state_dir=state_dir) as hosted:
        yield Gateway(port_of(hosted.endpoints["guiserver"]), root, hosted)
