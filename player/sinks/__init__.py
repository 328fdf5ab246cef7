"""Further places for records of the journal and the history: PostgreSQL, Redis, and those of a site."""

from player.sinks.base import CallEntry, HistoryPoint, Sink

__all__ = ["CallEntry", "HistoryPoint", "Sink"]
