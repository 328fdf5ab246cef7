"""The histogrammer of a Bank, for the endpoints that serve it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from player.bank import Bank
from zmqjsonproxy.errors import RefusedError

if TYPE_CHECKING:
    from histogrammer.service import Histogrammer

__all__ = ["histogrammer_of"]


def histogrammer_of(bank: Bank) -> Histogrammer:
    """Return the histogrammer that a Bank has.

    Raises:
        RefusedError: It is a Bank of another kind.
    """
    from histogrammer.service import Histogrammer  # late: it loads numpy, and what compiles

    found = getattr(bank, "histogrammer", None)
    if not isinstance(found, Histogrammer):
        raise RefusedError(
            f'{bank.name} is no histogrammer: give it `kind = "histogrammer"`, or take the table of '
            "this endpoint away"
        )
    return found
