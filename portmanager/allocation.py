"""Port allocation, of which both sides speak: one port, its service, and its user."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Allocation"]


@dataclass(frozen=True, slots=True, order=True)
class Allocation:
    """One port and whose it is.

    Attributes:
        port: TCP port.
        service: Name; in a listing with the suffix of its instance.
        user: Who runs it, as the program said.
    """

    port: int
    service: str
    user: str

    def as_dict(self) -> dict[str, int | str]:
        """Return it as NSCLDAQ's Python class does."""
        return {"port": self.port, "service": self.service, "user": self.user}
