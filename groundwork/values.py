"""Names of types: what JSON and TOML hold, which is looked at before it is used, and functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["Function", "JsonObject", "JsonValue", "RemoteValue"]

JsonValue: TypeAlias = object
"""None, a truth value, number or text, a list or an object of such; of TOML a date or time, too."""
JsonObject: TypeAlias = dict[str, object]
"""An object, or a table."""
Function: TypeAlias = Callable[..., object]
"""Function that is called with whatever a caller sends, and checks it itself."""
RemoteValue: TypeAlias = Any
"""A value that travels to a remote method, or from it: of a type that the method says and its callers
know. Nobody in between looks at it."""
