"""The modes of the configuration: what each one is, and how it comes out of shared defaults.

A mode says `inherits = "<name>"` to begin with `[mode_defaults.<name>]`, which may inherit in turn; tables are
merged key by key, everything else is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from player.config import validate
from player.errors import Fault
from player.tables import Config, Table
from player.tomlfile import KeyPath
from spectrometer.backends.names import BACKEND_NAMES
from spectrometer.config import RegisterValues, SpectrometerBankConfig, StatusValues

__all__ = ["DaqConfig", "ModeConfig", "NetworkConfig", "Phase", "PhasesConfig", "load_modes", "mode_faults"]

MAX_WAIT_S = 60.0

Phase = tuple[tuple[str, int | float], ...]
"""(register, value) pairs in order; the register `wait` sleeps for `value` seconds."""


def _phase(value: Any) -> Phase:
    if not isinstance(value, list):
        raise ValueError(f'not a list of ["register", value] pairs but {value!r}')
    pairs: list[tuple[str, int | float]] = []
    for index, pair in enumerate(value):
        if not (isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str) and pair[0]):
            raise ValueError(f'item {index} is {pair!r}; expected ["register", value] or ["wait", seconds]')
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
    """What is written to the FPGA to reset it, to arm it for a start, and after a scan."""

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
    """The data-taking program of the mode; below $DIBAS_DIR/exec/x86_64-linux unless it is an absolute path."""

    program: str = Field(min_length=1)
    args: tuple[str, ...] = Field(default=(), strict=False)
    buffers: Literal["vegas", "guppi"] = "vegas"

    def command(self, dibas_dir: Path | None) -> list[str]:
        """Program and arguments; the program may not exist."""
        program = Path(self.program)
        if not program.is_absolute() and dibas_dir is not None:
            program = dibas_dir / "exec" / "x86_64-linux" / program
        return [str(program), *self.args]


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

    @field_validator("backend")
    @classmethod
    def _known_backend(cls, value: str) -> str:
        name = value.lower()
        if name not in BACKEND_NAMES:
            raise ValueError(f"unknown backend {value!r}; there are {', '.join(sorted(BACKEND_NAMES))}")
        return name

    @field_validator("frequency_mhz")
    @classmethod
    def _in_mhz(cls, value: float) -> float:
        if not 0 < abs(value) <= 5000:
            raise ValueError(f"{value:g} is no frequency in MHz: expected more than 0 and at most 5000, of either sign")
        return value

    @property
    def buffers(self) -> str:
        """Family of the data-taking program: `vegas` or `guppi`."""
        return self.daq.buffers


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        present = result.get(key)
        both = isinstance(present, Mapping) and isinstance(value, Mapping)
        result[key] = _merged(present, value) if both and isinstance(present, Mapping) else value
    return result


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
        raise ValueError(f"there is no [mode_defaults.{name}]")
    if name in seen:
        raise ValueError(f"mode_defaults inherit in a circle: {' -> '.join((*seen, name))}")
    base, used = _inherited(defaults, defaults[name], (*seen, name))
    return _merged({k: v for k, v in base.items() if k != "inherits"}, table), used


def _read(config: Config) -> tuple[dict[str, ModeConfig], list[Fault]]:
    modes: dict[str, ModeConfig] = {}
    faults: list[Fault] = []
    defaults = config.sections["mode_defaults"]
    for name, table in config.sections["modes"].items():
        try:
            whole, used = _inherited(defaults, table)
        except ValueError as error:
            faults.append(config.fault(("modes", name, "inherits"), str(error)))
            continue
        mode, found = validate(ModeConfig, config.source, ("modes", name), whole)
        faults.extend(found)
        if not found:
            modes[name] = mode
            faults.extend(_against_banks(config, name, mode, used))
    return modes, faults


def _against_banks(config: Config, name: str, mode: ModeConfig, used: tuple[str, ...]) -> list[Fault]:
    key: KeyPath = ("modes", name, "filter_bw_mhz")
    for default in used:
        if "filter_bw_mhz" not in config.source.tables["modes"][name]:
            key = ("mode_defaults", default, "filter_bw_mhz")
    return [
        config.fault(key, f"{bank} has no filter of {mode.filter_bw_mhz} MHz; it has {sorted(table.filters)}")
        for bank, table in config.banks.items()
        if isinstance(table, SpectrometerBankConfig) and mode.filter_bw_mhz not in table.filters
    ]


def mode_faults(config: Config) -> list[Fault]:
    """Everything that is wrong with the modes of a file."""
    return _read(config)[1]


def load_modes(config: Config) -> dict[str, ModeConfig]:
    """The modes by name, in file order; of a configuration that has been checked."""
    return _read(config)[0]
