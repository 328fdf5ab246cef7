"""Backends on registers in memory and a status memory of the test's own."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from player.config import load
from player.tables import Config
from spectrometer.backends.base import BackendSetup, CoherentLink
from spectrometer.backends.registry import backend_class
from spectrometer.config import SpectrometerBankConfig
from spectrometer.derive.rounding import ORIGINAL, Rounding
from spectrometer.instruments.registers import MemoryRegisters, MemorySynthesizer
from spectrometer.modes import load_modes
from spectrometer.status import StatusBuffer

SHIPPED = Path(__file__).resolve().parents[2] / "conf" / "dibas.toml"


def shipped() -> Config:
    """The shipped configuration."""
    return load(SHIPPED)


def make_backend(
    status: StatusBuffer,
    mode: str,
    *,
    bank: str = "BANKA",
    frequency_mhz: float | None = None,
    rounding: Rounding = ORIGINAL,
    config: Config | None = None,
    config_dir: Path = Path("/opt/dibas/etc/config"),
    file_roots: tuple[Path, ...] = (),
) -> Any:
    """A Backend of the shipped configuration, not installed yet; its waits take no time."""
    config = config or shipped()
    table = config.banks[bank]
    assert isinstance(table, SpectrometerBankConfig)
    found = load_modes(config)[mode]
    coherent = found.coherent
    alone = coherent is not None and coherent.master != bank
    return backend_class(found.backend)(
        BackendSetup(
            bank_name=bank,
            bank=table,
            mode_name=mode,
            mode=found,
            frequency_mhz=found.frequency_mhz if frequency_mhz is None else frequency_mhz,
            asked_mhz=found.frequency_mhz if frequency_mhz is None else frequency_mhz,
            telescope=config.instrument.telescope,
            is_master=config.instrument.switching_master == bank,
            macs=config.sections["hpc_macs"],
            registers=MemoryRegisters() if table.roach is not None and not alone else None,
            synthesizer=MemorySynthesizer() if table.synth is not None and not alone else None,
            status=status,
            data_root=Path("/data"),
            config_dir=config_dir,
            file_roots=file_roots,
            nodes=()
            if coherent is None
            else tuple(
                CoherentLink(name, source, config.banks[name].data_destination)  # type: ignore[attr-defined]
                for name, source in zip(coherent.nodes, coherent.interfaces, strict=True)
            ),
            rounding=rounding,
            simulated=True,
            wait=lambda _seconds: None,
            say=lambda _text: None,
            log=logging.getLogger("test"),
        )
    )


STANDARD = [[0.0, 0, 1, 0.002], [0.25, 0, 0, 0.002], [0.5, 1, 1, 0.002], [0.75, 1, 0, 0.002]]
"""Switching phases of the reference's standard check (10.1), for `set_gbt_phases(0.1, ...)`."""


def installed(status: StatusBuffer, mode: str, **options: Any) -> Any:
    """A Backend of `make_backend` that has brought its registers into the mode."""
    backend = make_backend(status, mode, **options)
    backend.install()
    return backend
