"""Hand-over sheet of a shift: scans, faults, acknowledgements, changes, out of journals and histories. No
sockets, no clock: records are handed in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from groundwork.values import JsonValue

__all__ = ["SCAN_KEYS", "Deed", "ShiftScan", "ShiftSheet", "deeds_of", "scans_of"]

SCAN_KEYS = (
    *("scan.scan", "scan.outcome", "scan.file", "scan.error", "scan.warning", "scan.dropped"),
    *("scan.scan_length", "status.SRC_NAME"),
)
"""Keys of histories that tell of scans."""
_NUMBER, _OUTCOME, _SOURCE = "scan.scan", "scan.outcome", "status.SRC_NAME"
_OF_SCAN = {key.rpartition(".")[2]: key for key in SCAN_KEYS if key not in (_NUMBER, _SOURCE)}
NO_SCAN = "none"
"""Outcome at a Player that has taken no scan since it began."""
CUT_OFF = "cut off"
"""Outcome of a scan in which the Player of the Bank ended."""
FINAL = frozenset({"done", "incomplete", "stopped", "aborted", "failed", CUT_OFF})
APART_S = 30.0
"""Banks whose scans of one number began so near each other took the same scan, s."""
ROUTINE = frozenset(
    f"bank.{name}"
    for name in (
        *("prepare", "start", "arm", "commit", "confirm_start", "disarm_start", "stop"),
        *("clear_switching_states", "add_switching_state", "set_gbt_ss"),
    )
)
"""Calls of each scan; what they did stands among the scans."""
CONTROL = frozenset({"control.take", "control.release", "control.break_lease"})
DEEDS = ("faults", "acknowledgements", "control", "changes", "remarks")
"""Parts of a sheet that come from journals."""
ALARM = "alarm "
"""Begin of remarks on alarms."""
_BAD = frozenset({"failed", "unknown", "aborted", "refused", "not begun"})


@dataclass(slots=True, kw_only=True)
class ShiftScan:
    """A scan of some Banks.

    Attributes:
        number: Its number.
        begun: When it was set up, UTC, unix seconds.
        ended: When it was over; None: it is not.
        source: What was observed; empty: not known.
        outcomes: Bank -> outcome: done, incomplete, stopped, aborted, failed, cut off, or how far it is.
        notes: Bank -> its error or warning, of those that have one.
        dropped: Bank -> blocks that were lost, of those that lost any.
        files: Bank -> its file.
    """

    number: int
    begun: float
    ended: float | None = None
    source: str = ""
    outcomes: dict[str, str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    dropped: dict[str, float] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @property
    def is_well(self) -> bool:
        """Tell whether all Banks took all of it, or still do."""
        return all(each not in FINAL or each == "done" for each in self.outcomes.values())

    def describe(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "number": self.number,
            "begun": self.begun,
            "ended": self.ended,
            "source": self.source,
            "outcomes": self.outcomes,
            "notes": self.notes,
            "dropped": self.dropped,
            "files": self.files,
            "is_well": self.is_well,
        }


@dataclass(slots=True, kw_only=True)
class Deed:
    """A call, or a remark, that several Banks may have, and several times.

    Attributes:
        who: Client; empty: a remark of the Player.
        call: Method and arguments; of a remark its text.
        outcome: As of the journal.
        text: More on the outcome.
        first: When it was made first, UTC, unix seconds.
        last: When it was made last.
        count: Times that it was made, at all Banks together.
        banks: At which Banks.
    """

    who: str
    call: str
    outcome: str
    text: str
    first: float
    last: float
    count: int = 1
    banks: list[str] = field(default_factory=list)

    def describe(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftSheet:
    """Sheet that a shift hands over to the next.

    Attributes:
        title: Name of the site.
        since: Begin of the shift, UTC, unix seconds.
        until: Its end.
        standing: Bank -> how it stands at the end, in a sentence.
        scans: In the order of their begins.
        faults: Calls that failed or were refused, and alarms.
        acknowledgements: Of alarms, and what was shelved.
        control: Control taken, given back, broken.
        changes: Other calls that changed something.
        remarks: Of Players: their starts and ends, and the like.
        silent: Bank -> why its journal or history is not in this sheet.
    """

    title: str
    since: float
    until: float
    standing: Mapping[str, str]
    scans: Sequence[ShiftScan]
    faults: Sequence[Deed]
    acknowledgements: Sequence[Deed]
    control: Sequence[Deed]
    changes: Sequence[Deed]
    remarks: Sequence[Deed]
    silent: Mapping[str, str]

    def describe(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "title": self.title,
            "since": self.since,
            "until": self.until,
            "standing": dict(self.standing),
            "scans": [each.describe() for each in self.scans],
            "faults": [each.describe() for each in self.faults],
            "acknowledgements": [each.describe() for each in self.acknowledgements],
            "control": [each.describe() for each in self.control],
            "changes": [each.describe() for each in self.changes],
            "remarks": [each.describe() for each in self.remarks],
            "silent": dict(self.silent),
        }


def scans_of(points: Mapping[str, Sequence[Mapping[str, Any]]], since: float) -> list[ShiftScan]:
    """Return the scans of a shift, in the order of their begins.

    Args:
        points: Bank -> points of its history, of SCAN_KEYS, in time order; first those that were in
            force when the shift began.
        since: Begin of the shift; what was over before is left out.
    """
    found: list[ShiftScan] = []
    for bank, some in points.items():
        for scan in _scans_of_bank(bank, some):
            if scan.ended is not None and scan.ended < since:
                continue
            same = next((each for each in found if _is_same_scan(each, scan)), None)
            if same is None:
                found.append(scan)
            else:
                _join(same, scan)
    return sorted(found, key=lambda scan: scan.begun)


def _scans_of_bank(bank: str, points: Iterable[Mapping[str, Any]]) -> list[ShiftScan]:
    scans: list[ShiftScan] = []
    source = ""
    for point in points:
        key, value, time = point["key"], point["value"], float(point["time"])
        if key == _NUMBER and isinstance(value, int):
            scans.append(ShiftScan(number=value, begun=time, source=source))
            scans[-1].outcomes[bank] = "begun"
        elif key == _SOURCE:
            source = str(value or "")
            if scans and scans[-1].ended is None:
                scans[-1].source = source
        elif scans:
            _take(scans[-1], bank, key, value, time)
    return scans


def _take(scan: ShiftScan, bank: str, key: str, value: JsonValue, time: float) -> None:
    if key == _OUTCOME and value == NO_SCAN:  # a Player that has begun anew
        if scan.ended is None:
            scan.outcomes[bank], scan.ended = CUT_OFF, time
            scan.notes[bank] = "its Player ended in the scan"
    elif key == _OUTCOME:
        scan.outcomes[bank] = str(value)
        if value in FINAL:
            scan.ended = time
    elif key == _OF_SCAN["file"] and value:
        scan.files[bank] = str(value)
    elif key in (_OF_SCAN["error"], _OF_SCAN["warning"]) and value:
        scan.notes[bank] = str(value)
    elif key == _OF_SCAN["dropped"] and isinstance(value, int | float) and value:
        scan.dropped[bank] = value


def _is_same_scan(one: ShiftScan, other: ShiftScan) -> bool:
    return one.number == other.number and abs(one.begun - other.begun) < APART_S


def _join(scan: ShiftScan, other: ShiftScan) -> None:
    scan.begun = min(scan.begun, other.begun)
    ends = [each for each in (scan.ended, other.ended) if each is not None]
    scan.ended = max(ends) if len(ends) == 2 else None
    scan.source = scan.source or other.source
    scan.outcomes |= other.outcomes
    scan.notes |= other.notes
    scan.dropped |= other.dropped
    scan.files |= other.files


def deeds_of(
    entries: Iterable[tuple[str, Mapping[str, Any], tuple[str, str]]],
) -> dict[str, list[Deed]]:
    """Return the deeds of a shift by where they stand in the sheet, as DEEDS names it; those that are
    alike as one.

    Args:
        entries: Bank, entry of its journal, and who and what in words; in time order.
    """
    found: dict[str, dict[tuple[str, ...], Deed]] = {name: {} for name in DEEDS}
    for bank, entry, (who, call) in entries:
        where = _place_of(entry)
        if where is None:
            continue
        error, text = str(entry.get("error") or ""), str(entry.get("text") or "")
        told = f"{error}: {text}" if error and text else error or text
        outcome = str(entry["outcome"])
        time = float(entry["time"])
        key = (who, call, outcome, told)
        deed = found[where].get(key)
        if deed is None:
            deed = Deed(
                who=who, call=call, outcome=outcome, text=told, first=time, last=time, count=0
            )
            found[where][key] = deed
        deed.count += 1
        deed.last = max(deed.last, time)
        if bank not in deed.banks:
            deed.banks.append(bank)
    for some in found.values():
        for deed in some.values():
            deed.banks.sort()
    return {name: list(some.values()) for name, some in found.items()}


def _place_of(entry: Mapping[str, Any]) -> str | None:
    """Return where an entry stands; None: nowhere, as it is told otherwise."""
    method, outcome = str(entry["method"]), str(entry["outcome"])
    if outcome == "remark":
        return "faults" if str(entry.get("text")).startswith(ALARM) else "remarks"
    if outcome in _BAD:
        return "faults"
    if method.startswith("alarms."):
        return "acknowledgements"
    if method in CONTROL:
        return "control"
    if method.startswith("control.") or method in ROUTINE:
        return None
    return "changes"
