"""A gateway without endpoints, in a folder, whose jobs are shells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tomlkit

from gateways.difx.config import DifxBankConfig
from gateways.difx.jobs import Job
from gateways.difx.protocol.jobs import JobEvent, JobEventKind, JobRequest
from gateways.difx.runner import ProgramLimits
from gateways.difx.service import DifxService, ServiceSettings
from player.config import load
from player.tables import Config

__all__ = ["HANG_S", "INPUT", "config_of", "kinds_of", "service_of", "shell"]

HANG_S = 60.0
INPUT = "/scan1/job.input"


def shell(text: str) -> list[str]:
    """Return a command: `$1` is the input file, `$2` its path without suffix."""
    return ["/bin/sh", "-c", text, "sh", "{input}", "{stem}"]


def config_of(folder: Path, table: Mapping[str, Any]) -> Config:
    """Return a configuration with the Bank DIFX and its root, which has one input file."""
    root = folder / "scans"
    (root / "scan1").mkdir(parents=True, exist_ok=True)
    (root / "scan1" / "job.input").touch()
    bank = {"kind": "difx", "hpc_host": "localhost", "root": str(root), **table}
    path = folder / "site.toml"
    path.write_text(tomlkit.dumps({"banks": {"DIFX": bank}}).replace("${", "$${"))
    return load(path)


def service_of(
    folder: Path,
    runner: Mapping[str, Any],
    on_event: Callable[[Job, JobEvent], None] | None = None,
    *,
    table: Mapping[str, Any] | None = None,
    limits: ProgramLimits | None = None,
) -> DifxService:
    """Return a gateway with one profile, not opened; its records are in `folder`."""
    config = config_of(folder, {"runner": {"DEVEL": runner}, **(table or {})})
    bank = config.banks["DIFX"]
    assert isinstance(bank, DifxBankConfig)
    settings = ServiceSettings(
        name="DIFX",
        table=bank,
        config=config,
        state_folder=folder / "state",
        limits=limits or ProgramLimits(terminate=0.05),
    )
    return DifxService(settings, on_event)


def kinds_of(service: DifxService, **request: Any) -> list[str]:
    """Run a job to its end; its events but those of its state, lines with their severity."""
    job = service.new_job(JobRequest(**{"input": INPUT, **request}))
    service.run(job)
    return [
        f"{event.severity} {event.text}"
        if event.kind is JobEventKind.OUTPUT
        else event.state.value
        if event.is_last
        else f"refused {event.refusal}"
        if event.kind is JobEventKind.REFUSED
        else event.kind.value
        for event in job.follow()
        if event.kind is not JobEventKind.STATE
    ]
