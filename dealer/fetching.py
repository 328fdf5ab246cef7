"""Files of Banks fetched: the verb of one Bank, and what came of it for the verb of several."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dealer.fanout import BankCalls
from dealer.outcome import Outcome
from zmqjsonproxy.errors import ProxyError

if TYPE_CHECKING:
    from zmqjsonproxy import Hub
    from zmqjsonproxy.files.fetch import Fetched, FetchProgress

__all__ = ["FETCH_TIMEOUT", "FetchVerbs", "fetched_from"]

FETCH_TIMEOUT = 30.0
"""Of one request of a fetch, s."""


class FetchVerbs:
    """Verbs of a proxy about files, as coroutines."""

    _url: str
    _calls: Hub

    async def fetch(
        self,
        name: str,
        to: str | os.PathLike[str] = ".",
        *,
        part: tuple[int, int | None] | None = None,
        rate: float | None = None,
        timeout: float = FETCH_TIMEOUT,
        progress: Callable[[FetchProgress], object] | None = None,
    ) -> Fetched:
        """Fetch a file of the Bank's Player; what was fetched, with its `path` here and `sha256`.

        An interrupted fetch leaves `NAME.part` beside the target, and the next one goes on there. A
        Player that is away is asked again. What came is compared with the Player's file, by
        checksum, before it gets its name. A file that is written to meanwhile is fetched as it was at
        one moment, and `is_growing` says so.

        Args:
            name: `AREA/PATH`; or a bare name, which is looked for at the top of all areas in their
                order.
            to: A folder, or the name of a file in one that exists; that is replaced in the end.
            part: First and last byte that are wanted, None for the last one: to the end. None: all.
            rate: Bytes/s at most, on average; None: as fast as it goes.
            timeout: Of one request; so long nothing may come at all, s.
            progress: Called with what is there, of how many bytes, with each piece.

        Raises:
            RefusedError: The Player has no such file, or does not give it.
            FetchError: It was replaced meanwhile, or cannot be written here, or nothing came for
                too long.
            ProxyError: As a call.
        """
        from zmqjsonproxy.files.fetch import fetch  # late: most Dealers fetch nothing

        asked = self._calls, self._url, name, Path(to)
        return await fetch(*asked, part=part, rate=rate, timeout=timeout, progress=progress)


async def fetched_from(
    calls: BankCalls,
    bank: str,
    name: str,
    folder: Path,
    *,
    part: tuple[int, int | None] | None,
    rate: float | None,
    timeout: float,
    progress: Callable[[FetchProgress], object] | None,
) -> Outcome:
    """Fetch a file of one of many Banks; what was fetched, or why not.

    Args:
        calls: To Banks.
        bank: Which.
        name: As of `FetchVerbs.fetch`; so are those not named here.
        folder: Where it goes; made, if need be.
    """
    from zmqjsonproxy.files.fetch import fetch

    try:
        folder.mkdir(parents=True, exist_ok=True)
        asked = calls.hub, calls.urls[bank], name, folder
        return Outcome(
            bank, await fetch(*asked, part=part, rate=rate, timeout=timeout, progress=progress)
        )
    except (ProxyError, OSError) as error:
        return Outcome(bank, None, error)
