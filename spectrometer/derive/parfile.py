"""A pulsar's par file: how fast it turns, and how much its signal is dispersed. Text in, numbers
out.

A line is a keyword and a value, maybe more (a fit flag, an uncertainty). F0 is taken as it stands,
as the frequency seen at the telescope: nothing here knows the Earth's motion, nor that of a
companion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from spectrometer.errors import PulsarSetupError

__all__ = ["DAY_S", "Ephemeris", "par_value", "read_par"]

DAY_S = 86400
_OF_A_COMPANION = ("BINARY", "A1", "PB", "FB0")
_LEFT_OUT = ("F2", "F3", "GLEP_1", "WAVE1", "WAVE_OM")
"""Keywords that change the phase, but by less than a scan shows unless the epoch is far away."""


def par_value(text: str, name: str, default: float | None) -> float:
    """The number that a pulsar's par file gives for `name`: second word of the first line that
    begins with it.

    Args:
        text: The file.
        name: Keyword, upper case.
        default: If there is none; None: it has to be there.

    Raises:
        PulsarSetupError: It is no number, or not there.
    """
    for line in text.splitlines():
        words = line.split()
        if words and words[0] == name:
            try:
                number = float(words[1].replace("D", "E").replace("d", "e"))
            except (IndexError, ValueError):
                number = math.nan
            if math.isfinite(number):
                return number
            given = " ".join(words[1:])
            raise PulsarSetupError(f"{name} of the par file is {given!r}; expected a number")
    if default is None:
        raise PulsarSetupError(f"the par file has no {name}")
    return default


@dataclass(frozen=True, slots=True, kw_only=True)
class Ephemeris:
    """Ephemeris that is folded with."""

    name: str
    f0: float
    """Turns per second, Hz, at the epoch."""
    f1: float
    """Hz/s."""
    epoch_mjd: float
    """UTC, at the telescope."""
    dm: float
    """pc/cm3."""
    left_out: tuple[str, ...] = ()
    """Keywords of the file that are not used, though they concern the phase."""

    def at(self, day: int, second: float) -> tuple[float, float, float]:
        """Phase (turns, 0 to 1), frequency (Hz) and its change (Hz/s) at a moment.

        Args:
            day: MJD, UTC.
            second: Since its beginning.

        The phase is of exact fractions: after 20 years a turn of a fast pulsar is 1e-12 of all.
        """
        since = (Fraction(day) - Fraction(self.epoch_mjd)) * DAY_S + Fraction(second)
        turns = Fraction(self.f0) * since + Fraction(self.f1) * since * since / 2
        return float(turns % 1), self.f0 + self.f1 * float(since), self.f1


def read_par(text: str) -> Ephemeris:
    """Read a simple par file: PSR or PSRJ, F0 or P0 (or P), F1 or P1, PEPOCH, DM.

    Raises:
        PulsarSetupError: One is missing (F1 and DM may be) or impossible, or the pulsar has a
            companion.
    """
    words = {
        line.split()[0]: line.split()[1:] for line in reversed(text.splitlines()) if line.split()
    }
    if companion := [name for name in _OF_A_COMPANION if name in words]:
        raise PulsarSetupError(
            f"the par file describes a binary pulsar ({', '.join(companion)}); only F0, F1, PEPOCH and DM are known "
            "here: give the apparent F0 at the scan, or record OBS_MODE SEARCH and fold later"
        )
    period_name = next((name for name in ("P0", "P") if name in words), None)
    if "F0" in words or period_name is None:
        f0, f1 = par_value(text, "F0", None), par_value(text, "F1", 0.0)
    else:
        period = par_value(text, period_name, None)
        if period <= 0:
            raise PulsarSetupError(
                f"{period_name} of the par file is {period:g} s; expected more than 0"
            )
        f0, f1 = 1.0 / period, -par_value(text, "P1", 0.0) / period**2
    if not 0 < f0 <= 1e5:
        raise PulsarSetupError(f"F0 of the par file is {f0:g} Hz; expected more than 0, to 1e5")
    dm = par_value(text, "DM", 0.0)
    if dm < 0:
        raise PulsarSetupError(f"DM of the par file is {dm:g}; expected 0 or more")
    name = next((words[key][0] for key in ("PSRJ", "PSR", "PSRB") if words.get(key)), "")
    return Ephemeris(
        name=name,
        f0=f0,
        f1=f1,
        epoch_mjd=par_value(text, "PEPOCH", None),
        dm=dm,
        left_out=tuple(key for key in _LEFT_OUT if key in words),
    )
