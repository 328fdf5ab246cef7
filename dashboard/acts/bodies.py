"""Bodies of the requests by which people run the array."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from dashboard.changes import ChangeBody

__all__ = [
    "AbortBody",
    "ActBody",
    "AskBody",
    "BanksBody",
    "BreakBody",
    "CallBody",
    "DismissBody",
    "OrderBody",
    "ParametersBody",
    "StartBody",
    "TakeBody",
]


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(names)) < len(names):
        raise ValueError("a name stands there twice")
    return names


def _identifiers(values: dict[str, Any]) -> dict[str, Any]:
    for name in values:
        if not name.isidentifier() or name.startswith("_"):
            raise ValueError(f"{name[:80]!r} is no name of an argument")
    return values


def _one_line(text: str) -> str:
    if not text.isprintable() or not text.strip():
        raise ValueError("a reason is one line, without control characters")
    return text


Name = Annotated[str, Field(min_length=1, max_length=200)]
Names = Annotated[
    tuple[Name, ...], Field(min_length=1, max_length=2000, strict=False), AfterValidator(_once)
]
Reason = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_one_line)]
Arguments = Annotated[dict[str, Any], Field(max_length=200), AfterValidator(_identifiers)]


class ActBody(ChangeBody):
    """Request for an act.

    Attributes:
        wait: The answer waits so long at most for the end, s.
    """

    wait: Annotated[float, Field(ge=0, le=30)] = 0.0


class BanksBody(ActBody):
    """Request for an act at Banks."""

    banks: Names


class CallBody(BanksBody):
    """Call of a method."""

    object: Name = "bank"
    method: Annotated[Name, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
    args: Annotated[list[Any], Field(max_length=200)] = Field(default_factory=list)
    kwargs: Arguments = Field(default_factory=dict)
    timeout: Annotated[float, Field(gt=0, le=180)] = 60.0


class ParametersBody(BanksBody):
    """Parameters that are to be set."""

    values: Annotated[Arguments, Field(min_length=1)]


class StartBody(BanksBody):
    """Start of a scan.

    Attributes:
        at: UTC, unix seconds; None: as early as possible.
    """

    parameters: Arguments = Field(default_factory=dict)
    prepare: bool = True
    at: Annotated[float, Field(ge=0, le=1e11)] | None = None


class AbortBody(ActBody):
    """Abort of an operation."""

    bank: Name
    id: Name


class TakeBody(BanksBody):
    """Control that is to be taken."""

    reason: Reason
    minutes: Annotated[float, Field(gt=0, le=1440)] = 60.0
    stays: bool = False


class AskBody(ActBody):
    """Act of which it is not known what became of it."""

    id: Name


class BreakBody(BanksBody):
    """Control that is to be taken from whoever has it."""

    reason: Reason


class OrderBody(BanksBody):
    """Order to the supervisords of hosts.

    Attributes:
        force: Also while a scan runs.
    """

    order: Literal["start", "stop", "restart"]
    force: bool = False


class DismissBody(ChangeBody):
    """Acts that are to be forgotten."""

    ids: Annotated[tuple[Name, ...], Field(max_length=200, strict=False)]
