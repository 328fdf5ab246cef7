"""Models of the configuration: the tables of the file, and all of them together. It is read by
`config`."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    SerializeAsAny,
    Tag,
    field_validator,
    model_validator,
)

from arrayconfig.hosts import (
    DEFAULT_PORT,
    SUPERVISOR_FORM,
    checked_supervisor,
    reachable_host,
)
from groundwork.addresses import (
    bind_address,
    checked_host,
    is_loopback_host,
    split_url,
    tcp_url,
)
from groundwork.portranges import RANGE_FORM, ServerInRange, is_range, read_range
from groundwork.secretnames import names_secret
from groundwork.sizes import BYTES_FORM, read_bytes
from player.alarms.config import MAX_ALARMS, AlarmConfig, InstrumentAlarmConfig, named_once
from player.dashboardtable import DashboardConfig
from player.errors import Fault
from player.remotenames import read_item
from player.tablebase import Host, Table
from player.tomlfile import KeyPath, TomlFile
from portmanager.protocol.urls import LOCAL, ManagerAddress, ServiceAddress, is_service, own_service
from zmqjsonproxy.channels.protocol.limits import Limits
from zmqjsonproxy.channels.settings import LinkSettings
from zmqjsonproxy.files.protocol.names import AREA, AREA_FORM
from zmqjsonproxy.keys.trust import DEFAULT_PORT as DEFAULT_KEY_PORT

__all__ = [
    "DEFAULT_BIND",
    "DEFAULT_DATA_ROOT",
    "DEFAULT_KIND",
    "Address",
    "BankConfig",
    "Composed",
    "Config",
    "DashboardConfig",
    "DealerConfig",
    "EndpointConfig",
    "FreePortOrService",
    "HistoryConfig",
    "Host",
    "HostConfig",
    "InstrumentConfig",
    "JournalConfig",
    "Port",
    "PortOrService",
    "PortRange",
    "PostgresConfig",
    "RedisConfig",
    "RemoteConfig",
    "ServiceName",
    "SinkConfig",
    "Table",
    "form_of_port",
    "is_secret",
    "without_user",
]

DEFAULT_BIND = "127.0.0.1"
LEAST_BYTES = 4 * 2**20
"""Of records on disk."""
DEFAULT_DATA_ROOT = "/tmp"  # as in the original
DEFAULT_KIND = "spectrometer"


def _address(text: str) -> str:
    """Refuse what cannot stand between `tcp://` and the port."""
    address = bind_address(text)
    try:
        split_url(tcp_url(address, DEFAULT_PORT))
    except ValueError:
        raise ValueError(
            f"{text!r} is no address; write one as 127.0.0.1, or 0.0.0.0 for all of this host"
        ) from None
    return address


_USER_IN_URL = re.compile(r"(?<=://)[^/\s@]*@")


def is_secret(key: KeyPath) -> bool:
    """Tell whether the value of a key must not be shown: `password`, `secret`, `token`, alone or as
    in `api_token`."""
    return any(isinstance(part, str) and names_secret(part) for part in key)


def without_user(text: str) -> str:
    """Return text without who asks and with which password, which a URL in it may have:
    `http://...@gw:80`."""
    return _USER_IN_URL.sub("...@", text)


def _without_password_key(text: str) -> str:
    """Refuse a password where it would be shown."""
    if "password=" in text.partition("?")[2]:
        raise ValueError("a password stands before the @: ://USER:PASSWORD@HOST")
    return text


def _range(text: str) -> str:
    """Refuse what is no range of ports."""
    read_range(text)
    return text


def _player_url(text: str) -> str:
    """Refuse what is no address of a Player; a service in the form of a URL."""
    if is_service(text):
        return ServiceAddress.read(text).url
    host, port = split_url(text)
    if port == 0:
        raise ValueError(f"{text!r}: a port to connect to is a number from 1 to 65535")
    return tcp_url(checked_host(host), port)


def _item(text: str) -> str:
    """Refuse what is no property of a remote."""
    read_item(text)
    return text


def _service(text: str) -> str:
    """Refuse what names no service."""
    own_service(text, "BANK")
    return text


def _manager(text: str) -> str:
    """Refuse what is no address of a port manager."""
    ManagerAddress.read(text)
    return text


def _bytes(text: str) -> str:
    """Refuse what is no size of records on disk."""
    if read_bytes(text) < LEAST_BYTES:
        raise ValueError(f"{text!r} is too little: at least {LEAST_BYTES // 2**20} MiB")
    return text


def _area(text: str) -> str:
    """Refuse what cannot stand before the slash of `AREA/PATH`."""
    if not AREA.match(text):
        raise ValueError(
            f"{text!r} is no name of an area; write one of letters, digits, _, - and ., as DATA"
        )
    return text


Areas = Annotated[
    dict[
        Annotated[str, AfterValidator(_area), Field(json_schema_extra={"pattern": AREA_FORM})],
        Annotated[str, Field(min_length=1)],
    ],
    Field(json_schema_extra={"additionalProperties": False}),
]
"""Folders whose files clients may fetch: name -> folder."""
RemoteName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,60}$")]
Port = Annotated[int, Field(ge=1, le=65535)]
ServiceName = Annotated[str, Field(pattern="^service:"), AfterValidator(_service)]
PortRange = Annotated[str, Field(pattern=RANGE_FORM), AfterValidator(_range)]


def form_of_port(value: object) -> str:
    """Return as what a port is written: port, range or service."""
    return "service" if is_service(value) else "range" if is_range(value) else "port"


PortOrService = Annotated[
    Annotated[Port, Tag("port")]
    | Annotated[PortRange, Tag("range")]
    | Annotated[ServiceName, Tag("service")],
    Discriminator(form_of_port),
]
"""A port, `FIRST-LAST` for the first that is free, or `service:NAME` for one that is lent under
that name; `{bank}` in it, or nothing, is the Bank's name."""
FreePortOrService = Annotated[
    Annotated[int, Field(ge=0, le=65535), Tag("port")]
    | Annotated[PortRange, Tag("range")]
    | Annotated[ServiceName, Tag("service")],
    Discriminator(form_of_port),
]
"""The same with 0 for any free one."""
Manager = Annotated[str, AfterValidator(_manager)]
Address = Annotated[str, AfterValidator(_address)]
Days = Annotated[float, Field(gt=0, le=36500)]
Bytes = Annotated[str, Field(json_schema_extra={"pattern": BYTES_FORM}), AfterValidator(_bytes)]
"""A size, as `1 GiB`."""


class JournalConfig(Table):
    """`[instrument.journal]`: record of every command, on the host of each Player."""

    keep: bool = Field(default=True, description="false: there is none")
    days: Days = Field(default=90.0, description="older entries are removed")
    bytes: Bytes = Field(
        default="1 GiB", description="on disk at most; the oldest entries are removed"
    )


class HistoryConfig(Table):
    """`[instrument.history]`: published values over time, on the host of each Player."""

    keep: bool = Field(default=True, description="false: there is none")
    rate: Annotated[float, Field(gt=0, le=100)] = Field(
        default=1.0, description="values of a property per second at most; the newest is kept"
    )
    days: Days = Field(default=30.0, description="older values are removed")
    bytes: Bytes = Field(
        default="1 GiB", description="on disk at most; the oldest values are removed"
    )
    keys: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=lambda: ["*"], description="names of properties, or patterns as status.*"
    )


class SinkConfig(Table):
    """Keys that the tables of all sinks have."""

    array: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,60}$")] = Field(
        description="name of this array, by which its records are told from those of others"
    )
    journal: bool = Field(default=True, description="entries of the journal are sent")
    history: bool = Field(default=True, description="points of the history are sent")


class PostgresConfig(SinkConfig):
    """`[instrument.postgres]`: database that gets the records of all Banks, too."""

    url: Annotated[str, AfterValidator(_without_password_key)] = Field(
        pattern=r"^postgres(ql)?://", description="postgresql://USER:PASSWORD@HOST/DATABASE"
    )


class RedisConfig(SinkConfig):
    """`[instrument.redis]`: server whose streams get the records of all Banks, too."""

    url: Annotated[str, AfterValidator(_without_password_key)] = Field(
        pattern=r"^(rediss?|unix)://", description="redis://:PASSWORD@HOST:PORT/0"
    )
    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,60}$")] = Field(
        default="dealer-player", description="all keys there begin with it"
    )
    length: Annotated[int, Field(ge=1000, le=100_000_000)] = Field(
        default=100_000, description="messages that a stream keeps, about"
    )


class InstrumentConfig(Table):
    """`[instrument]`: the array as a whole."""

    telescope: str = "unspecified"
    switching_master: str | None = None
    player_port: PortOrService = DEFAULT_PORT
    portmanager: Manager = str(LOCAL)
    bind: Address = DEFAULT_BIND
    data_root: str | None = None
    file_roots: list[Annotated[str, Field(min_length=1)]] | None = None
    files: Areas = Field(default_factory=dict)
    journal: JournalConfig = Field(default_factory=JournalConfig)
    history: HistoryConfig = Field(default_factory=HistoryConfig)
    postgres: PostgresConfig | None = None
    redis: RedisConfig | None = None
    alarms: Annotated[
        list[InstrumentAlarmConfig], AfterValidator(named_once), Field(max_length=MAX_ALARMS)
    ] = Field(default_factory=list)
    require_control: bool = Field(
        default=False, description="commands are refused while nobody has control of the Bank"
    )
    keys: Annotated[bool, Field(description="callers need keys at the loopback address, too")] = (
        False
    )
    insecure: Annotated[bool, Field(description="callers need no keys, whatever the address")] = (
        False
    )
    key_dir: Annotated[str, Field(min_length=1, description="folder of this host's keys")] = "keys"
    key_port: Annotated[
        int, Field(ge=0, le=65535, description="tells the public key, and no more; 0: none does")
    ] = DEFAULT_KEY_PORT
    original_role: Annotated[
        Literal["none", "observe", "operate", "admin"],
        Field(description="rights of clients of the original, who have no keys"),
    ] = "operate"

    @model_validator(mode="after")
    def _keys_or_none(self) -> Self:
        """Refuse two words about keys that say the opposite."""
        if self.keys and self.insecure:
            raise ValueError("keys = true and insecure = true: one of them")
        return self


class DealerConfig(Table):
    """`[dealer]`: read by the Dealer itself; here only so that its faults are found too.

    Keys that only the Dealer knows are left to it.
    """

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)

    players: list[str] | None = None
    portmanager: str | None = None


class EndpointConfig(Table):
    """`[banks.X.endpoints.NAME]`: a further way in to the Bank. Endpoints add their own keys in a subclass.

    `kind` is the endpoint's name at its entry point, or `module:Class`; without it, that is NAME.
    """

    kind: str | None = Field(None, min_length=1)
    bind: Address | None = None


class RemoteConfig(Table):
    """`[banks.X.remotes.NAME]`: properties of another Player that this one publishes again.

    Either `bank` or `url` says which Player. A property `wind` is called `wind@INTO` here.
    """

    bank: str | None = Field(None, min_length=1, description="Bank of this file")
    url: Annotated[str, AfterValidator(_player_url)] | None = Field(
        None, description="tcp://HOST:PORT, or service:NAME@HOST"
    )
    object: str = Field("bank", min_length=1, description="object that has the properties")
    properties: list[Annotated[str, AfterValidator(_item)]] = Field(
        min_length=1, description="names, patterns as status.*, or LOCAL=REMOTE"
    )
    into: RemoteName | None = Field(None, description="what stands behind the @; None: NAME")
    rate: float = Field(0.0, description="updates per second of each property at most; 0: all")
    dead_band: float = Field(0.0, description="a number is taken if it differs by more than this")
    ping_every: float = Field(4.0, description="time between two heartbeats, s")
    timeout: float = Field(15.0, description="silence after which a connection is made anew, s")
    drop_after: float | None = Field(
        None, description="time without a connection after which none is tried, s; None: never"
    )

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        """Refuse what names no Player, or more than one, and limits that are none."""
        if (self.bank is None) == (self.url is None):
            raise ValueError('say which Player: bank = "BANKB", or url = "tcp://HOST:PORT"')
        self.link_settings("")
        Limits(self.rate, self.dead_band)
        return self

    def link_settings(self, name: str) -> LinkSettings:
        """Return how the connection is watched, by a subscriber of a name."""
        drop_after = math.inf if self.drop_after is None else self.drop_after
        return LinkSettings(
            ping_every=self.ping_every, timeout=self.timeout, drop_after=drop_after, name=name
        )


class BankConfig(Table):
    """`[banks.X]`: what every kind of Bank has. Kinds add their own keys in a subclass."""

    kind: str = DEFAULT_KIND
    hpc_host: Host
    player_port: PortOrService | None = None
    bind: Address | None = None
    files: Areas = Field(default_factory=dict)
    remotes: dict[RemoteName, RemoteConfig] = Field(default_factory=dict)
    endpoints: dict[str, SerializeAsAny[EndpointConfig]] = Field(default_factory=dict)
    alarms: Annotated[
        list[AlarmConfig], AfterValidator(named_once), Field(max_length=MAX_ALARMS)
    ] = Field(default_factory=list)

    @field_validator("endpoints", mode="plain", json_schema_input_type=dict[str, dict[str, Any]])
    @classmethod
    def _endpoints_are_read_apart(cls, value: Any) -> Any:
        """Leave the tables to the endpoints' own models, which only the reader of the file can find."""
        if not isinstance(value, dict) or not all(
            isinstance(table, dict | EndpointConfig) for table in value.values()
        ):
            raise ValueError("not tables [banks.X.endpoints.NAME]")
        return value


@dataclass(frozen=True, slots=True)
class Composed:
    """A table that is put together from several of the file.

    Attributes:
        value: The table, validated.
        raw: The same as in a file.
        home: Key in `raw` -> place in the file where it truly stands.
    """

    value: BaseModel
    raw: Mapping[str, Any]
    home: Callable[[KeyPath], KeyPath]


class HostConfig(Table):
    """`[hosts.X]`: where the supervisord of a host takes orders, from `dealer hosts` and nobody
    else."""

    supervisor: Annotated[str, AfterValidator(checked_supervisor)] = Field(
        json_schema_extra={"pattern": SUPERVISOR_FORM}
    )
    user: str | None = Field(None, min_length=1)
    password: str | None = Field(None, min_length=1)
    password_file: str | None = Field(None, min_length=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A valid configuration.

    Attributes:
        path: The file, or the directory of files; absolute.
        instrument: `[instrument]`.
        dealer: `[dealer]`.
        dashboard: `[dashboard]`.
        banks: The Banks in file order.
        hosts: `[hosts.*]`.
        sections: The further top-level tables that the kinds in use asked for, validated.
        bank_names: Names of all Banks of the file (in a `check`, also of those with faults).
        source: The file with its lines.
        warnings: What works, but deserves a look.
    """

    path: Path
    instrument: InstrumentConfig
    dealer: DealerConfig
    banks: dict[str, BankConfig]
    sections: dict[str, Any]
    bank_names: tuple[str, ...]
    source: TomlFile = field(repr=False)
    warnings: tuple[Fault, ...] = ()
    hosts: Mapping[str, HostConfig] = field(default_factory=dict)
    dashboard: DashboardConfig = field(default_factory=DashboardConfig)

    @property
    def directory(self) -> Path:
        """Where relative paths of the configuration begin."""
        return self.path if self.path.is_dir() else self.path.parent

    def fault(self, key: str | KeyPath, text: str) -> Fault:
        """Return a fault at a key, `"banks.BANKA.filters"` or a tuple of its parts."""
        return self.source.fault(tuple(key.split(".")) if isinstance(key, str) else key, text)

    @property
    def key_dir(self) -> Path:
        """The key folder of a host, absolute."""
        return self.directory / os.path.expanduser(self.instrument.key_dir)

    def demands_keys(self, host: str) -> bool:
        """Tell whether callers need keys at an address that a Player serves on."""
        if is_loopback_host(host):
            return self.instrument.keys
        return not self.instrument.insecure

    @property
    def manager(self) -> ManagerAddress:
        """The port manager that lends ports to Players of names."""
        return ManagerAddress.read(self.instrument.portmanager)

    def file_roots(self, data_root: Path) -> tuple[Path, ...]:
        """Return the folders below which callers may name files: by default that of this file, and
        the data root."""
        if self.instrument.file_roots is None:
            return self.directory, data_root
        return tuple(self.directory / root for root in self.instrument.file_roots)

    def areas(self, bank: str) -> dict[str, Path]:
        """Return the folders whose files clients of a Bank may fetch, by name: its own, then those of
        the instrument."""
        named = dict(self.banks[bank].files)
        named |= {area: at for area, at in self.instrument.files.items() if area not in named}
        return {area: self.directory / os.path.expanduser(at) for area, at in named.items()}

    def bind(self, bank: str) -> str:
        """Return the address on which a Bank's Player serves: its own, else the instrument's."""
        return self.banks[bank].bind or self.instrument.bind

    def url(self, bank: str, bind: str | None = None) -> str:
        """Return where a Bank's Player serves; `bind` wins over the file. Of a service the URL of
        its name, of a range `tcp://HOST:FIRST-LAST`."""
        port = self.banks[bank].player_port or self.instrument.player_port
        if isinstance(port, str):
            if is_range(port):
                return tcp_url(bind_address(bind or self.bind(bank)), 0)[:-1] + port
            return ServiceAddress(own_service(port, bank), self.manager).url
        return tcp_url(bind_address(bind or self.bind(bank)), port)

    def reached_at(self, bank: str) -> str:
        """Return the URL at which other programs of the array find a Bank's Player."""
        port = self.banks[bank].player_port or self.instrument.player_port
        host = reachable_host(self.banks[bank].hpc_host, self.bind(bank))
        if isinstance(port, int):
            return tcp_url(host, port)
        if is_range(port):
            return ServerInRange(host, port, bank).url
        manager = self.manager
        if is_loopback_host(manager.host):
            manager = ManagerAddress(host, manager.port)
        return ServiceAddress(own_service(port, bank), manager).url

    @property
    def bank_hosts(self) -> dict[str, str]:
        """Bank -> its `hpc_host`, in file order."""
        return {name: bank.hpc_host for name, bank in self.banks.items()}
