"""Refusal of ZeroMQ connections in the Python children of a plan, which find this first on their
PYTHONPATH.

It may run in any environment: it needs nothing but the standard library, and what it hides is run
after it.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

MODULE = "zmq.sugar.socket"
VARIABLE = "DEALER_PLAN"


def refuse_connections() -> None:
    """Let no ZeroMQ socket of this process connect to anything outside of it."""
    if MODULE in sys.modules:
        _guard(sys.modules[MODULE])
    else:
        sys.meta_path.insert(0, _Watch())


class _Watch(importlib.abc.MetaPathFinder):
    """Guards the module when it is imported."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != MODULE:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_and_guard(module: ModuleType) -> None:
                load(module)
                _guard(module)

            spec.loader.exec_module = load_and_guard  # type: ignore[method-assign]
        return spec


def _guard(module: ModuleType) -> None:
    connect = module.Socket.connect

    def checked(self: Any, addr: Any, *args: Any, **kwargs: Any) -> Any:
        where = addr.decode(errors="replace") if isinstance(addr, bytes) else str(addr)
        if where.startswith("inproc:"):
            return connect(self, addr, *args, **kwargs)
        _tell(f"connect to {where}")
        error: Exception = module.ZMQError(
            errno.ECONNREFUSED,
            f"this is a `dealer plan` ({VARIABLE} is set), which does not connect to {where}",
        )
        raise error

    module.Socket.connect = checked


def _tell(what: str) -> None:
    words = " ".join(getattr(sys, "orig_argv", sys.argv)).split()
    record = {"refused": what, "by": " ".join(words)[:120], "pid": os.getpid()}
    with (
        contextlib.suppress(OSError),
        open(os.environ.get(VARIABLE, ""), "ab", buffering=0) as file,
    ):
        file.write(json.dumps(record).encode() + b"\n")


def _run_hidden() -> None:
    """Run the module of this name that would have been found."""
    here = os.path.dirname(os.path.abspath(__file__))
    others = [place for place in sys.path if os.path.abspath(place) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if __name__ == "sitecustomize":
    if os.environ.get(VARIABLE):
        refuse_connections()
    _run_hidden()
