"""Where the class of a kind of Bank is found: entry points, or `module:Class` in the file."""

from __future__ import annotations

import importlib
import importlib.metadata

from player.bank import Bank
from player.errors import KindError

__all__ = ["BUILT_IN", "GROUP", "find_kind", "kind_names"]

GROUP = "dealer_player.banks"

# Used where the package runs from a source tree without distribution metadata.
BUILT_IN = {"spectrometer": "spectrometer.bank:SpectrometerBank"}


def _registered() -> dict[str, str]:
    """Return kind -> `module:Class`; an entry point wins over the table above."""
    found = dict(BUILT_IN)
    for entry in importlib.metadata.entry_points(group=GROUP):
        found[entry.name] = entry.value
    return found


def kind_names() -> list[str]:
    """Return the names of the kinds that are installed, sorted."""
    return sorted(_registered())


def find_kind(kind: str) -> type[Bank]:
    """Return the class of a kind.

    Args:
        kind: A registered name, or `module:Class` for a kind that no distribution registers.

    Raises:
        KindError: No such kind, or it cannot be imported, or it is no Bank.
    """
    target = kind if ":" in kind else _registered().get(kind)
    if target is None:
        raise KindError(kind, f"no such kind of Bank; there are {', '.join(kind_names())}")
    module_name, _, attribute = target.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except ImportError as error:
        raise KindError(kind, f"cannot import {target}: {error}") from error
    except AttributeError as error:
        raise KindError(kind, f"module {module_name} has no {attribute}") from error
    except Exception as error:  # whatever a site's own module does while it is imported
        raise KindError(kind, f"importing {target} raised {type(error).__name__}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, Bank)):
        raise KindError(kind, f"{target} is not a subclass of player.bank.Bank")
    return found
