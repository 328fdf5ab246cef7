"""Control that the commands of one user share: what `dealer control take` was given, in a file of
that user."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from groundwork.wholefiles import WholeFile
from zmqjsonproxy.control.protocol.lease import Credential

__all__ = ["KeptControl", "control_file"]

_FOLDER = os.O_DIRECTORY | os.O_CLOEXEC | os.O_RDONLY
_Kept = dict[str, tuple[str, float]]
_MAX_BYTES = 1_000_000


def control_file(environment: Mapping[str, str]) -> Path | None:
    """Return where it is: below $XDG_STATE_HOME, else in the home folder; None: there is none."""
    if state := environment.get("XDG_STATE_HOME"):
        return Path(state) / "dealer-player" / "control.json"
    home = environment.get("HOME")
    return Path(home) / ".local" / "state" / "dealer-player" / "control.json" if home else None


class KeptControl:
    """Credentials by the URLs of Players, until they end.

    Args:
        path: The file, which its owner alone may read; None: nothing is kept.
        now: UTC, unix seconds.
    """

    def __init__(self, path: Path | None, now: Callable[[], float] = time.time) -> None:
        self._path, self._now = path, now

    def credentials(self) -> dict[str, str]:
        """Return URL -> credential, of those that have not ended by their time."""
        return {url: credential for url, (credential, _) in self._read().items()}

    def leases(self) -> dict[str, int]:
        """Return URL -> number of the lease, likewise; another one may have begun there since."""
        read = {url: Credential.read(text) for url, text in self.credentials().items()}
        return {url: each.number for url, each in read.items() if each is not None}

    def add(self, taken: Mapping[str, tuple[str, float]]) -> None:
        """Keep URL -> credential, and when it ends (UTC, unix seconds). OSError: it cannot be."""
        self._change(lambda known: known | dict(taken))

    def remove(self, urls: list[str]) -> None:
        """Forget those of some Players. OSError: the file cannot be written."""
        if self._read().keys() & set(urls):
            self._change(lambda known: {url: k for url, k in known.items() if url not in urls})

    def _read(self) -> _Kept:
        if self._path is None:
            return {}
        try:
            with self._path.open("rb") as file:
                known = json.loads(file.read(_MAX_BYTES))
            found = {
                str(url): (str(credential), float(until))
                for url, (credential, until) in known.items()
            }
        except (OSError, ValueError, TypeError, AttributeError, RecursionError):
            return {}  # whoever took control takes it again, or waits for its end
        return {url: kept for url, kept in found.items() if kept[1] > self._now()}

    def _change(self, changed: Callable[[_Kept], _Kept]) -> None:
        """Write what is made of the file, one command after the other."""
        if self._path is None:
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = os.open(self._path.parent, _FOLDER)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            with WholeFile(folder, self._path.name, 0o600) as file:
                file.write(json.dumps(changed(self._read())).encode())
                file.commit()
        finally:
            os.close(folder)
