"""Names of types: what JSON and TOML hold, which is looked at before it is used, and functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Function", "JsonObject", "JsonValue"]

JsonValue: TypeAlias = object
"""None, a truth value, number or text, a list or an object of such; of TOML a date or time, too."""
JsonObject: TypeAlias = dict[str, object]
"""An object, or a table."""
Function: TypeAlias = Callable[..., object]
"""What is called with whatever a caller sends, which it checks itself."""
