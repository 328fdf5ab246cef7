"""The end of streams and requests of people who may not any more, and new certificates: what an HTTP
server with logins looks at again and again."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Callable

from player.endpoints.http.connections import ConnectionWatch
from player.endpoints.http.guard import Guard, RunningRequest
from player.endpoints.http.logins import Logins
from player.endpoints.http.protocol.sessions import Person
from player.endpoints.http.tls import Certificate

__all__ = ["Revocations"]

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.25
"""At the keys of people whose requests go on."""
_CUT_AFTER_S = 0.5
"""A stream that was told to end has so long to say so."""
_CERTIFICATE_EVERY = 240
"""Looks at the keys between two at the certificate."""


class Revocations:
    """Looks at the keys of people, and at the certificate.

    Args:
        guard: Knows which requests go on.
        watch: Connections of the server.
        logins: Of people; None: nobody has to log in.
        certificate: Of TLS; None: it is not spoken.
    """

    def __init__(
        self,
        guard: Guard,
        watch: ConnectionWatch,
        logins: Logins | None,
        certificate: Certificate | None,
    ) -> None:
        self._guard, self._watch = guard, watch
        self._logins, self._certificate = logins, certificate

    @contextlib.asynccontextmanager
    async def looking(self, end_of: Callable[[Person, str], None]) -> AsyncIterator[None]:
        """Look meanwhile.

        Args:
            end_of: Has the streams of a person end, and tell why.
        """
        task = asyncio.create_task(self._look(end_of))
        try:
            yield
        finally:
            task.cancel()

    async def _look(self, end_of: Callable[[Person, str], None]) -> None:
        for count in itertools.count(1):
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                self._end_revoked(end_of)
                if self._certificate is not None and count % _CERTIFICATE_EVERY == 0:
                    await asyncio.to_thread(self._certificate.look)
            except Exception:  # of a key folder: others are looked at on
                log.exception("the keys of people could not be looked at")

    def _end_revoked(self, end_of: Callable[[Person, str], None]) -> None:
        if self._logins is None:
            return
        loop = asyncio.get_running_loop()
        for request in self._guard.running:
            person = request.person
            if why := self._logins.ended(person):
                end_of(person, why)
                loop.call_later(_CUT_AFTER_S, self._cut, request)

    def _cut(self, request: RunningRequest) -> None:
        """Cut the connection of a request that goes on all the same."""
        if request in self._guard.running:
            self._watch.cut(request.peer)
