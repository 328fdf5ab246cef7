"""The modes of the configuration: what each one is, and how it comes out of shared defaults.

A mode says `inherits = "<name>"` to begin with `[mode_defaults.<name>]`, which may inherit in turn;
tables are merged key by key, everything else is replaced. A Backend, `spectrometer.backends.base`,
brings the hardware into a mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic_core import CoreSchema

from arrayconfig.files import has_key, merged
from groundwork.errors import did_you_mean
from player.config import MISSING, validate
from player.errors import Fault
from player.tables import Composed, Config, Table
from player.tomlfile import KeyPath
from spectrometer.backendnames import BACKEND_NAMES, GUPPI_COHERENT
from spectrometer.config import (
    DataSource,
    RegisterValues,
    SpectrometerBankConfig,
    StatusValues,
    card_fault,
)

__all__ = [
    "CoherentConfig",
    "DaqConfig",
    "ModeConfig",
    "ModeDefaultsTable",
    "ModeTable",
    "NetworkConfig",
    "Phase",
    "PhasesConfig",
    "composed_modes",
    "load_modes",
    "mode_faults",
]

MAX_WAIT_S = 60.0

Phase = tuple[tuple[str, int | float], ...]
"""(register, value) pairs in order; the register `wait` sleeps for `value` seconds."""


def _phase(value: Any) -> Phase:
    if not isinstance(value, list):
        raise ValueError(f'not a list of ["register", value] pairs but {value!r}')
    pairs: list[tuple[str, int | float]] = []
    for index, pair in enumerate(value):
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and pair[0]):
            raise ValueError(
                f'item {index} is {pair!r}; expected ["register", value] or ["wait", seconds]'
            )
        name, number = pair
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise ValueError(f"item {index}: {number!r} is no number")
        if name == "wait" and not 0 <= number <= MAX_WAIT_S:
            raise ValueError(f"item {index}: a wait of {number} s; expected 0 to {MAX_WAIT_S:g}")
        if name != "wait" and (isinstance(number, float) or not -(2**31) <= number < 2**32):
            raise ValueError(f"item {index}: {number!r} is no 32-bit register value")
        pairs.append((name, number))
    return tuple(pairs)


class PhasesConfig(Table):
    """Writes to the FPGA that reset it, to arm it for a start, and after a scan."""

    reset: Phase = ()
    arm: Phase = ()
    postarm: Phase = ()

    @field_validator("reset", "arm", "postarm", mode="before")
    @classmethod
    def _pairs(cls, value: Any) -> Phase:
        return _phase(value)


class NetworkConfig(Table):
    """Names of the FPGA's Ethernet core and of its destination registers."""

    core: str = Field(min_length=1)
    dest_ip: str = Field(min_length=1)
    dest_port: str = Field(min_length=1)


class DaqConfig(Table):
    """The data-taking program of the mode; below $DIBAS_DIR/exec/x86_64-linux unless it is an
    absolute path."""

    program: str = Field(min_length=1)
    args: tuple[str, ...] = Field(default=(), strict=False)
    buffers: Literal["vegas", "guppi"] = "vegas"
    control: Literal["stdin", "fifo"] = "stdin"
    """Where the program reads its words."""

    def command(self, dibas_dir: Path | None) -> list[str]:
        """Program and arguments; the program may not exist."""
        program = Path(self.program)
        if not program.is_absolute() and dibas_dir is not None:
            program = dibas_dir / "exec" / "x86_64-linux" / program
        return [str(program), *self.args]


def _interfaces(value: Any) -> Any:
    """Hosts by name alone, or as tables."""
    if not isinstance(value, list | tuple):
        return value
    return tuple({"host": item} if isinstance(item, str) else item for item in value)


class CoherentConfig(Table):
    """`[modes.X.coherent]`: one board for eight Banks; `nodes` and `interfaces` (of the FPGA) go in
    pairs."""

    master: str
    nodes: tuple[str, ...] = Field(min_length=8, max_length=8, strict=False)
    interfaces: Annotated[
        tuple[DataSource, ...],
        BeforeValidator(_interfaces, json_schema_input_type=list[DataSource | str]),
    ] = Field(min_length=8, max_length=8, strict=False)

    @model_validator(mode="after")
    def _eight_of_them(self) -> CoherentConfig:
        if len(set(self.nodes)) != len(self.nodes):
            raise ValueError(f"nodes name a Bank twice: {', '.join(self.nodes)}")
        if self.master not in self.nodes:
            raise ValueError(f"master {self.master} is none of the nodes {', '.join(self.nodes)}")
        if any(interface.host is None and interface.ip is None for interface in self.interfaces):
            raise ValueError("an interface has neither host nor ip")
        return self


class ModeConfig(Table):
    """One mode, with what it inherits."""

    inherits: str | None = None
    backend: str
    bof_file: str = Field(min_length=1)
    nchan: int = Field(gt=0)
    filter_bw_mhz: int = Field(gt=0)
    frequency_mhz: float
    hwexposr_s: float | None = Field(default=None, gt=0)
    needed_arm_delay_s: Annotated[float, Field(ge=2, le=3600)]
    daq: DaqConfig
    fits: DaqConfig | None = None
    network: NetworkConfig
    master_slave_sel: tuple[int, int, int, int, int, int] = Field(strict=False)
    gain: tuple[int, ...] = Field(default=(), strict=False)
    status: StatusValues = Field(default_factory=dict)
    registers: RegisterValues = Field(default_factory=dict)
    phases: PhasesConfig = PhasesConfig()
    coherent: CoherentConfig | None = None

    @field_validator("backend")
    @classmethod
    def _known_backend(cls, value: str) -> str:
        name = value.lower()
        if name not in BACKEND_NAMES:
            raise ValueError(
                f"unknown backend {value!r}; there are {', '.join(sorted(BACKEND_NAMES))}"
            )
        return name

    @field_validator("bof_file")
    @classmethod
    def _in_a_card(cls, value: str) -> str:
        if fault := card_fault("BOFFILE", value):
            raise ValueError(fault)
        return value

    @field_validator("frequency_mhz")
    @classmethod
    def _in_mhz(cls, value: float) -> float:
        if not 0 < abs(value) <= 5000:
            raise ValueError(
                f"{value:g} is no frequency in MHz: expected more than 0 and at most 5000, of either sign"
            )
        return value

    @model_validator(mode="after")
    def _coherent_or_not(self) -> ModeConfig:
        if (self.backend == GUPPI_COHERENT) != (self.coherent is not None):
            raise ValueError(
                f"a mode has a table `coherent` if, and only if, its backend is {GUPPI_COHERENT}"
            )
        return self

    @property
    def buffers(self) -> str:
        """Family of the data-taking program: `vegas` or `guppi`."""
        return self.daq.buffers


class _PartOfMode:
    """Tells JSON Schema what a table is that inherits: a mode, of which keys may stand
    elsewhere."""

    def __init__(self, *, whole_alone: bool) -> None:
        self._whole_alone = whole_alone

    def __get_pydantic_json_schema__(
        self, _schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        whole = handler.resolve_ref_schema(handler(ModeConfig.__pydantic_core_schema__))
        part = {word: value for word, value in whole.items() if word != "required"}
        if self._whole_alone:  # a table that inherits nothing has all itself
            part |= {"anyOf": [{"required": ["inherits"]}, {"required": whole["required"]}]}
        return part


ModeTable = Annotated[dict[str, Any], _PartOfMode(whole_alone=True)]
"""`[modes.M]` as it stands in the file."""

ModeDefaultsTable = Annotated[dict[str, Any], _PartOfMode(whole_alone=False)]
"""`[mode_defaults.D]` as it stands in the file."""


def _inherited(
    defaults: Mapping[str, Any], table: Mapping[str, Any], seen: tuple[str, ...] = ()
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A table with what it inherits, and the names of the defaults it used, nearest first.

    Raises:
        ValueError: No such defaults, or they inherit from each other.
    """
    name = table.get("inherits")
    if name is None:
        return dict(table), seen
    if not isinstance(name, str) or not isinstance(defaults.get(name), Mapping):
        raise ValueError(f"there is no [mode_defaults.{name}]" + did_you_mean(str(name), defaults))
    if name in seen:
        raise ValueError(f"mode_defaults inherit in a circle: {' -> '.join((*seen, name))}")
    base, used = _inherited(defaults, defaults[name], (*seen, name))
    return merged({k: v for k, v in base.items() if k != "inherits"}, table), used


def _home(config: Config, name: str, used: tuple[str, ...], key: KeyPath) -> KeyPath:
    """Return where a key of a mode truly stands: in its own table, or in the nearest defaults that
    have it."""
    tables = config.source.tables
    for place in (("modes", name), *(("mode_defaults", default) for default in used)):
        if has_key(tables[place[0]][place[1]], key):
            return (*place, *key)
    return ("modes", name, *key)


def _default_faults(config: Config) -> list[Fault]:
    """Return the faults of the defaults alone, whether a mode uses them or not; a key that is
    missing is none."""
    faults: list[Fault] = []
    for name, table in config.sections["mode_defaults"].items():
        try:
            _inherited(config.sections["mode_defaults"], table)
        except ValueError as error:
            faults.append(config.fault(("mode_defaults", name, "inherits"), str(error)))
        faults += _faults_of_part(config, ("mode_defaults", name), table)
    return faults


def _faults_of_part(config: Config, place: KeyPath, table: Mapping[str, Any]) -> list[Fault]:
    """Return the faults of a table that is no whole mode: no key is missing in it."""
    return [
        fault
        for fault in validate(ModeConfig, config.source, place, table)[1]
        if fault.text != MISSING
    ]


def _read(config: Config) -> tuple[dict[str, ModeConfig], list[Fault]]:
    modes: dict[str, ModeConfig] = {}
    faults = _default_faults(config)
    defaults = config.sections["mode_defaults"]
    for name, table in config.sections["modes"].items():
        try:
            whole, used = _inherited(defaults, table)
        except ValueError as error:
            if table["inherits"] not in defaults:  # a circle is the defaults' own fault
                faults.append(config.fault(("modes", name, "inherits"), str(error)))
            faults += _faults_of_part(config, ("modes", name), table)
            continue
        mode, found = validate(
            ModeConfig, config.source, ("modes", name), whole, partial(_home, config, name, used)
        )
        faults += found
        if mode is not None:
            modes[name] = mode
            faults += _against_banks(config, name, mode, used)
    return modes, list(dict.fromkeys(faults))


def _against_banks(
    config: Config, name: str, mode: ModeConfig, used: tuple[str, ...]
) -> list[Fault]:
    nodes = () if mode.coherent is None else mode.coherent.nodes
    strangers = [node for node in nodes if node not in config.bank_names]
    at = _home(config, name, used, ("coherent", "nodes"))
    filters = _home(config, name, used, ("filter_bw_mhz",))
    return [config.fault(at, f"there is no [banks.{node}] in this file") for node in strangers] + [
        config.fault(
            filters,
            f"{bank} has no filter of {mode.filter_bw_mhz} MHz; it has {sorted(table.filters)}",
        )
        for bank, table in config.banks.items()
        if isinstance(table, SpectrometerBankConfig) and mode.filter_bw_mhz not in table.filters
    ]


def composed_modes(config: Config) -> dict[KeyPath, Composed]:
    """The modes with what they inherit, by their place in the file; of a configuration that has
    been checked."""
    found: dict[KeyPath, Composed] = {}
    for name, mode in load_modes(config).items():
        whole, used = _inherited(config.sections["mode_defaults"], config.sections["modes"][name])
        found["modes", name] = Composed(mode, whole, partial(_home, config, name, used))
    return found


def mode_faults(config: Config) -> list[Fault]:
    """Everything that is wrong with the modes of a file."""
    return _read(config)[1]


def load_modes(config: Config) -> dict[str, ModeConfig]:
    """The modes by name, in file order; of a configuration that has been checked."""
    return _read(config)[0]
