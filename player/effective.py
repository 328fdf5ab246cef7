"""The values that hold for a Player, and where each comes from: flag, environment, file and line,
or default.

Secrets are named and not shown: keys, and variables, with a name as `password`, `secret` or
`token`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr, TypeAdapter

from arrayconfig.files import dotted, quoted
from player import config as configuration
from player.kinds import composed_of, find_kind
from player.tables import Config, is_secret, without_user
from player.tomlfile import KeyPath

__all__ = ["Flags", "Setting", "settings_of"]

HIDDEN = "(not shown)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """Values of the command line; None or False where it does not."""

    config: Path | None = None
    bank: str | None = None
    bind: str | None = None
    simulate: bool = False
    log_level: str | None = None
    log_json: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One value.

    Attributes:
        key: Dotted key; without a dot what only flags and environment say.
        value: As JSON has it; None: not set. Of a secret, that it is not shown.
        source: `flag`, `environment`, `file` or `default`.
        where: Which flag, which variable, file and line; empty for a default.
    """

    key: str
    value: Any
    source: str
    where: str = ""

    def line(self) -> str:
        """Return `banks.BANKA.player_port = 6667  # conf/dibas.toml:8`."""
        text = "not set" if self.value is None else _toml(self.value)
        return f"{self.key} = {text}  # {self.where or self.source}"

    def describe(self) -> dict[str, Any]:
        """Return it as a table for JSON."""
        return {"key": self.key, "value": self.value, "source": self.source, "where": self.where}


def _toml(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{dotted((str(k),))} = {_toml(v)}" for k, v in value.items()) + " }"
            if value
            else "{}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return json.dumps(value)


def _plain(value: Any, key: KeyPath) -> Any:
    """Return a value as JSON has it, without secrets."""
    if value is not None and (is_secret(key) or isinstance(value, SecretStr)):
        return HIDDEN
    if isinstance(value, str):
        return without_user(value)
    if isinstance(value, dict):
        return {str(name): _plain(one, (*key, str(name))) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one, key) for one in value]
    return TypeAdapter(Any).dump_python(value, mode="json", fallback=str)


class _Tables:
    """Flattens the tables of a configuration."""

    def __init__(
        self, config: Config, home: Callable[[KeyPath], KeyPath] = lambda key: key
    ) -> None:
        self._config, self._source, self._home = config, config.source, home

    def of_file(self, key: KeyPath, value: Any) -> Setting:
        """Return a value that stands in a file."""
        at = self._home(key)
        names = [
            name
            for one, used in self._source.variables.items()
            if one[: len(at)] == at
            for name in used
        ]
        file, line = self._source.place(at) or (self._source.path, 0)
        where = f"{file}:{line}" + (f", {dotted(at)}" if at != key else "")
        where += f", with {', '.join(f'${{{name}}}' for name in names)}" if names else ""
        shown = HIDDEN if any(is_secret((name,)) for name in names) else _plain(value, key)
        return Setting(key=dotted(key), value=shown, source="file", where=where)

    def flat(self, value: Any, raw: Any, key: KeyPath) -> Iterator[Setting]:
        """Yield the settings of a validated value; `raw` is what the file has there, None for
        nothing."""
        if isinstance(value, BaseModel):
            given = raw if isinstance(raw, Mapping) else {}
            for name in (*type(value).model_fields, *(value.model_extra or {})):
                yield from self.flat(getattr(value, name), given.get(name), (*key, name))
        elif isinstance(raw, Mapping) and raw and not is_secret(key):
            inner = value if isinstance(value, Mapping) else {}
            for name, one in raw.items():
                found = inner.get(name)
                yield from self.flat(
                    found if isinstance(found, BaseModel) else one, one, (*key, name)
                )
        elif raw is not None:
            yield self.of_file(key, raw)
        else:
            yield Setting(key=dotted(key), value=_plain(value, key), source="default")

    def setting(self, key: KeyPath) -> Setting | None:
        """Return what the file says of one key; None if it says nothing."""
        value: Any = self._source.tables
        for part in key:
            value = value.get(part) if isinstance(value, Mapping) else None
        return None if value is None else self.of_file(key, value)

    def bank(self, name: str) -> Iterator[Setting]:
        """Yield the settings of a Bank; what it takes from `[instrument]` with the place there."""
        for one in self.flat(
            self._config.banks[name], self._source.tables["banks"][name], ("banks", name)
        ):
            key = one.key.rpartition(".")[2]
            if (
                one.source == "default"
                and one.key == dotted(("banks", name, key))
                and key in ("player_port", "bind")
            ):
                shared = self.setting(("instrument", key))
                value = getattr(self._config.instrument, key)
                yield Setting(
                    key=one.key,
                    value=value,
                    source=shared.source if shared else "default",
                    where=f"{shared.where}, instrument.{key}" if shared else "",
                )
            else:
                yield one


def _of_player(
    config: Config, bank: str, flags: Flags, environment: Mapping[str, str]
) -> Iterator[Setting]:
    """Yield what flags and environment have a say in."""
    tables = _Tables(config)
    if flags.bank is not None:
        yield Setting(key="bank", value=bank, source="flag", where="argument BANK")
    else:
        place = tables.of_file(("banks", bank, "hpc_host"), bank).where
        yield Setting(key="bank", value=bank, source="file", where=f"{place}, this host")
    if flags.config is not None:
        yield Setting(key="config", value=str(config.path), source="flag", where="--config")
    else:
        variable = "DIBAS_CONFIG" if environment.get("DIBAS_CONFIG") else "DIBAS_DIR"
        yield Setting(key="config", value=str(config.path), source="environment", where=variable)
    url = config.url(bank, flags.bind)
    if flags.bind is not None:
        yield Setting(key="url", value=url, source="flag", where="--bind")
    else:
        wheres = dict.fromkeys(
            one.where
            for one in tables.bank(bank)
            if one.key in (dotted(("banks", bank, "bind")), dotted(("banks", bank, "player_port")))
            and one.where
        )
        yield Setting(
            key="url", value=url, source="file" if wheres else "default", where=" and ".join(wheres)
        )
    root, data_root = (
        configuration.data_root(config, environment),
        tables.setting(("instrument", "data_root")),
    )
    if environment.get("DIBAS_DATA"):
        yield Setting(key="data_root", value=str(root), source="environment", where="DIBAS_DATA")
    elif data_root is not None:
        yield Setting(key="data_root", value=str(root), source="file", where=data_root.where)
    else:
        yield Setting(key="data_root", value=str(root), source="default")
    installed = configuration.dibas_dir(environment)
    yield Setting(
        key="dibas_dir",
        value=installed and str(installed),
        source="environment" if installed else "default",
        where="DIBAS_DIR" if installed else "",
    )
    for key, given, default in (
        ("simulate", flags.simulate or None, False),
        ("log_level", flags.log_level, "info"),
        ("log_json", flags.log_json or None, False),
    ):
        where = f"--{key.replace('_', '-')}" if given is not None else ""
        value = default if given is None else given
        yield Setting(key=key, value=value, source="flag" if where else "default", where=where)


def settings_of(
    config: Config, bank: str | None, flags: Flags, environment: Mapping[str, str]
) -> list[Setting]:
    """Return the settings of one Bank's Player, or with None those of the files alone, of all
    Banks.

    Args:
        config: Valid.
        bank: One of its Banks.
        flags: Of the command line.
        environment: Of the process.
    """
    tables, raw = _Tables(config), config.source.tables
    found = [] if bank is None else list(_of_player(config, bank, flags, environment))
    found += tables.flat(config.instrument, raw.get("instrument"), ("instrument",))
    found += tables.flat(config.dealer, raw.get("dealer"), ("dealer",))
    found += tables.flat(config.dashboard, raw.get("dashboard"), ("dashboard",))
    for name, host in config.hosts.items():
        found += tables.flat(host, raw["hosts"][name], ("hosts", name))
    for name in config.banks if bank is None else [bank]:
        found += tables.bank(name)
    kinds = {table.kind: find_kind(table.kind) for table in config.banks.values()}
    composed = {
        key: one
        for name, kind in kinds.items()
        for key, one in composed_of(name, kind, config).items()
    }
    for section, value in config.sections.items():
        if any(key[0] == section for key in composed):
            for key, one in composed.items():
                home = partial(_home_below, key, one.home)
                found += (
                    _Tables(config, home).flat(one.value, one.raw, key) if key[0] == section else ()
                )
        else:
            found += tables.flat(value, raw.get(section), (section,))
    return found


def _home_below(key: KeyPath, home: Callable[[KeyPath], KeyPath], place: KeyPath) -> KeyPath:
    return home(place[len(key) :])
