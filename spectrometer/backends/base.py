"""Base of all Backends, which bring the hardware into a mode (`install`): the FPGA's programming,
network, registers and phases; parameters, and the layers of values under them.

A Backend is made for one mode of one Bank and is thrown away at the next mode. It runs in the
thread that calls it; waits go through `BackendSetup.wait`, so that an aborted mode change ends in
the middle of one.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import math
import struct
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from arrayconfig.logs import Log
from spectrometer.backends.parameters import (
    Legal,
    ModeParameter,
    ParameterSet,
    choice,
    integer,
    number,
    position,
    text,
)
from spectrometer.config import DataDestination, DataSource, HpcMac, SpectrometerBankConfig
from spectrometer.derive.position import read_position
from spectrometer.derive.rounding import Rounding
from spectrometer.errors import LinkAddressError
from spectrometer.instruments.registers import Registers, Synthesizer
from spectrometer.modes import ModeConfig
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.keys import SWITCHING_KEY, UNSPECIFIED
from spectrometer.status.protocol.cards import plain
from zmqjsonproxy.errors import RefusedError

__all__ = ["Backend", "BackendSetup", "CoherentLink", "Value", "fitting"]

Value = bool | int | float | str

MAC_BASE = 0x020200000000  # an FPGA's MAC is this plus its IP address
ARP_OFFSET, ARP_ENTRIES = 0x3000, 256
I2C_ADDRESS = 0x38
NOISE_SOURCE_OFF, TONE_1, TONE_2 = 0x01, 0x02, 0x04
NETWORK_SETTLE_S = 1.0
MAX_SCAN_S = 1e7  # four months


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSetup:
    """Surroundings of a Backend.

    Attributes:
        bank_name: Upper case.
        bank: Its configuration.
        mode_name: Section of the mode.
        mode: Its configuration.
        frequency_mhz: Of the synthesizer, with its sign, as it is.
        asked_mhz: As it was asked for; a synthesizer has steps.
        telescope: Of the instrument.
        antenna_m: ITRF coordinates, m; None: not known.
        is_master: This Bank makes the switching signals.
        macs: `[hpc_macs]`, host name -> row.
        registers: The FPGA; None: the Bank has none.
        synthesizer: None: the Bank has none.
        status: The status memory.
        data_root: Without the project.
        config_dir: Where relative paths of files begin.
        file_roots: Below them are the files that observers may name; none: anywhere.
        nodes: Of a coherent mode, in order: who takes which part of the band.
        rounding: Original or corrected.
        simulated: Nothing real is behind `registers`.
        say: Is told what is being done; raises when the work is aborted.
        wait: Sleeps for seconds, or raises when the work is aborted.
        log: With the Bank's name.
    """

    bank_name: str
    bank: SpectrometerBankConfig
    mode_name: str
    mode: ModeConfig
    frequency_mhz: float
    asked_mhz: float
    telescope: str
    is_master: bool
    macs: Mapping[str, HpcMac]
    registers: Registers | None
    synthesizer: Synthesizer | None
    status: StatusBuffer
    data_root: Path
    config_dir: Path
    rounding: Rounding
    simulated: bool
    wait: Callable[[float], None]
    say: Callable[[str], None]
    log: Log
    nodes: tuple[CoherentLink, ...] = ()
    antenna_m: tuple[float, float, float] | None = None
    file_roots: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class CoherentLink:
    """One node of a coherent mode: its Bank, and both ends of its data link."""

    bank: str
    source: DataSource
    destination: DataDestination


class Backend(ABC):
    """One family of modes. Setting a parameter only stores it; `prepare` computes and sends
    everything."""

    family = ""
    """Value of the status key BACKEND."""
    needs_gpu = False
    """Whether the data-taking program has to set up its GPU (command INIT_GPU) before the first
    scan."""

    def __init__(self, setup: BackendSetup) -> None:
        self.setup = setup
        self.mode = setup.mode
        self.parameters = ParameterSet(self._parameters())
        self.status_values: dict[str, Value] = {}
        """What the last `prepare` wrote into the status memory."""
        self.register_values: dict[str, int | bytes] = {}
        """What the last `prepare` asked of the FPGA."""
        self._prepared_with: Mapping[str, Any] = {}

    def _parameters(self) -> list[ModeParameter]:
        """The parameters of this Backend; subclasses add theirs."""
        filters = self.setup.bank.filters

        def filter_bandwidth(value: Any) -> int:
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float)
                or value not in filters
            ):
                known = f"{self.setup.bank_name}; it has {sorted(filters)}"
                raise RefusedError(f"{value!r:.80} MHz is no filter of {known}")
            return int(value)

        on_off = replace(integer(0, 1), words="")
        return [
            ModeParameter("observer", UNSPECIFIED, text, "Name of the observer; text."),
            ModeParameter("project_id", "JUNK", text, "Project; names the data directory."),
            ModeParameter("source", UNSPECIFIED, text, "Name of the source; text."),
            ModeParameter(
                "source_ra_dec",
                None,
                position,
                'Position of the source: "hh:mm:ss.s +dd:mm:ss.s" or "Jhhmmss.s+ddmmss.s".',
            ),
            ModeParameter("telescope", UNSPECIFIED, text, "Name of the telescope; text."),
            ModeParameter(
                "cal_freq",
                UNSPECIFIED,
                number(0, 1e9, unit="Hz"),
                "Frequency of the noise diode's switching, Hz; only recorded.",
            ),
            ModeParameter(
                "scan_length", 30.0, number(0, MAX_SCAN_S), "Length of a scan, s; then it ends."
            ),
            ModeParameter(
                "filter_bw",
                self.mode.filter_bw_mhz,
                Legal(filter_bandwidth, "int", unit="MHz", schema={"enum": sorted(filters)}),
                f"Bandwidth of the input filter, MHz: one of {sorted(filters)}.",
            ),
            ModeParameter("noise_source", 0, on_off, "Noise source: 0 off, 1 on."),
            ModeParameter("noise_tone_1", 0, on_off, "Input 1: 0 noise, 1 tone."),
            ModeParameter("noise_tone_2", 0, on_off, "Input 2: 0 noise, 1 tone."),
        ]

    # what a family of modes has to say

    def install(self) -> None:
        """Bring the hardware into the mode, in the original's order, and prepare once.

        The original did not prepare the pulsar modes, and a start used what an earlier mode had
        left.
        """
        self.program()
        self.set_up_network()
        self.write_mode_registers()
        self.run_phase("reset")
        self.prepare_defaults()

    def prepare_defaults(self) -> None:
        """Give everything that observers set its default, and prepare."""
        self.parameters.reset()
        self.prepare()

    @abstractmethod
    def finish(self) -> None:
        """Do what is left to do when the data-taking programs run."""

    @abstractmethod
    def compute(self) -> tuple[dict[str, Value], dict[str, int | bytes]]:
        """(status values, register values) that follow from the parameters; the mode's own are put
        under them."""

    # what all do alike

    def prepare(self) -> None:
        """Compute what depends on the parameters, and send everything.

        Raises:
            SwitchingError, PositionError: The parameters do not go together; nothing was sent.
        """
        status, registers = self.compute()
        stale = (
            self.status_values.keys() - status.keys()
        )  # as the position of a source that has none any more
        self.status_values, self.register_values = status, registers
        board = self.setup.registers
        if board is not None:
            board.write_i2c(I2C_ADDRESS, bytes([self.i2c_word()]))
        memory = self.setup.status
        memory.remove(
            [
                *stale,
                *(
                    key
                    for key in memory.read()
                    if SWITCHING_KEY.fullmatch(key) and key not in status
                ),
            ]
        )
        memory.update(status)
        if board is not None:
            board.write_changed(registers)
        self._prepared_with = self.parameters.snapshot()

    @property
    def unprepared(self) -> list[str]:
        """Names of what was set since the last `prepare`, which the hardware does not know."""
        return self.parameters.changed_since(self._prepared_with)

    def i2c_word(self) -> int:
        """Input filter and noise source as the board's I2C device wants them."""
        p = self.parameters
        word = self.setup.bank.filters[p["filter_bw"]]
        word |= 0 if p["noise_source"] else NOISE_SOURCE_OFF
        word |= TONE_1 if p["noise_tone_1"] else 0
        return word | (TONE_2 if p["noise_tone_2"] else 0)

    def common_status(self) -> dict[str, Value]:
        """Status values that are parameters of every Backend, and facts of Bank and mode."""
        setup, p = self.setup, self.parameters
        values: dict[str, Value] = {
            "BACKEND": self.family,
            "SIMULATE": int(setup.simulated),
            "BANKNAM": setup.bank_name,
            "MODENUM": setup.mode_name,
            "MODENAME": self.mode.backend,
            "BOFFILE": self.mode.bof_file,
            "PROJID": p["project_id"],
            "SCANLEN": p["scan_length"],
            "BASE_BW": p["filter_bw"],
            "NOISESRC": "ON" if p["noise_source"] else "OFF",
            "DATADIR": fitting(str(setup.data_root)),
            "DATAPORT": setup.bank.data_source.port,
        }
        if (host := self.source_address) is not None:
            values["DATAHOST"] = host
        if setup.antenna_m is not None:
            values |= dict(zip(("ANT_X", "ANT_Y", "ANT_Z"), setup.antenna_m, strict=True))
        if p["source_ra_dec"] is not None:
            place = read_position(p["source_ra_dec"])
            values |= {
                "RA": place.ra,
                "DEC": place.dec,
                "RA_STR": place.ra_text,
                "DEC_STR": place.dec_text,
            }
        return values

    def layered_status(
        self, computed: Mapping[str, Value], unspecified: tuple[str, ...]
    ) -> dict[str, Value]:
        """All status values; user over computed over mode over Bank over instrument over
        `unspecified`."""
        p = self.parameters
        given = {
            "observer": "OBSERVER",
            "source": "SRC_NAME",
            "telescope": "TELESCOP",
            "cal_freq": "CAL_FREQ",
        }
        values: dict[str, Value] = dict.fromkeys(unspecified, UNSPECIFIED)
        values["TELESCOP"] = self.setup.telescope
        values |= {**self.setup.bank.status, **self.mode.status, **computed}
        return values | {key: p[name] for name, key in given.items() if p.is_set(name)}

    def run_phase(self, name: str) -> None:
        """Write a phase of the mode, `reset`, `arm` or `postarm`, to the FPGA; nothing if the Bank
        has none."""
        board = self.setup.registers
        if board is None:
            return
        self.setup.say(f"phase {name}")
        for register, value in getattr(self.mode.phases, name):
            if register == "wait":
                self.setup.wait(float(value))
            else:
                board.write_int(register, int(value))

    @abstractmethod
    def reset_if_needed(self) -> None:
        """Bring the FPGA into the state that a start needs; the mode may have nothing to do."""

    def program(self) -> None:
        """Set the sampler's clock and load the mode's image."""
        if self.setup.synthesizer is not None:
            self.setup.say("setting the samplers' clock")
            self._take_clock(self.setup.synthesizer.set_frequency(0, abs(self.setup.asked_mhz)))
        if self.setup.registers is not None:
            self.setup.say(f"loading {self.mode.bof_file}")
            self.setup.registers.program(self.mode.bof_file)

    def _take_clock(self, megahertz: float) -> None:
        """Work with the frequency that the synthesizer makes."""
        found = math.copysign(megahertz, self.setup.asked_mhz)
        if found != self.setup.asked_mhz:
            self.setup.log.warning(
                "the synthesizer makes %.9g MHz, not %.9g MHz", found, self.setup.asked_mhz
            )
        if found != self.setup.frequency_mhz:
            self.setup = dataclasses.replace(self.setup, frequency_mhz=found)
            self.parameters = ParameterSet(
                self._parameters()
            )  # nobody has set one yet; defaults follow the clock

    def write_mode_registers(self) -> None:
        """Write the registers that Bank and mode name."""
        if self.setup.registers is not None:
            self.setup.registers.write_changed({**self.setup.bank.registers, **self.mode.registers})

    def set_up_network(self) -> None:
        """Start the FPGA's Ethernet core, tell it where to send, and fill its ARP
        table.

        Raises:
            LinkAddressError: A host has no address.
        """
        board, network = self.setup.registers, self.mode.network
        if board is None or self.source_address is None:
            return
        self.setup.say("setting up the network")
        self._start_link(board, "tap0", network.core, self.source_address)
        self._write_destination(
            board, network.dest_ip, network.dest_port, self.setup.bank.data_destination
        )
        self.setup.wait(NETWORK_SETTLE_S)
        self._fill_arp_table(board, network.core)

    def _start_link(self, board: Registers, tap: str, core: str, address: str) -> None:
        mac = MAC_BASE + int(ipaddress.IPv4Address(address))
        board.start_tap(tap, core, address, self.setup.bank.data_source.port, mac)

    def _write_destination(
        self, board: Registers, ip: str, port: str, destination: DataDestination
    ) -> None:
        board.write_int(ip, int(ipaddress.IPv4Address(self._address(destination) or "0.0.0.0")))
        board.write_int(port, destination.port)

    @cached_property
    def source_address(self) -> str | None:
        """IPv4 address of the FPGA's side of the data link; None if the Bank has none."""
        return self._address(self.setup.bank.data_source)

    def _address(self, end: DataSource | DataDestination) -> str | None:
        try:
            return end.address()
        except LinkAddressError as error:
            if not self.setup.simulated:
                raise
            self.setup.log.warning("%s; simulated, so 127.0.0.1 is used", error)
            return "127.0.0.1"

    def _fill_arp_table(self, board: Registers, core: str) -> None:
        layout = struct.Struct(f">{ARP_ENTRIES}Q")
        table = list(layout.unpack(board.read(core, layout.size, ARP_OFFSET)))
        for slot, mac in self._arp_entries.items():
            table[slot] = mac
        board.write(core, layout.pack(*table), ARP_OFFSET)

    @cached_property
    def _arp_entries(self) -> dict[int, int]:
        """Slot, the last octet of an address -> MAC address, of the hosts that may be sent to."""
        entries: dict[int, int] = {}
        for host, row in self.setup.macs.items():
            try:
                address = DataDestination(host=host, ip=row.ip).address()
            except LinkAddressError as error:
                if not self.setup.simulated:
                    raise
                self.setup.log.warning("hpc_macs: %s; simulated, so it is left out", error)
                continue
            entries[int(address.rpartition(".")[2])] = row.mac
        return entries


def fitting(path: str) -> str:
    """Return a path as a status card can hold it: the end of one that is too long, `?` for what has
    no place in one."""
    limit = 68
    path = plain(path)
    return path if len(path) <= limit else "..." + path[-(limit - 3) :]


polarizations = choice(("SELF", "SELF1", "SELF2", "CROSS"))
