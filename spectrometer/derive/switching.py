"""The switching-signal generator's cycle: phases, look-up table, and the states an observer sees.

Durations are granules: one granule is one `spec_tick`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from struct import pack
from typing import Any

from spectrometer.errors import SwitchingError

__all__ = [
    "MAX_GRANULES",
    "MAX_PHASES",
    "GbtPhases",
    "PhaseRequest",
    "SsgPhase",
    "SwitchingCycle",
    "gbt_requests",
    "phase_request",
]

MAX_GRANULES = (1 << 27) - 1
MAX_SECONDS = 86400.0  # of a phase; what the generator holds is less
MAX_PHASES = 99  # a status key of a phase has two digits
_INVERTED = 0x6  # on this hardware cal and sig/ref 1 are active low


@dataclass(frozen=True, slots=True, kw_only=True)
class SsgPhase:
    """One phase of the generator.

    Attributes:
        granules: Duration.
        blank: Its data are thrown away.
        cal: Noise diode on.
        sr1: Sig/ref 1: True is ref.
        sr2: Sig/ref 2.
        adv: Advanced sig/ref.
    """

    granules: int
    blank: bool = False
    cal: bool = False
    sr1: bool = False
    sr2: bool = False
    adv: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.granules <= MAX_GRANULES:
            raise SwitchingError(
                f"a phase of {self.granules} granules; the generator holds 0 to {MAX_GRANULES}"
            )

    @property
    def word(self) -> int:
        """The phase in the look-up table, 32 bits."""
        flags = self.adv << 4 | self.sr2 << 3 | self.sr1 << 2 | self.cal << 1 | self.blank
        return (self.granules << 5 | flags) ^ _INVERTED

    @property
    def state(self) -> tuple[bool, bool, bool, bool]:
        """Return what an observer calls the state: everything but blanking."""
        return self.adv, self.sr2, self.sr1, self.cal


@dataclass(frozen=True, slots=True, kw_only=True)
class GbtPhases:
    """The cycle as the telescope sees it: neighbours of one state together, blanking at their
    start.

    Attributes:
        period: s.
        starts: Start of each, as a fraction of the period; the first is 0.
        cal, sig_ref: State of each, 0 or 1.
        blanking: s, at the start of each.
    """

    period: float
    starts: tuple[float, ...]
    cal: tuple[int, ...]
    sig_ref: tuple[int, ...]
    blanking: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class SwitchingCycle:
    """A whole cycle; `SwitchingCycle.fresh()` is the generator's after a reset."""

    spec_tick: float
    phases: tuple[SsgPhase, ...]

    @classmethod
    def fresh(cls, spec_tick: float) -> SwitchingCycle:
        """One phase of no duration."""
        return cls(spec_tick, (SsgPhase(granules=0),))

    @property
    def granules(self) -> int:
        """Of all phases; register `ssg_length`."""
        return sum(phase.granules for phase in self.phases)

    @property
    def period(self) -> float:
        """Duration of the cycle, s; the original's 1 for a single phase, which never switches."""
        return self.granules * self.spec_tick if len(self.phases) > 1 else 1

    def table(self) -> bytes:
        """The look-up table, 4 bytes big-endian a phase; register `ssg_lut_bram`."""
        return pack(f">{len(self.phases)}I", *(phase.word for phase in self.phases))

    def gbt(self) -> GbtPhases:
        """The cycle as the telescope sees it.

        Raises:
            SwitchingError: There is no phase.
        """
        if not self.phases:
            raise SwitchingError(
                "there is no switching phase; add one with add_switching_state or set_gbt_ss"
            )
        starts: list[float] = []
        blanking: list[float] = []
        firsts: list[SsgPhase] = []
        begun = 0.0  # s, summed phase by phase as the original does
        for _state, group in groupby(self.phases, key=lambda phase: phase.state):
            members = list(group)
            starts.append(begun / self.period)
            firsts.append(members[0])
            blanking.append(members[0].granules * self.spec_tick if members[0].blank else 0.0)
            for phase in members:
                begun += phase.granules * self.spec_tick
        return GbtPhases(
            period=self.period,
            starts=tuple(starts),
            cal=tuple(int(phase.cal) for phase in firsts),
            sig_ref=tuple(int(phase.sr1) for phase in firsts),
            blanking=tuple(blanking),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseRequest:
    """A phase as the observer asks for it; `duration` in s."""

    duration: float
    blank: bool = False
    cal: bool = False
    sr1: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.duration <= MAX_SECONDS:
            limits = f"expected more than 0 and up to {MAX_SECONDS:g}"
            raise SwitchingError(f"a switching phase of {self.duration:g} s; {limits}")


def phase_request(duration: Any, blank: Any, cal: Any, sr1: Any) -> PhaseRequest:
    """A phase as it came from afar.

    Raises:
        SwitchingError: The duration is no number, or a flag neither true nor false; all that is
            wrong is named.
    """
    problems = [
        f"{name} is {flag!r:.80}; expected true or false"
        for name, flag in (("blank", blank), ("cal", cal), ("sig_ref_1", sr1))
        if not (isinstance(flag, int | float) and flag in (0, 1))
    ]
    try:
        if isinstance(duration, bool):
            raise TypeError
        seconds = float(duration)
    except (TypeError, ValueError, OverflowError):
        problems.append(f"duration is {duration!s:.80}; expected a number of s")
    if problems:
        raise SwitchingError("; ".join(problems))
    return PhaseRequest(duration=seconds, blank=bool(blank), cal=bool(cal), sr1=bool(sr1))


def gbt_requests(period: float, ss_list: Sequence[Sequence[float]]) -> tuple[PhaseRequest, ...]:
    """The phases of a list in the telescope's form.

    Args:
        period: Of the whole cycle, s.
        ss_list: (start as a fraction of the period, sig/ref, cal, blanking in s) each, ascending
            from 0.

    Returns:
        A blanking phase, unless its time is 0, and an open one for each.

    Raises:
        SwitchingError: The list is none, or its times cannot be; all that is wrong is named.
    """
    syntax = "expected [(start, sig_ref, cal, blanking), ...]; a list of one phase is written [(0.0, 0, 1, 0.002)]"
    try:
        rows = [
            (float(start), bool(sr), bool(cal), float(blank)) for start, sr, cal, blank in ss_list
        ]
        period = float(period)
    except (TypeError, ValueError, OverflowError) as error:
        raise SwitchingError(f"{error}: {syntax}") from error
    limit = MAX_PHASES * MAX_SECONDS
    problems = (
        []
        if 0 < period <= limit
        else [f"the period is {period:g} s; expected more than 0 and up to {limit:g}"]
    )
    starts = [row[0] for row in rows]
    if not rows:
        problems.append("there is no phase")
    elif starts[0] != 0.0 or any(
        not a < b for a, b in zip(starts, [*starts[1:], 1.0], strict=True)
    ):
        problems.append(f"the starts are {starts}; expected 0 first, ascending and below 1")
    if problems:
        raise SwitchingError(f"{'; '.join(problems)}: {syntax}")
    requests: list[PhaseRequest] = []
    for number, ((start, sr, cal, blank), end) in enumerate(
        zip(rows, [*starts[1:], 1.0], strict=True), 1
    ):
        duration = end * period - start * period
        if not 0 <= blank < duration:
            problems.append(
                f"phase {number} lasts {duration:g} s and blanks {blank:g} s of it; expected 0 to less"
            )
            continue
        if blank > 0:
            requests.append(PhaseRequest(duration=blank, blank=True, cal=cal, sr1=sr))
        requests.append(PhaseRequest(duration=duration - blank, cal=cal, sr1=sr))
    if problems:
        raise SwitchingError("; ".join(problems))
    return tuple(requests)
