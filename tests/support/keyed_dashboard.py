"""An array of two Banks that demand keys, its people, and a dashboard that runs it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from support.dashboards import Answer, Peer, make_page, serving
from support.player_run import poll
from support.scan_bank import ScanBank

from dashboard.config import Array
from player.testing import HostedBank
from zmqjsonproxy.keys import KeyRing
from zmqjsonproxy.keys.protocol.documents import Bundle
from zmqjsonproxy.keys.register import make_server, new_client, register
from zmqjsonproxy.keys.ring import take_bundle
from zmqjsonproxy.rights import Role

__all__ = ["PEOPLE", "KeyedDashboard"]

PEOPLE = {"olga": Role.OBSERVE, "ann": Role.OPERATE, "ben": Role.OPERATE, "root": Role.ADMIN}
BANKS = ("BANKA", "BANKB")


class KeyedDashboard:
    """The site.

    Args:
        folder: For files.
        stack: Ends it.
        control: As of the command.
        static: Folder of the page; None: of a small one.

    Attributes:
        banks: Name -> its Player.
        peer: Asks the dashboard.
        tokens: Name of a person -> token.
        keys: Key folder.
    """

    def __init__(
        self,
        folder: Path,
        stack: ExitStack,
        *,
        control: bool = True,
        static: Path | None = None,
    ) -> None:
        self.keys, self.tokens = folder / "keys", dict[str, str]()
        public = make_server(self.keys).public
        for name, role in PEOPLE.items():
            self.add(name, role)
        own = self.add("dash", Role.OBSERVE)
        take_bundle(folder / "own", Bundle(own, {"localhost": public}), replace=False)
        sections = {"instrument": {"keys": True, "key_dir": str(self.keys)}}
        self.banks: dict[str, HostedBank] = {}
        for bank in BANKS:
            (folder / bank / "data").mkdir(parents=True)
            hosted = HostedBank(
                ScanBank,
                {"files": {"DATA": "data"}},
                name=bank,
                sections=sections,
                folder=folder / bank,
                state_dir=folder / bank / "state",
            )
            self.banks[bank] = stack.enter_context(hosted)
        urls = {bank: hosted.url for bank, hosted in self.banks.items()}
        array = Array(urls=urls, keys=True, key_dir=self.keys)
        ring = KeyRing.load(folder / "own")
        page = static or make_page(folder / "page")
        self.peer: Peer = stack.enter_context(serving(array, page, ring, control=control))
        poll(self._is_there, "the Banks are known")

    def _is_there(self) -> bool:
        rows = self.peer.ask("/api/overview", **self.bearer("olga")).json["rows"]
        return all(row["interface"] and row["link"]["state"] == "live" for row in rows.values())

    def add(self, name: str, role: Role) -> Any:
        """Make a key; what its owner has of it."""
        made = new_client(name)
        register(self.keys, name, role, made.public, made.digest)
        self.tokens[name] = made.own.token
        return made.own

    def bearer(self, name: str) -> dict[str, str]:
        """Return the header that proves a person."""
        return {"Authorization": f"Bearer {self.tokens[name]}"}

    def post(self, name: str, path: str, **body: Any) -> Answer:
        """Have a person change something, and wait for its end; of an act without end see below."""
        return self.peer.post(path, body, **self.bearer(name))

    def act(self, name: str, path: str, **body: Any) -> dict[str, Any]:
        """Have a person do something, and wait for its end; the act."""
        answer = self.post(name, path, **({"wait": 30} | body))
        assert answer.status in (200, 202), answer.body
        act: dict[str, Any] = answer.json["act"]
        return act

    def get(self, name: str, path: str) -> Any:
        """Return what a path answers a person as JSON."""
        answer = self.peer.ask(path, **self.bearer(name))
        assert answer.status == 200, answer.body
        return answer.json

    def journal(self, bank: str, method: str) -> list[dict[str, Any]]:
        """Return the entries of a Bank's journal on a method."""
        path = f"/api/journal?bank={bank}&method=*{method}"
        entries: list[dict[str, Any]] = self.get("olga", path)["entries"]
        return entries
