"""Publications of Players, and states of jobs, as messages."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.difx.protocol.jobs import JobEvent, JobEventKind, JobState, TimeReached
from gateways.difx.protocol.messagebodies import (
    Alert,
    Body,
    DiagnosticBody,
    Info,
    JobStateBody,
    Load,
    Mark5Status,
    Smart,
    read_body,
)
from gateways.difx.protocol.messages import EncodedMessage, ReadMessage, read_message
from gateways.difx.protocol.publications import (
    EVENTS,
    STATES,
    Publications,
    job_messages,
    mjd_of,
)


def read(messages: list[EncodedMessage]) -> list[tuple[ReadMessage, Body | None]]:
    """Read messages as a client does."""
    found = [read_message(message.numbered(1)) for message in messages]
    return [(message, read_body(message)) for message in found]


def bodies(name: str, value: object, time: float = 0.0) -> list[Body | None]:
    """Return the bodies of an update of BANKA."""
    messages = read(Publications().read("BANKA", name, value, time))
    assert {message.header.sender for message, _ in messages} <= {"BANKA"}
    return [body for _, body in messages]


def test_days_begin_at_midnight() -> None:
    assert mjd_of(datetime.datetime(2000, 1, 1, 12, tzinfo=datetime.UTC).timestamp()) == 51544.5


def test_load_is_told_in_kibibytes() -> None:
    value = {
        "cores": 8,
        "load": 1.25,
        "memory_bytes": 2048,
        "used_bytes": 1024,
        "received_per_s": 10,
        "sent_per_s": 2**40,
        "player_bytes": 5000,
    }
    load = Load(
        cpu_load=1.25, total_memory=2, used_memory=1, rx_rate=10, tx_rate=2**31 - 1, cores=8
    )
    assert bodies("host_load", value) == [load, DiagnosticBody(kind="MemoryUsage", values=(5000,))]


@pytest.mark.parametrize(
    ("level", "severity"),
    [("critical", 1), ("error", 2), ("warning", 3), ("info", 4), ("debug", 6), ("notset", 4)],
)
def test_levels_of_the_log_are_severities(level: str, severity: int) -> None:
    assert bodies("log", {"level": level, "text": "x"}) == [Alert(text="x", severity=severity)]


def test_lost_player_is_fatal_and_its_return_is_information() -> None:
    told = Publications()
    for messages, severity in ((told.lost("B", "silence"), 0), (told.back("B"), 4)):
        ((message, body),) = read(messages)
        assert isinstance(body, Alert)
        assert (message.header.sender, body.severity) == ("B", severity)


def test_states_of_operations_are_free_texts_and_progress_is_none() -> None:
    assert bodies("operations", {"state": "running", "method": "m"}) == []
    told = {"state": "failed", "method": "set_mode", "text": "", "error": "no board"}
    assert bodies("operations", told) == [Info(message="operation set_mode: failed: no board")]


def test_numbers_of_data_are_diagnostics() -> None:
    assert bodies("analysis", {"bytes": 10, "byte_rate": 2.5}) == [
        DiagnosticBody(kind="DataConsumed", values=(10,)),
        DiagnosticBody(kind="InputDatarate", values=(2,)),
    ]
    value = {"lost": 3, "processing_us": 7, "thread": 1, "buffers": 32, "active_buffers": 9}
    assert bodies("metrics", value) == [
        DiagnosticBody(kind="NumSubintsLost", values=(3,)),
        DiagnosticBody(kind="ProcessingTime", values=(1, 7)),
        DiagnosticBody(kind="BufferStatus", values=(1, 32, 0, 9)),
    ]


def test_recorder_and_its_disks_are_told() -> None:
    recorder = {
        "medium": "NRAO+1234567",
        "active_bank": "A",
        "state": "recording",
        "scan": "exp_1",
        "scan_number": 3,
        "bytes": 2**40,
        "mbit_per_s": 512.5,
        "data_mjd": 60000.5,
    }
    assert bodies("recorder", recorder) == [
        Mark5Status(
            bank_a="NRAO+123",
            active_bank="A",
            state="Recording",
            scan_number=3,
            scan_name="exp_1",
            position=2**40,
            play_rate=512.5,
            data_mjd=60000.5,
        )
    ]
    disks = [{"medium": "M1", "slot": 2, "smart": {"5": 0, "194": 30, "x": 1}}, "nonsense"]
    assert bodies("disks", disks, 86400.0) == [
        Smart(mjd=40588.0, vsn="M1", slot=2, values=((5, 0), (194, 30)))
    ]


def test_free_texts_are_informations() -> None:
    assert bodies("notice", "hello") == [Info(message="hello")]
    told = {"change": "begun", "run": 5}
    assert bodies("run_changed", told) == [Info(message="change: begun, run: 5")]


def scan(state: str, outcome: str, start_id: str = "s1", **more: object) -> dict[str, object]:
    """Return a value of a spectrometer's `scan`, of 100 s from the day 60000 on."""
    start = [2023, 2, 25, 0, 0, 0, 0]
    found = {"state": state, "outcome": outcome, "start_id": start_id, "scan": 12, "start": start}
    return {**found, "scan_length": 86400.0, "fraction": 0.5, **more}


def states(messages: list[EncodedMessage]) -> list[str]:
    """Return the states of jobs among messages."""
    return [body.state for _, body in read(messages) if isinstance(body, JobStateBody)]


def test_scan_goes_through_the_states_of_a_job() -> None:
    told = Publications()
    found = [
        states(told.read("BANKA", "scan", scan(state, outcome), 0.0))
        for state, outcome in (
            ("starting", "starting"),
            ("waiting", "waiting"),
            ("running", "running"),
            ("ending", "running"),
            ("idle", "done"),
            ("idle", "done"),
        )
    ]
    assert found == [
        ["Spawning", "Starting"],
        ["Starting"],
        ["Running"],
        ["Ending"],
        ["Done", "MpiDone"],
        [],
    ]


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("incomplete", ["Done", "MpiDone"]),
        ("stopped", ["Terminated"]),
        ("aborted", ["Terminated"]),
        ("failed", ["Aborting", "Crashed"]),
    ],
)
def test_end_of_a_scan_is_a_final_state(outcome: str, expected: list[str]) -> None:
    told = Publications()
    told.read("BANKA", "scan", scan("running", "running"), 0.0)
    messages = told.read("BANKA", "scan", scan("idle", outcome), 0.0)
    assert states(messages) == expected
    assert [m.is_final for m in messages if m.header.type == "DifxStatusMessage"] == [True] * len(
        expected
    )


def test_scan_has_its_times_and_the_fraction_of_valid_data() -> None:
    value = scan("running", "running", packets=300, packets_lost=100)
    messages = read(Publications().read("BANKA", "scan", value, 0.0))
    message, status = next(each for each in messages if isinstance(each[1], JobStateBody))
    assert message.header.identifier == "BANKA_12"
    assert isinstance(status, JobStateBody)
    assert (status.start_mjd, status.visibility_mjd, status.stop_mjd) == (60000, 60000.5, 60001)
    assert status.weights == ((0, 0.75),)


def test_scan_that_ended_before_anybody_looked_is_not_told() -> None:
    assert states(Publications().read("BANKA", "scan", scan("idle", "done"), 0.0)) == []


@pytest.mark.parametrize(
    ("state", "outcome", "unit"),
    [
        ("idle", "done", "Idle"),
        ("idle", "failed", "Error"),
        ("running", "running", "Recording"),
        ("armed", "starting", "Busy"),
        ("monitor", "none", "Play"),
    ],
)
def test_state_of_a_bank_is_that_of_a_recorder(state: str, outcome: str, unit: str) -> None:
    (found, *_) = bodies("scan", scan(state, outcome))
    assert isinstance(found, Mark5Status)
    assert (found.state, found.bank_a, found.scan_name) == (unit, "none", "BANKA_12")


def test_jobs_of_another_gateway_are_told_and_those_of_this_one_in_another_way() -> None:
    value = {
        "name": "job_1",
        "input": "/job_1.input",
        "difx_states": ["Done", "MpiDone", "Nonsense"],
        "text": "done",
        "reached_mjd": 60000.5,
        "start_mjd": None,
        "stop_mjd": 60001.0,
        "weights": [0.5, None],
        "is_final": True,
    }
    told = Publications(gateway="DIFX")
    assert told.read("DIFX", "job", value, 0.0) == []
    messages = told.read("OTHER", "job", value, 0.0)
    assert states(messages) == ["Done", "MpiDone"]
    assert all(message.is_final for message in messages)
    message, body = read(messages)[0]
    assert (message.header.sender, message.header.identifier) == ("OTHER", "job_1")
    assert body == JobStateBody(
        input="/job_1.input",
        state="Done",
        message="done",
        visibility_mjd=60000.5,
        stop_mjd=60001.0,
        weights=((0, 0.5),),
    )


def job_event(state: JobState, kind: JobEventKind = JobEventKind.STATE) -> JobEvent:
    """Return an event of a job."""
    reached = TimeReached(reached=60000.5, start=60000.0, stop=60001.0, weights=(0.5, None, 1.0))
    return JobEvent(
        job="id", number=1, time=0.0, kind=kind, state=state, text="told", reached=reached
    )


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (JobState.QUEUED, ["Spawning"]),
        (JobState.CONFIGURING, ["Starting"]),
        (JobState.RUNNING, ["Running"]),
        (JobState.FINISHING, ["Ending"]),
        (JobState.FINISHED, ["Done", "MpiDone"]),
        (JobState.WITH_ERRORS, ["Done", "MpiDone"]),
        (JobState.FAILED, ["Aborting", "Crashed"]),
        (JobState.STOPPING, ["Terminating"]),
        (JobState.STOPPED, ["Terminated"]),
        (JobState.LOST, ["Crashed"]),
    ],
)
def test_job_has_the_states_of_the_sheet(state: JobState, expected: list[str]) -> None:
    messages = job_messages("DIFX", "job_1", "/d/job_1.input", job_event(state))
    assert states(messages) == expected
    assert {message.is_final for message in messages} == {state.is_final}
    message, body = read(messages)[0]
    assert (message.header.sender, message.header.identifier) == ("DIFX", "job_1")
    assert body == JobStateBody(
        input="/d/job_1.input",
        state=expected[0],
        message="told",
        visibility_mjd=60000.5,
        start_mjd=60000.0,
        stop_mjd=60001.0,
        weights=((0, 0.5), (2, 1.0)),
    )


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_of_a_job_is_told(state: JobState) -> None:
    assert job_messages("DIFX", "j", "/j.input", job_event(state, JobEventKind.ENDED))


def test_output_of_a_job_is_no_message() -> None:
    assert job_messages("DIFX", "j", "/", job_event(JobState.RUNNING, JobEventKind.OUTPUT)) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["scan", "state", "outcome", "start", "load", "text", "smart", "bytes"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from(STATES + EVENTS), VALUES)
@settings(max_examples=80)
def test_no_value_of_a_stranger_is_an_error_or_no_message(name: str, value: object) -> None:
    read(Publications().read("BANKA", name, value, 0.0))


def test_property_that_means_nothing_here_gives_no_message() -> None:
    assert bodies("status.SCAN", 5) == []
