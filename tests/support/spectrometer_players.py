"""Players of spectrometer Banks on this host, with the names of their status memories."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import pytest
import sysv_ipc
from support.player_run import PlayerRun, clean_environment
from support.spectrometer_array import write_array

from player.config import load
from spectrometer.config import SpectrometerBankConfig
from spectrometer.status.buffer import StatusBuffer


class SpectrometerArray:
    """Players of a configuration; ended, and their status memories looked for, at the end."""

    def __init__(self, directory: Path, *words: str, **options: Any) -> None:
        self.data = directory / "data"
        self.config = directory / "array.toml"
        self.urls = write_array(self.config, **options)
        self.players: dict[str, PlayerRun] = {}
        self._words = words
        self._directory = directory

    def run(self, bank: str) -> PlayerRun:
        environment = clean_environment(DIBAS_DATA=str(self.data))
        log = self._directory / f"{bank}.{time.monotonic_ns()}.log"
        run = PlayerRun(
            bank, self.urls[bank], *self._words, "--config", self.config, log=log, env=environment
        )
        self.players[bank] = run
        run.wait_ready()
        return run

    def status_key(self, bank: str) -> int:
        table = load(self.config).banks[bank]
        assert isinstance(table, SpectrometerBankConfig)
        return table.status_memory.key

    def status(self, bank: str) -> StatusBuffer:
        table = load(self.config).banks[bank]
        assert isinstance(table, SpectrometerBankConfig)
        return StatusBuffer(table.status_memory.key, table.status_memory.semaphore, create=False)

    def __enter__(self) -> SpectrometerArray:
        for bank in self.urls:
            self.run(bank)
        return self

    def __exit__(self, *_exc: object) -> None:
        for run in self.players.values():
            if run.process.poll() is None:
                run.end(signal.SIGTERM)
        for bank, run in self.players.items():
            run.__exit__(None, None, None)
            with pytest.raises(sysv_ipc.ExistentialError):
                sysv_ipc.SharedMemory(self.status_key(bank), 0, size=0)
