"""The Player: the host process of one Bank. Start it with `player` (see `player.cli`)."""
