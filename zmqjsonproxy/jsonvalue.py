"""The type of what travels: one alias, for everything that JSON can hold, arrays and bytes."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["JsonValue"]

JsonValue: TypeAlias = Any
"""Texts, numbers, booleans, None, lists and dictionaries of these, arrays and bytes. Which of them,
the method that is called says; its caller knows."""
