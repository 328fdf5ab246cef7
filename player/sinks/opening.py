"""Sinks that the configuration names, for one Bank."""

from __future__ import annotations

from player.sinks.destination import Destination, RecordKind, RecordOrigin
from player.sinks.follower import FileFollower
from player.sinks.postgres import PostgresDestination
from player.sinks.redis import RedisDestination
from player.tables import Config, SinkConfig

__all__ = ["open_sinks"]


def open_sinks(config: Config, bank: str, *, simulated: bool) -> list[FileFollower]:
    """Return the sinks of a Bank, which connect when they have something to send."""
    followers: list[FileFollower] = []

    def follow(table: SinkConfig, destination: Destination) -> None:
        wanted = {RecordKind.JOURNAL: table.journal, RecordKind.HISTORY: table.history}
        kinds = [kind for kind, is_wanted in wanted.items() if is_wanted]
        followers.append(FileFollower(destination, kinds))

    if (postgres := config.instrument.postgres) is not None:
        owner = RecordOrigin(array=postgres.array, bank=bank, simulated=simulated)
        follow(postgres, PostgresDestination(postgres.url, owner))
    if (redis := config.instrument.redis) is not None:
        owner = RecordOrigin(array=redis.array, bank=bank, simulated=simulated)
        made = RedisDestination(redis.url, owner, prefix=redis.prefix, length=redis.length)
        follow(redis, made)
    return followers
