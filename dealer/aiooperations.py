"""One operation on several Banks, for programs that use asyncio."""

from __future__ import annotations

from typing import Any, Self, TypeVar

from dealer.operations import HeardOperations
from dealer.outcome import Outcomes
from zmqjsonproxy import AsyncOperation
from zmqjsonproxy.rpc.aiosteps import take_in_task
from zmqjsonproxy.rpc.steps import Steps

__all__ = ["AsyncOperations"]

T = TypeVar("T")


class AsyncOperations(HeardOperations[AsyncOperation]):
    """Bank -> its operation, in the order of the Banks: as `Operations`, but what waits is awaited.

    Attributes tell what was heard last, as those of an AsyncOperation.
    """

    async def _take(self, steps: Steps[T]) -> T:
        return await take_in_task(self._hub, steps)

    async def look(self) -> Self:
        """Ask all for news now; returns itself."""
        await self._take(self._looks())
        return self

    async def wait(self, timeout: float | None = None) -> bool:
        """Wait until all have a final state, whichever; whether they have.

        Args:
            timeout: s; None: as long as it takes.
        """
        return await self._take(self._waits(timeout))

    async def outcomes(self, timeout: float | None = None) -> Outcomes:
        """Wait for all; Bank -> outcome. One that has not ended in time has a TimeoutError. Raises
        for none."""
        return await self._take(self._outcomes(timeout))

    async def result(self, timeout: float | None = None) -> dict[str, Any]:
        """Wait for all; Bank -> value. PlayersError as that of `Operations.result`.

        Args:
            timeout: s; None: as long as it takes.
        """
        return await self._take(self._result(timeout))

    async def abort(self, reason: str = "") -> None:
        """Ask all to end; PlayersError names the Banks that could not be asked."""
        await self._take(self._abort(reason))
