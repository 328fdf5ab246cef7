"""Files of compiled functions: one file for each function and its types, checked before it is used.

numba's own cache numbers its files in an index, which processes that start at once overwrite for
each other, and believes whatever a file holds: damaged machine code ends the process. Here a file
has the name of what it holds, appears by a rename, and begins with a checksum. Whatever cannot be
read, written or trusted is compiled anew, in memory.
"""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["CompiledCache", "default_folder"]

SUFFIX = ".compiled"
OLD_DAYS = 30
"""Files of former versions of a function are removed after so long."""

_log = logging.getLogger(__name__)


def default_folder(environment: Mapping[str, str]) -> Path | None:
    """Return the folder of all compiled functions; None: there is no place for one.

    It is `dealer-player` in `NUMBA_CACHE_DIR`, `XDG_CACHE_HOME` or `~/.cache`. The environment is
    read here, and not by a command: functions are compiled in whatever program imports them.
    """
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        if folder := environment.get(name):
            return Path(folder).absolute() / "dealer-player"
    if home := environment.get("HOME"):
        return Path(home).absolute() / ".cache" / "dealer-player"
    return None


class CompiledCache:
    """Cache of one function, with the methods by which numba's dispatcher uses its own.

    Args:
        folder: Made when it is needed.
        name: Of the function, with its module.
        fingerprint: Text that changes with its code.
    """

    def __init__(self, folder: Path, name: str, fingerprint: str) -> None:
        self._folder, self._name, self._fingerprint = folder, name, fingerprint

    def attach(self, dispatcher: Any) -> None:
        """Let a dispatcher of numba use it."""
        dispatcher._cache = self  # noqa: SLF001 - numba has no public way to give it a cache

    @property
    def cache_path(self) -> str:
        """Folder, as numba's statistics show it."""
        return str(self._folder)

    def enable(self) -> None:
        """Do nothing: it is always in use."""

    def disable(self) -> None:
        """Do nothing, as `enable`."""

    def flush(self) -> None:
        """Do nothing: a file is never out of date."""

    def load_overload(self, signature: object, target_context: Any) -> object | None:
        """Return what was compiled for a signature; None: it has to be compiled."""
        import numba.core.compiler

        rebuild: Callable[..., object] = numba.core.compiler.CompileResult._rebuild  # noqa: SLF001
        target_context.refresh()
        key = self._key(signature, target_context.codegen())
        path = self._path(key)
        try:
            payload = _unsealed(path, key)
            if payload is None:
                return None
            return rebuild(target_context, *pickle.loads(payload))
        except Exception as error:  # whatever pickle and numba raise for what they do not know
            _log.info("%s: thrown away: %s", path, error)
            _remove(path)
            return None

    def save_overload(self, signature: object, result: Any) -> None:
        """Keep what was compiled for a signature."""
        import numba.core.serialize

        dumps: Callable[[object], bytes] = numba.core.serialize.dumps
        key = self._key(signature, result.codegen)
        path = self._path(key)
        try:
            payload = dumps(result._reduce())  # noqa: SLF001 - as numba's own cache does
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(path, _checksum(key, payload) + payload)
            self._remove_old()
        except Exception as error:  # a full disk, no rights, or something that cannot be pickled
            _log.info("%s: not written: %s", path, error)

    def _key(self, signature: object, codegen: Any) -> bytes:
        import llvmlite
        import numba

        versions = numba.__version__, llvmlite.__version__, sys.version, sys.abiflags
        parts = versions, self._name, self._fingerprint, str(signature), codegen.magic_tuple()
        return repr(parts).encode()

    def _path(self, key: bytes) -> Path:
        digest = hashlib.sha256(key).hexdigest()[:32]
        return self._folder / f"{self._name}-{digest}{SUFFIX}"

    def _remove_old(self) -> None:
        """Remove files of former versions, and those that a killed process left half written."""
        before = time.time() - 86400 * OLD_DAYS
        for path in self._folder.glob(f"*{self._name}-*"):
            if path.stat().st_mtime < before:
                _remove(path)


def _checksum(key: bytes, payload: bytes) -> bytes:
    return hashlib.sha256(key + payload).digest()


def _unsealed(path: Path, key: bytes) -> bytes | None:
    """Return what a file holds; None: there is none.

    Raises:
        ValueError: It is damaged, or somebody else may have written it: unpickling is to run code.
    """
    try:
        file = path.open("rb")
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    with file:
        about = os.fstat(file.fileno())
        if about.st_uid not in (0, os.geteuid()) or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ValueError("others may write it")
        content = file.read()
    size = hashlib.sha256().digest_size
    payload = content[size:]
    if content[:size] != _checksum(key, payload):
        raise ValueError("damaged")
    return payload


def _write(path: Path, content: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except BaseException:
        _remove(Path(name))
        raise


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.debug("%s: not removed: %s", path, error)
