"""Diagnosis of a Dealer: what keeps it from conducting its Players, and what puts it right. Changes
nothing at the Players."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arrayconfig import findings
from arrayconfig.findings import Finding, file_finding
from dealer.advice import unknown_host
from dealer.channelfindings import channel_findings
from dealer.errors import ConfigurationError
from dealer.fanout import describe, fan_out
from dealer.outcome import Outcomes
from dealer.players import configuration_path, find_players, is_port_manager, tables_of_file
from dealer.recordfindings import record_findings, sink_findings
from dealer.services import open_hub
from dealer.start import ClockOffset
from groundwork.truncation import cut
from groundwork.values import JsonValue
from zmqjsonproxy import CallTimeoutError, InterfaceDescription, PeerLostError, ThreadHub
from zmqjsonproxy.errors import (
    AccessError,
    KeysNeededError,
    NoKeysThereError,
    RevokedKeyError,
    UnknownKeyError,
    WrongServerKeyError,
)
from zmqjsonproxy.keys import KeysError
from zmqjsonproxy.sockmon import Transition

__all__ = [
    "CLOCK_NOTE_S",
    "CLOCK_WRONG_S",
    "Report",
    "clock_finding",
    "examine",
    "interface_findings",
]

CLOCK_NOTE_S = 0.1
CLOCK_WRONG_S = 1.0
"""A start is refused beyond that, s; as a Dealer does by default."""
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


@dataclass(slots=True, kw_only=True)
class Report(findings.Report):
    """Findings, and what was looked at.

    Attributes:
        file: The configuration, or the port manager in its place; empty: none is named.
        players: Bank -> where it is asked.
        channels: Bank -> who subscribes there, as `rpc.channels` tells it.
    """

    file: str = ""
    players: dict[str, str] = field(default_factory=dict)
    channels: dict[str, JsonValue] = field(default_factory=dict)

    def describe(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return self.described(file=self.file or None, players=self.players, channels=self.channels)

    def lines(self) -> list[str]:
        """Return it as a person reads it."""
        bad = {finding.bank for finding in self.findings}
        return self.written(
            f"{name}: fine, at {url}" for name, url in self.players.items() if name not in bad
        )


def examine(config: str | os.PathLike[str] | None = None, timeout: float = 10.0) -> Report:
    """Look at the file, and at every Player of it.

    Args:
        config: As of a Dealer, or a port manager, `portmanager://HOST`.
        timeout: Of one question to all Players, s.
    """
    report = Report()
    try:
        report.file = str(config if is_port_manager(config) else configuration_path(config))
        report.players = find_players(None, report.file)
    except ConfigurationError as error:
        report.findings = [_of_fault(error.where, fault) for fault in error.faults]
        return report
    if report.file and not is_port_manager(report.file) and _is_insecure(Path(report.file)):
        text = (
            "[instrument] insecure = true: Players ask nobody who they are, whatever they serve on"
        )
        report.notes.append(f"{text}; `player keys new` makes keys")
    reachable = {
        bank: url for bank, url in report.players.items() if _host_is_known(bank, url, report)
    }
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
                report.findings.append(_of_absence(bank, report.players[bank], description))
        there = _Reached(hub, found, {bank: reachable[bank] for bank in found}, timeout)
        _compare_names(there, report)
        faults, notes = interface_findings(found, _kinds(there))
        report.findings += faults
        report.notes += notes
        report.findings += _own_findings(there)
        _compare_clocks(there, report)
        _look_at_channels(there, report)
        _look_at_records(there, report)
    return report


def _of_fault(where: str, fault: str) -> Finding:
    if is_port_manager(where):
        remedy = "portmanager list --host HOST shows what is known there"
        return Finding("portmanager", f"{where}: {fault}", remedy)
    text = f"{where}{' ' if fault.startswith('cannot be read') else ': '}{fault}"
    return file_finding(text, fault, "correct it there; player check --config FILE shows the line")


# one Player


def _host_is_known(bank: str, url: str, report: Report) -> bool:
    if (unknown := unknown_host(url)) is None:
        return True
    host, why = unknown
    remedy = f"add it to the name service or /etc/hosts, or correct banks.{bank}.hpc_host"
    report.findings.append(
        Finding("host", f"its host {host} is unknown here ({why})", remedy, bank)
    )
    return False


def _is_insecure(path: Path) -> bool:
    instrument = tables_of_file(path, [("instrument", "insecure")]).get("instrument")
    return isinstance(instrument, dict) and instrument.get("insecure") is True


def _of_absence(bank: str, url: str, error: Exception) -> Finding:
    if isinstance(error, AccessError):
        return _of_refusal(bank, url, error)
    if not isinstance(error, PeerLostError | CallTimeoutError):
        text = f"what answers at {url} is no Player with a Bank ({error})"
        return Finding(
            "player", text, f"end that, or give banks.{bank}.player_port another port", bank
        )
    if _is_listening(url):
        text = f"something listens at {url}, but does not answer as a Player does"
        remedy = f"restart its Player there if it hangs, or end what has the port; `player doctor {bank}` tells which"
        return Finding("player", text, remedy, bank)
    reason = error.reason if isinstance(error, PeerLostError) else "nothing came back"
    remedy = f"start it on its host (player {bank}, or the supervisor), and look there with `player doctor {bank}`"
    if reason != Transition.REFUSED.value:
        remedy += "; if it runs, a firewall between the hosts, or the host itself, does not let this through"
    return Finding("player", f"no Player answers at {url} ({reason})", remedy, bank)


_REFUSED = {
    UnknownKeyError: (
        "does not know the key of this client",
        "have its administrator make one (`player keys new NAME` there), then dealer keys import BUNDLE",
    ),
    RevokedKeyError: (
        "has the key of this client revoked",
        "have its administrator make a new one (`player keys new NAME` there)",
    ),
    KeysNeededError: (
        "demands keys, and this client has none for it",
        "dealer keys trust HOST, and dealer keys import BUNDLE",
    ),
    WrongServerKeyError: (
        "has another key than the one that is trusted",
        "ask its administrator whether it was made anew; then dealer keys trust HOST --replace",
    ),
    NoKeysThereError: (
        "serves without keys, though one is trusted",
        "have it serve with keys, or dealer keys trust HOST:PORT --plain --replace",
    ),
}
"""Faults between a Player and the keys of this client, each with its remedy."""


def _of_refusal(bank: str, url: str, error: AccessError) -> Finding:
    text, remedy = _REFUSED.get(type(error), (f"refuses this client: {error.text}", "see there"))
    return Finding("keys", f"its Player at {url} {text}", remedy, bank)


def _is_listening(url: str) -> bool:
    """Tell whether a TCP connection can be made there, within 1 s."""
    transport, _, address = url.partition("://")
    host, _, port = address.rpartition(":")
    if transport != "tcp":
        return False
    with suppress(OSError):
        socket.create_connection((host.strip("[]"), int(port)), 1.0).close()
        return True
    return False


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
    report.channels = {bank: each.value for bank, each in told.items() if each.error is None}
    findings, notes = channel_findings(report.channels)
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
        if outcome.error is not None or not isinstance(outcome.value, dict):
            continue
        half = outcome.delay_s / 2
        try:
            offset = ClockOffset(float(outcome.value["time"]) - begun - half, half)
        except (KeyError, TypeError, ValueError):
            continue
        finding = clock_finding(bank, offset)
        if finding is None:
            continue
        if abs(offset.offset_s) - offset.uncertainty_s > CLOCK_WRONG_S:
            report.findings.append(finding)
        else:
            report.notes.append(str(finding))


def clock_finding(bank: str, offset: ClockOffset) -> Finding | None:
    """Return what to say of a clock that is certainly more than 0.1 s away from ours."""
    if abs(offset.offset_s) - offset.uncertainty_s <= CLOCK_NOTE_S:
        return None
    way = "ahead of" if offset.offset_s > 0 else "behind"
    text = f"its clock is {abs(offset.offset_s):.3f} s {way} ours"
    return Finding(
        "clock",
        text,
        "let NTP or PTP set the clocks of both hosts (chronyc tracking shows it)",
        bank,
    )
