"""An array with its dashboard, as browsers see it: Banks in this process, one in a process of its own
that may be killed, and a Player of the original."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from support.dashboards import Peer, serving
from support.original_server import OriginalPlayer
from support.player_run import PlayerRun, free_port
from support.publishing_bank import PublishingBank

from dashboard.assets import STATIC
from dashboard.config import Array
from player.tables import DashboardConfig
from player.testing import HostedBank

__all__ = ["SITE", "RunBank", "WebSite"]

SITE = DashboardConfig(name="TEST SITE", zone="America/New_York", longitude=-79.84)
KIND = "support.publishing_bank:PublishingBank"


class RunBank:
    """A Bank in a process that is ended and begun again at the same address.

    Args:
        name: Of the Bank.
        folder: For its files.
        kind: Of the Bank.
    """

    def __init__(self, name: str, folder: Path, kind: str = KIND) -> None:
        port = free_port()
        self.name, self.url = name, f"tcp://127.0.0.1:{port}"
        self._config, self._folder, self._count = folder / f"{name}.toml", folder, 0
        lines = [f"[banks.{name}]", f'kind = "{kind}"', 'hpc_host = "localhost"']
        self._config.write_text("\n".join([*lines, f"player_port = {port}"]) + "\n")
        self.start()

    def start(self) -> None:
        """Begin it, and wait until it serves."""
        self._count += 1
        log = self._folder / f"{self.name}-{self._count}.log"
        self.run = PlayerRun(self.name, "--config", self._config, log=log)
        self.run.wait_ready()

    def kill(self) -> None:
        """End it the hard way."""
        self.run.process.kill()
        self.run.process.wait()

    def close(self) -> None:
        """End it, if it runs."""
        self.run.__exit__(None, None, None)


class WebSite:
    """The array.

    Args:
        folder: For its files.
        stack: Ends all of it.
        hosted: Banks in this process.
        has_original: BANKZ is a Player of the original.

    Attributes:
        banks: Name -> what is hosted.
        urls: Bank -> URL of its Player.
        data: Bank -> folder of its files.
    """

    def __init__(
        self, folder: Path, stack: ExitStack, *, hosted: int = 1, has_original: bool = True
    ) -> None:
        self.banks: dict[str, HostedBank] = {}
        self.urls: dict[str, str] = {}
        self.data: dict[str, Path] = {}
        self.original: OriginalPlayer | None = None
        for number in range(hosted):
            name = f"BANK{chr(ord('A') + number)}"
            home = folder / name
            self.data[name] = home / "data"
            self.data[name].mkdir(parents=True)
            bank = HostedBank(PublishingBank, {"files": {"DATA": "data"}}, folder=home)
            self.banks[name] = stack.enter_context(bank)
            self.urls[name] = bank.url
        if has_original:
            self.original = stack.enter_context(OriginalPlayer())
            self.urls["BANKZ"] = self.original.url

    def serve(self, stack: ExitStack) -> Peer:
        """Serve the dashboard of all Banks in this process."""
        return stack.enter_context(serving(Array(urls=self.urls, site=SITE), STATIC))
