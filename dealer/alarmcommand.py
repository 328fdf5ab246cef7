"""The command `dealer alarms`: the alarms of all Banks, and what people do about them."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from commandline import (
    DONE,
    FAILED,
    argument,
    command,
    flag,
    one_of,
    render_rows,
    say,
    tell,
    tell_line,
)
from dealer.commands import QUESTION_TIMEOUT, banks_named, complain, described
from dealer.dashboardclient import DashboardClient, DashboardError
from dealer.errors import ConfigurationError, PlayersError
from dealer.outcome import Outcomes
from dealer.players import find_players
from dealer.recordreading import RecordReader
from dealer.services import open_hub
from dealer.timearguments import utc_text
from dealer.toldalarms import alarm_rank, signature
from groundwork.printable import printable
from zmqjsonproxy import ThreadHub

__all__ = ["COMMAND", "ShownAlarms", "row_of"]

HEAD = ("state", "severity", "Bank", "alarm", "since (UTC)", "times", "value", "text", "by")
ALARMS, ABSENCE, ALL = "alarms", "no answer", "all"
OPEN = ("new", "gone")
"""Phases that wait for an acknowledgement."""
EVERY_S = 1.0
_CHANGING = ("phase", "number", "acknowledged", "shelved", "unreadable")
Alarm = dict[str, Any]


# listing


class _Asked:
    """Players and dashboard that are asked for alarms.

    Args:
        options: Of the command.
        hub: Asks Players.

    Attributes:
        banks: Whose alarms.
        trouble: Why nothing is known of absences, if something should be; else empty.
    """

    def __init__(self, options: argparse.Namespace, hub: ThreadHub) -> None:
        self._timeout = options.timeout or QUESTION_TIMEOUT
        urls = find_players(None, options.config)
        self.banks = banks_named(options.banks, list(urls))
        self._reader = RecordReader(hub, urls, self._timeout)
        self._dashboard = DashboardClient.of_array(options.config)
        self._every = options.all
        self.trouble = ""

    def alarms(self) -> tuple[list[Alarm], Outcomes]:
        """Return the alarms that there are, and what came of asking each Player."""
        asked: dict[str, dict[str, Any]] = {bank: {"every": self._every} for bank in self.banks}
        outcomes = self._reader.ask(ALARMS, "list", asked)
        found: list[Alarm] = [
            {"bank": bank, "source": "player", **alarm}
            for bank, each in outcomes.items()
            if each.error is None
            for alarm in each.value["alarms"]
        ]
        return sorted(self._absences() + found, key=alarm_rank), outcomes

    def act(self, method: str, name: str, arguments: Mapping[str, Any]) -> str:
        """Do something to an alarm of the first Bank, and return why not; empty: it is done."""
        bank = self.banks[0]
        if name != ABSENCE:
            outcome = self._reader.ask(ALARMS, method, {bank: {"name": name, **arguments}})[bank]
            return "" if outcome.error is None else str(outcome.error)
        if self._dashboard is None:
            return "no dashboard is named that would know: [dashboard] url, in the array's file"
        meant = {"bank": bank, "name": name, "number": arguments.get("number")}
        told = {key: value for key, value in arguments.items() if key != "number"}
        try:
            answer = self._dashboard.post(
                f"/api/alarms/{method}", {"alarms": [meant], **told}, self._timeout
            )
        except DashboardError as error:
            return str(error)
        return str(answer["outcomes"][f"{bank} {name}"])

    def _absences(self) -> list[Alarm]:
        if self._dashboard is None:
            return []
        try:
            told = self._dashboard.get("/api/alarms", self._timeout)["alarms"]
            self.trouble = ""
            return [
                each
                for each in told.values()
                if each["source"] == "dashboard" and each["bank"] in self.banks
            ]
        except DashboardError as error:
            self.trouble = f"{error}; what is told of absence is missing"
            return []


def _list(options: argparse.Namespace) -> int:
    with open_hub() as hub:
        asked = _Asked(options, hub)
        alarms, outcomes = asked.alarms()
        failed = {bank: each for bank, each in outcomes.items() if each.error is not None}
        if not options.follow:
            told: dict[str, Any] = {"alarms": alarms}
            told["failed"] = {bank: described(each) for bank, each in failed.items()}
            rows = [row_of(alarm) for alarm in alarms]
            tell(options.json, told, render_rows(HEAD, rows) if rows else _none(outcomes))
        if asked.trouble:
            say("dealer", printable(asked.trouble))
        for bank, each in outcomes.items():
            if each.error is None and (why := each.value["trouble"]):
                text = f"{bank}: its alarms are not kept over a restart: {why}"
                say("dealer", printable(text))
        if failed:
            complain(PlayersError(ALARMS, outcomes))
        if options.follow:
            with suppress(KeyboardInterrupt):
                _follow(asked, alarms, options.json)
            return DONE
    return FAILED if failed else DONE


def _none(outcomes: Outcomes) -> str:
    """Return what is said where no alarm is known: of a Bank that was not heard, nothing is."""
    heard = [bank for bank, each in outcomes.items() if each.error is None]
    if len(heard) == len(outcomes):
        return "no alarms"
    told = f"no alarms at {', '.join(heard)}; " if heard else ""
    return f"{told}not known: {', '.join(bank for bank in outcomes if bank not in heard)}"


def _follow(asked: _Asked, alarms: list[Alarm], as_json: bool) -> None:
    """Print what there is, and then what changes; a Bank that is away changes nothing."""
    shown = ShownAlarms()
    _print_lines(shown.news(alarms, lambda _alarm: True), as_json)
    while True:
        time.sleep(EVERY_S)
        alarms, outcomes = asked.alarms()

        def is_known(alarm: Alarm, outcomes: Outcomes = outcomes) -> bool:
            if alarm["name"] == ABSENCE:
                return not asked.trouble
            return outcomes[alarm["bank"]].error is None

        _print_lines(shown.news(alarms, is_known), as_json)


class ShownAlarms:
    """Alarms that were printed, as they were then."""

    def __init__(self) -> None:
        self._shown: dict[tuple[str, str], Alarm] = {}

    def news(self, alarms: Iterable[Alarm], is_known: Callable[[Alarm], bool]) -> list[Alarm]:
        """Return alarms that are otherwise than they were printed, quiet ones too.

        Args:
            alarms: Those that there are.
            is_known: Tells whether whoever told of an alarm was heard: else it may be there still.
        """
        told = {(each["bank"], each["name"]): each for each in alarms}
        for key, before in self._shown.items():
            if key not in told and is_known(before):
                told[key] = {**before, "phase": "quiet", "unreadable": ""}
        news = [each for key, each in told.items() if self._is_news(key, each)]
        self._shown |= told
        return news

    def _is_news(self, key: tuple[str, str], alarm: Alarm) -> bool:
        before = self._shown.get(key)
        return before is None or any(before[name] != alarm[name] for name in _CHANGING)


def _print_lines(alarms: Iterable[Alarm], as_json: bool) -> None:
    for alarm in alarms:
        tell_line(as_json, alarm, "  ".join(row_of(alarm)))


def row_of(alarm: Alarm) -> tuple[str, ...]:
    """Return an alarm as the row of a table; nothing of it steers a terminal."""
    signed, shelved, why = alarm["acknowledged"], alarm["shelved"], alarm["unreadable"]
    by = signature(signed)
    if shelved:
        by = f"until {utc_text(shelved['until'])} by {signature(shelved)}"
    state = "unknown" if why and alarm["phase"] == "quiet" else alarm["phase"]
    value = f"{alarm['value']} (cannot be told now: {why})" if why else alarm["value"]
    cells = (
        "shelved" if shelved else state,
        alarm["severity"],
        alarm["bank"],
        alarm["name"],
        utc_text(alarm["since"]) if alarm["since"] else "",
        str(alarm["count"]) if alarm["count"] else "",
        value.strip(),
        alarm["text"],
        by,
    )
    return tuple(printable(str(cell)) for cell in cells)


# acting


def _acknowledge(options: argparse.Namespace) -> int:
    return _act(
        options,
        "acknowledge",
        lambda alarm: {"number": alarm.get("number"), "note": options.note},
        lambda alarm: alarm["phase"] in OPEN,
    )


def _shelve(options: argparse.Namespace) -> int:
    if options.end:
        return _act(options, "unshelve", lambda _: {}, lambda alarm: bool(alarm["shelved"]))
    told = {"seconds": 3600.0 * options.hours, "note": options.note}
    return _act(options, "shelve", lambda _: told, lambda alarm: alarm["phase"] != "quiet")


def _act(
    options: argparse.Namespace,
    method: str,
    arguments: Callable[[Alarm], dict[str, Any]],
    is_meant: Callable[[Alarm], bool],
) -> int:
    """Do something to alarms of a Bank, and say of each what came of it.

    Args:
        options: Of the command.
        method: Of the Player's alarms; the dashboard's address of absences ends with it.
        arguments: Further ones, by alarm.
        is_meant: Tells which alarms `all` means.
    """
    options.banks, options.all = options.alarm_bank, True
    with open_hub() as hub:
        asked = _Asked(options, hub)
        if len(asked.banks) != 1:
            raise ConfigurationError("alarms", ["name one Bank, and its alarms behind it"])
        alarms, heard = asked.alarms()
        known = {alarm["name"]: alarm for alarm in alarms}
        lacking: list[str] = []
        if options.names == ALL:
            names = [alarm["name"] for alarm in alarms if is_meant(alarm)]
            lacking = [str(each.error) for each in heard.values() if each.error is not None]
            lacking += filter(None, [asked.trouble])
        else:
            names = options.names.split(",")
        outcomes = {name: asked.act(method, name, arguments(known.get(name, {}))) for name in names}
    done = [name for name, why in outcomes.items() if not why]
    text = f"{asked.banks[0]}: {', '.join(done) or 'nothing'} {_PARTICIPLES[method]}"
    tell(options.json, {"outcomes": outcomes}, text)
    for why in (*filter(None, outcomes.values()), *lacking):
        say("dealer", printable(why))
    return FAILED if lacking or len(done) < len(outcomes) else DONE


_PARTICIPLES = {
    "acknowledge": "acknowledged",
    "shelve": "shelved",
    "unshelve": "taken from the shelf",
}

_OWN = (
    argument("alarm_bank BANK", "whose alarm", metavar="BANK"),
    argument(
        "names NAME", 'of the alarm, several as a,b; "no answer"; or all that wait', metavar="NAME"
    ),
    argument("--note TEXT", "one line, for others to read", default=""),
)
COMMAND = command(
    "alarms",
    _list,
    "alarms of all Banks, the worst first; acknowledge them, shelve them",
    argument("--banks BANKS", "whose, as BANKA,BANKB; default: all", default=ALL),
    flag("--all", "also those that are quiet"),
    flag("--follow", "go on with what changes, until Ctrl-C"),
    description="Alarms that Players tell of, and what a dashboard knows of their absence "
    "(`[dashboard] url`). Without a command: list them.",
    commands=(
        command(
            "ack",
            _acknowledge,
            "acknowledge an alarm: others see who looks after it",
            *_OWN,
        ),
        command(
            "shelve",
            _shelve,
            "have an alarm not counted until a time is over",
            *_OWN,
            one_of(
                argument("--hours N", "for so long; default: 1", type=float, default=1.0),
                flag("--end", "take it from the shelf"),
            ),
        ),
    ),
)
