"""Journal and history of one Player: where they are kept, and the objects that serve them."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from groundwork.values import JsonObject, JsonValue
from groundwork.version import version
from player.clock import Clock
from player.dataroot import Mounts
from player.findings import Finding
from player.history import MAX_POINTS, History
from player.journal import MAX_ENTRIES, Journal
from player.recordfolder import LOCAL_DISK, network_file_system
from player.recordspan import RecordSpan, moment
from player.sinks import Sink
from player.sinks.follower import FileFollower
from player.sinks.opening import open_sinks
from player.statenames import state_name
from player.tables import Config
from zmqjsonproxy.caller import current_caller
from zmqjsonproxy.channels.properties import PropertyTable, PublishedUpdate
from zmqjsonproxy.engine.callrecords import CallRecord
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.interface import command, query
from zmqjsonproxy.rights import Role
from zmqjsonproxy.waiting import beside

__all__ = ["Records", "ServedHistory", "ServedJournal", "place_findings"]

log = logging.getLogger(__name__)

_WITHIN_S = 1.0


class Records:
    """Journal and history, each None if it is not kept.

    Args:
        config: The configuration.
        bank: Name of the Bank.
        state_dir: Folder for what outlives the Player; None: nothing is kept.
        clock: The time.
        simulated: No real instrument is touched; its records are kept apart.
        sinks: Further places for both, beside those of the configuration.
        whose: What keeps them, for the journal.

    Attributes:
        why_not: Why neither is kept; empty: nothing hinders it.
        is_off: /dev/null in the place of a folder says so on purpose.
        journal: The journal.
        history: The history, once it was begun.
    """

    def __init__(
        self,
        config: Config,
        bank: str,
        state_dir: Path | None,
        clock: Clock,
        *,
        simulated: bool = False,
        sinks: Sequence[Sink] = (),
        whose: str = "the Player",
    ) -> None:
        self._config, self._bank, self._clock, self._whose = config, bank, clock, whose
        self._sinks: list[Sink] = list(sinks)
        self._followers: list[FileFollower] = []
        self.journal: Journal | None = None
        self.history: History | None = None
        self.why_not = _why_not(state_dir)
        self.is_off = state_dir is not None and state_dir.is_relative_to(os.devnull)
        self._folder = None
        if self.why_not or state_dir is None:
            level = logging.WARNING
            if _is_unwanted(state_dir):
                level = logging.DEBUG if self.is_off else logging.INFO
            log.log(level, "%s: neither journal nor history is kept: %s", bank, self.why_not)
        else:
            name = state_name("records", bank, config.path)
            self._folder = state_dir / f"{name}{'-simulated' if simulated else ''}"
            self._followers = open_sinks(config, bank, simulated=simulated)
            self._sinks += self._followers
            if config.instrument.journal.keep:
                self.journal = Journal(self._folder, config.instrument.journal, clock, self._sinks)
                for follower in self._followers:
                    follower.follow_calls(self.journal)
                self.journal.note(f"{whose} begins: {version()}, process {os.getpid()}")
        self.served_journal = ServedJournal(self, bank, simulated)
        self.served_history = ServedHistory(self, bank)

    def begin_history(self, tables: Mapping[str, PropertyTable]) -> None:
        """Begin the history of properties: of the Bank under an empty name, of its parts under
        theirs."""
        settings = self._config.instrument.history
        if self._folder is not None and settings.keep:
            self.history = History(self._folder, settings, tables, self._clock, self._sinks)
            for follower in self._followers:
                follower.follow_points(self.history)

    def told_off(self, what: str) -> JsonObject:
        """Return why a `journal` or a `history` is not kept, and whether that is on purpose."""
        why = self.why_not or f"[instrument.{what}] keep is false"
        return {"why_not": why, "on_purpose": self.is_off or not self.why_not}

    def sinks(self) -> list[JsonObject]:
        """Return how the sinks of the configuration fare."""
        return [follower.state() for follower in self._followers]

    @property
    def on_command(self) -> Callable[[CallRecord], None] | None:
        """Listener to commands; None: nobody keeps a journal."""
        return None if self.journal is None else self.journal.take

    def note(self, text: str) -> None:
        """Write a remark into the journal, of what happened without a call."""
        if self.journal is not None:
            self.journal.note(text)

    def take_control(self, update: PublishedUpdate) -> None:
        """Take note of control that has ended, which may happen without a call."""
        told = update.encoded.value()
        if isinstance(told, dict) and told.get("number") is None and told.get("ended"):
            self.note(f"control: {told['ended']}")

    def close(self) -> None:
        """Write what waits, and end both; may be called twice."""
        history, self.history = self.history, None
        journal, self.journal = self.journal, None
        if history is not None:
            history.close(_WITHIN_S)
        if journal is not None:
            journal.note(f"{self._whose} ends")
            journal.close(_WITHIN_S)
        for sink in self._sinks:
            try:
                sink.close()
            except Exception:  # anybody's code
                log.exception("%s: closing %s raised", self._bank, type(sink).__name__)


def place_findings(state_dir: Path | None, mounts: Mounts | None = None) -> list[Finding]:
    """Return what is wrong with the folder where records go, for `player doctor`; that none is
    wanted is not."""
    if state_dir is None or _is_unwanted(state_dir):
        return []
    text = _why_not(state_dir)
    if not text and (found := network_file_system(state_dir, mounts)):
        text = f"the state folder {state_dir} is on a network file system ({found})"
    told = f"neither journal nor history can be kept: {text}"
    return [Finding("journal", told, LOCAL_DISK)] if text else []


def _is_unwanted(state_dir: Path | None) -> bool:
    """Tell whether /dev/null, or no folder at all, says that nothing is to be kept."""
    return state_dir is None or state_dir.is_relative_to(os.devnull)


def _why_not(state_dir: Path | None) -> str:
    """Return why nothing can be kept below a folder; empty: it may be."""
    if state_dir is None:
        return "there is no state folder: neither HOME nor XDG_STATE_HOME is set"
    above = next((path for path in (state_dir, *state_dir.parents) if path.exists()), None)
    if above is not None and not above.is_dir():
        return f"the state folder {state_dir} is below {above}, which is no folder"
    return ""


class ServedJournal:
    """The object `journal` of a Player."""

    def __init__(self, records: Records, bank: str, simulated: bool) -> None:
        self._records, self._bank, self._simulated = records, bank, simulated

    def _journal(self) -> Journal:
        beside()
        if self._records.journal is None:
            why = self._records.why_not or "[instrument.journal] keep is false"
            raise RefusedError(f"{self._bank} keeps no journal: {why}")
        return self._records.journal

    @query
    def read(
        self,
        after: int = 0,
        since: float | None = None,
        until: float | None = None,
        client: str = "",
        method: str = "",
        most: int = MAX_ENTRIES,
        newest: bool = False,
    ) -> JsonObject:
        """Return entries of the journal in the order of their numbers, which rise by one or more.

        Args:
            after: Number after which they begin.
            since: Those of then or later, UTC, unix seconds.
            until: Those before.
            client: Text that the name of the client, or of its key, contains.
            method: Pattern of `object.method`, as bank.set_*.
            most: So many at most, 1 to 1000.
            newest: The last of them; false: the first.

        Returns:
            `bank`, `simulated`, and `entries`: `number`, `time` (when it began, UTC, unix seconds),
            `running_s` (likewise, of a clock that is never set), `method`, `arguments`
            (shortened, without secrets), `client`, `host`, `key`, `through` (key of the client
            that called on its behalf), `call_id`, `operation`, `outcome` (running, done,
            failed, refused, aborted, not begun, unknown, remark), `duration_s`, `error`, `text`.
        """
        span = RecordSpan.asked(after, since, until, most, newest)
        entries = self._journal().entries(span, client=str(client), method=str(method))
        return {"bank": self._bank, "simulated": self._simulated, "entries": entries}

    @command(urgent=True, aborts=False, needs_control=False, is_read_only=True, role=Role.OBSERVE)
    def find(self, call_id: str) -> JsonObject | None:
        """Return the last entry of a call of the asking client (of one without a key: of any
        without) by the identity that it gave it; none: there is no such."""
        return self._journal().find(str(call_id), current_caller().key)

    @query
    def sinks(self) -> list[JsonObject]:
        """Return how the servers fare that get journal and history, too: `name`, `up`, `trouble`
        (why nothing is sent now), and of `journal` and `history` `written`, `lost`, `behind`
        (records that the server has not yet; none: unknown)."""
        return self._records.sinks()

    @query
    def state(self) -> JsonObject:
        """Return how the journal fares: `folder`, `bytes` and `most_bytes` on disk, `days`,
        `written`, `lost`, `trouble` (why nothing is written now), `set_aside` (damaged files); or
        `why_not` if none is kept, and whether that is `on_purpose`."""
        if self._records.journal is None:
            return self._records.told_off("journal")
        return self._records.journal.state()


class ServedHistory:
    """The object `history` of a Player."""

    def __init__(self, records: Records, bank: str) -> None:
        self._records, self._bank = records, bank

    def _history(self) -> History:
        beside()
        if self._records.history is None:
            why = self._records.why_not or "[instrument.history] keep is false"
            raise RefusedError(f"{self._bank} keeps no history: {why}")
        return self._records.history

    @query
    def keys(self, pattern: str = "*") -> list[JsonObject]:
        """Return what is kept: `name` and `unit` of each key that a pattern means, as status.*."""
        return self._history().known_keys(str(pattern))

    @query
    def read(
        self,
        keys: list[str],
        after: int = 0,
        since: float | None = None,
        until: float | None = None,
        most: int = MAX_POINTS,
        newest: bool = False,
    ) -> list[JsonObject]:
        """Return values of some keys over time, in the order of their numbers.

        Args:
            keys: Names of properties, as status.SCANNUM, or of members of tables, as
                host_load.load.
            after: Number after which they begin.
            since: Those of then or later, UTC, unix seconds.
            until: Those before.
            most: So many at most, 1 to 10000.
            newest: The last of them; false: the first.

        Returns:
            `number`, `time` (UTC, unix seconds), `key`, `value` (none: there is no value any
            more), `unit` of each.
        """
        span = RecordSpan.asked(after, since, until, most, newest)
        return self._history().points([str(key) for key in keys], span)

    @query
    def in_force(self, keys: list[str], at: float) -> dict[str, JsonValue]:
        """Return the values that held at a moment, UTC, unix seconds, as `read` does, by key."""
        return dict(self._history().in_force([str(key) for key in keys], moment(at) or 0.0))

    @query
    def state(self) -> JsonObject:
        """Return how the history fares, as of the journal."""
        if self._records.history is None:
            return self._records.told_off("history")
        return self._records.history.state()
