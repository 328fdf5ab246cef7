"""Where the class of a kind of Bank or of a door is found: entry points, or `module:Class` in the file."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Mapping
from typing import TypeVar

from player.bank import Bank
from player.doors.base import SiteDoor
from player.errors import KindError

__all__ = ["BUILT_IN", "DOORS_GROUP", "GROUP", "door_names", "find_door", "find_kind", "kind_names"]

GROUP = "dealer_player.banks"
DOORS_GROUP = "dealer_player.doors"

# Used where the package runs from a source tree without distribution metadata.
BUILT_IN = {"spectrometer": "spectrometer.bank:SpectrometerBank"}

T = TypeVar("T")


def _registered(group: str, built_in: Mapping[str, str]) -> dict[str, str]:
    """Return name -> `module:Class`; an entry point wins over what is built in."""
    found = dict(built_in)
    for entry in importlib.metadata.entry_points(group=group):
        found[entry.name] = entry.value
    return found


def kind_names() -> list[str]:
    """Return the names of the kinds of Banks that are installed, sorted."""
    return sorted(_registered(GROUP, BUILT_IN))


def door_names() -> list[str]:
    """Return the names of the doors that are installed, besides the one for calls, sorted."""
    return sorted(_registered(DOORS_GROUP, {}))


def find_kind(kind: str) -> type[Bank]:
    """Return the class of a kind of Bank.

    Args:
        kind: A registered name, or `module:Class` for a kind that no distribution registers.

    Raises:
        KindError: No such kind, or it cannot be imported, or it is no Bank.
    """
    return _find(kind, _registered(GROUP, BUILT_IN), Bank, "kind of Bank")


def find_door(kind: str) -> type[SiteDoor]:
    """Return the class of a door.

    Args:
        kind: A registered name, or `module:Class` for a door that no distribution registers.

    Raises:
        KindError: No such door, or it cannot be imported, or it is none.
    """
    return _find(kind, _registered(DOORS_GROUP, {}), SiteDoor, "door")  # type: ignore[type-abstract]  # only subclasses are returned


def _find(name: str, registered: Mapping[str, str], base: type[T], what: str) -> type[T]:
    target = name if ":" in name else registered.get(name)
    if target is None:
        there_are = f"there are {', '.join(sorted(registered))}" if registered else "none is installed"
        raise KindError(name, f"no such {what}; {there_are}")
    module_name, _, attribute = target.partition(":")
    try:
        found = getattr(importlib.import_module(module_name), attribute)
    except ImportError as error:
        raise KindError(name, f"cannot import {target}: {error}") from error
    except AttributeError as error:
        raise KindError(name, f"module {module_name} has no {attribute}") from error
    except Exception as error:  # whatever a site's own module does while it is imported
        raise KindError(name, f"importing {target} raised {type(error).__name__}: {error}") from error
    if not (isinstance(found, type) and issubclass(found, base)):
        raise KindError(name, f"{target} is not a subclass of {base.__module__}.{base.__name__}")
    return found
