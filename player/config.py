"""How the configuration of a whole array is found, read and checked, whatever the kinds of its Banks.

Reads one TOML file, checks every table and reports all faults at once, each with its line.
Resolves no host name and opens nothing but the file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from player.errors import BankNameError, ConfigError, Fault, KindError
from player.hosts import infer_bank
from player.kinds import find_kind
from player.ports import is_loopback, tcp_url
from player.tables import (
    DEFAULT_DATA_ROOT,
    DEFAULT_KIND,
    DEFAULT_PORT,
    BankConfig,
    Config,
    DealerConfig,
    InstrumentConfig,
)
from player.tomlfile import KeyPath, TomlFile, read_toml

__all__ = [
    "RESERVED_WORDS",
    "data_root",
    "dibas_dir",
    "find_file",
    "load",
    "pick_bank",
    "validate",
]

# Commands of `player`, there now or to come: no Bank can be called so.
RESERVED_WORDS = frozenset({"check", "doctor", "keys", "migrate", "ready", "shell", "supervisor-config"})
BANK_NAME = re.compile(r"[A-Z][A-Z0-9_]*\Z")


def find_file(given: Path | None, environment: Mapping[str, str]) -> Path:
    """Return the configuration file: flag, $DIBAS_CONFIG, $DIBAS_DIR/etc/config/dibas.toml.

    Raises:
        ConfigError: Neither is given.
    """
    if given is not None:
        return given
    if text := environment.get("DIBAS_CONFIG"):
        return Path(text)
    if text := environment.get("DIBAS_DIR"):
        return Path(text) / "etc" / "config" / "dibas.toml"
    raise ConfigError(
        [Fault(Path("dibas.toml"), None, "", "no configuration: give --config, or set DIBAS_CONFIG or DIBAS_DIR")]
    )


def data_root(config: Config, environment: Mapping[str, str]) -> Path:
    """Return where data files go: $DIBAS_DATA, then the file, then `DEFAULT_DATA_ROOT`."""
    return Path(environment.get("DIBAS_DATA") or config.instrument.data_root or DEFAULT_DATA_ROOT)


def dibas_dir(environment: Mapping[str, str]) -> Path | None:
    """Return the installation root, $DIBAS_DIR; None if it is not set."""
    return Path(environment["DIBAS_DIR"]) if environment.get("DIBAS_DIR") else None


def pick_bank(config: Config, given: str | None, host: str) -> str:
    """Return the Bank that is meant: the one that is named, in either case, else the one of the host.

    Raises:
        BankNameError: There is no such Bank, or not exactly one of this host.
    """
    if given is None:
        return infer_bank({name: bank.hpc_host for name, bank in config.banks.items()}, host)
    bank = given.upper()
    if bank not in config.banks:
        raise BankNameError(f"{config.path} has no Bank {bank}; there are {', '.join(config.banks)}")
    return bank


def _known_keys(target: Any, inside: KeyPath) -> list[str]:
    """Return the keys that a model allows at a place; empty where that cannot be told."""
    if inside or not (isinstance(target, type) and issubclass(target, BaseModel)):
        return []
    return list(target.model_fields)


def _text(error: Mapping[str, Any], known: list[str]) -> str:
    """Return one of pydantic's findings as a sentence in the words of the file."""
    name = str(error["loc"][-1]) if error["loc"] else ""
    match error["type"]:
        case "missing":
            return "missing"
        case "extra_forbidden":
            close = difflib.get_close_matches(name, known, n=1)
            return "unknown key" + (f"; did you mean {close[0]}?" if close else "")
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"not a table but {error['input']!r}"
        case "value_error":
            return str(error["msg"]).removeprefix("Value error, ")
    message = str(error["msg"])
    return f"{message[:1].lower()}{message[1:]}; found {error['input']!r}"


def _place(source: TomlFile, base: KeyPath, loc: tuple[Any, ...]) -> KeyPath:
    """Return the path of a finding, without the names of union members that pydantic puts in."""
    path: KeyPath = base
    value: Any = source.tables
    for part in base:
        value = value.get(part, {}) if isinstance(value, dict) else {}
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(value, dict) and (part in value or (last and isinstance(part, str))):
            path, value = (*path, part), value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            path, value = (*path, part), value[part]
    return path


def validate(target: Any, source: TomlFile, path: KeyPath, value: Any) -> tuple[Any, list[Fault]]:
    """Validate a table; returns (object, []) or (None, faults)."""
    try:
        return TypeAdapter(target).validate_python(value), []
    except ValidationError as error:
        faults: list[Fault] = []
        for found in error.errors(include_url=False):
            loc = tuple(found["loc"])
            place = _place(source, path, loc)
            fault = source.fault(place, _text(found, _known_keys(target, loc[:-1])))
            if fault not in faults:
                faults.append(fault)
        return None, faults


def _table(source: TomlFile, name: str, faults: list[Fault]) -> dict[str, Any]:
    """Return a top-level table, empty when absent; anything else is a fault."""
    value = source.tables.get(name, {})
    if isinstance(value, dict):
        return value
    faults.append(source.fault((name,), f"not a table but {value!r}"))
    return {}


def _load_banks(source: TomlFile, faults: list[Fault]) -> tuple[dict[str, BankConfig], dict[str, Any], list[str]]:
    """Return (valid Banks, kinds in use, names of all Banks)."""
    tables = _table(source, "banks", faults)
    if not tables:
        faults.append(source.fault(("banks",), "no Bank is configured: [banks.<NAME>] is missing"))
    banks: dict[str, BankConfig] = {}
    kinds: dict[str, Any] = {}
    unloadable: set[str] = set()
    for name, table in tables.items():
        if not BANK_NAME.match(name):
            faults.append(source.fault(("banks", name), "a Bank's name is upper case: A-Z, 0-9 and _"))
        if name.lower() in RESERVED_WORDS:
            faults.append(source.fault(("banks", name), f"{name.lower()} is a command of `player`, not a Bank's name"))
        kind = table.get("kind", DEFAULT_KIND) if isinstance(table, dict) else DEFAULT_KIND
        model: Any = BankConfig
        if isinstance(kind, str) and kind not in unloadable:
            try:
                kinds.setdefault(kind, find_kind(kind))
                model = kinds[kind].config_model()
            except KindError as error:
                unloadable.add(kind)
                key = "kind" if isinstance(table, dict) and "kind" in table else None
                faults.append(source.fault(("banks", name, key) if key else ("banks", name), str(error)))
                continue
        elif isinstance(kind, str):
            continue  # named once already
        bank, found = validate(model, source, ("banks", name), table)
        faults.extend(found)
        if not found:
            banks[name] = bank
    return banks, kinds, list(tables)


def _load_sections(source: TomlFile, kinds: Mapping[str, Any], faults: list[Fault]) -> tuple[dict[str, Any], set[str]]:
    """Return (validated further tables, kinds all of whose tables are valid)."""
    sections: dict[str, Any] = {}
    sound = set(kinds)
    bad: set[str] = set()
    for kind, bank_class in kinds.items():
        for section, target in bank_class.instrument_sections().items():
            if section not in sections and section not in bad:
                value, found = validate(target, source, (section,), source.tables.get(section, {}))
                faults.extend(found)
                if found:
                    bad.add(section)
                else:
                    sections[section] = value
            if section in bad:
                sound.discard(kind)
    known = {"instrument", "dealer", "banks", *sections, *bad}
    for name in source.tables:
        if name not in known and kinds:
            close = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            faults.append(source.fault((name,), f"unknown table or key{hint}"))
    return sections, sound


def _cross_checks(config: Config) -> list[Fault]:
    """Return the faults between the tables that belong to no kind."""
    faults: list[Fault] = []
    names = set(config.bank_names)
    for index, player in enumerate(config.dealer.players or []):
        if player not in names:
            faults.append(config.fault(("dealer", "players", index), f"{player} is no Bank of this file"))
    if (seen := config.dealer.players) and len(seen) != len(set(seen)):
        faults.append(config.fault(("dealer", "players"), "a Player is named twice"))
    # From the source: another fault of the same table must not hide this one.
    instrument = config.source.tables.get("instrument", {})
    master = instrument.get("switching_master") if isinstance(instrument, dict) else None
    if isinstance(master, str) and master not in names:
        faults.append(config.fault(("instrument", "switching_master"), f"{master} is no Bank of this file"))
    taken: dict[tuple[str, int], str] = {}
    for name, bank in config.banks.items():
        place = (bank.hpc_host, config.port(name))
        if (other := taken.setdefault(place, name)) != name:
            key = ("banks", name, "player_port") if bank.player_port else ("banks", name)
            faults.append(config.fault(key, f"port {place[1]} of host {place[0]} is {other}'s already"))
    return faults


def _open_binds(source: TomlFile, instrument: InstrumentConfig, banks: Mapping[str, BankConfig]) -> list[Fault]:
    """Return a warning for each key that opens Players to the network."""
    places: list[tuple[KeyPath, str]] = [(("instrument", "bind"), instrument.bind)]
    places += [(("banks", name, "bind"), bank.bind) for name, bank in banks.items() if bank.bind is not None]
    text = "{} is open to the network, and nothing asks callers who they are"
    return [
        source.fault(key, text.format(address))
        for key, address in places
        if not is_loopback(tcp_url(address, DEFAULT_PORT))
    ]


def load(path: Path | str) -> Config:
    """Read and check a configuration file.

    Raises:
        ConfigError: With every fault that was found, in the order of the file.
    """
    source = read_toml(Path(path))
    faults: list[Fault] = []
    instrument, found = validate(InstrumentConfig, source, ("instrument",), source.tables.get("instrument", {}))
    faults.extend(found)
    dealer, found = validate(DealerConfig, source, ("dealer",), source.tables.get("dealer", {}))
    faults.extend(found)
    banks, kinds, names = _load_banks(source, faults)
    sections, sound = _load_sections(source, kinds, faults)
    config = Config(
        path=source.path,
        instrument=instrument or InstrumentConfig(),
        dealer=dealer or DealerConfig(),
        banks=banks,
        sections=sections,
        bank_names=tuple(names),
        source=source,
        warnings=(*source.warnings, *_open_binds(source, instrument or InstrumentConfig(), banks)),
    )
    faults.extend(_cross_checks(config))
    for kind in kinds:
        if kind in sound:
            faults.extend(kinds[kind].check(config))
    if faults:
        raise ConfigError(sorted(faults, key=lambda fault: fault.line or 0))
    return config
