"""Diagnosis of a Dealer: what keeps it from conducting its Players, and what puts it right. Changes
nothing at the Players."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from arrayconfig.findings import file_finding
from commandline import Finding, Report
from dealer.absence import absence_finding, host_finding
from dealer.channelfindings import channel_findings
from dealer.clocks import CLOCK_WRONG_S, clock_finding, offset_of
from dealer.errors import ConfigurationError
from dealer.fanout import describe, fan_out
from dealer.outcome import Outcomes
from dealer.players import configuration_path, find_players, is_port_manager, tables_of_file
from dealer.recordfindings import record_findings, sink_findings
from dealer.services import open_hub
from dealer.why import ArrayQuestion, ask_why, installation_of
from groundwork.truncation import cut
from zmqjsonproxy import InterfaceDescription, ThreadHub
from zmqjsonproxy.keys import KeysError

__all__ = ["examine", "interface_findings"]

STARTS = frozenset({"arm", "commit", "disarm_start", "earliest_start", "scan_status", "stop"})
"""Methods that a Dealer of this release calls of a Bank that takes part in common starts."""
DISTINCTIVE = frozenset({"arm", "commit", "disarm_start", "earliest_start"})
"""A Bank that has two of them takes part in common starts."""
NEEDED = {
    "spectrometer": STARTS
    | {
        "get_mode",
        "get_param",
        "get_status",
        "list_modes",
        "prepare",
        "set_mode",
        "set_param",
        "set_status",
    }
}
"""Kind of Bank -> methods of it that the Dealer has as verbs of its own."""
MAX_OF_ONE = 20
"""Findings that are taken from one Bank."""


def examine(config: str | os.PathLike[str] | None = None, timeout: float = 10.0) -> Report:
    """Look at the file, and at every Player of it.

    Args:
        config: As of a Dealer, or a port manager, `portmanager://HOST`.
        timeout: Of one question to all Players, s.
    """
    report = Report()
    try:
        report.file = str(config if is_port_manager(config) else configuration_path(config))
        players = find_players(None, report.file)
    except ConfigurationError as error:
        report.findings = [_of_fault(error.where, fault) for fault in error.faults]
        return report
    if report.file and not is_port_manager(report.file) and _is_insecure(Path(report.file)):
        text = (
            "[instrument] insecure = true: Players ask nobody who they are, whatever they serve on"
        )
        report.notes.append(f"{text}; `player keys new` makes keys")
    report.banks = {bank: {"url": url} for bank, url in players.items()}
    report.fine = {bank: f"at {url}" for bank, url in players.items()}
    report.facts = {"players": players, "channels": {}, "why": {}}
    reachable = {bank: url for bank, url in players.items() if _host_is_known(bank, url, report)}
    try:
        hub_of_user = open_hub()
    except KeysError as error:
        report.findings.append(Finding("keys", str(error), "correct that, or set DIBAS_KEYS"))
        return report
    with hub_of_user as hub:
        described = describe(hub, reachable, timeout)
        found = {bank: d for bank, d in described.items() if isinstance(d, InterfaceDescription)}
        for bank, description in described.items():
            if isinstance(description, Exception):
                report.findings.append(absence_finding(bank, players[bank], description))
        there = _Reached(hub, found, {bank: reachable[bank] for bank in found}, timeout)
        _compare_names(there, report)
        faults, notes = interface_findings(found, _kinds(there))
        report.findings += faults
        report.notes += notes
        report.findings += _own_findings(there)
        _compare_clocks(there, report)
        _look_at_channels(there, report)
        _look_at_records(there, report)
        _follow_chains(hub, players, report, timeout)
    return report


def _follow_chains(
    hub: ThreadHub, players: Mapping[str, str], report: Report, timeout: float
) -> None:
    """Ask why Banks with findings are not ready; kept is what leads beyond its symptom."""
    bad = {finding.bank for finding in report.findings}
    if urls := {bank: url for bank, url in players.items() if bank in bad}:
        known = installation_of(report.file or None)
        question = ArrayQuestion(urls=urls, installation=known, timeout=timeout)
        found = ask_why(hub, question)
        chains = {b: why for b, why in found.items() if any(c.causes for c in why.causes)}
        report.facts["why"] = {bank: each.describe() for bank, each in chains.items()}
        report.chains = [each.sentence() for each in chains.values()]


def _of_fault(where: str, fault: str) -> Finding:
    if is_port_manager(where):
        remedy = "portmanager list --host HOST shows what is known there"
        return Finding("portmanager", f"{where}: {fault}", remedy)
    text = f"{where}{' ' if fault.startswith('cannot be read') else ': '}{fault}"
    return file_finding(text, fault, "correct it there; player check --config FILE shows the line")


# one Player


def _host_is_known(bank: str, url: str, report: Report) -> bool:
    found = host_finding(bank, url)
    report.findings += [] if found is None else [found]
    return found is None


def _is_insecure(path: Path) -> bool:
    instrument = tables_of_file(path, [("instrument", "insecure")]).get("instrument")
    return isinstance(instrument, dict) and instrument.get("insecure") is True


@dataclass(frozen=True, slots=True)
class _Reached:
    """Players that answer."""

    hub: ThreadHub
    found: Mapping[str, InterfaceDescription]
    urls: Mapping[str, str]
    timeout: float

    def native(self) -> dict[str, str]:
        """Return Bank -> URL of those whose Players are ours."""
        return {bank: url for bank, url in self.urls.items() if self.found[bank].native}

    def ask(self, method: str, *args: object, but: Collection[str] = ()) -> Outcomes:
        """Ask those Banks, but some, that export a method."""
        chosen = {
            bank: self.urls[bank]
            for bank, description in self.found.items()
            if method in description.methods and bank not in but
        }
        return fan_out(self.hub, chosen, method, args, {}, self.timeout)


def _compare_names(there: _Reached, report: Report) -> None:
    """A Player that serves another Bank than the file says would take its data under a wrong
    name."""
    told = there.ask("get_bank_name")
    told.update(there.ask("get_status", "BANKNAM", but=told))
    for bank, outcome in told.items():
        name = outcome.value
        if outcome.error is None and isinstance(name, str) and name and name != bank:
            text = f"the Player at {there.urls[bank]} serves {name}"
            report.findings.append(
                Finding("player", text, "correct host or port of one of them in the file", bank)
            )


def _kinds(there: _Reached) -> dict[str, str]:
    """Bank -> kind, of those that say it."""
    told = there.ask("get_kind")
    return {bank: outcome.value for bank, outcome in told.items() if isinstance(outcome.value, str)}


def _own_findings(there: _Reached) -> list[Finding]:
    """Return what Banks themselves say is wrong with them; a kind is anybody's code."""
    told: list[Finding] = []
    for bank, outcome in there.ask("get_findings").items():
        if outcome.error is not None:
            remedy = "report this to whoever made the kind"
            told.append(
                Finding("kind", cut(f"its own checks failed: {outcome.error}"), remedy, bank)
            )
        for each in outcome.value[:MAX_OF_ONE] if isinstance(outcome.value, list) else ():
            if isinstance(each, dict):
                check, text, remedy = (
                    cut(str(each.get(key, ""))) for key in ("check", "text", "remedy")
                )
                told.append(Finding(check, text, remedy, bank))
    return told


def _look_at_channels(there: _Reached, report: Report) -> None:
    """A subscriber that takes too little misses updates; Players of other versions tell nothing."""
    told = fan_out(there.hub, there.native(), "rpc.channels", (), {}, there.timeout)
    channels = {bank: each.value for bank, each in told.items() if each.error is None}
    report.facts["channels"] = channels
    findings, notes = channel_findings(channels)
    report.findings += findings
    report.notes += notes


def _look_at_records(there: _Reached, report: Report) -> None:
    """A journal that is not written is noticed by nobody; Players of other versions have none."""
    for what in ("journal", "history"):
        told = fan_out(there.hub, there.native(), f"{what}.state", (), {}, there.timeout)
        answers = {bank: each.value for bank, each in told.items() if each.error is None}
        findings, notes = record_findings(what, answers)
        report.findings += findings
        report.notes += notes
    told = fan_out(there.hub, there.native(), "journal.sinks", (), {}, there.timeout)
    sinks = {bank: each.value for bank, each in told.items() if each.error is None}
    report.findings += sink_findings(sinks)


def interface_findings(
    found: Mapping[str, InterfaceDescription], kinds: Mapping[str, str]
) -> tuple[list[Finding], list[str]]:
    """Return what is wrong with the versions of Players, by what they export, and notes.

    Args:
        found: Bank -> what its Player says that it exports.
        kinds: Bank -> kind, as far as it is known; a kind that the Dealer has no verbs for may
            export what it likes.
    """
    faults: list[Finding] = []
    native = {bank: d for bank, d in found.items() if d.native}
    old = [bank for bank in found if bank not in native]
    notes = []
    if old:
        notes.append(
            f"{', '.join(old)}: of the original's generation; works, but is not told to start in two phases"
        )
    prints: dict[str, dict[str, list[str]]] = {}
    for bank, description in native.items():
        kind = kinds.get(bank, "")
        lacking = sorted(_needed(kind, description) - description.methods.keys())
        if lacking:
            text = (
                f"its Player is of another version than this Dealer: it lacks {', '.join(lacking)}"
            )
            faults.append(
                Finding(
                    "version",
                    text,
                    "install the release of this Dealer there, and restart it",
                    bank,
                )
            )
        else:
            prints.setdefault(kind, {}).setdefault(description.fingerprint, []).append(bank)
    for same_kind in prints.values():
        usual = max(same_kind.values(), key=len)
        notes += [
            f"{', '.join(banks)}: another interface than {', '.join(usual)}; of another version"
            for banks in same_kind.values()
            if banks is not usual
        ]
    return faults, notes


def _needed(kind: str, description: InterfaceDescription) -> frozenset[str]:
    """Return the methods that a Dealer calls of a native Bank; none of a Bank that takes part in no
    scans."""
    takes_part = len(DISTINCTIVE & description.methods.keys()) > 1
    return NEEDED.get(kind, STARTS if takes_part else frozenset())


# clocks


def _compare_clocks(there: _Reached, report: Report) -> None:
    begun = time.time()
    told = fan_out(there.hub, there.native(), "rpc.ping", (), {}, there.timeout)
    for bank, outcome in told.items():
        offset = offset_of(outcome.value, begun, outcome.delay_s)
        if offset is None or (finding := clock_finding(bank, offset)) is None:
            continue
        if offset.is_beyond(CLOCK_WRONG_S):
            report.findings.append(finding)
        else:
            report.notes.append(str(finding))
