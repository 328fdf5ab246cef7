"""Entry of a listing: facts of a file before they are a line."""

from __future__ import annotations

import stat
from dataclasses import asdict, dataclass

from groundwork.values import JsonObject

__all__ = ["FileEntry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file or folder; of a link that stays inside what it leads to.

    Attributes:
        path: In the clients' "/"; bytes that are no UTF-8 as surrogates.
        size: Bytes.
        modified: Unix seconds, UTC.
        mode: Kind and rights, as `st_mode`.
        links: Number of hard links.
    """

    path: str
    size: int
    modified: float
    mode: int
    links: int = 1

    @property
    def is_folder(self) -> bool:
        """It is a folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def name(self) -> str:
        """Its last component; of "/" that."""
        return self.path.rstrip("/").rpartition("/")[2] or "/"

    def describe(self) -> JsonObject:
        """Return it as JSON."""
        printable = self.path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return asdict(self) | {"path": printable, "is_folder": self.is_folder}
