"""Marks for the children of a plan's process: whatever way they are started, they make no
connections either."""

from __future__ import annotations

import _posixsubprocess
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dealer.planchild import sitecustomize
from groundwork.planned import VARIABLE

__all__ = ["mark_process_and_children"]

ENV_OF_FORK_EXEC = 5  # which argument of `_posixsubprocess.fork_exec`
_PATH = "PYTHONPATH"


def mark_process_and_children(records: str) -> None:
    """Let this process, and its children from now on, make no connections.

    Args:
        records: The plan's file, for what they are refused.
    """
    sitecustomize.refuse_connections()
    folder = str(Path(sitecustomize.__file__).parent)

    def marked(env: Mapping[Any, Any]) -> dict[str, str]:
        found = {os.fsdecode(name): os.fsdecode(value) for name, value in env.items()}
        places = [
            place for place in found.get(_PATH, "").split(os.pathsep) if place and place != folder
        ]
        return {**found, VARIABLE: records, _PATH: os.pathsep.join([folder, *places])}

    os.environ.update(marked(os.environ))
    _wrap_starts(marked)
    _forget_fork_server()


def _forget_fork_server() -> None:
    """Have this process start a fork server of its own, with the marks.

    One that was started before the fork is no child of this process: multiprocessing waits for it
    and raises ChildProcessError, and what it starts has no marks.
    """
    module = sys.modules.get("multiprocessing.forkserver")
    if module is not None:
        module.ensure_running.__self__.__init__()


def _wrap_starts(marked: Callable[[Mapping[Any, Any]], dict[str, str]]) -> None:
    """Have all that starts a program give it the marks, whatever environment it is to have."""
    fork_exec: Callable[..., int] = _posixsubprocess.fork_exec
    execve, system = os.execve, os.system

    def marked_fork_exec(*args: Any) -> int:
        given = args[ENV_OF_FORK_EXEC]
        env = (
            os.environ
            if given is None
            else dict(one.split(b"=", 1) for one in given if b"=" in one)
        )
        whole = [os.fsencode(f"{name}={value}") for name, value in marked(env).items()]
        return fork_exec(*args[:ENV_OF_FORK_EXEC], whole, *args[ENV_OF_FORK_EXEC + 1 :])

    def marked_system(command: Any) -> int:
        os.environ.update(marked(os.environ))
        return system(command)

    def with_env(function: Callable[..., Any]) -> Callable[..., Any]:
        def start(path: Any, args: Any, env: Mapping[Any, Any] | None, **more: Any) -> Any:
            # None is that of this process, for posix_spawn since Python 3.13
            return function(path, args, marked(os.environ if env is None else env), **more)

        return start

    _posixsubprocess.fork_exec = subprocess._fork_exec = marked_fork_exec  # type: ignore[attr-defined]
    os.system = marked_system
    os.execve = with_env(execve)
    os.execv = lambda path, args: execve(path, args, marked(os.environ))
    for name in ("posix_spawn", "posix_spawnp"):
        setattr(os, name, with_env(getattr(os, name)))
