"""A histogrammer with a peak and a blob of known places, and a dashboard that shows it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np
from support.dashboards import Peer, serving
from support.ringfiles import definitions, event

from dashboard.assets import STATIC
from dashboard.config import Array
from player.tables import DashboardConfig
from player.testing import HostedBank

__all__ = ["BACKGROUND", "CENTRE", "PEAK", "SIGMA", "SpectraSite"]

CENTRE, SIGMA, PEAK, BACKGROUND = 1173.2, 6.0, 4000, 8000
"""Of the peak, keV and events; events of the flat background."""
DEFINITIONS = """
parameters.energy = { units = "keV" }
parameters.time = { units = "ns" }
[spectra.gamma]
type = "1"
parameters = ["energy"]
axes = [[0, 2048, 2048]]
[spectra.matrix]
type = "2"
parameters = ["energy", "time"]
axes = [[1024, 1280, 256], [0, 100, 100]]
[gates.window]
type = "s"
parameters = ["energy"]
low = 1150
high = 1200
[gates.blob]
type = "c"
parameters = ["energy", "time"]
points = [[1140, 30], [1210, 35], [1200, 70], [1150, 65]]
"""


class SpectraSite:
    """The site.

    Args:
        folder: For its files.
        stack: Ends all of it.
        control: Its dashboard runs it.

    Attributes:
        values: Of the events, shape (n, 2): energy and time.
    """

    def __init__(self, folder: Path, stack: ExitStack, *, control: bool = False) -> None:
        (folder / "book.toml").write_text(DEFINITIONS)
        settings = {
            "home": str(folder),
            "shm_mbytes": 1,
            "threads": 1,
            "spectra_mbytes": 16,
            "definitions": "book.toml",
            "publish_hz": 20.0,
        }
        self.bank = stack.enter_context(HostedBank("histogrammer", settings, folder=folder))
        random = np.random.default_rng(3)
        peak = random.normal((CENTRE, 50), (SIGMA, 6), (PEAK, 2))
        flat = random.uniform((0, 0), (2048, 100), (BACKGROUND, 2))
        self.values = np.concatenate([peak, flat])
        path = self.bank.bank.context.data_root / "run-0047-00.evt"
        events = (
            event(number, [(1, float(energy)), (2, float(time))])
            for number, (energy, time) in enumerate(self.values)
        )
        path.write_bytes(definitions([(1, "energy"), (2, "time")]) + b"".join(events))
        self.path = str(path)
        site = DashboardConfig(name="TEST SITE")
        array = Array(urls={"GAMMA": self.bank.url}, site=site)
        self.peer: Peer = stack.enter_context(serving(array, STATIC, control=control))

    def fill(self) -> None:
        """Process all events."""
        self.bank.proxy.attach(self.path)
        self.bank.proxy.start()
        self.bank.bank.histogrammer.analyzer.wait(60)
