"""Served Banks whose control runs by a clock that tests turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from support.rpc_bank import Bank, serving

from zmqjsonproxy.control.protocol.lease import Lease
from zmqjsonproxy.control.served import ServedControl

WALL = 1_800_000_000.0
"""2027-01-15 08:00:00 UTC."""


@dataclass
class Turned:
    """A clock that stands until it is turned, s."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@dataclass
class Controlled:
    """A served Bank, its control and its clock."""

    url: str
    bank: Bank
    control: ServedControl
    clock: Turned
    kept: list[bool] = field(default_factory=list)


@contextmanager
def controlled(name: str = "BANKA", *, is_required: bool = False) -> Iterator[Controlled]:
    """A Bank in a server in a thread, with the object `control` and its gate."""
    with serving() as (url, bank):
        clock, kept = Turned(), list[bool]()
        control = ServedControl(
            Lease(name, is_required=is_required),
            now=clock,
            wall=lambda: WALL,
            keep=lambda _lease, is_other: kept.append(is_other),
        )
        assert bank.server is not None
        bank.server.expose("control", control)
        bank.server.engine.gate = control
        yield Controlled(url, bank, control, clock, kept)
