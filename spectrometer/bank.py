"""The spectrometer Bank: modes, parameters, status, scans; what observers call.

Commands run one at a time in the Bank's command queue; `stop`, `commit` and `disarm_start` beside it;
queries in the socket's thread. `backends` (hardware and values) and `scan` (data taking) do the work.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from groundwork.givenfiles import GivenFileError, read_given
from player.bank import BankContext
from player.config import load
from player.dataroot import DataRoot
from player.errors import ConfigError, DataRootError, Fault
from player.findings import Finding, Surroundings
from player.readiness import Hindrance
from player.tables import BankConfig, Composed, Config
from player.tomlfile import KeyPath
from spectrometer.backends.base import Backend
from spectrometer.backends.vegas import VegasBackend
from spectrometer.bankstate import (
    DEPENDS,
    bank_findings,
    bank_hindrances,
    bank_overview,
    wanted_status,
)
from spectrometer.config import (
    HpcMac,
    SpectrometerBankConfig,
    SpectrometerSettings,
    buffer_faults,
    memory_faults,
    text_faults,
)
from spectrometer.currentmode import CurrentMode
from spectrometer.daq.liveframes import live_path
from spectrometer.daq.programs import Programs
from spectrometer.derive.switching import phase_request
from spectrometer.derive.switchingview import as_svg, as_text
from spectrometer.derive.times import LEAD_S, ORIGINALS_LEAD_S, as_list, earliest_start, read_time
from spectrometer.errors import BankError
from spectrometer.followedbank import FollowedBank
from spectrometer.modes import ModeDefaultsTable, ModeTable, composed_modes, mode_faults
from spectrometer.modesetting import READY_WITHIN_S, ModeSetter
from spectrometer.observing.scan import ScanControl
from spectrometer.observing.scanplan import read_banks
from spectrometer.observing.starts import Starts
from spectrometer.spectra.publisher import SpectrumPublisher
from spectrometer.status.errors import StatusDamagedError, StatusMemoryError
from spectrometer.statusmemory import StatusMemory
from zmqjsonproxy import (
    AlreadyDoneError,
    Keyword,
    RefusedError,
    command,
    current_caller,
    operation,
    query,
)
from zmqjsonproxy.handle import OperationHandle

__all__ = ["SpectrometerBank"]


class SpectrometerBank(FollowedBank):
    """A Bank of the spectrometer."""

    depends = DEPENDS
    _setter_type: ClassVar[type[ModeSetter]] = ModeSetter

    def __init__(self, context: BankContext) -> None:
        super().__init__(context)
        assert isinstance(context.config, SpectrometerBankConfig)
        self._config: SpectrometerBankConfig = context.config
        self._setter = self._setter_type(context, self._config)
        self._current = CurrentMode(
            self._setter,
            lambda: self._status,
            self.log,
            self._scan_control,
            self._write_scan_number,
            self._tell_mode,
        )
        self._starts = Starts(
            context.clock, self._setter, self._scan_number, self._write_scan_number
        )
        self._status_memory = StatusMemory(context, self._config, self._table)
        self._spectra: SpectrumPublisher | None = None

    # what the host needs

    @classmethod
    def config_model(cls) -> type[BankConfig]:
        return SpectrometerBankConfig

    @classmethod
    def instrument_sections(cls) -> Mapping[str, Any]:
        return {
            "spectrometer": SpectrometerSettings,
            "hpc_macs": dict[str, HpcMac],
            "mode_defaults": dict[str, ModeDefaultsTable],
            "modes": dict[str, ModeTable],
        }

    @classmethod
    def composed(cls, config: Config) -> Mapping[KeyPath, Composed]:
        return composed_modes(config)

    @classmethod
    def check(cls, config: Config) -> list[Fault]:
        return text_faults(config) + mode_faults(config) + memory_faults(config) or buffer_faults(
            config
        )

    @classmethod
    def diagnose(cls, config: Config, bank_name: str, around: Surroundings) -> list[Finding]:
        from spectrometer.doctor import diagnose  # late: a Player has no use for it

        return diagnose(config, bank_name, around)

    def parts(self) -> Mapping[str, object | None]:
        devices = self._setter.devices
        return (
            {"roach": None, "valon": None}
            if devices is None
            else {"roach": devices.roach, "valon": devices.valon}
        )

    def open(self) -> None:
        source = self._config.source
        path = None if source is None else source.path(self.context.instrument.directory)
        if path is not None and not path.is_file():
            raise RefusedError(f"banks.{self.name}.source.file: there is no file {path}")
        try:
            self._memory = self._status_memory.open()
        except StatusMemoryError as error:
            raise RefusedError(str(error)) from error
        self._spectra = SpectrumPublisher(live_path(self._config.status_memory.key), self._table)
        self._open_data_root()
        self._scan_number.recall()
        self._setter.open()
        if self.context.simulate:
            self.log.warning("%s is simulated: no instrument is touched", self.name)
        try:
            self._write_scan_number()
        except (
            StatusDamagedError
        ) as error:  # served all the same, or nobody could ask for repair_status
            self.log.error("%s", error)

    def _open_data_root(self) -> None:
        try:
            DataRoot(self.context.data_root, self.context.state_dir).open()
        except DataRootError as error:
            if self._config.source is not None or not self.context.simulate:
                raise
            self.log.warning("%s", error)  # no data are taken

    def close(self) -> None:
        self._status_memory.announce_end()
        self._current.abandon("the Player ends", quit_s=2.0, by="its Player, which ends")
        self._setter.close()
        if self._spectra is not None:
            self._spectra.close()
        self._memory = None
        self._status_memory.close()

    def watchdog(self) -> None:
        if (scan := self._current.scan) is not None:
            with suppress(StatusMemoryError):
                scan.tick()
        self._status_memory.look()

    # modes

    @operation(refusal_pair=True)
    def set_mode(
        self, mode: str | None, bandwidth: float | None = None, force: bool = False
    ) -> list[Any]:
        """Select a mode: program the FPGA, start the data-taking program. True, and a sentence.

        Parameters and switching states have their defaults afterwards, also if the mode was set
        already; its hardware is not set up again then.

        Args:
            mode: Name of a mode, see list_modes.
            bandwidth: Frequency of the sampler's synthesizer, MHz (Hz above 5000), negative for an
                inverted band; kept for later selections of the mode. None: as it is.
            force: Set the mode up again even if it is set, and even while a scan runs.
        """
        name, frequency = self._setter.wanted(mode, bandwidth)
        current = self._current
        is_set = current.is_at(name, frequency) and not force
        if is_set and not current_caller().native:
            raise RefusedError(
                f"mode {name} is already set, use force; parameters and switching states are kept"
            )
        if not force:
            current.refuse_while_scanning("stop it first, or use force")
        if is_set:
            backend = current.need_backend()
            backend.prepare_defaults()
            self._forget_noted(backend.status_values)
            text = f"mode {name} is set already; parameters and switching states have their defaults again"
            raise AlreadyDoneError(text, [True, text])
        self._noted.clear()
        return current.change(name, frequency, keep_program=not force)

    def _scan_control(self, backend: Backend, programs: Programs) -> ScanControl:
        """Return what runs the scans of a mode; a rehearsal has another."""
        board = self._setter.board_monitor(backend.mode, self._status)
        return ScanControl(
            self._status,
            programs,
            self.log,
            board,
            self.context.clock,
            self._reports,
            self._tell_scan,
        )

    @query
    def list_modes(self) -> list[str]:
        """The names of all modes, sorted as text."""
        return sorted(self._setter.modes)

    @command
    def read_config_file(self, path: str | None = None) -> str:
        """Read modes and MAC table again, from the Player's own file or one beside it; used from
        the next set_mode on.

        Returns:
            "config file loaded.", or everything that is wrong with the file; then nothing has
            changed.
        """
        if path is not None and not (isinstance(path, str) and path.isprintable()):
            raise RefusedError(f"path is {path!r:.80}; expected the path of a file, or None")
        try:
            config = load(self._config_file(path))
        except ConfigError as error:
            return str(error)
        if not {"modes", "hpc_macs"} <= set(config.sections):
            return f"{config.path} has no Bank of the kind spectrometer"
        self._setter.take(config)
        return "config file loaded."

    def _config_file(self, path: str | None) -> Path:
        """Return the configuration that a caller names: a file runs code of its kinds, so it is one
        of ours."""
        own = self.context.instrument
        found = own.path if path is None else own.directory / path
        if found == own.path:
            return found
        try:
            read_given(found, [own.directory])
        except GivenFileError as error:
            raise RefusedError(f"path {path:.200}: {error}") from error
        return found

    # parameters

    def _keywords(self) -> list[Keyword]:
        """Parameters of all modes, for the description of `set_param`; none while the Bank is not
        open."""
        return [] if self._memory is None else self._setter.keywords(self._memory)

    @command(refusal_pair=True, keywords=_keywords)
    def set_param(self, **kvpairs: Any) -> Any:
        """Set parameters of the mode: all that are given, or none. `prepare` sends them to the
        hardware.

        Returns:
            True; for several, each name -> True.
        """
        self._current.need_backend().parameters.update(kvpairs)
        return True if len(kvpairs) == 1 else dict.fromkeys(kvpairs, True)

    @query
    def get_param(self, name: str | None = None) -> Any:
        """The value of one parameter, or of all by name."""
        return self._current.need_backend().parameters.get(name)

    @query
    def get_wanted(self) -> dict[str, Any]:
        """Return parameters that have been set, by the status key that shows what the Bank made of
        them."""
        backend = self._current.backend
        return {} if backend is None else wanted_status(backend.parameters)

    @query
    def help_param(self, name: str | None = None) -> Any:
        """The help text of one parameter, or of all by name."""
        return self._current.need_backend().parameters.help(name)

    @command(refusal_pair=True)
    def prepare(self) -> None:
        """Compute what depends on the parameters, and send everything to status memory and FPGA."""
        self._current.refuse_while_scanning("stop it first")
        self._current.need_backend().prepare()

    # switching signals

    @command
    def clear_switching_states(self) -> list[Any]:
        """Remove all switching phases; True and 0."""
        return [True, self._vegas().clear_phases()]

    @command
    def add_switching_state(
        self, duration: float, blank: bool = False, cal: bool = False, sig_ref_1: bool = False
    ) -> list[Any]:
        """Append a switching phase; True and the number of phases.

        Args:
            duration: s.
            blank: Its data are thrown away.
            cal: Noise diode on.
            sig_ref_1: True: reference.
        """
        return [True, self._vegas().add_phase(phase_request(duration, blank, cal, sig_ref_1))]

    @command
    def set_gbt_ss(self, period: float, ss_list: Sequence[Sequence[float]]) -> list[Any]:
        """Replace all switching phases; True and the number of phases.

        Args:
            period: Of the whole cycle, s.
            ss_list: (start as a fraction of the period, sig/ref, cal, blanking in s) of each,
                ascending from 0.
        """
        return [True, self._vegas().set_gbt_phases(period, ss_list)]

    @query
    def show_switching_setup(self, form: str = "text") -> str:
        """The switching cycle as it would be prepared now, for people: states, times and signals.

        Args:
            form: "text", or "svg" for a picture, which notebooks show.
        """
        if form not in ("text", "svg"):
            raise RefusedError(f"form is {form!r:.80}; expected text or svg")
        cycle = self._vegas().cycle()
        return as_text(cycle) if form == "text" else as_svg(cycle)

    def _vegas(self) -> VegasBackend:
        backend = self._current.need_backend()
        if not isinstance(backend, VegasBackend):
            raise BankError(f"switching signals are not supported in mode {self._current.name}")
        return backend

    # scans

    def _admit(
        self,
        operation: OperationHandle,
        starttime: object = None,
        start_id: object = "",
        banks: object = (),
    ) -> None:
        """Refuse a start while the Bank is another's, else reserve the Bank for it."""
        self._starts.admit(self._current.scan, operation, start_id)

    @operation(answers_when_accepted=True, refusal_pair=True, admit=_admit)
    def start(self, starttime: Sequence[int] | None = None) -> list[Any]:
        """Start a scan; answers when it is certain to begin. True, and a sentence with the time.

        What was set and not prepared is prepared first, and the sentence says so.

        Args:
            starttime: [Y, M, D, h, m, s, us] UTC, rounded up to a full second; None: as early as
                possible.
        """
        return self._starts.make(self._current.need_scan(), self._current.need_backend(), starttime)

    @operation(answers_when_accepted=True, refusal_pair=True, admit=_admit)
    def arm(
        self, starttime: Sequence[int], start_id: str = "", banks: Sequence[str] = ()
    ) -> list[Any]:
        """Make everything ready to start at a time; without a `commit` until 1 s before it, it is
        taken back.

        What was set and not prepared is prepared first, and the sentence says so.

        Args:
            starttime: [Y, M, D, h, m, s, us] UTC.
            start_id: Identity of the start, which nobody else's has; `commit`, `disarm_start`,
                `confirm_start` name it.
            banks: All Banks of a common start; its scan is whole when `confirm_start` has said so.
        """
        scan, backend = self._current.need_scan(), self._current.need_backend()
        return self._starts.make(scan, backend, starttime, start_id, banks, two_phase=True)

    @command(urgent=True, aborts=False, refusal_pair=True)
    def commit(self, starttime: Sequence[int], start_id: str = "") -> list[Any]:
        """Confirm what `arm` made ready for this time, under the same identity. True, and a
        sentence."""
        when = read_time(starttime)
        self._current.need_scan().commit(when, start_id)
        return [True, f"Committed to {when:%Y-%m-%d %H:%M:%S} UTC"]

    @command(urgent=True, aborts=False)
    def confirm_start(self, start_id: str, missing: Sequence[str] = ()) -> list[Any]:
        """Say which Banks did not take part in a common start; none: its scan is whole. True, and
        whether it is known.

        Args:
            start_id: Identity of the start.
            missing: Names of Banks; may be said again with more of them.
        """
        if self._current.need_scan().confirm(start_id, read_banks(missing)):
            return [True, "Noted"]
        return [True, "No such start here"]

    @command(urgent=True, aborts=False)
    def disarm_start(self, start_id: str | None = None) -> list[Any]:
        """Take a start back, whatever has become of it: nobody else's is touched. True, and what it
        was.

        Args:
            start_id: Identity of the start; None: the one that waits, if it has been given no
                identity.
        """
        scan, by = self._current.scan, str(current_caller())
        is_withdrawn = bool(start_id) and self._starts.withdraw(
            start_id or "", by
        )  # it may begin at this moment
        told = scan.take_back(start_id, by) if scan is not None else ""
        return [True, told or ("Start taken back" if is_withdrawn else "Nothing was armed")]

    @query(refusal_pair=True)
    def earliest_start(self) -> list[Any]:
        """True, and the earliest time of a start that can be promised now: [Y, M, D, h, m, s, us]
        UTC.

        While a scan runs, or a data-taking program that was started anew is not ready, it is refused;
        clients of the original get the time all the same, and `start` refuses them, or waits.
        """
        scan, backend = self._current.need_scan(), self._current.need_backend()
        lead = LEAD_S if current_caller().native else ORIGINALS_LEAD_S
        answer = [
            True,
            as_list(earliest_start(self._starts.now(), self._setter.arm_delay(backend.mode), lead)),
        ]
        if scan.scanning:
            raise RefusedError(scan.holder, original=answer)
        if told := scan.unready:
            raise RefusedError(told, original=answer)
        return answer

    @command(urgent=True, refusal_pair=True)
    def stop(self) -> list[Any]:
        """End the scan, monitor mode, a start that waits, or a mode change. True, and what was
        ended."""
        if self._current.await_end_of_change():
            return [True, "Mode change aborted; no mode is set"]
        return [True, self._current.need_scan().stop(str(current_caller()))]

    @command(refusal_pair=True)
    def monitor(self) -> list[Any]:
        """Take data without recording them. True, and a sentence."""
        self._current.need_scan().monitor(READY_WITHIN_S)
        return [True, "Start monitor mode."]

    @query(refusal_pair=True)
    def scan_status(self) -> list[Any]:
        """[whether a scan is under way, "NETSTAT=...", "DISKSTAT=..."]."""
        values, scan = self._status.read(), self._current.need_scan()
        return [
            scan.scanning,
            f"NETSTAT={values.get('NETSTAT')}",
            f"DISKSTAT={values.get('DISKSTAT')}",
        ]

    # state and FPGA

    @query
    def get_overview(self) -> dict[str, Any]:
        """Return mode, scan and state in a few values, name -> value: a row of `dealer status`."""
        return bank_overview(self._current.name, self._status.read())

    @query
    def get_findings(self) -> list[dict[str, str]]:
        """Return what is wrong with status memory, mode and board, for `dealer doctor`; asks no
        device."""
        damage = self._status.damage()
        values = {} if damage else self._status.read()
        current = self._current
        why = "" if current.backend is not None or current.is_changing else current.cause
        return bank_findings(self.name, damage, why, values)

    def hindrances(self) -> list[Hindrance]:
        return bank_hindrances(self.name, self.mode_state(), self.scan, self._data_taking())

    @command
    def reset_roach(self) -> None:
        """Run the mode's reset phase."""
        self._current.need_backend().run_phase("reset")

    @command
    def arm_roach(self) -> None:
        """Run the mode's arm phase."""
        self._current.need_backend().run_phase("arm")

    @command
    def disarm_roach(self) -> None:
        """Run the mode's postarm phase."""
        self._current.need_backend().run_phase("postarm")
