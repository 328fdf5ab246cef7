"""Events of a job as the sub-packets of DifxStart, in the order that clients know."""

from __future__ import annotations

from gateways.difx.protocol.items import sub_packet, text
from gateways.difx.protocol.jobs import JobEvent, JobEventKind, JobState, Refusal, Severity
from gateways.difx.protocol.taskids import JobPacket

__all__ = ["JobSequence"]

SubPacket = tuple[bytes, ...]

_PLAIN = {
    JobEventKind.ACCEPTED: JobPacket.JOB_STARTED,
    JobEventKind.PARAMETER_CHECK: JobPacket.PARAMETER_CHECK_IN_PROGRESS,
    JobEventKind.CONFIG_CHECK: JobPacket.RUN_CONFIG_CHECK,
    JobEventKind.CONFIG_PASSED: JobPacket.CONFIG_PASSED,
    JobEventKind.CONFIG_FAILED: JobPacket.FAILURE_INPUTFILE_BAD_CONFIG,
    JobEventKind.PARAMETERS_VALID: JobPacket.PARAMETER_CHECK_SUCCESS,
    JobEventKind.DELETING_OUTPUT: JobPacket.DELETING_PREVIOUS_OUTPUT,
    JobEventKind.STARTING: JobPacket.STARTING_DIFX,
    JobEventKind.COMPLETE: JobPacket.DIFX_COMPLETE,
}
_TEXTS = {
    Severity.INFO: JobPacket.DIFX_MESSAGE,
    Severity.WARNING: JobPacket.DIFX_WARNING,
    Severity.ERROR: JobPacket.DIFX_ERROR,
}
_REFUSALS = {
    Refusal.NO_MANAGER: JobPacket.FAILURE_NO_HEADNODE,
    Refusal.NO_SOURCES: JobPacket.FAILURE_NO_DATASOURCES,
    Refusal.NO_PROCESSORS: JobPacket.FAILURE_NO_PROCESSORS,
    Refusal.NO_INPUT: JobPacket.FAILURE_NO_INPUTFILE_SPECIFIED,
    Refusal.INPUT_NOT_FOUND: JobPacket.FAILURE_INPUTFILE_NOT_FOUND,
    Refusal.NAME_TOO_LONG: JobPacket.FAILURE_INPUTFILE_NAME_TOO_LONG,
    Refusal.OUTPUT_EXISTS: JobPacket.FAILURE_OUTPUT_EXISTS,
}
_ENDS = {
    JobState.FINISHED: JobPacket.JOB_ENDED_GRACEFULLY,
    JobState.WITH_ERRORS: JobPacket.JOB_ENDED_WITH_ERRORS,
    JobState.CHECKED: JobPacket.STOPPED_AFTER_CONFIG,
    JobState.INVALID: JobPacket.STOPPED_AFTER_CONFIG,
    JobState.STOPPED: JobPacket.JOB_TERMINATED,
    JobState.REFUSED: JobPacket.JOB_TERMINATED,
}
_TOLD_BEFORE_THE_END = frozenset({JobState.FAILED, JobState.INVALID, JobState.LOST})
_TEXTS_FOLLOW = frozenset({JobEventKind.CONFIG_CHECK, JobEventKind.STARTING})


class JobSequence:
    """Sub-packets of one job, made from its events in their order.

    Texts may come at two places of the sequence, during the check and during the run. Output is
    sent wherever it comes; a new state only there. A state that is told again is a sign of life,
    and always sent: the script client gives up after some seconds of silence.

    Attributes:
        is_over: The last sub-packet was returned, and nothing may follow it.
    """

    def __init__(self) -> None:
        self.is_over = False
        self._texts_may_come = False
        self._state: JobState | None = None

    def take(self, event: JobEvent) -> list[SubPacket]:
        """Return the sub-packets of an event, each as its items."""
        if self.is_over:
            return []
        is_repeated, self._state = event.state is self._state, event.state
        if event.kind in _PLAIN:
            self._texts_may_come = event.kind in _TEXTS_FOLLOW
            return [sub_packet(_PLAIN[event.kind])]
        if event.kind is JobEventKind.STATE and not (self._texts_may_come or is_repeated):
            return []
        return self._told(event)

    def _told(self, event: JobEvent) -> list[SubPacket]:
        match event.kind:
            case JobEventKind.CONFIG_NOT_FOUND:
                warning = _said(Severity.WARNING, event.text or "the check program was not found")
                return [warning, sub_packet(JobPacket.CONFIG_COMMAND_NOT_FOUND)]
            case JobEventKind.OUTPUT:
                return [_said(event.severity, event.text)]
            case JobEventKind.OMITTED:
                return [_said(Severity.WARNING, event.text or "lines were left out")]
            case JobEventKind.REFUSED:
                return [self._refused(event)]
            case JobEventKind.ENDED:
                return self._ended(event)
            case _:
                return [_said(event.severity, _progress(event))]

    def _refused(self, event: JobEvent) -> SubPacket:
        packet = _REFUSALS.get(event.refusal or Refusal.OTHER)
        return _said(Severity.ERROR, event.text) if packet is None else sub_packet(packet)

    def _ended(self, event: JobEvent) -> list[SubPacket]:
        self.is_over = True
        end = sub_packet(_ENDS.get(event.state, JobPacket.JOB_FAILED))
        if event.state in _TOLD_BEFORE_THE_END:
            return [_said(Severity.ERROR, event.text or event.state.value), end]
        return [end]


def _said(severity: Severity, line: str) -> SubPacket:
    return sub_packet(_TEXTS[severity], text(line))


def _progress(event: JobEvent) -> str:
    told = event.state.value
    if event.fraction is not None:
        told += f", {event.fraction:.0%}"
    return f"{told}: {event.text}" if event.text else told
