"""Replies of a call engine: from what came of a call to what its caller gets, in whatever form."""

from __future__ import annotations

from typing import Protocol, TypeVar

from groundwork.values import JsonObject
from zmqjsonproxy.interface import Method
from zmqjsonproxy.protocol.failures import Code
from zmqjsonproxy.protocol.request import Request

__all__ = ["Replies"]

R_co = TypeVar("R_co", covariant=True)


class Replies(Protocol[R_co]):
    """Replies in the form that callers take. None of these but `result` raises."""

    TOO_FULL: str
    """Why a call of a client is not begun that does not take its replies."""

    def call(self, method: Method, request: Request, /) -> R_co:
        """Call a method, and reply with what came of it; WouldWaitError where it must not wait."""

    def result(self, request: Request, value: object, /) -> tuple[R_co, int]:
        """Reply with a value, of so many bytes; raises what says that it cannot travel."""

    def unserializable(self, request: Request, error: BaseException, /) -> tuple[R_co, JsonObject]:
        """Reply for a value that cannot travel."""

    def raised(
        self, method: Method, request: Request, error: BaseException, /
    ) -> tuple[R_co, JsonObject]:
        """Reply with what a method raised."""

    def not_begun(
        self, request: Request, code: Code, type_: str, text: str, /
    ) -> tuple[R_co, JsonObject]:
        """Reply that nothing was done."""

    def accepted(self, request: Request, operation: str, state: str, /) -> R_co:
        """Reply with the identity of an operation that goes on."""
