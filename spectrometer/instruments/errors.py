"""Errors of the devices of a Bank."""

from __future__ import annotations

from spectrometer.errors import BankError

__all__ = ["BoardError", "SynthesizerError"]


class BoardError(BankError):
    """A board could not be asked, or did not do what it was asked.

    Attributes:
        board: host:port.
        request: As it was sent; bytes shortened, in hexadecimal.
        reply: What came, or why nothing did.
    """

    def __init__(self, board: str, request: str, reply: str) -> None:
        self.board, self.request, self.reply = board, request, reply
        super().__init__(f"board {board}: {request}: {reply}")


class SynthesizerError(BankError):
    """The synthesizer could not be asked, refused, or cannot make what was asked for."""
