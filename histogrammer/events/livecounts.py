"""Counts of a live source: what came, what of it was skipped, and what was no use. Pure."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LiveCounts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCounts:
    """Counts of a live source, since it was attached. What came and was not skipped is in its account, or waits.

    Attributes:
        events: Events that came.
        items: Items that came, events among them.
        bytes: Bytes of them.
        skipped_events: Events that were skipped: they came faster than they were processed.
        skipped_items: Items that were skipped, events among them.
        skipped_bytes: Bytes of them.
        lost_bytes: Bytes of items that were cut when a connection ended.
        refused: Connections, or messages, with bytes that are no items.
        connections: Connections that were made; of ZeroMQ 0, which makes its own.
        is_connected: It is connected now; None: ZeroMQ does not tell.
        trouble: Last reason why a connection ended or was not made, or a message refused; empty:
            there was none.
    """

    events: int = 0
    items: int = 0
    bytes: int = 0
    skipped_events: int = 0
    skipped_items: int = 0
    skipped_bytes: int = 0
    lost_bytes: int = 0
    refused: int = 0
    connections: int = 0
    is_connected: bool | None = None
    trouble: str = ""

    def lines(self) -> list[str]:
        """Return it for people, one line for each thing."""
        texts = [f"  {self.events} events came live, in {self.bytes} bytes of items"]
        if self.skipped_items:
            texts.append(
                f"  {self.skipped_events} events of them skipped, with "
                f"{self.skipped_items - self.skipped_events} other items: they came too fast"
            )
        if self.connections > 1:
            texts.append(f"  {self.connections} connections, one after the other")
        if self.lost_bytes:
            texts.append(f"  {self.lost_bytes} bytes of items that ended with their connections")
        if self.refused:
            texts.append(f"  {self.refused} times what came was no ring items")
        if self.trouble:
            texts.append(f"  last trouble: {self.trouble}")
        return texts
