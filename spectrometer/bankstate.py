"""State of a Bank for its callers: chosen status keys, overview, findings. Pure functions of what
the Bank knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

from player.findings import Finding
from player.readiness import READY, Depends, Hindrance
from spectrometer.backends.parameters import ParameterSet
from spectrometer.instruments.boardmonitor import STATE_KEY
from spectrometer.status.protocol.damage import Damage
from zmqjsonproxy.errors import RefusedError

__all__ = [
    "DEPENDS",
    "DataTakingState",
    "bank_findings",
    "bank_hindrances",
    "bank_overview",
    "chosen_status",
    "wanted_status",
]

OVERVIEW = ("SCANNUM", "SCANREM", "NETSTAT", "DAQSTATE", "SIMULATE")
BOARD_IS_WELL = ("", "answers")
SHOWN = 500  # characters of a reason
NAMED = 10  # missing keys
DEPENDS: Depends = {
    READY: ("scan", "mode"),
    "scan": (),
    "mode": ("data taking", "board", "status memory"),
    "data taking": ("status memory", "disk"),
    "board": (),
    "status memory": (),
    "disk": (),
}
"""Thing of a Bank -> things that it needs."""
SHOWN_BY = {
    "exposure": "EXPOSURE",
    "hwexposr": "HWEXPOSR",
    "nchan": "NCHAN",
    "observer": "OBSERVER",
    "project_id": "PROJID",
    "scan_length": "SCANLEN",
    "source": "SRC_NAME",
}
"""Parameter -> status key that shows what a Bank made of it, in the same unit."""
BEGUN = ("running", "ending")
"""States of a scan whose start is over."""
MIN_FREE_BYTES = 2 << 30  # as `player doctor`


def chosen_status(
    values: Mapping[str, Any], keys: str | Sequence[str] | None, *, native: bool
) -> Any:
    """Return the value of one key, those of several by name, or with None all.

    Args:
        values: The whole status.
        keys: Names, in either case.
        native: False: what is missing is treated as the original did.

    Raises:
        RefusedError: Keys that are missing, all of them; a Bank of the original left them out of
            several.
        KeyError: To a client of the original: the one key that was asked for is missing.
    """
    if keys is None:
        return dict(values)
    names = [keys] if isinstance(keys, str) else keys
    if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
        raise RefusedError(
            f"keys is {keys!s:.80}; expected None, the name of a key, or a list of names"
        )
    found = {name: values[keyword] for name in names if (keyword := _as_keyword(name)) in values}
    missing = [name for name in names if name not in found]
    if missing and native:
        raise RefusedError(_not_there(missing, values))
    if isinstance(keys, str):
        if missing:
            raise KeyError(f"{keys} is not in the status memory")
        return found[keys]
    return found


def _as_keyword(name: str) -> str:
    """Return a name as it stands in the status memory; of one that is too long no more than shows
    that."""
    return name[:9].upper()


def _not_there(missing: Sequence[str], values: Mapping[str, Any]) -> str:
    named = ", ".join(f"{name:.80}" for name in missing[:NAMED])
    more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
    similar = get_close_matches(missing[0][:80].upper(), values, n=2, cutoff=0.75)
    meant = f"; did you mean {' or '.join(similar)}?" if similar else ""
    return f"not in the status memory: {named}{more}{meant}"


def bank_overview(mode: str | None, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of `dealer status`, from the name of the mode and the status."""
    return {"mode": mode, **{key: values.get(key) for key in OVERVIEW}}


def wanted_status(parameters: ParameterSet) -> dict[str, Any]:
    """Return parameters that have been set, by the property that shows what became of each."""
    return {
        f"status.{SHOWN_BY[name]}": parameters[name]
        for name in parameters.names
        if name in SHOWN_BY and parameters.is_set(name)
    }


def bank_findings(
    bank: str, damage: Sequence[Damage], why_no_mode: str, values: Mapping[str, Any]
) -> list[dict[str, str]]:
    """Return what is wrong with a Bank, as JSON holds it.

    Args:
        bank: Its name.
        damage: That of the status memory.
        why_no_mode: The reason why no mode is set, if there should be one; else empty.
        values: The status, as far as it can be read.
    """
    findings = [
        Finding(
            "status memory",
            f"the status memory is damaged: {each}",
            f"dealer call {bank} repair_status",
            bank,
        )
        for each in damage
    ]
    if why_no_mode:
        remedy = f"put that right, and set a mode: dealer call {bank} set_mode MODE"
        findings.append(Finding("mode", f"no mode is set: {why_no_mode:.{SHOWN}}", remedy, bank))
    board = str(values.get(STATE_KEY, ""))
    if board not in BOARD_IS_WELL:
        remedy = (
            f"look after its power and network, then: dealer call {bank} set_mode MODE force=true"
        )
        findings.append(
            Finding("board", f"the last scan found the board not well: {board}", remedy, bank)
        )
    return [finding.describe() for finding in findings]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTakingState:
    """State of what takes a Bank's data.

    Attributes:
        ended: Program that has ended though a mode is set, and its exit status, in words; empty: none.
        free_bytes: Of the data root; None: not known, or no data are taken.
        data_root: Where data files go, in words.
    """

    ended: str = ""
    free_bytes: int | None = None
    data_root: str = ""


def bank_hindrances(
    bank: str, mode: Mapping[str, Any], scan: Mapping[str, Any], data: DataTakingState
) -> list[Hindrance]:
    """Return what keeps a Bank from beginning a scan now, beside its findings.

    Args:
        bank: Its name.
        mode: State of the mode, as of `mode_state`.
        scan: State of the data taking, as of `standing`.
        data: State of what takes the data.
    """
    return [
        *_scan_hindrances(bank, scan),
        *_mode_hindrances(bank, mode),
        *_data_hindrances(bank, mode, data),
    ]


def _scan_hindrances(bank: str, scan: Mapping[str, Any]) -> list[Hindrance]:
    state, number = str(scan.get("state", "idle")), scan.get("scan")
    if state == "idle":
        return []
    if state == "monitor":
        text = "data are taken without being recorded (monitor mode)"
        return [Hindrance(thing="scan", text=text, remedy="a start ends it", is_fault=False)]
    start, length = _unix_time(scan.get("start")), scan.get("scan_length")
    text = f"scan {number} is {state}" if number is not None else f"a scan is {state}"
    if start is not None and isinstance(length, int | float):
        text += f", and ends at {datetime.fromtimestamp(start + length, UTC):%H:%M:%S} UTC"
    remedy = f"wait for its end, or end it: dealer call {bank} stop"
    since = start if state in BEGUN else None
    return [Hindrance(thing="scan", text=text, remedy=remedy, since=since, is_fault=False)]


def _unix_time(date: object) -> float | None:
    """Return unix seconds of year, month, ... microsecond, UTC; None: it is no date."""
    try:
        return datetime(*date, tzinfo=UTC).timestamp()  # type: ignore[misc]  # whatever it is
    except (TypeError, ValueError):
        return None


def _mode_hindrances(bank: str, mode: Mapping[str, Any]) -> list[Hindrance]:
    """Return what is to be said of a mode; why one could not be set is among the findings."""
    if mode["state"] == "changing":
        remedy = f"wait; its progress: dealer status, or end it: dealer call {bank} stop"
        text = "the mode is being changed"
        return [Hindrance(thing="mode", text=text, remedy=remedy, is_fault=False)]
    if mode["state"] == "none" and not mode["cause"]:
        remedy = f"dealer call {bank} set_mode MODE"
        text = "no mode was set since its Player began"
        return [Hindrance(thing="mode", text=text, remedy=remedy, is_fault=False)]
    return []


def _data_hindrances(bank: str, mode: Mapping[str, Any], data: DataTakingState) -> list[Hindrance]:
    found = []
    if data.ended:
        remedy = f"see its log (dealer hosts log {bank}), then: dealer call {bank} set_mode {mode['mode']} force=true"
        found.append(Hindrance(thing="data taking", text=data.ended, remedy=remedy))
    if data.free_bytes is not None and data.free_bytes < MIN_FREE_BYTES:
        text = (
            f"only {data.free_bytes / 2**30:.2f} GiB are free below the data root {data.data_root}"
        )
        remedy = "remove old data there, or set [instrument] data_root to another directory"
        found.append(Hindrance(thing="disk", text=text, remedy=remedy))
    return found
