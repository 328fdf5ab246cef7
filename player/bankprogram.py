"""A program that is a Player with one Bank of a kind: its options over a file, and its run."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tomlkit

from groundwork.addresses import is_loopback_host, split_url
from player.config import checked, data_root, state_dir
from player.errors import ConfigError, Fault
from player.host import Host
from player.lifecycle import EndSignals, Notifier, run
from player.logs import LevelSignal, set_up_logging
from player.tables import Config
from player.tomlfile import TomlFile, parse_toml, put_over, read_toml
from portmanager.protocol.urls import ServiceAddress, is_service, own_service

__all__ = ["EVERYWHERE", "BankProgram", "table_in"]

EVERYWHERE = "0.0.0.0"
_ANY_PORT = "tcp://127.0.0.1:*"
"""Several programs may run on one host."""

log = logging.getLogger(__name__)

Tables = Mapping[str, Any]


def table_in(tables: Tables, *keys: str) -> Tables:
    """Return a table within tables; empty where there is none, whose faults are found later."""
    for key in keys:
        found = tables.get(key)
        tables = found if isinstance(found, dict) else {}
    return tables


@dataclass(frozen=True, slots=True, kw_only=True)
class BankProgram:
    """A program. Its options have `config`, `bank`, `url` and `peers`.

    Attributes:
        name: As it is typed.
        kind: Of its Bank.
        endpoint: Kind of the endpoint that it is for.
        bank: Name of its Bank, if nobody names it.
        several: Names such Banks, for errors.
    """

    name: str
    kind: str
    endpoint: str
    bank: str
    several: str

    @property
    def place(self) -> Path:
        """Place of faults of its options."""
        return Path(f"options of {self.name}")

    def config(
        self,
        options: argparse.Namespace,
        environment: Mapping[str, str],
        defaults: Callable[[str, str, Tables], Tables],
        given: Callable[[str, str, Tables], Tables],
    ) -> Config:
        """Return the configuration that options, environment and file make together.

        Args:
            options: Of the command line.
            environment: Of the process.
            defaults: Returns the tables that hold unless the file says otherwise, of the names of
                Bank and endpoint and the tables of the file.
            given: Returns the tables that hold whatever the file says, of the same.

        Raises:
            ConfigError: With every fault.
        """
        source = TomlFile(self.place, {})
        if options.config is not None:
            source = read_toml(options.config, environment)
        bank = self.bank_name(options, source.tables)
        endpoint = self.endpoint_name(source.tables, bank)
        under = self._parsed(defaults(bank, endpoint, source.tables))
        merged = put_over(
            put_over(under, source), self._parsed(given(bank, endpoint, source.tables))
        )
        path = self.place if options.config is None else options.config
        return checked(replace(merged, path=path))

    def _parsed(self, tables: Tables) -> TomlFile:
        return parse_toml(tomlkit.dumps(tables), self.place)

    def bank_name(self, options: argparse.Namespace, tables: Tables) -> str:
        """Return the Bank that is meant: the one that is named, else the only one of its kind.

        Args:
            options: Of the command line.
            tables: Of the configuration.

        Raises:
            ConfigError: There are several.
        """
        if options.bank is not None:
            return str(options.bank).upper()
        ours = [
            name
            for name, table in table_in(tables, "banks").items()
            if isinstance(table, dict) and table.get("kind") == self.kind
        ]
        if len(ours) > 1:
            text = (
                f"there are several {self.several}, {', '.join(ours)}: name one, --bank {ours[0]}"
            )
            raise ConfigError([Fault(options.config, None, "banks", text)])
        return ours[0] if ours else self.bank

    def endpoint_name(self, tables: Tables, bank: str, kind: str | None = None) -> str:
        """Return the name of an endpoint in the table of a Bank; its kind, if there is none yet.

        Args:
            tables: Of the configuration.
            bank: Name of the Bank.
            kind: Of the endpoint; None: the one that the program is for.
        """
        wanted = kind or self.endpoint
        endpoints = table_in(tables, "banks", bank, "endpoints")
        return next(
            (
                name
                for name, table in endpoints.items()
                if isinstance(table, dict) and table.get("kind", name) == wanted
            ),
            wanted,
        )

    def served_url(self, options: argparse.Namespace, config: Config, bank: str) -> str:
        """Return where the Bank is served for Dealers.

        Raises:
            ConfigError: What is given is no address.
        """
        if options.url is None:
            return _ANY_PORT if options.config is None else config.url(bank)
        try:
            if is_service(options.url):
                return ServiceAddress(own_service(options.url, bank), config.manager).url
            host, _ = split_url(options.url)
        except ValueError as error:
            raise ConfigError([Fault(self.place, None, "url", str(error))]) from error
        if options.peers is None and not is_loopback_host(host):
            text = (
                f"{options.url} can be reached from other hosts: say which may connect, --peers CIDR, "
                "or take 127.0.0.1"
            )
            raise ConfigError([Fault(self.place, None, "url", text)])
        return str(options.url)

    def run(
        self,
        options: argparse.Namespace,
        environment: Mapping[str, str],
        config: Config,
        level: str,
        signals: EndSignals,
        notifier: Notifier,
        on_ready: Callable[[Host], object],
    ) -> bool:
        """Serve to the end; True: that was asked for.

        Args:
            options: Of the command line.
            environment: Of the process.
            config: As of `config`.
            level: Least level that is logged.
            signals: Those that end it.
            notifier: Told of its states.
            on_ready: Called once it answers.

        Raises:
            ConfigError: As of `served_url`.
            PlayerError: It cannot be opened, or does not answer.
        """
        bank = self.bank_name(options, config.source.tables)
        set_up_logging(level, bank, program=self.name)
        host = Host(
            config,
            bank,
            self.served_url(options, config, bank),
            data_root=data_root(config, environment),
            state_dir=state_dir(environment),
        )
        for warning in config.source.warnings:
            log.warning("%s", warning)
        with LevelSignal():
            return run(host, signals, notifier, lambda: on_ready(host))
