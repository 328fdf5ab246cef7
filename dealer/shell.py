"""The Python prompt of the command `dealer`: `d` is the Dealer."""

from __future__ import annotations

import dealer
from dealer.advice import advice_for
from dealer.errors import DealerError
from groundwork.prompt import run_prompt
from zmqjsonproxy import ZMQJSONProxyClient
from zmqjsonproxy.errors import ProxyError, RemoteError

__all__ = ["banner", "explained", "run"]


def banner(d: dealer.Dealer) -> str:
    """Return what is told before the first prompt."""
    others = [name for name in d.list_available_players() if name not in d.list_active_players()]
    more = (
        f"; d.add_active_player({others[0]!r}) takes more, there are {', '.join(others)}"
        if others
        else ""
    )
    return (
        f"d conducts {', '.join(d.list_active_players()) or 'no Player yet'}{more}.\n"
        "d.<Tab> shows what it can do, help(d.NAME) explains it, Ctrl-C leaves a wait, Ctrl-D ends."
    )


def explained(error: BaseException | None) -> str | None:
    """Return what is shown of an error that explains itself; None: the traceback says more."""
    if isinstance(error, KeyboardInterrupt):
        return "\nKeyboardInterrupt: the wait is over; what was begun goes on at the Players (d.stop() ends a scan)"
    if isinstance(error, AttributeError) and isinstance(
        error.obj, ZMQJSONProxyClient | dealer.Dealer
    ):
        return f"AttributeError: {error}"
    if isinstance(error, RemoteError) and not error.traceback:
        return f"{error.type}: {error.text}"
    if not isinstance(error, DealerError | ProxyError):
        return None
    return "\n".join([f"{type(error).__name__}: {error}", *advice_for(error)])


def run(d: dealer.Dealer) -> None:
    """Read and carry out lines until the end of input."""
    names = {
        "d": d,
        "dealer": dealer,
        "Dealer": dealer.Dealer,
        "Switching": dealer.Switching,
        "SWbits": dealer.SWbits,
    }
    run_prompt(names, banner(d), explained)
