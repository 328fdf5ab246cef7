"""The plan while its script runs: the models of the Banks, and a record of each thing that
happens."""

from __future__ import annotations

import _thread
import os
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

from arrayconfig.files import absolute
from dealer.errors import ConfigurationError, DealerError
from dealer.planrows import Row
from dealer.players import configuration_path, find_players
from dealer.rehearsal import Answered, ModelPlayer, find_models, requires_control
from dealer.virtualtime import VirtualClock
from groundwork.addresses import split_url
from groundwork.planned import add_record
from zmqjsonproxy.errors import ProxyError

__all__ = ["Everywhere", "Keeper"]

HIDDEN = frozenset({"arm", "confirm_start", "disarm_start"})
"""Parts of a common start besides `commit`, which stands for it."""
SHOWN_AS = {"commit": "start"}
CONTROL_SHOWN_AS = {
    "take": "take_control",
    "release": "release_control",
    "break_lease": "break_control",
}
THIS_HOST = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "*"})


class Keeper:
    """Keeps the models of all Banks that a script asks, and writes down what happens to them.

    Args:
        script: The file.
        config: Configuration of the array; None: as a Dealer finds it.
        records: File to which the rows are added.
        clock: Of the plan.
    """

    def __init__(
        self, script: Path, config: str | os.PathLike[str] | None, records: str, clock: VirtualClock
    ) -> None:
        self.config, self.clock = config, clock
        self._records, self._pid = records, os.getpid()
        self._players: dict[tuple[Path, str], ModelPlayer] = {}
        self._told: list[BaseException] = []
        self.has_faults = False
        self._doubted: set[int] = set()
        self._files = {str(script), os.path.abspath(script)}
        self._is_over = False
        self._make_locks()
        os.register_at_fork(after_in_child=self._make_locks)  # another thread may have had them

    def _make_locks(self) -> None:
        self.lock, self._writing = _thread.RLock(), _thread.RLock()

    # for the Dealers of the script

    def players(
        self, urls: Mapping[str, str], config: str | os.PathLike[str] | None
    ) -> dict[str, ModelPlayer]:
        """URL -> Player; Dealers of one configuration share them."""
        path = absolute(configuration_path(self.config if config is None else config))
        with self.lock:
            missing = [bank for bank in urls if (path, bank) not in self._players]
            for bank, model in find_models(path, missing).items() if missing else ():
                self._players[path, bank] = ModelPlayer(
                    bank, urls[bank], model, self.clock, requires_control(path)
                )
            return {url: self._players[path, bank] for bank, url in urls.items()}

    def player_at(self, url: str) -> ModelPlayer:
        """The Player at an address; KeyError if the array has none there."""
        with self.lock:
            for player in self._players.values():
                if _place(player.url) == _place(url):
                    return player
            try:
                found = {
                    bank: at
                    for bank, at in find_players(None, self.config).items()
                    if _place(at) == _place(url)
                }
                return next(iter(self.players(found, None).values()))
            except (ConfigurationError, StopIteration):
                raise KeyError(url) from None

    def all_players(self) -> list[ModelPlayer]:
        """All of which there are models so far."""
        return list(self._players.values())

    def keep(self, answers: Sequence[Answered]) -> None:
        """Make rows of a question to Banks; those to which the same happens share one."""
        rows: dict[tuple[str, bool], Row] = {}
        for each in answers:
            error = each.result.error
            if error is not None:
                self._told.append(error)
            elif each.kind == "query" or each.method in HIDDEN:
                continue
            text = each.text if error is None else _reason(error)
            row = rows.get((text, error is not None))
            if row is None:
                row = Row(self.clock.elapsed, (), _call(each), text, self.line(), error is not None)
                rows[text, error is not None] = row
            row.banks += (each.bank,)
            row.doubts += [doubt for doubt in each.doubts if doubt not in row.doubts]
        for row in rows.values():
            if os.getpid() != self._pid:
                row.doubts.append(
                    "in a child of the script, which has models of its own: the others do not hear of it"
                )
            self.add(row)

    def add(self, row: Row) -> None:
        """Write a row down, unless the plan is at its end."""
        with self._writing:
            if not self._is_over:
                self.has_faults = self.has_faults or row.is_fault
                add_record(self._records, {"row": row.record()})

    def fail(self, what: str, error: BaseException, line: int | None = None) -> None:
        """Make a row of an error, unless its cause has one."""
        if self._is_told(error):
            return
        self._told.append(error)
        text = str(error) if isinstance(error, DealerError) else f"{type(error).__name__}: {error}"
        self.add(
            Row(self.clock.elapsed, (), what, text, self.line() if line is None else line, True)
        )

    def doubt(self, what: str, text: str, line: int | None = None) -> None:
        """Make a row of what the script does and the plan cannot."""
        self.add(
            Row(
                self.clock.elapsed,
                (),
                what,
                "",
                self.line() if line is None else line,
                doubts=[text],
            )
        )

    def doubt_times(self, threads: set[int]) -> None:
        """Say, once for each place, that the clock moves although some threads wait for something
        else."""
        frames = sys._current_frames()
        for line in {
            self.line(frames[ident]) for ident in threads if ident in frames
        } - self._doubted:
            self._doubted.add(line)
            text = (
                "a thread waits for something outside of the plan; times from here on are doubtful"
            )
            self.doubt("(thread)", text, line)

    def break_off(self, text: str) -> None:
        """Say that the script ends here, where it is, and where its threads are."""
        frames = sys._current_frames()
        main = threading.main_thread().ident
        line = self.line(frames[main]) if main in frames else 0
        others = {self.line(frame) for ident, frame in frames.items() if ident != main} - {0}
        if others:
            text += f"; its threads are in lines {', '.join(map(str, sorted(others)))}"
        with self._writing:  # the script goes on meanwhile
            self.add(Row(self.clock.elapsed, (), "(script)", text, line, True))
            self.end()

    def let_go(self) -> None:
        """Forget all errors, whose frames keep what the script has made."""
        self._told.clear()

    def end(self) -> None:
        """Say which Banks still have something to do when the script has ended, and that it has."""
        busy: dict[float, list[str]] = {}
        for player in self.all_players():
            if (when := player.model.next_change()) is not None:
                busy.setdefault(when, []).append(player.bank)
        for banks in busy.values():
            row = Row(self.clock.elapsed, tuple(banks), "(end)", "the script ends", 0)
            row.doubts.append("a scan is under way or waits, and nobody waits for its end")
            self.add(row)
        with self._writing:
            self._is_over = True
            add_record(self._records, {"end": self.clock.elapsed, "banks": len(self._players)})

    def _is_told(self, error: BaseException | None) -> bool:
        while error is not None:
            outcomes = getattr(error, "failed", {}) or {}
            causes = [o.error for o in outcomes.values()] if isinstance(outcomes, Mapping) else []
            if any(known is error or known in causes for known in self._told):
                return True
            error = error.__cause__ or error.__context__
        return False

    # lines of the script

    def line(self, frame: FrameType | None = None) -> int:
        """Line of the script that is being carried out; 0: none of it is.

        Args:
            frame: Of a thread; None: of this one.
        """
        frames = traceback.walk_stack(sys._getframe(1) if frame is None else frame)
        return next((at for one, at in frames if one.f_code.co_filename in self._files), 0)

    def line_of(self, error: BaseException) -> int:
        """The innermost line of the script that an error came through; 0: none."""
        if isinstance(error, SyntaxError) and error.filename in self._files:
            return error.lineno or 0
        frames = traceback.walk_tb(error.__traceback__)
        lines = [at for one, at in frames if one.f_code.co_filename in self._files]
        return lines[-1] if lines else 0


class Everywhere(Mapping[str, ModelPlayer]):
    """URL -> Player, for whoever knows addresses only."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def __getitem__(self, url: str) -> ModelPlayer:
        return self._keeper.player_at(url)

    def __iter__(self) -> Iterator[str]:
        return iter([player.url for player in self._keeper.all_players()])

    def __len__(self) -> int:
        return len(self._keeper.all_players())


def _place(url: str) -> tuple[str, int] | str:
    try:
        host, port = split_url(url)
    except ValueError:
        return url
    return "localhost" if host in THIS_HOST else host, port


def _call(each: Answered) -> str:
    words = [repr(arg) for arg in each.args] + [
        f"{name}={value!r}" for name, value in each.kwargs.items()
    ]
    if each.object_name == "control":
        return f"{CONTROL_SHOWN_AS.get(each.method, each.method)}({', '.join(words[:1])})"
    if each.method in ("commit", "arm"):
        words = []
    while words and words[-1] in ("None", "False"):
        words.pop()
    part = each.object_name.removeprefix("bank").removeprefix(".")
    name = SHOWN_AS.get(each.method, each.method)
    return f"{part + '.' if part else ''}{name}({', '.join(words)})"


def _reason(error: ProxyError) -> str:
    named = getattr(error, "type", "")
    text = getattr(error, "text", "") or str(error)
    return f"{named}: {text}" if named else text
