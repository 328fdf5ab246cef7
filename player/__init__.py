"""The Player: the host process of one Bank. Start it with `player` (see `player.cli`).

`Bank` is the Bank in this process, for a shell: `from player import Bank; p = Bank("BANKA")`. The
base class of all kinds of Banks is `player.bank.Bank`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from groundwork.lazyimports import lazy_names

if TYPE_CHECKING:
    from player.interactive import InteractiveBank as Bank

__all__ = ["Bank"]

# The command must take over signals before anything heavy is loaded.
__getattr__ = lazy_names(__name__, {"Bank": "player.interactive:InteractiveBank"})
