"""Begin and end of a GUPPI raw file, for lists of recordings (`dealer_player.recordings`)."""

from __future__ import annotations

from contextlib import closing

from spectrometer.daq.guppifile import GuppiFile
from spectrometer.status.errors import CardError
from spectrometer.status.protocol.cards import read_number

__all__ = ["guppi_times"]

_DAY_S = 86400.0


def guppi_times(path: str, _reference_mjd: int) -> tuple[float, float]:
    """Return begin and end, MJD.

    Args:
        path: The file.

    Raises:
        SourceError: It is none.
        ValueError: Its header does not tell the time.
    """
    with closing(GuppiFile(path)) as file:
        found = file.header.values
        try:
            day, second, part = (
                read_number(key, found.get(key, 0)) for key in ("STT_IMJD", "STT_SMJD", "STT_OFFS")
            )
        except CardError as error:
            raise ValueError(f"its header does not tell the time: {error}") from error
        if day <= 0:
            raise ValueError("its header does not tell the time: STT_IMJD is not there")
        begin = day + (second + part) / _DAY_S
        return begin, begin + file.samples * file.header.sample_time / _DAY_S
