"""The devices of a Bank: its board and its synthesizer, real or simulated, as Backends and callers see them.

Simulated ones speak the real protocols on real sockets and terminals, so the same code runs with and without hardware.
"""

from __future__ import annotations

from collections.abc import Mapping

from spectrometer.config import SpectrometerBankConfig
from spectrometer.instruments.roach import Roach
from spectrometer.instruments.simulators.roach import BoardSimulator
from spectrometer.instruments.simulators.valon import ValonTerminal
from spectrometer.instruments.valon import KatcpValon, SamplerClock, SerialValon, make_valon

__all__ = ["Devices"]

Images = Mapping[str, Mapping[str, int]]


class Devices:
    """Made when the Bank is opened; nothing is asked of a device before it is needed.

    Args:
        bank: What the Bank has.
        images: Of simulated boards: image -> register -> bytes.
        simulate: Whether to simulate.

    Raises:
        SynthesizerError: The synthesizer hangs on a board that the Bank has not.

    Attributes:
        roach: None: the Bank has no board.
        valon: None: the Bank has no synthesizer.
        clock: The synthesizer as a Backend sees it.
    """

    def __init__(self, bank: SpectrometerBankConfig, images: Images, *, simulate: bool) -> None:
        self._board: BoardSimulator | None = None
        self._terminal: ValonTerminal | None = None
        self.roach: Roach | None = None
        self.valon: KatcpValon | SerialValon | None = None
        self.clock: SamplerClock | None = None
        try:
            self._make(bank, images, simulate)
        except BaseException:
            self.close()
            raise

    def _make(self, bank: SpectrometerBankConfig, images: Images, simulate: bool) -> None:
        if (roach := bank.roach) is not None:
            if simulate:
                self._board = BoardSimulator(images)
                self.roach = Roach("127.0.0.1", self._board.port, roach.timeout_s)
            else:
                self.roach = Roach(roach.katcp_host, roach.katcp_port, roach.timeout_s)
        if (synth := bank.synth) is not None:
            if simulate and synth.via == "local":
                self._terminal = ValonTerminal()
                synth = synth.model_copy(update={"port": self._terminal.path})
            self.valon = make_valon(synth, self.roach)
            self.clock = SamplerClock(self.valon, synth)

    def take_images(self, images: Images) -> None:
        """Simulated boards have other images from now on, as after the configuration was read again."""
        if self._board is not None:
            self._board.board.images = images

    def close(self) -> None:
        """Give up all connections and simulators; may be called twice."""
        for device in (self.valon, self.roach, self._board, self._terminal):
            if device is not None:
                device.close()
        self._board = self._terminal = None
