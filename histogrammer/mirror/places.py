"""Ports of a histogrammer to be mirrored, each a number or the name of a service at the port manager of its host."""

from __future__ import annotations

from dataclasses import dataclass

from histogrammer.display.source import MemorySource, ask_source
from histogrammer.errors import MirrorError
from portmanager import PortManager, PortManagerError
from portmanager.conversation import own_user
from portmanager.protocol.urls import ManagerAddress

__all__ = ["Places"]

_ANSWER_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Addresses at which a histogrammer is looked for.

    Attributes:
        host: Of it.
        rest: Port of its REST server, or name of the service.
        mirror: Port of its mirror server, or name of the service.
        user: Whose services these are; None: who runs this program.
        manager: Port manager that is asked.
    """

    host: str
    rest: str
    mirror: str
    user: str | None
    manager: ManagerAddress

    def source(self) -> MemorySource:
        """Ask for its display memory.

        Raises:
            MirrorError: It is not found, or does not answer.
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        return ask_source(f"http://{host}:{self._port(self.rest)}")

    def mirror_address(self) -> tuple[str, int]:
        """Return host and port of its mirror server.

        Raises:
            MirrorError: It is not found.
        """
        return self.host, self._port(self.mirror)

    def _port(self, text: str) -> int:
        if text.isascii() and text.isdecimal():
            if not 0 < int(text) < 65536:
                raise MirrorError(f"{text} is no port: 1 to 65535 are")
            return int(text)
        user = self.user or own_user()
        try:
            with PortManager(self.manager.host, self.manager.port, timeout=_ANSWER_S) as client:
                return client.locate(text, user).port
        except (OSError, PortManagerError) as error:
            raise MirrorError(
                f"service {text} of {user} at the port manager {self.manager}: {error}"
            ) from error
