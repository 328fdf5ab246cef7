"""A small file of the original, and what its migration comes to."""

from __future__ import annotations

from pathlib import Path

from player.config import load
from player.errors import ConfigError, Fault
from player.tables import Config

BANK = """[BANKA]
hpchost = here
player_port = 6667
has_roach = false
data_destination_host = here-10
data_destination_port = 60000
data_source_port = 60000
filter_bandwidth_bits = 450, 0x00, 1450, 0x08
"""
MODE = """[MODE1]
MODENAME = h1k
BACKEND = VEGAS
bof_file = a.bof
nchan = 1024
filter_bw = 1450
frequency = 1500
hpc_program = vegas_hpc_server
hpc_fifo_name = /tmp/fifo
needed_arm_delay = 4
gigabit_interface_name = gbe0
dest_ip_register_name = dest_ip
dest_port_register_name = dest_port
master_slave_sel = 0,0,0,0x0E,0,0
arm_phase = arm,0,arm,1
"""


def loaded(toml: str, folder: Path) -> Config:
    file = folder / "dibas.toml"
    file.write_text(toml, encoding="utf-8")
    return load(file, {})


def faults(toml: str, folder: Path) -> list[Fault]:
    try:
        loaded(toml, folder)
    except ConfigError as error:
        return error.faults
    return []
