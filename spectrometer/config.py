"""The spectrometer's part of the configuration: its Banks, the array's MAC table, its own settings.

Host names are kept as names here and resolved only for the Bank that needs them, when it needs
them.
"""

from __future__ import annotations

import ipaddress
import math
import re
import socket
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from player.errors import Fault
from player.tables import BankConfig, Config, Host, Port, Table
from player.tomlfile import KeyPath
from spectrometer.daq.foreign import FIFO_NAMES, fifo_path
from spectrometer.daq.receiver import ReceiverConfig
from spectrometer.derive.synthesizer import (
    SPACING_MHZ,
    Options,
    reference_mhz,
    settled,
    tune,
)
from spectrometer.errors import LinkAddressError
from spectrometer.status.databuffers import (
    FAMILIES,
    GUPPI_DATA_KEY,
    VEGAS_DATA_KEY,
    DataBuffer,
    planned,
)
from spectrometer.status.errors import CardError
from spectrometer.status.keys import VEGAS_KEY, VEGAS_SEMAPHORE
from spectrometer.status.owner import SharedName
from spectrometer.status.protocol.cards import write_card

__all__ = [
    "DataBuffersConfig",
    "DataDestination",
    "DataSource",
    "HpcMac",
    "RegisterValues",
    "RoachConfig",
    "SourceConfig",
    "SpectrometerBankConfig",
    "SpectrometerSettings",
    "StatusMemoryConfig",
    "StatusValues",
    "SynthConfig",
    "buffer_faults",
    "card_fault",
    "memory_faults",
    "text_faults",
]

_STATUS_KEY = re.compile(r"[A-Z0-9_-]{1,8}\Z")
_MAC_FORM = r"^[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5}$"
_MAC = re.compile(_MAC_FORM.removesuffix("$") + r"\Z")


def _status_values(values: Any) -> Any:
    """Status keys in upper case; two spellings of one key are refused (the original wrote both, in
    any order)."""
    if not isinstance(values, dict):
        return values
    result: dict[str, Any] = {}
    for key, value in values.items():
        name = str(key).upper()
        if not _STATUS_KEY.match(name):
            raise ValueError(f"{key} is no status key: 1 to 8 of A-Z, 0-9, _ and -")
        if name in result:
            raise ValueError(f"{name} is given twice, in two spellings")
        if not isinstance(value, bool | int | float | str):
            raise ValueError(
                f"{name} is a {type(value).__name__}; a status value is text or a number"
            )
        if fault := card_fault(name, value):
            raise ValueError(f"{name}: {fault}")
        result[name] = value
    return result


def card_fault(key: str, value: object) -> str:
    """Return why no status card holds a value; empty: one does."""
    try:
        write_card(key, value)
    except CardError as error:
        return error.reason
    return ""


def _ip(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError as error:
        raise ValueError(f"not an IPv4 address: {text!r}") from error


def _mac(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 48:
        return value
    if isinstance(value, str) and _MAC.match(value):
        return int(value.replace(":", ""), 16)
    raise ValueError(
        f'not a MAC address: {value!r}; expected "00:02:C9:EB:C9:40" or 0x0002C9EBC940'
    )


def _filters(value: Any) -> Any:
    """TOML keys are text; a filter is named by its bandwidth in MHz."""
    if not isinstance(value, dict):
        return value
    try:
        return {int(key): bits for key, bits in value.items()}
    except ValueError as error:
        raise ValueError(
            f"a filter is named by its bandwidth in MHz, a whole number: {error}"
        ) from error


StatusValues = Annotated[dict[str, bool | int | float | str], BeforeValidator(_status_values)]
RegisterValues = dict[
    Annotated[str, Field(min_length=1)], Annotated[int, Field(ge=-(2**31), lt=2**32)]
]
Ip = Annotated[str, AfterValidator(_ip)]


class HpcMac(Table):
    """One row of `[hpc_macs]`: the 10 Gb/s interface of an HPC host; the ARP slot is the last octet
    of its IP."""

    mac: Annotated[
        int,
        BeforeValidator(
            _mac, json_schema_input_type=int | Annotated[str, Field(pattern=_MAC_FORM)]
        ),
    ]
    ip: Ip | None = None


class _Endpoint(Table):
    port: Port = 60000
    ip: Ip | None = None

    def _resolve(self, host: str | None, what: str) -> str | None:
        if self.ip is not None or host is None:
            return self.ip
        try:
            return socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_DGRAM)[0][4][
                0
            ].__str__()
        except OSError as error:
            raise LinkAddressError(
                f"{what} host {host!r} cannot be resolved ({error}); give its ip"
            ) from error


class DataSource(_Endpoint):
    """The FPGA side of the 10 Gb/s link; without a host the Bank has no FPGA of its own."""

    host: Host | None = None

    def address(self) -> str | None:
        """The IPv4 address; LinkAddressError if the host cannot be resolved, None if there is none."""
        return self._resolve(self.host, "data_source")


class DataDestination(_Endpoint):
    """The computer's side of the 10 Gb/s link."""

    host: Host

    def address(self) -> str:
        """The IPv4 address; LinkAddressError if the host cannot be resolved."""
        return self._resolve(self.host, "data_destination") or ""


class RoachConfig(Table):
    """`[banks.X.roach]`: the FPGA board; present if the Bank has one."""

    katcp_host: Host
    katcp_port: Port = 7147
    timeout_s: float = Field(default=30.0, gt=0)


class SynthOptions(Table):
    """Options of the synthesizer."""

    double: bool = False
    half: bool = False
    divider: int = Field(default=1, ge=1)
    low_spur: bool = False


class SynthConfig(Table):
    """`[banks.X.synth]`: the Valon synthesizer."""

    via: Literal["katcp", "local"]
    port: str = "/dev/ttyS1"
    reference: Literal["external", "internal"] = "external"
    reference_hz: int = Field(default=10_000_000, gt=0)
    vco_range_mhz: tuple[int, int] = Field(default=(2200, 4400), strict=False)
    rf_level_dbm: Literal[-4, -1, 2, 5] = 5
    options: SynthOptions = SynthOptions()

    def reachable(self, megahertz: float) -> float:
        """The frequency that is made where this one is asked for, MHz; ValueError: it is out of
        range."""
        options = Options(**self.options.model_dump())
        reference = reference_mhz(self.reference_hz, options)
        tuning = tune(megahertz, SPACING_MHZ, reference, self.vco_range_mhz)
        return settled(megahertz, tuning.frequency(reference))


class StatusMemoryConfig(Table):
    """`[banks.X.status_memory]`: names of the status memory, of which each Bank of a host needs its
    own, and how often it is looked at for what is published of it."""

    key: int = Field(default=VEGAS_KEY, ge=1, le=0x7FFFFFFF)
    semaphore: str = Field(default=VEGAS_SEMAPHORE, pattern=r"^/[A-Za-z0-9_.-]{1,200}$")
    publish_hz: float = Field(default=5.0, ge=0.1, le=50)

    @property
    def is_private(self) -> bool:
        """The Bank's own, which no program of another Player or of the original uses; removed with
        the Bank."""
        return self.key != VEGAS_KEY and self.semaphore != VEGAS_SEMAPHORE

    @property
    def suffix(self) -> str:
        """End of the names of FIFOs, which tells the Banks of one host apart; empty for the
        original's only one."""
        return f"_{self.key:x}" if self.is_private else ""


class DataBuffersConfig(Table):
    """`[banks.X.data_buffers]`: the buffers of a foreign data-taking program; without one there are
    none."""

    vegas_key: int | None = Field(default=None, ge=1, le=0x7FFFFFF0)
    guppi_key: int | None = Field(default=None, ge=1, le=0x7FFFFFF0)
    blocks: int | None = Field(default=None, ge=1, le=1024)
    block_kib: int | None = Field(default=None, ge=1, le=1 << 22)
    index_bytes: int | None = Field(default=None, ge=0, le=1 << 24)
    """Of a block's index, family vegas: what the program's `sizeof(struct databuf_index)` is."""

    def plan(self, family: str, memory: StatusMemoryConfig) -> list[DataBuffer]:
        """The buffers of a family; without keys the original's, or private ones that follow from
        the status memory."""
        private = max(memory.key << 3 & 0x7FFFFFFF, 8)
        keys = {
            "vegas": self.vegas_key or (private if memory.is_private else VEGAS_DATA_KEY),
            "guppi": self.guppi_key or (private + 4 if memory.is_private else GUPPI_DATA_KEY),
        }
        size = None if self.block_kib is None else self.block_kib * 1024
        return planned(family, keys[family], self.blocks, size, self.index_bytes)


class SourceConfig(Table):
    """`[banks.X.source]`: what `spectrometer-daq` takes instead of packets from an FPGA.

    A recording, a synthetic receiver, or both: then the status key DAQSRC chooses, RECORDING or
    SYNTHETIC, and the recording is taken unless it says so.
    """

    file: str | None = Field(default=None, min_length=1)
    """GUPPI raw or DADA."""
    synthetic: ReceiverConfig | None = None
    rate_hz: float | None = Field(default=None, gt=0)
    """Of the replay, samples per second and coarse channel; None: one pass fills an exposure."""
    taps: int = Field(default=8, ge=1)
    window: str = "hamming"
    nfine: int | None = Field(default=None, ge=1)
    max_lag_s: float = Field(default=2.0, gt=0, le=3600)
    """Lag beyond which data are lost, s; nothing need be lost of what is only replayed."""
    flush_s: float = Field(default=0.1, gt=0)
    """Finished rows are written to the FITS file so often, s."""
    flush_rows: int | None = Field(default=None, ge=1)
    """And whenever there are so many of them."""

    @model_validator(mode="after")
    def _has_one(self) -> SourceConfig:
        if self.file is None and self.synthetic is None:
            raise ValueError(
                "expected file, a recording, or synthetic, a table of a synthetic receiver"
            )
        return self

    def path(self, beside: Path) -> Path | None:
        """The recording; a relative path is beside the configuration file."""
        if self.file is None:
            return None
        path = Path(self.file).expanduser()
        return path if path.is_absolute() else beside / path


class SpectrometerBankConfig(BankConfig):
    """`[banks.X]` of kind `spectrometer`."""

    instance: int | None = Field(default=None, ge=0, le=63)
    data_source: DataSource = DataSource()
    data_destination: DataDestination
    filters: Annotated[
        dict[int, Annotated[int, Field(ge=0, le=0xF8)]], BeforeValidator(_filters)
    ] = Field(min_length=1)
    status: StatusValues = Field(default_factory=dict)
    registers: RegisterValues = Field(default_factory=dict)
    roach: RoachConfig | None = None
    synth: SynthConfig | None = None
    status_memory: StatusMemoryConfig = StatusMemoryConfig()
    data_buffers: DataBuffersConfig = DataBuffersConfig()
    source: SourceConfig | None = None

    @model_validator(mode="after")
    def _roach_needs_a_source(self) -> SpectrometerBankConfig:
        if self.roach is not None and self.data_source.host is None and self.data_source.ip is None:
            raise ValueError(
                "a Bank with a ROACH needs data_source.host: the FPGA's address on the 10 Gb/s link"
            )
        return self

    def shared_names(self, *, simulate: bool) -> list[SharedName]:
        """Names that no other program of the host may own while this Bank is open: of its memory,
        buffers and FIFOs."""
        memory = self.status_memory
        names = [SharedName.of_key(memory.key), SharedName.of_semaphore(memory.semaphore)]
        if self.source is None and not simulate:  # it runs the foreign programs of its modes
            for family in FAMILIES:
                names += [
                    SharedName.of_key(buffer.key)
                    for buffer in self.data_buffers.plan(family, memory)
                ]
                fifos = [
                    fifo_path(family, number, memory.suffix)
                    for number in range(len(FIFO_NAMES[family]))
                ]
                names += [SharedName.of_fifo(fifo) for fifo in fifos]
        return names


class SpectrometerSettings(Table):
    """`[spectrometer]`: what concerns all spectrometer Banks.

    `original_rounding`: integrations and switching phases are rounded as the original did, to the
        last bit.
    `time_scale`: in simulation, what the waits of phases and the arm delays are multiplied with.
    `antenna_m`: where the antenna is, ITRF X, Y and Z, m; status keys ANT_X, ANT_Y, ANT_Z.
    `daq_silent_s`: a data-taking program whose heartbeat stands still so long in a scan hangs, s;
        `inf`: never.
    """

    original_rounding: bool = False
    time_scale: float = Field(default=1.0, gt=0, le=1)
    antenna_m: tuple[float, float, float] | None = Field(default=None, strict=False)
    daq_silent_s: float = Field(default=30.0, ge=3)

    @field_validator("antenna_m")
    @classmethod
    def _on_earth(
        cls, where: tuple[float, float, float] | None
    ) -> tuple[float, float, float] | None:
        if where is not None and not 6.3e6 < math.hypot(*where) < 6.4e6:
            raise ValueError(
                f"{math.hypot(*where):.4g} m from the Earth's middle; expected X, Y and Z in m, ITRF"
            )
        return where


def text_faults(config: Config) -> list[Fault]:
    """Texts that reach the status memory and that no card holds: the telescope, names of Banks and
    modes."""
    texts: dict[KeyPath, tuple[str, object]] = {
        ("instrument", "telescope"): ("TELESCOP", config.instrument.telescope),
        **{("banks", name): ("BANKNAM", name) for name in config.bank_names},
        **{("modes", name): ("MODENUM", name) for name in config.sections["modes"]},
    }
    return [
        config.fault(place, fault)
        for place, (key, text) in texts.items()
        if (fault := card_fault(key, text))
    ]


def memory_faults(config: Config) -> list[Fault]:
    """Status memories and semaphores that two Banks of one host share."""
    faults: list[Fault] = []
    taken: dict[tuple[str, str, object], str] = {}
    for name, bank in config.banks.items():
        if not isinstance(bank, SpectrometerBankConfig):
            continue
        for what in ("key", "semaphore"):
            place = (bank.hpc_host, what, getattr(bank.status_memory, what))
            if (other := taken.setdefault(place, name)) != name:
                key = ("banks", name, "status_memory", what)
                faults.append(
                    config.fault(key, f"{other} on the same host has this one; each needs its own")
                )
    return faults


def buffer_faults(config: Config) -> list[Fault]:
    """Keys of data buffers that another buffer or a status memory of the host has; a Bank with a
    source has none."""
    faults: list[Fault] = []
    tables = {
        name: bank
        for name, bank in config.banks.items()
        if isinstance(bank, SpectrometerBankConfig)
    }
    taken = {
        (bank.hpc_host, bank.status_memory.key): f"the status memory of {name}"
        for name, bank in tables.items()
    }
    for name, bank in tables.items():
        for family in FAMILIES if bank.source is None else ():
            for number, buffer in enumerate(bank.data_buffers.plan(family, bank.status_memory), 1):
                what = f"{family} data buffer {number} of {name}"
                if (other := taken.setdefault((bank.hpc_host, buffer.key), what)) != what:
                    key = ("banks", name, "data_buffers", f"{family}_key")
                    faults.append(
                        config.fault(
                            key, f"{what} has key {buffer.key:#x}, as {other} on the same host"
                        )
                    )
    return faults
