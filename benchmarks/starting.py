"""Time of a Player from its start to the first call that it answers, of a bare interpreter with
the same imports.

The Player is a simulated spectrometer Bank with a board. What it imports until it is ready is asked
of the interpreter (`-X importtime`); the floor is an interpreter that imports just that and ends.
"""

from __future__ import annotations

import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.instrument import CONF
from benchmarks.parts import Effort, Part
from benchmarks.rows import Row

PAIRS = 8
IMPORTED = re.compile(r"^import time:\s+\d+ \|\s+\d+ \| *(\S+)$", re.MULTILINE)


def _player(config: Path, port: int, log: Path, *options: str) -> float:
    """Start a Player and end it; s until its line `ready`."""
    words = [
        sys.executable,
        *options,
        "-m",
        "player.cli",
        "BANKA",
        f"tcp://127.0.0.1:{port}",
        "simulate",
    ]
    environment = {**os.environ, "DIBAS_DATA": str(config.parent)}
    begun = time.perf_counter()
    with log.open("w") as stream:
        process = subprocess.Popen(
            [*words, "--config", str(config)], stderr=subprocess.PIPE, env=environment, text=True
        )
        assert process.stderr is not None
        taken = 0.0
        for line in process.stderr:
            stream.write(line)
            if ": ready: " in line:
                taken = time.perf_counter() - begun
                process.terminate()
        process.wait(20)
    if not taken:
        raise RuntimeError(f"the Player did not become ready:\n{log.read_text()}")
    return taken


def _bare(names: list[str]) -> float:
    """Start an interpreter that imports these modules, and wait for its end; s."""
    program = (
        "import importlib, sys\n"
        "for name in sys.argv[1].split():\n"
        "    try:\n"
        "        importlib.import_module(name)\n"
        "    except ImportError:\n"
        "        pass\n"
        "import os; os._exit(0)\n"
    )
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", program, " ".join(names)], check=True)
    return time.perf_counter() - begun


def _measure(effort: Effort) -> list[Row]:
    """Measure."""
    with tempfile.TemporaryDirectory(prefix="dealer-player-") as folder:
        config, log = Path(folder) / "dibas.toml", Path(folder) / "player.log"
        key = (os.getpid() << 8 & 0x7FFFFF00) + 2
        own = f'status_memory = {{ key = {key}, semaphore = "/bench_status_{key:x}" }}\n'
        text = CONF.read_text(encoding="utf-8").replace(
            "[banks.BANKA]\n", f"[banks.BANKA]\n{own}", 1
        )
        config.write_text(text, encoding="utf-8")
        with socket.create_server(("127.0.0.1", 0)) as held:
            port = held.getsockname()[1]
        _player(config, port, log, "-X", "importtime")
        names = list(dict.fromkeys(IMPORTED.findall(log.read_text())))
        floors, ours = [], []
        for _ in range(PAIRS):
            floors.append(_bare(names))
            ours.append(_player(config, port, log))
            effort.pass_on()
    ratio = statistics.median(a / b for a, b in zip(ours, floors, strict=True))
    return [
        Row(
            "start of a Player to ready, of a bare interpreter with the same imports",
            statistics.median(floors),
            statistics.median(ours),
            ratio,
            1.5,
            None,
            "s",
        )
    ]


PARTS: dict[str, Part] = {"all": _measure}
