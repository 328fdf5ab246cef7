"""Coherent pulsar modes: one FPGA feeds eight computers, each of which dedisperses an eighth of the
band.

The Player of the mode's master programs the board for all; the others run without it, even if they
own one.
"""

from __future__ import annotations

from functools import cached_property

from groundwork.givenfiles import GivenFileError, read_given
from spectrometer.backends.base import BackendSetup, CoherentLink, Value
from spectrometer.backends.guppi import MAX_MHZ, GuppiBackend, scale
from spectrometer.backends.parameters import ModeParameter, integer, number
from spectrometer.derive.guppi import NODES, block_sizes, coherent_node, downsampling
from spectrometer.derive.parfile import par_value
from spectrometer.errors import PulsarSetupError

__all__ = ["GuppiCoherentBackend"]


class GuppiCoherentBackend(GuppiBackend):
    """The modes `guppi-codd`."""

    obs_modes = ("COHERENT_SEARCH", "COHERENT_FOLD", "COHERENT_CAL", "RAW")

    def __init__(self, setup: BackendSetup) -> None:
        names = [node.bank for node in setup.nodes]
        if setup.bank_name not in names:
            raise PulsarSetupError(
                f"{setup.bank_name} is no node of {setup.mode_name}, which has {', '.join(names)}"
            )
        self._own_node = names.index(setup.bank_name)
        super().__init__(setup)

    def _parameters(self) -> list[ModeParameter]:
        def default_scale(register: str) -> float:
            return self.mode.registers[register] / 65536 if register in self.mode.registers else 1.0

        return [
            *super()._parameters(),
            ModeParameter(
                "obs_frequency",
                1430.0,
                number(0, MAX_MHZ, unit="MHz"),
                "Centre of the whole band of all nodes, MHz.",
            ),
            ModeParameter(
                "dm",
                0.0,
                number(0, 1e5, unit="pc/cm3", closed=True),
                "Dispersion measure, pc/cm3; COHERENT_FOLD takes it from the par file.",
            ),
            ModeParameter(
                "num_channels",
                self.mode.nchan,
                integer(NODES, 1 << 20),
                "Channels of all nodes together; has to match the FPGA image.",
            ),
            ModeParameter("scale_p0", default_scale("SCALE_P0"), scale, "Gain of polarization 0."),
            ModeParameter("scale_p1", default_scale("SCALE_P1"), scale, "Gain of polarization 1."),
            ModeParameter(
                "_node_number",
                self._own_node,
                integer(0, NODES - 1),
                "Number of the node; for tests of one computer only.",
            ),
        ]

    @cached_property
    def source_address(self) -> str | None:
        """IPv4 address of this node's interface of the FPGA."""
        return self._address(self.setup.nodes[self._own_node].source)

    def set_up_network(self) -> None:
        """Start an Ethernet core for each node; tell it where to send, and fill all ARP tables."""
        board, network = self.setup.registers, self.mode.network
        if board is None:
            return
        for i, node in enumerate(self.setup.nodes):
            self._start_link(board, f"tap{i}", f"{network.core}{i}", self._node_address(node))
            self._write_destination(
                board, f"{network.dest_ip}{i}", f"{network.dest_port}{i}", node.destination
            )
        for i in range(len(self.setup.nodes)):
            self._fill_arp_table(board, f"{network.core}{i}")

    def _node_address(self, node: CoherentLink) -> str:
        address = self._address(node.source)
        if address is None:
            raise PulsarSetupError(
                f"the interface of {node.bank} in {self.setup.mode_name} has no address"
            )
        return address

    def _dispersion(self) -> float:
        """pc/cm3."""
        if self.parameters["obs_mode"] != "COHERENT_FOLD":
            return float(self.parameters["dm"])
        path = self.par_path()
        try:
            text = read_given(path, self.setup.file_roots).decode("ascii", "replace")
        except GivenFileError as error:
            raise PulsarSetupError(
                f"par_file {path}: {error}; COHERENT_FOLD takes the dispersion measure from it"
            ) from error
        return par_value(text, "DM", 0.0)

    def compute(self) -> tuple[dict[str, Value], dict[str, int | bytes]]:
        p, bandwidth, nchan = (
            self.parameters,
            self.setup.frequency_mhz,
            self.parameters["num_channels"],
        )
        dm, number_of_node = self._dispersion(), p["_node_number"]
        node = coherent_node(number_of_node, nchan, bandwidth, p["obs_frequency"])
        sizes = block_sizes(dm, nchan, bandwidth, p["obs_frequency"])
        search = "SEARCH" in p["obs_mode"]
        status = self._guppi_status() | {
            "BANKNUM": number_of_node,
            "ACC_LEN": 1,
            "CHAN_BW": node.channel_width,
            "TBIN": node.time,
            "OBSBW": node.bandwidth,
            "OBSFREQ": node.centre,
            "OBSNCHAN": node.nchan,
            "CHAN_DM": dm,
            "DS_TIME": downsampling(p["integration_time"], node) if search else 1,
            "OVERLAP": sizes.overlap,
            "FFTLEN": sizes.fftlen,
            "BLOCSIZE": sizes.blocsize,
            "PKTFMT": "1SFA",
            "POL_TYPE": "AABBCRCI",
            "NPOL": 4,
            "ONLY_I": p["only_i"] if search else 0,
        }
        registers: dict[str, int | bytes] = {
            **self.setup.bank.registers,
            **self.mode.registers,
            "SCALE_P0": int(p["scale_p0"] * 65536),
            "SCALE_P1": int(p["scale_p1"] * 65536),
            "N_CHAN": nchan.bit_length() - 1,
        }
        return self._all_status(status), registers
