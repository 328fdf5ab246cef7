"""Source positions as observers write them: hours and degrees in, degrees and texts
out."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spectrometer.errors import PositionError

__all__ = ["Position", "read_position"]

_NUMBER = r"\d+(?:\.\d*)?"
_GAP = r"[:/\s\thdms°'\"]{1,2}"
_DELIMITED = re.compile(
    rf"({_NUMBER}){_GAP}({_NUMBER}){_GAP}({_NUMBER})[\s,s\"]*([+-]?)\s*({_NUMBER}){_GAP}({_NUMBER}){_GAP}({_NUMBER})[s\"]?\Z"
)
_COMPACT = re.compile(
    r"[JjBb]?(\d{2})(\d{2})(\d{2}(?:\.\d*)?)\s*([+-])(\d{2})(\d{2})(\d{2}(?:\.\d*)?)\Z"
)
_HELP = 'expected "hh:mm:ss.s +dd:mm:ss.s" or "Jhhmmss.s+ddmmss.s"'


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the sky.

    Attributes:
        ra: Right ascension, degrees.
        dec: Declination, degrees.
        ra_text: hh:mm:ss.sss.
        dec_text: [-]dd:mm:ss.sssss.
    """

    ra: float
    dec: float
    ra_text: str
    dec_text: str


def _sexagesimal(units: int, width: int, decimals: int) -> str:
    """Text of a number of units of 10**-decimals seconds."""
    scale = 10**decimals
    whole, fraction = divmod(units, scale)
    minutes, seconds = divmod(whole, 60)
    large, minutes = divmod(minutes, 60)
    return f"{large:0{width}d}:{minutes:02d}:{seconds:02d}.{fraction:0{decimals}d}"


def read_position(text: str) -> Position:
    """Read a position; RA in hours, declination in degrees.

    Raises:
        PositionError: It is none; the text says which part.
    """
    found = _COMPACT.match(text.strip()) or _DELIMITED.match(text.strip().lstrip("Jj"))
    if found is None:
        raise PositionError(f"{text!r} is no position; {_HELP}")
    hours, ra_minutes, ra_seconds = (float(part) for part in found.group(1, 2, 3))
    degrees, dec_minutes, dec_seconds = (float(part) for part in found.group(5, 6, 7))
    ra_s = hours * 3600 + ra_minutes * 60 + ra_seconds
    dec_s = degrees * 3600 + dec_minutes * 60 + dec_seconds
    problems = [
        sentence
        for wrong, sentence in (
            (
                ra_minutes >= 60 or ra_seconds >= 60,
                "minutes and seconds of the right ascension are below 60",
            ),
            (
                dec_minutes >= 60 or dec_seconds >= 60,
                "minutes and seconds of the declination are below 60",
            ),
            (ra_s >= 24 * 3600, "the right ascension is below 24 hours"),
            (dec_s > 90 * 3600, "the declination is at most 90 degrees"),
        )
        if wrong
    ]
    if problems:
        raise PositionError(f"{text!r} is no position: {'; '.join(problems)}; {_HELP}")
    negative = found.group(4) == "-"
    ra_units = round(ra_s * 1000) % (24 * 3600 * 1000)
    dec_text = _sexagesimal(round(dec_s * 100000), 2, 5)
    dec = degrees + (dec_minutes + dec_seconds / 60) / 60
    return Position(
        ra=(hours + (ra_minutes + ra_seconds / 60) / 60) * 15,
        dec=-dec if negative else dec,
        ra_text=_sexagesimal(ra_units, 2, 3),
        dec_text=f"-{dec_text}" if negative else dec_text,
    )
