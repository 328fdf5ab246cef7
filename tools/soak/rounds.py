"""Rounds of a soak: a scan with a fault at a random point of it, and what holds afterwards."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.soak.array import BANKS, EXPOSURE_S, SCAN_S, Array
from tools.soak.faults import FAULTS, Back, Fault
from tools.soak.owners import Command, Grant, Rival, no_two_owners, numbers_rise
from tools.soak.processes import eventually
from tools.soak.promises import PROMISES, FileContents, Taken, read_file
from tools.soak.remains import orphans
from zmqjsonproxy.errors import ProxyError

PLANNED = round(SCAN_S / EXPOSURE_S)
LONGEST_S = 4.5
"""From the request for a scan to its end, about; a fault comes at any point of it."""
OVER_WITHIN_S = 90.0
RIVALS = 0.25
"""Of the rounds have somebody who takes control from the observer."""
NO_SCAN = {"outcome": "none", "file": None, "integrations": None}
ENDED = ("none", "done", "incomplete", "stopped", "aborted", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Account of one round.

    Attributes:
        number: Of it, from 1.
        fault: What was done.
        moment: s after the scan was asked for.
        outcomes: Bank -> outcome that its Player reports.
        told: Outcome that the observer was told, or the first words of the error.
        on_disk: Integrations in files, of all Banks.
        back_s: Until the next scan could be taken.
        broken: Promises that were broken, as sentences.
    """

    number: int
    fault: str
    moment: float
    outcomes: dict[str, str]
    told: str
    on_disk: int
    back_s: float
    broken: tuple[str, ...]

    def line(self) -> str:
        """Return it as a line for people."""
        outcomes = ", ".join(f"{bank} {outcome}" for bank, outcome in self.outcomes.items())
        words = f"{self.number:4} {self.moment:4.1f} s  {self.fault}: {outcomes}; told: {self.told}"
        return (
            f"{words}; {self.on_disk} integrations on disk; back after {self.back_s:.1f} s"
            + "".join(f"\n     BROKEN: {sentence}" for sentence in self.broken)
        )


@dataclass(slots=True)
class Soak:
    """Takes scans of an array with faults.

    Args:
        array: It is open.
        chance: Decides what is done, when, and to whom.
        faults: Those that are done, all of them equally often.
    """

    array: Array
    chance: random.Random
    faults: Sequence[Fault] = FAULTS
    _seen: set[str] = field(default_factory=set)
    _starts: dict[str, str] = field(default_factory=dict)
    _left: list[Fault] = field(default_factory=list)
    _number: int = 0
    _rival: Rival = field(default_factory=Rival)
    _grants: list[Grant] = field(default_factory=list)
    _commands: list[Command] = field(default_factory=list)

    def rounds(self, until: float) -> Iterator[Round]:
        """Yield round after round until a monotonic time; the first in any case. Ends with one after
        which no scan can be taken."""
        while True:
            done = self.round()
            yield done
            if done.back_s < 0 or time.monotonic() > until:
                return

    def round(self) -> Round:
        """Take one scan."""
        if not self._left:
            self._left = list(self.faults)
            self.chance.shuffle(self._left)
        fault, moment = self._left.pop(), self.chance.uniform(0.0, LONGEST_S)
        self._number += 1
        parameters = {"exposure": EXPOSURE_S, "scan_length": SCAN_S, "source": f"S{self._number}"}
        self.array.observer.lines.clear()
        self.array.observer.write(json.dumps({"number": self._number, "parameters": parameters}))
        time.sleep(moment)
        back: Back = fault.strike(self.array, self.chance)
        rivals = self.chance.random() < RIVALS
        if rivals:
            self._rival.take(self.array.urls)
        back()
        told = self._told()
        broken = [] if self._is_over() else ["the scan does not end"]
        reports = self._reports()
        self._starts |= {
            bank: one["start_id"] for bank, one in reports.items() if one.get("start_id")
        }
        older = frozenset(self._seen)
        files = self._new_files()
        if rivals:
            self._rival.give_back(self.array.urls)
        back_s = self.array.bring_back()
        if back_s is None:
            broken.append(f"no scan can be taken any more: {self.array.refusal}")
        taken = Taken(PLANNED, reports, told.get("reports", {}), files, older)
        for promise in PROMISES:
            broken += promise(taken)
        broken += self._owners()
        for check in CHECKS:
            broken += check(self.array)
        return Round(
            number=self._number,
            fault=fault.name,
            moment=moment,
            outcomes={bank: report["outcome"] for bank, report in reports.items()},
            told=_in_words(told),
            on_disk=taken.on_disk,
            back_s=-1.0 if back_s is None else back_s,
            broken=tuple(broken),
        )

    def _told(self) -> dict[str, Any]:
        """Wait for the observer; what it says at the end, empty if it is dead."""
        while True:
            line = self.array.observer.wait_line(lambda _line: True, OVER_WITHIN_S)
            if line is None:
                return {}
            said: dict[str, Any] = json.loads(line)
            if said["number"] != self._number:
                continue
            if said["stage"] == "over":
                return said
            self._note(said)

    def _note(self, said: dict[str, Any]) -> None:
        """Take note of control that the observer was given, and of what it did with it."""
        if said["stage"] == "given":
            for bank, number in said["numbers"].items():
                self._grants.append(Grant(bank, number, said["at"]))
        else:
            self._commands.append(Command(said["name"], said["numbers"], said["begun"]))

    def _owners(self) -> list[str]:
        """Broken promises about control in this round; numbers also after those of earlier ones."""
        grants = self._grants + self._rival.grants
        found = no_two_owners(grants, self._commands) + numbers_rise(grants)
        newest: dict[str, Grant] = {}
        for grant in sorted(grants, key=lambda one: one.number):
            newest[grant.bank] = grant
        self._grants, self._rival.grants, self._commands = list(newest.values()), [], []
        return found

    def _is_over(self) -> bool:
        return eventually(
            lambda: all(report["outcome"] in ENDED for report in self._reports().values()),
            OVER_WITHIN_S,
        )

    def _reports(self) -> dict[str, dict[str, Any]]:
        """Bank -> report of this scan; outcome `none` where its Player knows of none."""
        found = {}
        for bank in BANKS:
            report: dict[str, Any] = dict(NO_SCAN)
            if self.array.players[bank].is_alive:
                try:
                    with self.array.bank(bank) as proxy:
                        report = proxy.scan_report()
                except ProxyError as error:
                    report["outcome"] = f"unknown ({type(error).__name__})"
            begun = report.get("start_id")
            is_old = begun is not None and begun == self._starts.get(bank)
            found[bank] = dict(NO_SCAN) if is_old else report  # if so, this one did not begin
        return found

    def _new_files(self) -> dict[str, FileContents]:
        paths = sorted(self.array.disk.folder.rglob("*.fits"))
        new = {path.name: read_file(path) for path in paths if path.name not in self._seen}
        self._seen.update(new)
        return new


def no_orphans(array: Array) -> list[str]:
    """Nothing runs that belongs to nobody."""
    roots = (array.manager, array.observer, *array.players.values())
    return orphans(array.mark, [child.pid for child in roots])


CHECKS: list[Callable[[Array], list[str]]] = [no_orphans]
"""Of the array after each round, when a scan can be taken again; more may be added."""


def _in_words(told: dict[str, Any]) -> str:
    if not told:
        return "nothing, it is dead"
    if "error" in told:
        return " ".join(str(told["error"]).split())[:160]
    return ", ".join(sorted({report["outcome"] for report in told["reports"].values()}))


def table(rounds: Sequence[Round]) -> str:
    """Return the rounds by fault as a table in Markdown."""
    head = (
        "fault",
        "times",
        "scans of Banks",
        "integrations on disk of planned",
        "worst time until the next scan, s",
        "promises broken",
    )
    lines = [f"| {' | '.join(head)} |", "|---|---:|---|---:|---:|---|"]
    for fault in dict.fromkeys(one.fault for one in sorted(rounds, key=_place)):
        those = [one for one in rounds if one.fault == fault]
        outcomes = Counter(outcome for one in those for outcome in one.outcomes.values())
        scans = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        planned = PLANNED * len(BANKS) * len(those)
        on_disk = f"{sum(one.on_disk for one in those)} of {planned}"
        worst = max(one.back_s for one in those)
        broken = sum(len(one.broken) for one in those)
        cells = (fault, len(those), scans, on_disk, f"{worst:.1f}", broken or "none")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _place(one: Round) -> int:
    names = [fault.name for fault in FAULTS]
    return names.index(one.fault) if one.fault in names else len(names)
