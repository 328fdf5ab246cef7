"""From one mode to the next: the hardware brought into it, the data-taking programs started.

`ModeSetter` knows what modes there are and with what they are made; which mode is set is the Bank's
to know.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from player.bank import BankContext
from player.tables import Config
from spectrometer.backends.base import Backend, BackendSetup, CoherentLink
from spectrometer.backends.parameters import ParameterSet, keywords
from spectrometer.backends.registry import backend_class
from spectrometer.config import HpcMac, SourceConfig, SpectrometerBankConfig
from spectrometer.daq.control import DaqProcess
from spectrometer.daq.errors import DaqError
from spectrometer.daq.foreign import FIFO_NAMES, ForeignPlace, fifo_path
from spectrometer.daq.nulldaq import NullDaq
from spectrometer.daq.pacing import CATCH_UP_S
from spectrometer.daq.programs import DataTaking, Programs
from spectrometer.derive.rounding import CORRECTED, ORIGINAL
from spectrometer.derive.vegas import in_mhz
from spectrometer.errors import PulsarSetupError
from spectrometer.instruments.boardmonitor import BoardMonitor
from spectrometer.instruments.devices import Devices
from spectrometer.instruments.simulators.images import images_of
from spectrometer.modes import ModeConfig, load_modes
from spectrometer.status.buffer import StatusBuffer
from spectrometer.status.errors import StatusMemoryError
from zmqjsonproxy import Keyword, RefusedError, current_operation
from zmqjsonproxy.handle import OperationHandle

__all__ = ["READY_WITHIN_S", "ModeSetter"]

READY_WITHIN_S = 75.0  # the original's wait for DAQSTATE, and for the GPU
MIN_ARM_DELAY_S = 2.0
PROGRAMS_FRACTION, GPU_FRACTION = 0.6, 0.8  # of the progress of a mode change


class ModeSetter:
    """The modes of one Bank, its devices, and what it takes to set a mode up.

    Args:
        context: The Bank's.
        config: The Bank's table.

    Attributes:
        modes: By name.
        frequencies: Mode -> frequency of the synthesizer, MHz with its sign, as it is or was last
            set.
        devices: None while the Bank is closed.
    """

    def __init__(self, context: BankContext, config: SpectrometerBankConfig) -> None:
        self._context, self._config, self._log = context, config, context.log
        settings = context.instrument.sections["spectrometer"]
        self._rounding = ORIGINAL if settings.original_rounding else CORRECTED
        self._time_scale = settings.time_scale if context.simulate else 1.0
        self._antenna = settings.antenna_m
        self._silent_limit = settings.daq_silent_s
        self._macs: Mapping[str, HpcMac] = {}
        self.modes: dict[str, ModeConfig] = {}
        self.frequencies: dict[str, float] = {}
        self.devices: Devices | None = None
        self._place: ForeignPlace | None = None
        self._program: DaqProcess | None = None  # spectrometer-daq, which serves every mode
        self.take(context.instrument)

    def take(self, instrument: Config) -> None:
        """Use the modes and MAC table of this configuration from now on."""
        self._macs = instrument.sections["hpc_macs"]
        self.modes = load_modes(instrument)
        self.frequencies = {name: mode.frequency_mhz for name, mode in self.modes.items()}
        if self.devices is not None:
            self.devices.take_images(images_of(self.modes.values()))

    def open(self) -> None:
        """Make the devices; nothing is asked of them yet."""
        self.devices = Devices(
            self._config, images_of(self.modes.values()), simulate=self._context.simulate
        )

    def close(self) -> None:
        """Give the devices up, and what foreign programs had, which have ended; may be called
        twice."""
        self.end_program(0.5)
        self._leave_place()
        devices, self.devices = self.devices, None
        if devices is not None:
            devices.close()

    def wanted(self, name: object, bandwidth: Any) -> tuple[str, float]:
        """The name, which is that of a mode, and the frequency for it, MHz with its sign.

        Args:
            name: As a caller gave it.
            bandwidth: As `set_mode` takes it.

        Raises:
            RefusedError: There is no such mode, or this is no frequency.
        """
        if name is None:
            raise RefusedError(f"mode is None; list_modes names all {len(self.modes)}")
        if not isinstance(name, str) or name not in self.modes:
            near = get_close_matches(str(name)[:80].upper(), self.modes)
            hint = f"did you mean {' or '.join(near)}? " if near else ""
            raise RefusedError(
                f"mode {name!s:.80} is not supported; {hint}list_modes names all {len(self.modes)}"
            )
        unchanged = bandwidth is None or bandwidth is False
        return name, self.frequencies[name] if unchanged else _frequency(bandwidth)

    def arm_delay(self, mode: ModeConfig) -> float:
        """Time that a mode needs from arming to the start, s; simulated less, but the programs need
        their time."""
        return max(mode.needed_arm_delay_s * self._time_scale, MIN_ARM_DELAY_S)

    def install(
        self, name: str, frequency: float, status: StatusBuffer, handle: OperationHandle
    ) -> Backend:
        """Bring the hardware into a mode, and the status memory with it.

        Args:
            name: Of the mode.
            frequency: Of the synthesizer, MHz with its sign.
            status: Emptied first.
            handle: Is told how far it is.

        Raises:
            BankError: A device did not do what it was asked, a host has no address, or parameters
                do not go together.
            OperationAbortedError: It was aborted.
        """
        handle.progress(0.1, "programming the FPGA")
        steps = iter(range(1, 100))

        def say(text: str) -> None:
            if (
                current_operation() is handle
            ):  # and not a later call that lets the Backend do something
                handle.progress(0.1 + (PROGRAMS_FRACTION - 0.1) * (1 - 0.8 ** next(steps)), text)
                handle.check()

        mode = self.modes[name]
        backend = backend_class(mode.backend)(self.backend_setup(name, frequency, status, say))
        status.clear()
        status.update({"BACKEND": backend.family, "SIMULATE": int(self._context.simulate)})
        backend.install()
        return backend

    def start_programs(self, backend: Backend, programs: Programs, handle: OperationHandle) -> None:
        """Start the data-taking programs of a mode, and what the mode does when they run.

        Raises:
            ScanError: A program is missing, ended, or was not ready in time.
            OperationAbortedError: It was aborted.
        """
        handle.progress(PROGRAMS_FRACTION, "starting the data-taking program")
        if self.keeps_program():
            programs.take_over(handle.wait, READY_WITHIN_S, self._context.clock.monotonic)
        else:
            programs.start(handle.wait, READY_WITHIN_S)
        if backend.needs_gpu:
            handle.progress(GPU_FRACTION, "setting up the GPU")
            programs.set_up_gpu(handle.wait, READY_WITHIN_S)
        backend.finish()

    def keywords(self, status: StatusBuffer) -> list[Keyword]:
        """Return what `set_param` takes in any of the modes that this Bank can have; nothing is
        asked of its devices."""
        sets: dict[str, ParameterSet] = {}
        for name, mode in self.modes.items():
            with suppress(PulsarSetupError):  # a mode of other Banks
                setup = self.backend_setup(name, self.frequencies[name], status, lambda _text: None)
                sets[name] = backend_class(mode.backend)(setup).parameters
        return keywords(sets)

    def backend_setup(
        self, name: str, frequency: float, status: StatusBuffer, say: Callable[[str], None]
    ) -> BackendSetup:
        """Return what a Backend of this Bank works with."""
        mode, instrument = self.modes[name], self._context.instrument
        devices = self._devices_of(mode)
        return BackendSetup(
            bank_name=self._context.name,
            bank=self._config,
            mode_name=name,
            mode=mode,
            frequency_mhz=self._made_for(mode, frequency),
            asked_mhz=frequency,
            telescope=instrument.instrument.telescope,
            is_master=instrument.instrument.switching_master == self._context.name,
            macs=self._macs,
            registers=devices.roach if devices is not None else None,
            synthesizer=devices.clock if devices is not None else None,
            status=status,
            data_root=self._context.data_root,
            config_dir=instrument.directory,
            file_roots=instrument.file_roots(self._context.data_root),
            nodes=_nodes(mode, instrument),
            antenna_m=self._antenna,
            rounding=self._rounding,
            simulated=self._context.simulate,
            # Of whoever waits: it outlives the mode change.
            wait=lambda seconds: current_operation().wait(seconds * self._time_scale),
            say=say,
            log=self._log,
        )

    def _made_for(self, mode: ModeConfig, frequency: float) -> float:
        """The frequency, MHz, of a mode whose clock this Bank does not set: as its master's
        synthesizer makes it."""
        master = (
            None if mode.coherent is None else self._context.instrument.banks[mode.coherent.master]
        )
        if not isinstance(master, SpectrometerBankConfig) or master.synth is None:
            return frequency
        try:
            return math.copysign(master.synth.reachable(abs(frequency)), frequency)
        except ValueError:
            return frequency  # the master refuses it

    def _devices_of(self, mode: ModeConfig) -> Devices | None:
        """Return the devices that the mode uses; the master's board serves all nodes."""
        is_follower = mode.coherent is not None and mode.coherent.master != self._context.name
        return None if is_follower else self.devices

    def board_monitor(self, mode: ModeConfig, status: StatusBuffer) -> BoardMonitor | None:
        """Return what watches the mode's board; None if it has none."""
        devices = self._devices_of(mode)
        roach = None if devices is None else devices.roach
        return None if roach is None else BoardMonitor(roach.connection, status, self._log)

    def programs(self, mode: ModeConfig, status: StatusBuffer) -> Programs:
        """The data-taking programs of a mode, as `_programs` makes them."""
        source = self._config.source
        lag = None if source is None else max(source.max_lag_s, CATCH_UP_S) + 1.0
        return Programs(status, self._programs(mode, status), self._log, self._silent_limit, lag)

    def _programs(self, mode: ModeConfig, status: StatusBuffer) -> list[DataTaking]:
        """The data-taking programs of a mode, not started yet; those of the mode before have ended.

        Raises:
            DataBufferError, DaqError: A foreign program's buffers or FIFOs cannot be had.
        """
        source = self._config.source
        if source is not None:
            if self._program is None or not self._program.is_running:
                self._program = self._own_program(source)
            return [self._program]
        if self._context.simulate:
            return [NullDaq(status)]
        self._leave_place()
        place = self._place = self._foreign_place(mode)
        place.make()
        tables = [mode.daq] if mode.fits is None else [mode.daq, mode.fits]
        return [
            DaqProcess(
                table.command(self._context.dibas_dir),
                env=place.variables(number),
                log=self._log,
                fifo=place.fifos[number] if number < len(place.fifos) else None,
                reads_fifo=table.control == "fifo",
            )
            for number, table in enumerate(tables)
        ]

    def _own_program(self, source: SourceConfig) -> DaqProcess:
        return DaqProcess(
            self._own_daq(source), name="spectrometer-daq", log=self._log, has_counts=True
        )

    def keeps_program(self) -> bool:
        """The data-taking program that runs can go on for another mode: it is ours, and reads its
        setup at each START.

        A foreign one is started anew with each mode, as the original did, and finds its data
        buffers empty.
        """
        return self._program is not None and self._program.is_running

    def end_program(self, quit_s: float) -> None:
        """End the program that would have gone on; what does not end is in the log."""
        program, self._program = self._program, None
        if program is not None:
            try:
                program.stop(quit_s=quit_s, term_s=0.5, kill_s=0.5)
            except DaqError as error:
                self._log.error("%s", error)

    def _foreign_place(self, mode: ModeConfig) -> ForeignPlace:
        memory, family = self._config.status_memory, mode.buffers
        buffers = self._config.data_buffers.plan(family, memory)
        instance, installed = self._config.instance, self._context.dibas_dir
        return ForeignPlace(
            buffers=tuple(buffers),
            fifos=tuple(
                fifo_path(family, number, memory.suffix)
                for number in range(len(FIFO_NAMES[family]))
            ),
            is_private=memory.is_private,
            environment={
                "DIBAS_BANK": self._context.name,
                "DIBAS_DATA": str(self._context.data_root),
                **({} if installed is None else {"DIBAS_DIR": str(installed)}),
                "DIBAS_STATUS_KEY": f"{memory.key:#x}",
                "DIBAS_STATUS_SEMAPHORE": memory.semaphore,
                "DIBAS_DATABUF_KEY": f"{buffers[0].key:#x}",
                "DIBAS_INSTANCE": str(
                    _instance(self._context.name) if instance is None else instance
                ),
            },
        )

    def _leave_place(self) -> None:
        """Remove what the programs of the last mode had, which have ended."""
        place, self._place = self._place, None
        if place is not None:
            try:
                place.remove()
            except StatusMemoryError as error:
                self._log.error("%s", error)

    def _own_daq(self, source: SourceConfig) -> list[str]:
        names = self._config.status_memory
        recording = source.path(self._context.instrument.directory)
        words: list[object] = [
            sys.executable,
            "-m",
            "spectrometer.daq.program",
            "--status-key",
            names.key,
            "--status-semaphore",
            names.semaphore,
            "--taps",
            source.taps,
            "--window",
            source.window,
            "--data-dir",
            self._context.data_root,
            "--flush-s",
            source.flush_s,
            "--max-lag-s",
            source.max_lag_s,
            "--log-json",
            "--log-level",
            "debug",  # the Player passes on what its own level lets through
        ]
        for root in self._context.instrument.file_roots(self._context.data_root):
            words += ["--file-root", root]
        words += [] if recording is None else ["--source", recording]
        words += (
            [] if source.synthetic is None else ["--synthetic", source.synthetic.model_dump_json()]
        )
        words += [] if source.flush_rows is None else ["--flush-rows", source.flush_rows]
        words += [] if source.rate_hz is None else ["--rate-hz", source.rate_hz]
        words += [] if source.nfine is None else ["--nfine", source.nfine]
        return [str(word) for word in words]


def _instance(bank: str) -> int:
    """Last letter of the name minus A, as the original counts; 0 if it ends otherwise."""
    return ord(bank[-1]) - ord("A") if "A" <= bank[-1] <= "Z" else 0


def _nodes(mode: ModeConfig, instrument: Config) -> tuple[CoherentLink, ...]:
    if mode.coherent is None:
        return ()
    return tuple(
        CoherentLink(name, source, table.data_destination)
        for name, source in zip(mode.coherent.nodes, mode.coherent.interfaces, strict=True)
        if isinstance(table := instrument.banks[name], SpectrometerBankConfig)
    )


def _frequency(bandwidth: Any) -> float:
    if (
        isinstance(bandwidth, bool)
        or not isinstance(bandwidth, int | float)
        or abs(bandwidth) > 1e12
    ):
        raise RefusedError(f"bandwidth {bandwidth!s:.80} is no number of MHz or Hz")
    frequency = in_mhz(float(bandwidth))
    if not 0 < abs(frequency) <= 5000:
        raise RefusedError(
            f"bandwidth {bandwidth:g}: expected more than 0 and at most 5000 MHz, of either sign"
        )
    return frequency
