"""The lines that the power supply understands, and its answers. No port, no clock.

    *IDN?            maker,model,serial number
    VOLT 5.000       set point, V; answers OK
    VOLT?            set point, V
    MEAS:VOLT?       voltage at the terminals, V
    MEAS:CURR?       current, A
    OUTP ON|OFF      output switch; answers OK
    OUTP?            1 or 0

Whatever it does not understand or will not do is answered with ERR and a reason.
"""

from __future__ import annotations

__all__ = ["QUERIES", "ScpiError", "answer", "as_number", "request", "set_voltage"]

QUERIES = frozenset({"*IDN?", "VOLT?", "MEAS:VOLT?", "MEAS:CURR?", "OUTP?"})


class ScpiError(Exception):
    """The device refused a line, or answered something that is no answer."""


def request(line: str) -> bytes:
    """Return the bytes of a line."""
    if not line.isascii() or not line.isprintable():
        raise ScpiError(f"{line!r} is no line of printable ASCII")
    return line.encode("ascii") + b"\n"


def set_voltage(volts: float) -> str:
    """Return the line that sets the voltage."""
    return f"VOLT {volts:.3f}"


def answer(line: str, reply: bytes) -> str:
    """Return the answer to a line.

    Raises:
        ScpiError: It is a refusal, or incomplete.
    """
    text = reply.decode("ascii", "replace")
    if not text.endswith("\n"):
        raise ScpiError(f"{line}: no whole answer, only {text!r}")
    text = text.strip()
    if text.startswith("ERR"):
        raise ScpiError(f"{line}: {text.removeprefix('ERR').strip() or 'refused'}")
    return text


def as_number(line: str, text: str) -> float:
    """Return an answer as a number. ScpiError if it is none."""
    try:
        return float(text)
    except ValueError:
        raise ScpiError(f"{line}: {text!r} is no number") from None
