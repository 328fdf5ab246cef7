"""Base of every kind of Bank, as the host sees it; knows no socket, no process and no instrument.

A kind is a subclass of `Bank`. The host makes one from a `BankContext`, calls `open`, serves
its marked methods as object `bank` and those of its parts as `bank.<part>`, calls `watchdog`
once a second, and `close` at the end.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from arrayconfig.logs import log_level, set_log_level
from player.alarms.rules import AlarmRule
from player.clock import Clock, SystemClock
from player.errors import Fault
from player.findings import Finding, Surroundings
from player.hostproperties import HOST_PROPERTIES
from player.readiness import READY, Depends, Hindrance, dependency_fault, readiness
from player.tables import BankConfig, Composed, Config
from player.tomlfile import KeyPath
from zmqjsonproxy.channels.properties import declared_by
from zmqjsonproxy.errors import RefusedError
from zmqjsonproxy.interface import command, marked_methods, query
from zmqjsonproxy.rights import ClientKeys, Role

__all__ = ["Bank", "BankContext", "BankLog"]

BankLog = logging.LoggerAdapter[logging.Logger]


@dataclass(frozen=True, slots=True, kw_only=True)
class BankContext:
    """Surroundings of a Bank, as the host tells it.

    Attributes:
        name: Bank name, upper case.
        config: The validated `[banks.<name>]` table, an instance of the kind's `config_model()`.
        instrument: The whole configuration.
        simulate: True: no real instrument may be touched.
        data_root: Where data files go (`DIBAS_DATA`).
        dibas_dir: Installation root (`DIBAS_DIR`); None if it is not set.
        state_dir: For small files that outlive the Player and belong neither to the data nor to the
            configuration; made when it is needed. None: there is no place.
        log: Logger with the Bank's name bound.
        clock: The time; tests turn it by hand.
        url: Where this host reaches the Bank's endpoint for calls; empty: nobody serves it.
        keys: By which this host reaches Players; None: without keys.
    """

    name: str
    config: BankConfig
    instrument: Config
    simulate: bool
    data_root: Path
    dibas_dir: Path | None
    log: BankLog
    clock: Clock = field(default_factory=SystemClock)
    state_dir: Path | None = None
    url: str = ""
    keys: ClientKeys | None = None


class Bank:
    """Base of all kinds of Banks. Methods reach callers only if they are marked.

    A subclass is refused, by TypeError, if it marks what the host itself calls (`open`, `close`,
    ...), takes from the host what that asks (`get_bank_name`), or declares a property by a name of
    those, or by one of the host's own (`player.hostproperties`); or if its `depends` is none.

    Attributes:
        depends: Thing -> things that it needs, from `ready` on, named as findings and hindrances
            name what they are about.
    """

    depends: ClassVar[Depends] = {READY: ()}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        exported = marked_methods(cls)
        for name in exported:
            if name in _HOOKS:
                text = (
                    f"{cls.__name__}.{name} is marked for callers, but the host itself uses {name}"
                )
                raise TypeError(f"{text}: give the method another name, as {name}_it")
        if taken := sorted((HOST_PROPERTIES | _HOOKS) & declared_by(cls).keys()):
            does = "publishes" if taken[0] in HOST_PROPERTIES else "uses"
            raise TypeError(
                f"{cls.__name__}.{taken[0]} is declared as a property, but the Player itself "
                f"{does} {taken[0]}: give it another name"
            )
        for name, (_, mark) in marked_methods(Bank).items():
            if name not in exported or exported[name][1].kind is not mark.kind:
                raise TypeError(
                    f"{cls.__name__}.{name} is asked by the host as a {mark.kind}, and has to stay one"
                )
        if fault := dependency_fault(cls.depends):
            raise TypeError(f"{cls.__name__}.depends {fault}")

    def __init__(self, context: BankContext) -> None:
        self.context = context
        self.log = context.log

    @property
    def name(self) -> str:
        """The Bank's name, upper case."""
        return self.context.name

    @classmethod
    def config_model(cls) -> type[BankConfig]:
        """Return the pydantic model of a `[banks.X]` table of this kind."""
        return BankConfig

    @classmethod
    def instrument_sections(cls) -> Mapping[str, Any]:
        """Return the other top-level tables this kind reads: name -> type to validate them as.

        Anything that `pydantic.TypeAdapter` accepts: a model, or `dict[str, SomeModel]`.
        A table that is absent from the file is validated as an empty one.
        """
        return {}

    @classmethod
    def composed(cls, config: Config) -> Mapping[KeyPath, Composed]:
        """Return the tables of a valid configuration that are put together from several, by their
        place in the file.

        For those who ask which values hold: a mode with what it inherits.
        """
        return {}

    @classmethod
    def check(cls, config: Config) -> list[Fault]:
        """Return the faults that no single table shows; `config.fault(key, text)` makes one.

        Called once per load if a Bank of this kind is configured. `config.banks` holds the
        Banks whose own tables are valid, `config.bank_names` the names of all.
        """
        return []

    @classmethod
    def diagnose(cls, config: Config, bank_name: str, around: Surroundings) -> list[Finding]:
        """Return what would keep a Bank of this kind from working on this host, for `player
        doctor`.

        Changes nothing, and takes at most a few seconds; also called while a Player serves the
        Bank.

        Args:
            config: A valid configuration.
            bank_name: One of its Banks, of this kind.
            around: Where it would be opened.
        """
        return []

    @classmethod
    def declared_alarms(cls) -> Sequence[AlarmRule]:
        """Return the alarms that every Bank of this kind has, as long as the file does not say
        otherwise."""
        return ()

    def parts(self) -> Mapping[str, object | None]:
        """Return what is served besides the Bank itself: part name -> object.

        None is served too, with an empty list of methods: the part exists, the device does not.
        """
        return {}

    def open(self) -> None:
        """Make everything that has to be closed again. Called once, before the first call is
        served."""

    def close(self) -> None:
        """End children, release memory and devices; within 3 s; may be called twice, and after a
        failed `open`."""

    def watchdog(self) -> None:
        """Do what is due each second; called in a thread of its own, never twice at once."""

    @query
    def get_bank_name(self) -> str:
        """Return the name of the Bank that this Player serves."""
        return self.context.name

    @query
    def get_kind(self) -> str:
        """Return the kind of this Bank, as its table in the configuration names it."""
        return self.context.config.kind

    @query
    def get_overview(self) -> dict[str, Any]:
        """Return the state of this Bank in a few values, name -> value: a row of `dealer status`.

        Names are the same at all times; a value that is not there is None.
        """
        return {"kind": self.context.config.kind}

    @query
    def get_findings(self) -> list[dict[str, str]]:
        """Return what is wrong with this Bank now, for `dealer doctor`; each as `Finding.describe`
        returns it.

        Reads what is known, and asks no device.
        """
        return []

    def hindrances(self) -> Sequence[Hindrance]:
        """Return what keeps this Bank from beginning something now, beside its findings: it is busy,
        or was not told what to do.

        Reads what is known, and asks no device.
        """
        return ()

    @query
    def get_readiness(self) -> dict[str, Any]:
        """Return what this Bank depends on, and what of it is not as it should be, for `dealer why`.

        Returns:
            depends: thing -> things that it needs, from `ready` on; hindrances: a list of thing,
            text, remedy, since (UTC, unix seconds, or None) and is_fault.
        """
        return readiness(self.depends, self.get_findings(), self.hindrances())

    @query
    def get_wanted(self) -> dict[str, Any]:
        """Return what was asked of this Bank, by the key of the result that shows what became of it,
        as `status.EXPOSURE`: key -> value, for `dealer diff`."""
        return {}

    @query
    def get_log_level(self, logger: str = "") -> str:
        """Return the least level that the Player logs: debug, info, warning or error.

        Args:
            logger: Of the records of a logger; empty: of all that have no level of their own.
        """
        try:
            return log_level(logger)
        except ValueError as error:
            raise RefusedError(str(error)) from error

    @command(urgent=True, aborts=False, needs_control=False, role=Role.ADMIN)
    def set_log_level(self, level: str, logger: str = "") -> str:
        """Set the least level that the Player logs, its data-taking program's lines too, until it
        ends or is set again.

        Args:
            level: debug, info, warning or error.
            logger: For the records of a logger alone, as `zmqjsonproxy.control`; empty: for all that
                have no level of their own.

        Returns:
            The level before.
        """
        try:
            before = set_log_level(level, logger)
        except ValueError as error:
            raise RefusedError(str(error)) from error
        if before != (now := log_level(logger)):
            whose = f" of {logger}" if logger else ""
            self.log.warning("the level of the log%s is now %s; it was %s", whose, now, before)
        return before


_HOOKS = {"context", "log", *(name for name in vars(Bank) if not name.startswith("_"))} - {
    *marked_methods(Bank)
}
"""Attributes of a Bank that are the host's."""
