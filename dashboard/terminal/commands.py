"""Lines that are typed out, as `stop BANKA`: calls of methods of Banks, with the keys of whoever runs
the terminal."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.terminal.snapshot import ArraySnapshot
from dealer.commands import banks_named, read_value
from dealer.errors import DealerError
from zmqjsonproxy import AsyncHub

__all__ = ["Commands", "TypedCall", "read_call"]

TIMEOUT_S = 60.0
STOPS = frozenset({"stop", "abort"})
"""Methods that a Bank is asked for though it is silent: doubts of ours are no reason not to stop it."""


@dataclass(frozen=True, slots=True)
class TypedCall:
    """A call of some Banks.

    Attributes:
        banks: Which.
        object_name: Exposed object.
        method: Its method.
        args: Arguments.
        kwargs: Keyword arguments.
    """

    banks: Sequence[str]
    object_name: str
    method: str
    args: Sequence[Any]
    kwargs: Mapping[str, Any]


def read_call(line: str, banks: Sequence[str]) -> TypedCall:
    """Read METHOD BANKS ARGUMENTS, as of `dealer call`; the Banks are named in any case.

    Args:
        line: It.
        banks: All there are.

    Raises:
        ValueError: It is none.
        DealerError: There is no such Bank.
    """
    words = shlex.split(line)
    if len(words) < 2:
        raise ValueError(
            "write METHOD BANKS ARGUMENTS, as: stop BANKA, or: set_param all exposure=0.5"
        )
    path, named, *rest = words
    object_name, _, method = path.rpartition(".")
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for word in rest:
        name, equals, value = word.partition("=")
        if equals and name.isidentifier():
            kwargs[name] = read_value(value)
        else:
            args.append(read_value(word))
    return TypedCall(banks_named(named, list(banks)), object_name or "bank", method, args, kwargs)


class Commands:
    """Carries out what is typed.

    Args:
        calls: Makes calls.
        urls: Bank -> URL of its Player.
        state: Returns the present state.
    """

    def __init__(
        self, calls: AsyncHub, urls: Mapping[str, str], state: Callable[[], ArraySnapshot]
    ) -> None:
        self._calls, self._urls, self._state = calls, urls, state

    async def run(self, line: str) -> str:
        """Return what came of a line, Bank by Bank."""
        try:
            call = read_call(line, list(self._urls))
        except (ValueError, DealerError) as error:
            return str(error)
        silent = self._silent(call)
        if silent:
            are = "is" if len(silent) == 1 else "are"
            return f"{call.method}: not sent: {', '.join(silent)} {are} silent"
        results = await self._calls.call_each(
            [self._urls[bank] for bank in call.banks],
            call.object_name,
            call.method,
            tuple(call.args),
            dict(call.kwargs),
            timeout=TIMEOUT_S,
        )
        told = [
            f"{bank}: {'done' if result.error is None else result.error}"
            for bank, result in zip(call.banks, results, strict=True)
        ]
        return f"{call.method}: {'; '.join(told)}"

    def _silent(self, call: TypedCall) -> list[str]:
        """Return Banks that are not asked, because what is shown of them is not of now."""
        shown = self._state()
        states = {
            bank: (shown.row(bank) or {"link": {"state": ""}})["link"]["state"]
            for bank in call.banks
        }
        allowed = ("live", "stale") if call.method in STOPS else ("live",)
        return [bank for bank, state in states.items() if state not in allowed]
