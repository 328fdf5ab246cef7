"""Reading of the configuration of a whole array: found, read and checked, whatever the kinds of its
Banks.

Reads the TOML files, checks every table and reports all faults at once, each with its file and
line. Resolves no host name and opens nothing but the files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from arrayconfig.files import absolute, config_path
from arrayconfig.hosts import DEFAULT_PORT
from groundwork.errors import did_you_mean
from groundwork.loading import raised_where
from groundwork.portranges import is_range, read_range
from player.errors import BankNameError, ConfigError, Fault, KindError
from player.hosts import infer_bank
from player.kinds import check_of, endpoint_model, find_endpoint, find_kind, model_of, sections_of
from player.ports import is_loopback, tcp_url
from player.tables import (
    DEFAULT_DATA_ROOT,
    DEFAULT_KIND,
    BankConfig,
    Config,
    DashboardConfig,
    DealerConfig,
    EndpointConfig,
    HostConfig,
    InstrumentConfig,
    is_secret,
    without_user,
)
from player.tomlfile import KeyPath, TomlFile, read_toml
from portmanager.protocol.urls import is_service, own_service
from zmqjsonproxy.interface import hidden_by_proxies, marked_methods

__all__ = [
    "MISSING",
    "RESERVED_WORDS",
    "checked",
    "data_root",
    "dibas_dir",
    "find_file",
    "load",
    "pick_bank",
    "state_dir",
    "validate",
]

# Commands of `player`, there now or to come: no Bank can be called so.
RESERVED_WORDS = frozenset(
    {
        "check",
        "config",
        "doctor",
        "keys",
        "migrate",
        "new-bank",
        "ready",
        "shell",
        "supervisor-config",
        "systemd-unit",
    }
)
RENAMED = {"doors": "endpoints"}
"""Keys of older files, and what they are called now."""
MISSING = "missing"
BANK_NAME = re.compile(r"[A-Z][A-Z0-9_]*\Z")


def find_file(given: Path | None, environment: Mapping[str, str]) -> Path:
    """Return the configuration, a file or a directory: flag, $DIBAS_CONFIG,
    $DIBAS_DIR/etc/config/dibas.toml.

    Raises:
        ConfigError: Neither is given.
    """
    found = config_path(given, environment)
    if found is None:
        text = "no configuration: give --config, or set DIBAS_CONFIG or DIBAS_DIR"
        raise ConfigError([Fault(Path("dibas.toml"), None, "", text)])
    return found


def data_root(config: Config, environment: Mapping[str, str]) -> Path:
    """Return where data files go: $DIBAS_DATA, then the file, then `DEFAULT_DATA_ROOT`;
    absolute."""
    if given := environment.get("DIBAS_DATA"):
        return absolute(Path(given))
    return absolute(
        config.directory / os.path.expanduser(config.instrument.data_root or DEFAULT_DATA_ROOT)
    )


def state_dir(environment: Mapping[str, str]) -> Path | None:
    """Return where this user's programs keep what outlives them: $STATE_DIRECTORY (systemd),
    $XDG_STATE_HOME, ~."""
    if own := environment.get("STATE_DIRECTORY", "").partition(":")[0]:
        return absolute(Path(own))
    if state := environment.get("XDG_STATE_HOME"):
        return absolute(Path(state)) / "dealer-player"
    home = environment.get("HOME")
    return Path(home) / ".local" / "state" / "dealer-player" if home else None


def dibas_dir(environment: Mapping[str, str]) -> Path | None:
    """Return the installation root, $DIBAS_DIR, absolute; None if it is not set."""
    return absolute(Path(environment["DIBAS_DIR"])) if environment.get("DIBAS_DIR") else None


def pick_bank(config: Config, given: str | None, host: str) -> str:
    """Return the Bank that is meant: the one that is named, in either case, else the one of the
    host.

    Raises:
        BankNameError: There is no such Bank, or not exactly one of this host.
    """
    if given is None:
        return infer_bank(config.bank_hosts, host)
    bank = given.upper()
    if bank not in config.banks:
        raise BankNameError(
            f"{config.path} has no Bank {bank}; there are {', '.join(config.banks)}"
        )
    return bank


@lru_cache(64)
def _schema(target: Any) -> dict[str, Any]:
    return TypeAdapter(target).json_schema()  # takes 0.1 s, and a file may have many faults


def _known_keys(target: Any, loc: tuple[Any, ...]) -> list[str]:
    """Return the keys that a type allows at a place; empty where any is, or where that cannot be
    told."""
    whole = _schema(target)
    found: set[str] = set()

    def look(schema: Any, rest: tuple[Any, ...]) -> None:
        if not isinstance(schema, dict):
            return
        if "$ref" in schema:
            look(whole["$defs"][schema["$ref"].rpartition("/")[2]], rest)
        for choice in (one for word in ("anyOf", "oneOf", "allOf") for one in schema.get(word, ())):
            look(choice, rest)
        properties = schema.get("properties", {})
        if not rest:
            found.update(properties)
        elif isinstance(rest[0], int):
            look(schema.get("items"), rest[1:])
        else:
            named = properties.get(rest[0], schema.get("additionalProperties"))
            for one in (named, *schema.get("patternProperties", {}).values()):
                look(one, rest[1:])

    look(whole, loc)
    return sorted(found)


def _text(error: ErrorDetails, key: KeyPath, target: Any) -> str:
    """Return one of pydantic's findings as a sentence in the words of the file."""
    found = "a value that is not shown" if is_secret(key) else _shown(error["input"])
    match error["type"]:
        case "missing":
            return MISSING
        case "extra_forbidden":
            name, known = str(error["loc"][-1]), _known_keys(target, error["loc"][:-1])
            if RENAMED.get(name) in known:
                return f"this key is called {RENAMED[name]} now"
            return "unknown key" + did_you_mean(name, known)
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"not a table but {found}"
        case "value_error" if not is_secret(key):
            return without_user(str(error["msg"])).removeprefix("Value error, ")
        case "value_error":
            return "not a value that can stand here"
    message = str(error["msg"])
    return f"{message[:1].lower()}{message[1:]}; found {found}"


def _shown(value: Any) -> str:
    """Return a value as it is found, short enough for a line; nothing of tables, which may hold
    secrets."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        return "a list of tables or lists"
    text = without_user(repr(value))
    return text if len(text) <= 80 else f"{text[:77]}..."


def _key(value: Any, loc: tuple[Any, ...]) -> KeyPath:
    """Return the key of a finding in a table, without the names of union members that pydantic puts
    in."""
    path: KeyPath = ()
    for index, part in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(value, dict) and (part in value or (last and isinstance(part, str))):
            path, value = (*path, part), value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            path, value = (*path, part), value[part]
    return path


def validate(
    target: Any,
    source: TomlFile,
    path: KeyPath,
    value: Any,
    home: Callable[[KeyPath], KeyPath] | None = None,
) -> tuple[Any, list[Fault]]:
    """Validate a table.

    Args:
        target: What `pydantic.TypeAdapter` accepts.
        source: Where the table is from.
        path: Its place there.
        value: The table.
        home: For a table put together from several: key in it -> place of the key in the source.

    Returns:
        (object, []), or (None, faults).
    """
    try:
        return TypeAdapter(target).validate_python(value), []
    except ValidationError as error:
        faults: list[Fault] = []
        for found in error.errors(include_url=False):
            key = _key(value, found["loc"])
            place = (*path, *key) if home is None else home(key)
            above = (place[:length] for length in range(len(place) + 1))
            if not any(one in source.unresolved for one in above):  # that is a fault of its own
                faults.append(source.fault(place, _text(found, place, target)))
        return None, list(dict.fromkeys(faults))
    except (
        Exception
    ) as error:  # a model is its kind's code; its words may hold a secret and are not shown
        return None, [source.fault(path, f"the model of this table raised {raised_where(error)}")]


def _table(source: TomlFile, name: str, faults: list[Fault]) -> dict[str, Any]:
    """Return a top-level table, empty when absent; anything else is a fault."""
    value = source.tables.get(name, {})
    if isinstance(value, dict):
        return value
    faults.append(source.fault((name,), f"not a table but {_shown(value)}"))
    return {}


def _load_banks(
    source: TomlFile, faults: list[Fault]
) -> tuple[dict[str, BankConfig], dict[str, Any], list[str]]:
    """Return (valid Banks, kinds in use, names of all Banks)."""
    tables = _table(source, "banks", faults)
    if not tables:
        faults.append(source.fault(("banks",), "no Bank is configured: [banks.<NAME>] is missing"))
    banks: dict[str, BankConfig] = {}
    kinds: dict[str, Any] = {}
    unloadable: set[str] = set()
    models: dict[str, Any] = {}
    for name, table in tables.items():
        if not BANK_NAME.match(name):
            faults.append(
                source.fault(("banks", name), "a Bank's name is upper case: A-Z, 0-9 and _")
            )
        elif name.lower() in RESERVED_WORDS:
            faults.append(
                source.fault(
                    ("banks", name), f"{name.lower()} is a command of `player`, not a Bank's name"
                )
            )
        kind = table.get("kind", DEFAULT_KIND) if isinstance(table, dict) else DEFAULT_KIND
        model: Any = BankConfig
        if isinstance(kind, str) and kind not in unloadable:
            try:
                if kind not in kinds:
                    kinds[kind] = find_kind(kind)
                model = model_of(kind, kinds[kind])
            except KindError as error:
                unloadable.add(kind)
                kinds.pop(kind, None)
                key = "kind" if isinstance(table, dict) and "kind" in table else None
                faults.append(
                    source.fault(("banks", name, key) if key else ("banks", name), str(error))
                )
                continue
        elif isinstance(kind, str):
            continue  # named once already
        bank, found = validate(model, source, ("banks", name), table)
        faults.extend(found)
        endpoints = _load_endpoints(source, name, table, models, faults)
        if bank is not None:
            banks[name] = bank.model_copy(update={"endpoints": endpoints})
    return banks, kinds, list(tables)


def _load_endpoints(
    source: TomlFile, bank: str, table: Any, models: dict[str, Any], faults: list[Fault]
) -> dict[str, EndpointConfig]:
    """Return the valid endpoints of a Bank; `models` has what was found of kinds of endpoints: a
    model, or what is wrong."""
    tables = table.get("endpoints", {}) if isinstance(table, dict) else {}
    endpoints: dict[str, EndpointConfig] = {}
    for name, settings in tables.items() if isinstance(tables, dict) else ():
        place: KeyPath = ("banks", bank, "endpoints", name)
        kind = settings.get("kind", name) if isinstance(settings, dict) else name
        model = _model_of_endpoint(kind, models) if isinstance(kind, str) else EndpointConfig
        if isinstance(model, KindError):
            has_kind = isinstance(settings, dict) and "kind" in settings
            faults.append(source.fault((*place, "kind") if has_kind else place, str(model)))
            continue
        endpoint, found = validate(model, source, place, settings)
        faults.extend(found)
        if endpoint is not None:
            endpoints[name] = endpoint
    return endpoints


def _model_of_endpoint(kind: str, models: dict[str, Any]) -> Any:
    if kind not in models:
        try:
            models[kind] = endpoint_model(kind, find_endpoint(kind))
        except KindError as error:
            models[kind] = error
    return models[kind]


def _fault_of_kind(source: TomlFile, kind: str, error: KindError) -> Fault:
    return source.fault(_place_of_kind(source, kind), str(error))


def _place_of_kind(source: TomlFile, kind: str) -> KeyPath:
    """Return where the first Bank of a kind stands."""
    tables = source.tables["banks"].items()
    bank = next(
        name
        for name, one in tables
        if isinstance(one, dict) and one.get("kind", DEFAULT_KIND) == kind
    )
    return ("banks", bank, "kind")


def _load_sections(
    source: TomlFile, kinds: Mapping[str, Any], faults: list[Fault]
) -> tuple[dict[str, Any], set[str]]:
    """Return (validated further tables, kinds all of whose tables are valid)."""
    sections: dict[str, Any] = {}
    sound = set(kinds)
    bad: set[str] = set()
    for kind, bank_class in kinds.items():
        try:
            wanted = sections_of(kind, bank_class)
        except KindError as error:
            faults.append(_fault_of_kind(source, kind, error))
            sound.discard(kind)
            continue
        for section, target in wanted.items():
            if section not in sections and section not in bad:
                value, found = validate(target, source, (section,), source.tables.get(section, {}))
                faults.extend(found)
                if value is None:
                    bad.add(section)
                else:
                    sections[section] = value
            if section in bad:
                sound.discard(kind)
    known = {"instrument", "dealer", "dashboard", "banks", "hosts", *sections, *bad}
    if kinds:
        faults += [
            source.fault((name,), f"unknown table or key{did_you_mean(name, sorted(known))}")
            for name in source.tables
            if name not in known
        ]
    return sections, sound


def _cross_checks(config: Config) -> list[Fault]:
    """Return the faults between the tables that belong to no kind."""
    faults: list[Fault] = []
    names = set(config.bank_names)
    faults += [
        config.fault(("dealer", "players", index), f"{player} is no Bank of this file")
        for index, player in enumerate(config.dealer.players or [])
        if player not in names
    ]
    for name, bank in config.banks.items():
        for remote, followed in bank.remotes.items():
            if followed.bank is not None and (followed.bank not in names or followed.bank == name):
                text = f"is no Bank of this file{did_you_mean(followed.bank, names - {name})}"
                why = "is this Bank itself" if followed.bank == name else text
                key = ("banks", name, "remotes", remote, "bank")
                faults.append(config.fault(key, f"{followed.bank} {why}"))
    if (seen := config.dealer.players) and len(seen) != len(set(seen)):
        faults.append(config.fault(("dealer", "players"), "a Player is named twice"))
    # From the source: another fault of the same table must not hide this one.
    instrument = config.source.tables.get("instrument", {})
    master = instrument.get("switching_master") if isinstance(instrument, dict) else None
    if isinstance(master, str) and master not in names:
        faults.append(
            config.fault(("instrument", "switching_master"), f"{master} is no Bank of this file")
        )
    return faults + _ports_taken(config.source)


def _ports_taken(source: TomlFile) -> list[Fault]:
    """Return a fault for each Bank whose port on its host is another one's. From the source, for
    the same reason."""

    def number(table: Any, default: object = None) -> object:
        return table.get("player_port", default) if isinstance(table, dict) else default

    of_all = number(source.tables.get("instrument"), DEFAULT_PORT)
    tables = source.tables.get("banks")
    faults: list[Fault] = []
    taken: dict[tuple[str, str], str] = {}
    numbers: list[tuple[str, object, int]] = []
    ranges: list[tuple[str, object, str]] = []
    for name, bank in tables.items() if isinstance(tables, dict) else ():
        host, own = bank.get("hpc_host") if isinstance(bank, dict) else None, number(bank)
        port = of_all if own is None else own
        if is_service(port):
            try:
                port = f"service {own_service(str(port), name)}"
            except ValueError:
                continue
        elif isinstance(port, int):
            numbers.append((name, host, port))
            port = f"port {port}"
        elif is_range(port):
            ranges.append((name, host, str(port)))
            continue  # of which each Player takes one
        if not isinstance(host, str) or not isinstance(port, str):
            continue  # that is a fault of its own
        if (other := taken.setdefault((host.lower(), port), name)) != name:
            key = ("banks", name) if own is None else ("banks", name, "player_port")
            faults.append(source.fault(key, f"{port} of host {host} is {other}'s already"))
    for name, host, port in numbers:
        for other, ports in ((o, p) for o, at, p in ranges if at == host and port in _ports_of(p)):
            key = ("banks", name, "player_port")
            text = (
                f"the Player of {other} may take port {port} of host {host}: its range is {ports}"
            )
            faults.append(source.fault(key, f"{text}; take one outside"))
            break
    return faults


def _ports_of(text: str) -> range:
    try:
        return read_range(text)
    except ValueError:  # that is a fault of its own
        return range(0)


def _open_binds(
    source: TomlFile, instrument: InstrumentConfig, banks: Mapping[str, BankConfig]
) -> list[Fault]:
    """Return a warning for each key that opens Players to the network without keys."""
    places: list[tuple[KeyPath, str]] = [(("instrument", "bind"), instrument.bind)]
    places += [
        (("banks", name, "bind"), bank.bind)
        for name, bank in banks.items()
        if bank.bind is not None
    ]
    if not instrument.insecure:
        return []
    text = "{} is open to the network, and nothing asks callers who they are"
    return [
        source.fault(key, text.format(address))
        for key, address in places
        if not is_loopback(tcp_url(address, DEFAULT_PORT))
    ]


def _hidden_methods(source: TomlFile, kinds: Mapping[str, Any]) -> list[Fault]:
    """Return a warning for each kind that has methods which callers do not reach as they expect."""
    told = {
        kind: hidden_by_proxies(bank.__name__, marked_methods(bank)) for kind, bank in kinds.items()
    }
    return [source.fault(_place_of_kind(source, kind), text) for kind, text in told.items() if text]


def load(path: Path | str, environment: Mapping[str, str] | None = None) -> Config:
    """Read and check a configuration: a file with what is merged into it, or a directory of files.

    Args:
        path: File or directory.
        environment: Of `${VAR}` in values; None: that of the process.

    Raises:
        ConfigError: With every fault that was found, in the order of the files.
    """
    return checked(read_toml(Path(path), os.environ if environment is None else environment))


def checked(source: TomlFile) -> Config:
    """Check a configuration that was read.

    Raises:
        ConfigError: As of `load`.
    """
    # A password that is a variable need not be known to Players: whoever needs it asks for it.
    needed = {key: texts for key, texts in source.unresolved.items() if key[:1] != ("hosts",)}
    faults = [source.fault(key, text) for key, texts in needed.items() for text in texts]

    def section(name: str, target: Any) -> Any:
        value, found = validate(target, source, (name,), source.tables.get(name, {}))
        faults.extend(found)
        return value

    instrument = section("instrument", InstrumentConfig) or InstrumentConfig()
    dealer = section("dealer", DealerConfig) or DealerConfig()
    dashboard = section("dashboard", DashboardConfig) or DashboardConfig()
    hosts = section("hosts", dict[str, HostConfig]) or {}
    banks, kinds, names = _load_banks(source, faults)
    sections, sound = _load_sections(source, kinds, faults)
    config = Config(
        path=absolute(source.path),  # what is made of it goes to other programs, and to callers
        source=source,
        instrument=instrument,
        dealer=dealer,
        dashboard=dashboard,
        hosts=hosts,
        banks=banks,
        bank_names=tuple(names),
        sections=sections,
        warnings=(
            *source.warnings,
            *_open_binds(source, instrument, banks),
            *_hidden_methods(source, kinds),
        ),
    )
    faults.extend(_cross_checks(config))
    for kind in kinds:
        if kind in sound:
            try:
                faults.extend(check_of(kind, kinds[kind], config))
            except KindError as error:
                faults.append(_fault_of_kind(source, kind, error))
    if faults:
        raise ConfigError(source.in_order(faults))
    return config
