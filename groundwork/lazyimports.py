"""Names of a package that are loaded when they are first asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(package: str, modules: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package; it knows `__version__`, too.

    Args:
        package: Its `__name__`.
        modules: Module that defines each name; `MODULE:NAME` if it is called otherwise there.
    """

    def get(name: str) -> Any:
        if name == "__version__":
            from groundwork.version import version

            return version()
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, defined = modules[name].partition(":")
        found = getattr(import_module(module), defined or name)
        setattr(sys.modules[package], name, found)
        return found

    return get
