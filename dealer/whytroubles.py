"""Troubles that answers of Players and supervisords show. Answers in, troubles out: asks nobody, reads no
clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from commandline import Finding
from dealer.hosts import BankOnHost
from dealer.supervision import CRASH_LOOP, ProgramRow
from dealer.timearguments import utc_text
from dealer.whychain import PLAYER, PROGRAM, Trouble, end_reason, thing_of_reason
from groundwork.printable import printable
from groundwork.truncation import cut
from groundwork.values import JsonValue

__all__ = [
    "absence_trouble",
    "control_troubles",
    "finding_trouble",
    "hindrance_troubles",
    "host_trouble",
    "log_troubles",
    "name_troubles",
    "program_troubles",
    "record_troubles",
    "supervisor_trouble",
]

MAX_HINDRANCES = 50
"""Of one Bank; it is anybody's code."""
_START_REMEDIES = {
    "port": "end that process, or give banks.{bank}.player_port another port",
    "status memory": "end its owner, or give banks.{bank}.status_memory names of its own",
    "disk": "remove old data on {host}",
    "data root": "look at the disk of {host}: player doctor {bank}",
    "key folder": "make the keys of {host}: player keys init",
    "port manager": "start the port manager of {host}",
    "packages": "install what it names on {host}",
    "configuration": "correct the file: player check on {host} names each fault",
}
"""Thing -> remedy, if the last sentence of a Player says none."""
_ON_PURPOSE = ("starting", "stopping", "stopped")
"""Conditions of a program that somebody has asked for."""


def _here(at: float) -> str:
    return f"asked at {utc_text(at)[11:19]} UTC"


def finding_trouble(finding: Finding, evidence: str, thing: str = "") -> Trouble:
    """Return a finding of a doctor as a trouble of a thing; empty: of what it looked at."""
    return Trouble(
        thing=thing or finding.check,
        text=printable(finding.text),
        evidence=evidence,
        remedy=printable(finding.remedy),
    )


def absence_trouble(finding: Finding, at: float, since: float | None) -> Trouble:
    """Return the trouble of a Player that could not be asked.

    Args:
        finding: As of `dealer.absence`.
        at: When it was asked, UTC, unix seconds.
        since: When it was heard last; None: not known.
    """
    thing = "keys" if finding.check == "keys" else PLAYER
    return Trouble(
        thing=thing, text=finding.text, evidence=_here(at), remedy=finding.remedy, since=since
    )


def host_trouble(bank: BankOnHost, why: str, at: float) -> Trouble:
    """Return the trouble of a host that no connection reaches, and why."""
    text = f"host {bank.host} is not reached from here ({why})"
    remedy = f"ping {bank.host}; look at its power, the network, and the firewalls between"
    return Trouble(thing="host", text=text, evidence=_here(at), remedy=remedy)


def supervisor_trouble(host: str, why: str, at: float) -> Trouble:
    """Return the trouble of a supervisord that could not be asked."""
    text = f"supervisord of {host} cannot be asked: {printable(cut(why))}"
    remedy = f"look on {host}: systemctl status supervisor"
    return Trouble(thing="supervisor", text=text, evidence=_here(at), remedy=remedy)


# what a supervisord says of a program


def program_troubles(row: ProgramRow) -> list[Trouble]:
    """Return what is wrong with the process of a Player, as its supervisord tells it."""
    name, evidence = f"{row.program} on {row.host}", f"dealer hosts status: {row.state or 'none'}"
    start, log = f"dealer hosts start {row.bank}", f"dealer hosts log {row.bank}"
    shown = row.note.partition("; ")[0] if row.condition == CRASH_LOOP else row.note
    note = f": {printable(shown)}" if shown else ""
    told = {
        CRASH_LOOP: (f"crash loop of {name}{note}", f"{log} shows why; then: {start}"),
        "crashed": (f"{name} has crashed{note}", f"{log} shows why; then: {start}"),
        "ended": (f"{name} has ended{note}", start),
        "stopped": (f"{name} is stopped", start),
        "missing": (
            f"supervisord of {row.host} has no program {row.program}",
            f"on {row.host}: player supervisor-config, into its configuration, and supervisorctl update",
        ),
        "starting": (f"{name} is being started{_after(row.crashes)}", "wait"),
        "stopping": (f"{name} is being stopped", f"wait; then: {start}"),
        "not ready": (
            f"{name} runs (pid {row.pid}), and is not ready{note}",
            f"{log} shows what it does; dealer hosts restart {row.bank}",
        ),
    }
    if row.condition not in told or (row.condition == CRASH_LOOP and row.ready):
        return []
    text, remedy = told[row.condition]
    return [
        Trouble(
            thing=PROGRAM,
            text=text,
            evidence=evidence,
            remedy=remedy,
            since=row.since,
            is_fault=bool(row.crashes) or row.condition not in _ON_PURPOSE,
        )
    ]


def _after(crashes: int | None) -> str:
    return f" after {crashes} crash{'es' if crashes > 1 else ''}" if crashes else ""


def log_troubles(bank: BankOnHost, lines: Sequence[str]) -> list[Trouble]:
    """Return what ended a Player, as the end of its log says.

    Args:
        bank: Its Bank.
        lines: Of its log, the newest last.
    """
    reason = end_reason(lines)
    if not reason:
        return []
    thing = thing_of_reason(reason)
    text, _, remedy = reason.partition("; ")
    if thing == "configuration":  # what stands behind a fault of a file is what was found there
        text, remedy = reason, ""
    if not remedy and thing in _START_REMEDIES:
        remedy = _START_REMEDIES[thing].format(bank=bank.name, host=bank.host)
    remedy = remedy or f"on {bank.host}: player doctor {bank.name}"
    return [
        Trouble(thing=thing, text=text, evidence=f"dealer hosts log {bank.name}", remedy=remedy)
    ]


# what a Player says


def hindrance_troubles(bank: str, told: JsonValue, at: float) -> list[Trouble]:
    """Return the hindrances of a Bank, as its `get_readiness` tells them; what is none is left out."""
    some = told.get("hindrances") if isinstance(told, Mapping) else None
    found = []
    for each in some[:MAX_HINDRANCES] if isinstance(some, list) else ():
        if not isinstance(each, Mapping):
            continue
        thing, text, remedy = (
            printable(cut(str(each.get(key, "")))) for key in ("thing", "text", "remedy")
        )
        since = each.get("since")
        found.append(
            Trouble(
                thing=thing,
                text=text,
                evidence=f"{bank}, {_here(at)}",
                remedy=remedy,
                since=float(since) if isinstance(since, int | float) else None,
                is_fault=each.get("is_fault") is not False,
            )
        )
    return found


def control_troubles(bank: str, state: JsonValue, at: float, *, is_ours: bool) -> list[Trouble]:
    """Return the control of a Bank that others have, or that nobody has where commands need it.

    Args:
        bank: Its name.
        state: As of its `control.state`.
        at: When it was asked, UTC, unix seconds.
        is_ours: Whoever asks has control.
    """
    if not isinstance(state, Mapping) or is_ours:
        return []
    owner, reason, until = state.get("owner"), state.get("reason"), state.get("until")
    evidence = f"{bank}, {_here(at)}"
    take = f"dealer control take --banks {bank} REASON"
    if not owner:
        if not state.get("required"):
            return []
        text = "nobody has control, and commands need it"
        return [Trouble(thing="control", text=text, evidence=evidence, remedy=take, is_fault=False)]
    told = f" ({printable(cut(str(reason)))})" if reason else ""
    end = f" until {utc_text(float(until))[11:16]} UTC" if isinstance(until, int | float) else ""
    since = state.get("since")
    return [
        Trouble(
            thing="control",
            text=f"{printable(cut(str(owner)))} has control{end}{told}",
            evidence=evidence,
            remedy=f"ask for it; then: {take}; an administrator: dealer control break --banks {bank} REASON",
            since=float(since) if isinstance(since, int | float) else None,
            is_fault=False,
        )
    ]


def name_troubles(bank: str, url: str, told: JsonValue, at: float) -> list[Trouble]:
    """Return the trouble of a Player that serves another Bank than the file says."""
    if not isinstance(told, str) or told in ("", bank):
        return []
    text = f"the Player at {url} serves {printable(cut(told))}"
    remedy = "correct host or port of one of them in the file"
    return [Trouble(thing="name", text=text, evidence=_here(at), remedy=remedy)]


def record_troubles(what: str, told: JsonValue, at: float) -> list[Trouble]:
    """Return the trouble of a journal or history that is not written, as its `state` tells it."""
    if not isinstance(told, Mapping) or not (trouble := told.get("trouble")):
        return []
    text = f"its {what} is not written: {printable(cut(str(trouble)))}"
    remedy = printable(f"make room, or mend the disk of {told.get('folder')}")
    return [Trouble(thing=what, text=text, evidence=_here(at), remedy=remedy)]
