"""The Player: the host process of one Bank. Start it with `player` (see `player.cli`).

`Bank` is the Bank in this process, for a shell: `from player import Bank; p = Bank("BANKA")`. The
base class of all kinds of Banks is `player.bank.Bank`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from player.interactive import Bank

__all__ = ["Bank"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from groundwork.commandline import version

        return version()
    if name != "Bank":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from player.interactive import (
        Bank,
    )  # late: the command must take over signals before anything heavy is loaded

    globals()[name] = Bank
    return Bank
