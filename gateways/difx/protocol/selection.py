"""Selection of the messages that are relayed to a client."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateways.difx.errors import PayloadError
from gateways.difx.protocol.items import text
from gateways.difx.protocol.messages import MessageType

__all__ = ["ALL_MESSAGES", "KEYWORDS", "SELECTED_MESSAGES", "Selection", "write_selection"]

ALL_MESSAGES = "ALL_MESSAGES"
SELECTED_MESSAGES = "SELECTED_MESSAGES"
_UNKNOWN = "UNKNOWN_MESSAGES"
_OF_NO_TYPE = "WEIGHT_MESSAGES"
_LONGEST = 8192
"""Bytes of MESSAGE_SELECTION; all keywords together are below 500."""

KEYWORDS: dict[str, MessageType | None] = {
    "ALERT_MESSAGES": MessageType.ALERT,
    "COMMAND_MESSAGES": MessageType.COMMAND,
    "FILEOPERATION_MESSAGES": MessageType.FILE_OPERATION,
    "FILETRANSFER_MESSAGES": MessageType.FILE_TRANSFER,
    "GETDIRECTORY_MESSAGES": MessageType.GET_DIRECTORY,
    "MARK5COPY_MESSAGES": MessageType.MARK5_COPY,
    "INFO_MESSAGES": MessageType.INFO,
    "LOAD_MESSAGES": MessageType.LOAD,
    "MARK5STATUS_MESSAGES": MessageType.MARK5_STATUS,
    "MACHINESDEFINITION_MESSAGES": MessageType.MACHINES_DEFINITION,
    "MK5CONTROL_MESSAGES": MessageType.MK5_CONTROL,
    "SMART_MESSAGES": MessageType.SMART,
    "STATUS_MESSAGES": MessageType.STATUS,
    "STOP_MESSAGES": MessageType.STOP,
    "VEX2DIFXRUN_MESSAGES": MessageType.VEX2DIFX_RUN,
    _OF_NO_TYPE: None,
    _UNKNOWN: None,
}
"""Keywords in the order in which a line is compared with them; None: of no one type."""

_KNOWN_TYPES = frozenset(MessageType)


@dataclass(frozen=True, slots=True)
class Selection:
    """Types of messages that a client gets.

    Attributes:
        everything: All types, also those without a keyword.
        keywords: Those that were selected one by one.
    """

    everything: bool = True
    keywords: frozenset[str] = frozenset()

    def read(self, payload: bytes) -> Selection:
        """Return what a MESSAGE_SELECTION makes of this one.

        Single types are selected anew by each; whether all types come stays as it was, if the
        packet does not say.

        Raises:
            PayloadError: It is longer than any selection.
        """
        if len(payload) > _LONGEST:
            raise PayloadError(
                f"MESSAGE_SELECTION: {len(payload)} bytes are more than the {_LONGEST} of keywords"
            )
        everything, keywords = self.everything, set()
        for line in payload.decode(errors="replace").split("\n"):
            if ALL_MESSAGES in line:
                everything = True
            elif SELECTED_MESSAGES in line:
                everything = False
            else:
                keywords |= {next((word for word in KEYWORDS if word in line), _OF_NO_TYPE)}
        return Selection(everything, frozenset(keywords - {_OF_NO_TYPE}))

    def takes(self, kind: str) -> bool:
        """Tell if messages of a type come, which may be one that nobody knows."""
        if self.everything:
            return True
        if kind not in _KNOWN_TYPES:
            return _UNKNOWN in self.keywords
        return any(KEYWORDS[keyword] == kind for keyword in self.keywords)


def write_selection(keywords: Iterable[str]) -> bytes:
    """Return the payload of MESSAGE_SELECTION."""
    return text("".join(f"{keyword}\n" for keyword in keywords))
