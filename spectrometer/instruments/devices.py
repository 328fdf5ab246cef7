"""The devices of a Bank: its board and its synthesizer, real or simulated, as Backends and callers
see them.

Simulated ones speak the real protocols on real sockets and terminals, so the same code runs with
and without hardware.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from spectrometer.config import SpectrometerBankConfig
from zmqjsonproxy.errors import RefusedError

if TYPE_CHECKING:
    from spectrometer.instruments.roach import Roach
    from spectrometer.instruments.simulators.roach import BoardSimulator
    from spectrometer.instruments.simulators.valon import ValonTerminal
    from spectrometer.instruments.valon import KatcpValon, SamplerClock, SerialValon

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
        RefusedError: What speaks to devices is not installed.

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
            if bank.roach is not None or bank.synth is not None:
                self._make(bank, images, simulate)
        except ModuleNotFoundError as error:
            self.close()
            raise RefusedError(
                f"{error}; a Bank with devices needs dealer-player[instruments]"
            ) from error
        except BaseException:
            self.close()
            raise

    def _make(self, bank: SpectrometerBankConfig, images: Images, simulate: bool) -> None:
        # Late: a Bank without devices needs none of this, and a real one no simulator.
        from spectrometer.instruments.roach import Roach
        from spectrometer.instruments.valon import SamplerClock, make_valon

        if (roach := bank.roach) is not None:
            if simulate:
                from spectrometer.instruments.simulators.roach import BoardSimulator

                self._board = BoardSimulator(images)
                self.roach = Roach("127.0.0.1", self._board.port, roach.timeout_s)
            else:
                self.roach = Roach(roach.katcp_host, roach.katcp_port, roach.timeout_s)
        if (synth := bank.synth) is not None:
            if simulate and synth.via == "local":
                from spectrometer.instruments.simulators.valon import ValonTerminal

                self._terminal = ValonTerminal()
                synth = synth.model_copy(update={"port": self._terminal.path})
            self.valon = make_valon(synth, self.roach)
            self.clock = SamplerClock(self.valon, synth)

    def take_images(self, images: Images) -> None:
        """Simulated boards have other images from now on, as after the configuration was read
        again."""
        if self._board is not None:
            self._board.board.images = images

    def close(self) -> None:
        """Give up all connections and simulators; may be called twice."""
        for device in (self.valon, self.roach, self._board, self._terminal):
            if device is not None:
                device.close()
        self._board = self._terminal = None
