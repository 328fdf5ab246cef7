"""A power supply that publishes what it is told to, as a kind of Bank and as a process of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import zmq
from support.player_process import ToyProcess

from player.bank import Bank
from zmqjsonproxy import RefusedError, ZMQJSONProxyServer
from zmqjsonproxy.channels.properties import message, pipe, published, table_of
from zmqjsonproxy.interface import command

__all__ = ["PublishingPlayer", "Supply"]


class Published:
    """Properties of each kind."""

    voltage = published(0.0, unit="V", doc="Voltage at the terminals.")
    limit = published(30.0, unit="V", doc="Highest voltage that is taken.", writable=True)
    label = published("spare", doc="Text on its front.", writable=True)
    tripped = message(doc="The output was switched off.")
    trace = pipe(unit="V", x_unit="s", doc="Voltage while it settles.")

    @limit.checked_by
    def _check_limit(self, volts: float) -> float:
        if not 0 <= volts <= 60:
            raise RefusedError(f"limit is {volts:g}; expected 0 to 60 V")
        return round(volts, 1)

    @command
    def publish(self, name: str, value: Any) -> None:
        """Publish a value, of a property that is made if need be."""
        table_of(self).publish(name, value)

    @command
    def send_frames(self, count: int, points: int) -> None:
        """Publish frames."""
        for number in range(count):
            self.trace(np.arange(points) + float(number), x_start=1.0, x_delta=0.5)


class Supply(Published, Bank):
    """The kind of Bank."""


class PublishingPlayer(ToyProcess):
    """A process that serves it."""

    module = "support.publishing_player"


def main(argv: Sequence[str]) -> int:
    """Serve until the end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    options = parser.parse_args(argv)
    with ZMQJSONProxyServer(zmq.Context(), options.url) as server:
        server.expose("bank", Published())
        print(server.url, flush=True)
        server.run_loop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
