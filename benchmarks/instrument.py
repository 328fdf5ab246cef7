"""Time of the spectrometer's Banks: preparing the heaviest mode, eight Banks that change their
mode, reading status.

The simulated boards speak KATCP on sockets. For `prepare` the board is a process of its own, as a
real one is; the eight Banks are Players with their simulated boards inside, called by one Dealer.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

from benchmarks.parts import Effort, Part
from benchmarks.rows import Row
from dealer import Dealer

CONF = Path(__file__).resolve().parents[1] / "conf" / "dibas.toml"
BANKS = "ABCDEFGH"
HEAVIEST = "MODE20"  # eight sub-bands: 128 mixer tables of 4 KiB
SUBBANDS = [[300.0 + step + 20 * n for n in range(8)] for step in range(8)]
MODE = "MODE1"
CARDS = 300


def _configuration(folder: Path) -> tuple[Path, dict[str, str]]:
    """The shipped file with ports and status memories of this run; Bank -> URL."""
    text, urls = CONF.read_text(encoding="utf-8"), {}
    for letter in BANKS:
        with socket.create_server(("127.0.0.1", 0)) as held:
            port = held.getsockname()[1]
        key = (os.getpid() << 8 & 0x7FFFFF00) + ord(letter)
        own = f'status_memory = {{ key = {key}, semaphore = "/bench_status_{key:x}" }}\nplayer_port = {port}\n'
        text = text.replace(f"[banks.BANK{letter}]\n", f"[banks.BANK{letter}]\n{own}", 1)
        urls[f"BANK{letter}"] = f"tcp://127.0.0.1:{port}"
    path = folder / "dibas.toml"
    path.write_text(text, encoding="utf-8")
    return path, urls


def _serve_board(config: str, end: Connection) -> None:
    """The process of a simulated board; ends when `end` is closed."""
    from player.config import load
    from spectrometer.instruments.simulators.images import images_of
    from spectrometer.instruments.simulators.roach import BoardSimulator
    from spectrometer.modes import load_modes

    with BoardSimulator(images_of(load_modes(load(config)).values())) as simulator:
        end.send(simulator.port)
        try:
            end.recv()
        except EOFError:
            return


def _prepare(config: Path) -> Row:
    """CPU of one `prepare` with eight new centres: a Bank in this process, its board in another."""
    from player import Bank

    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    board = spawn.Process(target=_serve_board, args=(str(config), theirs))
    board.start()
    try:
        theirs.close()
        local = config.with_name("local.toml")
        text = config.read_text(encoding="utf-8")
        text = text.replace(
            '"dibasr2-1"\nkatcp_port = 7147', f'"127.0.0.1"\nkatcp_port = {ours.recv()}'
        )
        # Of the rest only what takes no data: a program that is ready at once.
        memory = next(line for line in text.splitlines() if line.startswith("status_memory"))
        words = memory.split()
        key, semaphore = words[5].rstrip(","), words[8]
        idle = f'{{ program = "{_idle_program(config.parent, key, semaphore)}" }}'
        text = text.replace(
            '{ program = "vegas_hpc_server", args = ["--resize-obuf"], buffers = "vegas" }', idle
        )
        local.write_text(
            text.replace('fits = { program = "vegasFitsWriter" }\n', ""), encoding="utf-8"
        )
        with Bank("BANKA", config=local) as bank:
            bank.set_mode(HEAVIEST)
            taken = []
            for centres in SUBBANDS:
                bank.set_param(subband_freq=centres)
                begun = time.process_time()
                bank.prepare()
                taken.append((time.process_time() - begun) * 1e3)
        return Row(
            f"prepare of {HEAVIEST}, CPU", None, statistics.median(taken), None, 50.0, None, "ms"
        )
    finally:
        ours.close()
        board.join(10)


def _idle_program(folder: Path, key: str, semaphore: str) -> Path:
    """A data-taking program that is ready at once and takes nothing; `semaphore` in quotes."""
    program = folder / "idle-daq"
    program.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        f"sys.path.insert(0, {str(CONF.parents[1])!r})\n"
        "from spectrometer.status.buffer import StatusBuffer\n"
        f"status = StatusBuffer({key}, {semaphore})\n"
        "status.update({'DAQSTATE': 'stopped'})\n"
        "for line in sys.stdin:\n"
        "    word = line.strip().upper()\n"
        "    if word == 'INIT_GPU':\n"
        "        status.update({'GPUCTXIN': 'TRUE'})\n"
        "    if word == 'QUIT':\n"
        "        break\n"
    )
    program.chmod(0o755)
    return program


@contextmanager
def _players(config: Path, urls: dict[str, str]) -> Iterator[list[psutil.Process]]:
    environment = {**os.environ, "DIBAS_DATA": str(config.parent / "data")}
    words = [sys.executable, "-m", "player.cli"]
    running = [
        subprocess.Popen(
            [*words, bank, url, "simulate", "--config", str(config), "--log-level", "error"],
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        for bank, url in urls.items()
    ]
    try:
        yield [psutil.Process(process.pid) for process in running]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(20)


def _cpu(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def _eight_banks(config: Path, urls: dict[str, str]) -> Row:
    """Wall time of eight Banks that set a mode at once, of what one needs alone or the cores need
    for all."""
    with _players(config, urls) as processes, Dealer(urls) as d:
        d.add_active_player(*urls)
        _until_ready(d)
        d.set_mode(MODE)  # what is imported and cached with the first
        begun = time.perf_counter()
        d["BANKA"].set_mode(MODE, force=True)
        alone = time.perf_counter() - begun
        ratios, walls, bounds = [], [], []
        for _ in range(3):
            used, begun = _cpu(processes), time.perf_counter()
            d.set_mode(MODE, force=True)
            walls.append(time.perf_counter() - begun)
            bounds.append(max(alone, (_cpu(processes) - used) / len(os.sched_getaffinity(0))))
            ratios.append(walls[-1] / bounds[-1])
    return Row(
        f"set_mode({MODE}) of 8 simulated Banks, of one alone or of their CPU / cores",
        statistics.median(bounds),
        statistics.median(walls),
        statistics.median(ratios),
        1.3,
        None,
        "s",
    )


def _until_ready(d: Dealer) -> None:
    end = time.monotonic() + 60.0
    while any(outcome.error is not None for outcome in d.outcomes("get_mode").values()):
        if time.monotonic() > end:
            raise TimeoutError("the Players did not come up within 60 s")
        time.sleep(0.2)


def _status() -> Row:
    from spectrometer.status.buffer import StatusBuffer

    key = (os.getpid() << 8 & 0x7FFFFF00) + 1
    status = StatusBuffer(key, f"/bench_status_{key:x}")
    try:
        status.update({f"KEY{n:05d}": n * 1.5 if n % 2 else f"text {n}" for n in range(CARDS)})
        taken = []
        for _ in range(50):
            begun = time.perf_counter()
            status.read()
            taken.append((time.perf_counter() - begun) * 1e3)
    finally:
        status.unlink()
        status.close()
    return Row(
        f"status read of {CARDS} cards", None, statistics.median(taken), None, 1.0, None, "ms"
    )


def _configured(measure: Callable[[Path, dict[str, str]], Row], _effort: Effort) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="dealer-player-") as folder:
        return [measure(*_configuration(Path(folder)))]


PARTS: dict[str, Part] = {
    "prepare": partial(_configured, lambda config, _: _prepare(config)),
    "eight_banks": partial(_configured, _eight_banks),
    "status": lambda _: [_status()],
}
