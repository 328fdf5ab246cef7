"""Configurations of spectrometer Banks on this host, each with a port and a status memory of its
own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from support.backends import SHIPPED
from support.memory import free_key
from support.player_run import free_port

COHERENT_NODES = 8


def write_array(
    path: Path,
    *,
    banks: int = 1,
    recording: Path | None = None,
    arm_delay_s: float = 2.0,
    board: bool = True,
    daq: Path | None = None,
    fits: Path | None = None,
    control: str = "stdin",
    sources: Mapping[str, str] | None = None,
    time_scale: float = 0.01,
) -> dict[str, str]:
    """Write a configuration file; Bank -> URL.

    Args:
        path: The file.
        banks: How many.
        recording: What they replay; None: nothing.
        arm_delay_s: Of all modes.
        board: They have a ROACH.
        daq: A foreign data-taking program; its buffers are small.
        fits: A FITS writer beside it.
        control: Where the program reads its words.
        sources: Bank -> what it takes its voltages from, an inline table.
        time_scale: Of the waits of a simulated board.
    """
    lines = ["[instrument]", 'telescope = "Arecibo"', 'switching_master = "BANKA"']
    lines += ["[spectrometer]", f"time_scale = {time_scale}", "[dealer]"]
    names = [f"BANK{chr(ord('A') + n)}" for n in range(banks)]
    urls: dict[str, str] = {}
    lines.append(f"players = {names}".replace("'", '"'))
    for name in names:
        port, key = free_port(), free_key()
        urls[name] = f"tcp://127.0.0.1:{port}"
        lines += [
            f"[banks.{name}]",
            'hpc_host = "localhost"',
            f"player_port = {port}",
            'data_source = { host = "10.17.0.64", ip = "10.17.0.64" }',
            'data_destination = { host = "10.17.0.1", ip = "10.17.0.1" }',
            "filters = { 450 = 0x00, 1450 = 0x08, 1900 = 0x18 }",
            f'status_memory = {{ key = {key}, semaphore = "/test_status_{key:x}" }}',
        ]
        if recording is not None:
            lines.append(
                f'source = {{ file = "{recording}", max_lag_s = 60.0 }}'
            )  # machines of tests are busy
        if sources is not None and name in sources:
            lines.append(f"source = {sources[name]}")
        if daq is not None:
            lines.append("data_buffers = { blocks = 4, block_kib = 64 }")
        if board:
            lines += ['roach = { katcp_host = "nowhere.invalid" }', 'synth = { via = "katcp" }']
    shipped = SHIPPED.read_text()
    modes = shipped[shipped.index("[mode_defaults.vegas]") :]
    if banks < COHERENT_NODES:
        modes = modes[: modes.index("# Coherent: ")]
    for shipped_delay in (4, 5):
        modes = modes.replace(
            f"needed_arm_delay_s = {shipped_delay}", f"needed_arm_delay_s = {arm_delay_s}"
        )
    if daq is not None:
        words = f'program = "{daq}", control = "{control}"'
        modes = modes.replace('program = "vegas_hpc_server", args = ["--resize-obuf"]', words)
        modes = modes.replace('program = "guppi_daq_server"', words)
        writer = "" if fits is None else f'fits = {{ program = "{fits}" }}\n'
        modes = modes.replace('fits = { program = "vegasFitsWriter" }\n', writer)
    path.write_text("\n".join([*lines, modes]))
    return urls
