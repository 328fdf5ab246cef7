"""Set-up of a scan, read from the values of the status memory. Pure: values in, setup out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from spectrometer.daq.accumulator import StateCycle
from spectrometer.daq.axis import SubbandSetup
from spectrometer.daq.errors import ScanSetupError
from spectrometer.status.errors import CardError
from spectrometer.status.keys import UNSPECIFIED
from spectrometer.status.protocol.cards import Value, read_number

MAX_STATES = 99
MAX_SUBBANDS = 8
MAX_CHANNELS = 1 << 22
LARGEST = 1e12  # of any number here; anything may stand in the memory


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSetup:
    """One scan; seconds."""

    nchan: int
    exposure: float
    scan_length: float | None
    """None: until STOP."""
    cycle: StateCycle
    cross: bool
    project: str
    bank: str
    scan_number: int
    subbands: SubbandSetup | None = None
    """None: the whole band, as the high-bandwidth modes have it."""


def number_of(values: Mapping[str, Value], key: str, default: float | None = None) -> float:
    """The number of a status key; its default if it is unspecified, ScanSetupError if there is none
    or it is none."""
    value = values.get(key, UNSPECIFIED)
    if value == UNSPECIFIED or value == "":
        if default is None:
            raise ScanSetupError(f"status key {key} is not set")
        return default
    try:
        number = read_number(key, value)
    except CardError as error:
        raise ScanSetupError(str(error)) from error
    if not abs(number) <= LARGEST:
        raise ScanSetupError(
            f"status key {key} is {number:g}; expected a finite number; prepare writes it anew"
        )
    return number


def read_setup(values: Mapping[str, Value]) -> ScanSetup:
    """Read a scan's setup; numbers may stand there as text.

    Raises:
        ScanSetupError: A key is missing or its value cannot be.
    """
    exposure = number_of(values, "EXPOSURE")
    if exposure <= 0:
        raise ScanSetupError(f"EXPOSURE is {exposure:g} s; expected more than 0")
    nchan = int(number_of(values, "NCHAN"))
    if not 1 <= nchan <= MAX_CHANNELS:
        raise ScanSetupError(f"NCHAN is {nchan}; expected 1 to {MAX_CHANNELS}")
    length = number_of(values, "SCANLEN", 0.0)
    polarize = str(values.get("POLARIZE", values.get("NMSTOKES", "SELF")))
    return ScanSetup(
        nchan=nchan,
        exposure=exposure,
        scan_length=length if length > 0 else None,
        cycle=_read_cycle(values),
        cross=polarize.upper() in ("CROSS", "4", "FULL"),
        project=safe_name(str(values.get("PROJID", UNSPECIFIED))),
        bank=safe_name(str(values.get("BANKNAM", "BANK"))),
        scan_number=int(number_of(values, "SCANNUM", 0)),
        subbands=_read_subbands(values)
        if str(values.get("OBS_MODE", "")).upper() == "LBW"
        else None,
    )


def _read_subbands(values: Mapping[str, Value]) -> SubbandSetup:
    count = int(number_of(values, "NSUBBAND", 1))
    if not 1 <= count <= MAX_SUBBANDS:
        raise ScanSetupError(f"NSUBBAND is {count}; expected 1 to {MAX_SUBBANDS}")
    clocks = {key: abs(number_of(values, key)) for key in ("EFSAMPFR", "FPGACLK")}
    for key, clock in clocks.items():
        if not clock:
            raise ScanSetupError(f"{key} is 0 Hz; prepare writes it anew")
    return SubbandSetup(
        centres=tuple(number_of(values, f"SUB{n}FREQ") for n in range(count)),
        bandwidth=clocks["EFSAMPFR"] / 2,
        middle=clocks["FPGACLK"] * 4,
    )


def _read_cycle(values: Mapping[str, Value]) -> StateCycle:
    numbers: list[str] = []
    for number in range(1, MAX_STATES + 1):
        if f"_SPHS_{number:02d}" not in values:
            break
        numbers.append(f"{number:02d}")
    if not numbers:
        return StateCycle()
    starts = tuple(number_of(values, f"_SPHS_{n}") for n in numbers)
    period = number_of(values, "SWPERIOD", 1.0)
    if starts[0] != 0.0 or list(starts) != sorted(starts) or starts[-1] >= 1.0 or period <= 0:
        raise ScanSetupError(
            f"switching states start at {starts} of {period:g} s; expected 0 first, ascending, < 1"
        )
    return StateCycle(
        period=period,
        starts=starts,
        cal=tuple(int(number_of(values, f"_SCAL_{n}", 0)) for n in numbers),
        sig_ref=tuple(int(number_of(values, f"_SSRF_{n}", 0)) for n in numbers),
        blanking=tuple(number_of(values, f"_SBLK_{n}", 0.0) for n in numbers),
    )


def safe_name(text: str) -> str:
    """Make one component of a path of a text: no separators, no leading dot, at most 64
    characters."""
    name = re.sub(r"[^A-Za-z0-9._+-]", "_", text.strip())[:64].lstrip(".")
    return name or UNSPECIFIED
