"""A kit for testing one's own kind of Bank: a real Player in a thread, real sockets, faults, a
clock to turn.

from player.testing import HostedBank

def test_ramp() -> None:
    with HostedBank(PowerSupply, {"limit_v": 30.0}) as hosted:
        hosted.proxy.set_voltage(5.0)
        assert hosted.proxy.get_voltage() == 5.0
"""

from player.testing.clock import ManualClock
from player.testing.faults import Faults
from player.testing.hosted import HostedBank
from player.testing.wire import Wire

__all__ = ["Faults", "HostedBank", "ManualClock", "Wire"]
