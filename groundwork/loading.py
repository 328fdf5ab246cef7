"""Loading of anybody's code by its name, `module:NAME`, and a sentence for whatever is wrong with
it.

Distributions register names for such targets as entry points; who registers what is told here, too.
"""

from __future__ import annotations

import importlib
import traceback
from collections.abc import Mapping
from typing import Any

from groundwork.errors import text_of
from groundwork.extras import install_advice

__all__ = ["TargetError", "load_target", "raised_where", "registered", "target_of"]

Targets = Mapping[str, Mapping[str, str]]
"""Name -> `module:NAME` -> the distribution that registers it; several of a name contradict each
other."""


class TargetError(Exception):
    """Error: what a name stands for cannot be had; the text says why.

    Attributes:
        missing: Module that is not installed, if that is the reason; empty otherwise.
    """

    def __init__(self, text: str, missing: str = "") -> None:
        super().__init__(text, missing)
        self.missing = missing

    def __str__(self) -> str:
        return str(self.args[0])


def registered(group: str, built_in: Mapping[str, str]) -> Targets:
    """Return what distributions register in a group of entry points, which wins over what is built
    in."""
    import importlib.metadata  # late: it takes longer than all else here

    found: dict[str, dict[str, str]] = {}
    for entry in importlib.metadata.entry_points(group=group):
        who = (
            "a distribution without a name"
            if entry.dist is None
            else f"{entry.dist.name} {entry.dist.version}"
        )
        found.setdefault(entry.name, {})[entry.value] = who
    return {**{name: {target: "dealer-player"} for name, target in built_in.items()}, **found}


def target_of(name: str, targets: Targets) -> str:
    """Return `module:NAME` of a registered name.

    Raises:
        KeyError: Nobody registers it.
        TargetError: Several do, and all are named.
    """
    found = targets[name]
    if len(found) > 1:
        who = " and ".join(f"{target} by {distribution}" for target, distribution in found.items())
        raise TargetError(
            f"registered more than once: {who}; uninstall all but one, or write module:NAME"
        )
    (target,) = found
    return target


def load_target(target: str) -> Any:
    """Import a module and return what it has under a name.

    Args:
        target: `module:NAME`, as entry points have it.

    Raises:
        TargetError: There is no such module, it raises while it is imported, or has nothing of the
            name.
    """
    module_name, _, name = target.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        missing = str(error.name) if isinstance(error, ModuleNotFoundError) else ""
        if missing and f"{module_name}.".startswith(f"{missing}."):
            raise TargetError(f"cannot import {target}: {error}", missing) from error
        if advice := install_advice(missing):
            raise TargetError(f"importing {target}: {advice}", missing) from error
        raise TargetError(
            f"importing {target} raised {raised_where(error)}: {text_of(error)}", missing
        ) from error
    try:
        return getattr(module, name)
    except AttributeError as error:
        raise TargetError(f"module {module_name} has no {name}") from error


def raised_where(error: BaseException) -> str:
    """Return `ValueError in bank.py:12`: what was raised and where, for a sentence."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{type(error).__name__} in {error.filename}:{error.lineno}"
    frames = [
        f
        for f in traceback.extract_tb(error.__traceback__)
        if not f.filename.startswith("<frozen ")
    ]
    return type(error).__name__ + (
        f" in {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    )
