"""Sub-packets of a job: the recorded sequences, from the events of a runner."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.subpackets import ids_of, read_sub_packets

from gateways.difx.protocol.jobs import JobEvent, JobEventKind, JobState, Refusal, Severity
from gateways.difx.protocol.jobsequence import JobSequence
from gateways.difx.protocol.taskids import JOB_ENDS

ACCEPTED = (JobEventKind.ACCEPTED, JobState.QUEUED)
CHECK = (JobEventKind.PARAMETER_CHECK, JobState.CONFIGURING)
CONFIG = (JobEventKind.CONFIG_CHECK, JobState.CONFIGURING)
PASSED = (JobEventKind.CONFIG_PASSED, JobState.CONFIGURING)
FAILED = (JobEventKind.CONFIG_FAILED, JobState.CONFIGURING)
VALID = (JobEventKind.PARAMETERS_VALID, JobState.CONFIGURING)
DELETING = (JobEventKind.DELETING_OUTPUT, JobState.CONFIGURING)
STARTING = (JobEventKind.STARTING, JobState.RUNNING)
COMPLETE = (JobEventKind.COMPLETE, JobState.FINISHING)
NOT_FOUND = (JobEventKind.CONFIG_NOT_FOUND, JobState.CONFIGURING)
ERROR = (JobEventKind.OUTPUT, JobState.RUNNING, Severity.ERROR)
BEGIN = [ACCEPTED, CHECK, CONFIG, PASSED]


def ended(state: JobState) -> tuple[JobEventKind, JobState]:
    return JobEventKind.ENDED, state


def event(
    kind: JobEventKind,
    state: JobState,
    severity: Severity = Severity.INFO,
    refusal: Refusal | None = None,
    text: str = "text",
    fraction: float | None = None,
) -> JobEvent:
    return JobEvent(
        job="j",
        number=1,
        time=0.0,
        kind=kind,
        state=state,
        text=text,
        severity=severity,
        refusal=refusal,
        fraction=fraction,
    )


def sent(events: Sequence[JobEvent]) -> list[tuple[bytes, ...]]:
    sequence = JobSequence()
    return [packet for each in events for packet in sequence.take(each)]


RECORDED = [
    (
        [*BEGIN, VALID, STARTING, COMPLETE, ended(JobState.FINISHED)],
        "102 103 127 125 104 113 117 101",
    ),
    (
        [*BEGIN, VALID, DELETING, STARTING, COMPLETE, ended(JobState.FINISHED)],
        "102 103 127 125 104 112 113 117 101",
    ),
    ([*BEGIN, ended(JobState.CHECKED)], "102 103 127 125 128"),
    ([ACCEPTED, CHECK, CONFIG, FAILED, ended(JobState.INVALID)], "102 103 127 124 116 128"),
    (
        [ACCEPTED, CHECK, CONFIG, NOT_FOUND, PASSED, VALID, STARTING],
        "102 103 127 115 126 125 104 113",
    ),
    ([ACCEPTED, CHECK, CONFIG, FAILED, VALID, STARTING], "102 103 127 124 104 113"),
    (
        [*BEGIN, VALID, STARTING, COMPLETE, ended(JobState.WITH_ERRORS)],
        "102 103 127 125 104 113 117 120",
    ),
    ([*BEGIN, VALID, STARTING, ended(JobState.FAILED)], "102 103 127 125 104 113 116 119"),
    ([*BEGIN, VALID, STARTING, ended(JobState.STOPPED)], "102 103 127 125 104 113 100"),
    ([*BEGIN, VALID, STARTING, ended(JobState.LOST)], "102 103 127 125 104 113 116 119"),
    ([*BEGIN, VALID, STARTING, ERROR, ended(JobState.STOPPED)], "102 103 127 125 104 113 116 100"),
]


@pytest.mark.parametrize(("events", "ids"), RECORDED)
def test_a_job_has_the_recorded_sequence(
    events: list[tuple[JobEventKind, JobState]], ids: str
) -> None:
    assert ids_of(sent([event(*each) for each in events])) == ids


@pytest.mark.parametrize(
    ("refusal", "before", "ids"),
    [
        (Refusal.INPUT_NOT_FOUND, [ACCEPTED, CHECK], "102 103 109 100"),
        (Refusal.NO_INPUT, [ACCEPTED, CHECK], "102 103 108 100"),
        (Refusal.NAME_TOO_LONG, [ACCEPTED, CHECK], "102 103 110 100"),
        (Refusal.NO_MANAGER, BEGIN, "102 103 127 125 105 100"),
        (Refusal.NO_SOURCES, BEGIN, "102 103 127 125 106 100"),
        (Refusal.NO_PROCESSORS, BEGIN, "102 103 127 125 107 100"),
        (Refusal.OUTPUT_EXISTS, [*BEGIN, VALID], "102 103 127 125 104 111 100"),
        (Refusal.OTHER, [ACCEPTED], "102 116 100"),
        (None, [ACCEPTED], "102 116 100"),
    ],
)
def test_a_job_that_is_refused_says_why_and_ends_with_100(
    refusal: Refusal | None, before: list[tuple[JobEventKind, JobState]], ids: str
) -> None:
    events = [event(*each) for each in before]
    events.append(event(JobEventKind.REFUSED, JobState.REFUSED, refusal=refusal))
    events.append(event(*ended(JobState.REFUSED)))
    assert ids_of(sent(events)) == ids


def test_output_has_its_severity_and_its_text() -> None:
    severities = (Severity.INFO, Severity.WARNING, Severity.ERROR)
    events = [
        event(JobEventKind.OUTPUT, JobState.RUNNING, each, text="größe") for each in severities
    ]
    told = "größe".encode()
    assert read_sub_packets(sent(events)) == [(114, told), (115, told), (116, told)]


def test_a_sub_packet_without_text_is_two_items() -> None:
    (packet,) = sent([event(*ACCEPTED)])
    assert packet == (bytes.fromhex("00000066"), bytes(4))


def test_progress_is_told_while_it_runs_and_as_a_sign_of_life() -> None:
    queued = event(JobEventKind.STATE, JobState.QUEUED, text="")
    running = event(JobEventKind.STATE, JobState.RUNNING, text="scan 2", fraction=0.25)
    configuring = event(JobEventKind.STATE, JobState.CONFIGURING, text="")
    events = [event(*ACCEPTED), queued, configuring, event(*CHECK), event(*CONFIG), configuring]
    events += [event(*PASSED), event(*VALID), event(*STARTING), running]
    assert [packet for packet in read_sub_packets(sent(events)) if packet[0] == 114] == [
        (114, b"queued"),
        (114, b"configuring"),
        (114, b"running, 25%: scan 2"),
    ]
    assert ids_of(sent(events)) == "102 114 103 127 114 125 104 113 114"


def test_lines_that_were_left_out_are_told() -> None:
    omitted = event(JobEventKind.OMITTED, JobState.RUNNING, text="12 lines")
    silent = event(JobEventKind.OMITTED, JobState.RUNNING, text="")
    assert read_sub_packets(sent([omitted, silent])) == [
        (115, b"12 lines"),
        (115, b"lines were left out"),
    ]


def test_a_check_that_is_not_there_is_a_warning_even_without_a_text() -> None:
    (warning, number) = sent([event(*NOT_FOUND, text="")])
    assert read_sub_packets([warning]) == [(115, b"the check program was not found")]
    assert ids_of([number]) == "126"


def test_a_failure_without_a_text_still_has_an_error_before_it() -> None:
    events = [event(JobEventKind.ENDED, JobState.FAILED, text="")]
    assert read_sub_packets(sent(events)) == [(116, b"failed"), (119, b"")]


def test_nothing_follows_the_end() -> None:
    sequence = JobSequence()
    assert not sequence.is_over
    assert ids_of(sequence.take(event(*ended(JobState.FINISHED)))) == "101"
    assert sequence.is_over
    for kind in JobEventKind:
        assert sequence.take(event(kind, JobState.FINISHED)) == []


@settings(max_examples=50)
@given(
    st.lists(
        st.builds(
            event,
            st.sampled_from([kind for kind in JobEventKind if kind is not JobEventKind.ENDED]),
            st.sampled_from(JobState),
            st.sampled_from(Severity),
            st.none() | st.sampled_from(Refusal),
            st.text(max_size=5),
        ),
        max_size=12,
    ),
    st.sampled_from([state for state in JobState if state.is_final]),
)
def test_any_events_end_with_one_end(events: list[JobEvent], state: JobState) -> None:
    packets = read_sub_packets(sent([*events, event(JobEventKind.ENDED, state)]))
    assert [number for number, _ in packets if number in JOB_ENDS] == [packets[-1][0]]
