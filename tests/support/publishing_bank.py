"""A Bank that publishes all kinds of properties, on request."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from player.bank import Bank
from zmqjsonproxy.channels import computed, message, pipe, published
from zmqjsonproxy.interface import command


class Dial:
    """A part with a property of its own."""

    turns = published(0, unit="turns", doc="How often it was turned.")


class PublishingBank(Bank):
    """Publishes what its callers say."""

    level = published(0.0, unit="dB", doc="What was set <last>.")
    counter = published(2**53 + 1, doc="Beyond what JavaScript counts.")
    label = published("<b>x</b>\u202e", doc="A text of a stranger.")
    odd = published(float("nan"), doc="No number.")
    alarm = message(doc="Something happened.")
    trace = pipe(unit="V", x_unit="s", doc="A frame.")

    @computed(unit="s")
    def seven(self) -> float:
        """Seven."""
        return 7.0

    def parts(self) -> Mapping[str, object | None]:
        return {"dial": Dial()}

    @command
    def set_level(self, value: float, times: int = 1) -> None:
        """Publish a level, several times in a row."""
        for step in range(times):
            self.level = value + step

    @command
    def ring(self, text: str) -> None:
        """Publish an event."""
        self.alarm(text=text)

    @command
    def draw(self, points: int) -> None:
        """Publish a ramp."""
        self.trace(np.arange(points, dtype=np.int32), x_delta=0.5)

    @command
    def set_label(self, text: str) -> None:
        """Publish a text."""
        self.label = text

    @command
    def flood(self, times: int, size: int) -> None:
        """Publish long texts."""
        for step in range(times):
            self.label = f"{step}" + "x" * size
