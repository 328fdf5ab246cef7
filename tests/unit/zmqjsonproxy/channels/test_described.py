"""What is told of properties, beside their values."""

from __future__ import annotations

from groundwork.values import JsonValue
from zmqjsonproxy.channels.link import Link
from zmqjsonproxy.channels.properties import Declared, PropertyTable
from zmqjsonproxy.channels.protocol.limits import NO_LIMITS
from zmqjsonproxy.channels.settings import LinkSettings
from zmqjsonproxy.channels.updates import Event, Update


class Sink:
    def __init__(self) -> None:
        self.updates: list[Update] = []

    def take(self, updates: object) -> None:
        self.updates += updates  # type: ignore[arg-type]

    def note(self, event: Event) -> None:
        pass


def test_a_property_is_told_with_number_and_time_of_its_last_update() -> None:
    table = PropertyTable([Declared(name="level", unit="dB")])
    assert "number" not in table.describe()[0]
    table.publish("level", 1.0, 1_000_000)
    table.publish("level", 2.0, 2_500_000)
    (told,) = table.describe()
    assert (told["number"], told["time"], told["unit"]) == (2, 2.5, "dB")


def test_an_update_says_of_which_kind_its_property_is() -> None:
    link, sink = Link("BANKA", LinkSettings()), Sink()
    link.subscribe(("bank", "*", NO_LIMITS), sink)
    link.tick(0.0, True)
    link.opened("instance", 0.0)
    ask = next(ask for ask in link.asks if ask.wishes)
    streams: JsonValue = [[1, "alarm", "message", 0], [2, "level", "result", 1, 0, 1.0]]
    link.answered(ask, [{"streams": streams}], None, 0.0)
    link.take({"method": "rpc.update", "params": [1, 1, 0, {}]}, 0.0)
    link.hand_over()
    assert {update.name: update.kind for update in sink.updates} == {
        "level": "result",
        "alarm": "message",
    }
