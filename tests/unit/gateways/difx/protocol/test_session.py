"""One client: its packets as requests, and the state that they make."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.difx.errors import DifxError, DocumentError, PayloadError, UnknownTypeError
from gateways.difx.protocol.commands import StopJob
from gateways.difx.protocol.documents import write_command
from gateways.difx.protocol.frames import Frame, pack_frame
from gateways.difx.protocol.packets import (
    FilelistRequest,
    JobStatusRequest,
    MulticastSettings,
    Packet,
    write_filelist_request,
    write_job_status_request,
)
from gateways.difx.protocol.session import (
    Chunk,
    CommandRequest,
    MonitorRequest,
    RelayCommand,
    RelaySwitch,
    Session,
    VersionRequest,
    primary_reader,
    profile_of,
)

STOP = write_command(StopJob(input="/a.input"))
STATUS = JobStatusRequest(short=False, pattern="*", address="", port=1)
FILELIST = FilelistRequest(
    files=(), destination="/l", format="VDIF", reference_mjd=1, address="", port=1
)
REQUESTS = [
    (1, b"\0\0\0\1", RelaySwitch(True)),
    (2, b"<any/>", RelayCommand(b"<any/>")),
    (3, STOP, CommandRequest(StopJob(input="/a.input"), STOP)),
    (7, b"224.2.2.1\n50200", MulticastSettings("224.2.2.1", 50200)),
    (8, b"", VersionRequest()),
    (8, b"ignored", VersionRequest()),
    (14, b"\0\0\xcc\x4c", MonitorRequest(52300)),
    (22, b"\0\0\x30\x3aA", Chunk(12346, b"A")),
    (23, write_filelist_request(FILELIST), FILELIST),
    (24, write_job_status_request(STATUS), STATUS),
]


@pytest.mark.parametrize(("number", "payload", "request_"), REQUESTS)
def test_a_packet_is_a_request(number: int, payload: bytes, request_: object) -> None:
    assert Session().take(Frame(number, payload)) == request_


def test_unknown_ids_and_those_of_the_other_direction_are_nothing() -> None:
    session = Session()
    for number in (-(2**31), -1, 0, 4, 5, 6, 9, 10, 11, 12, 16, 18, 21, 25, 2**31 - 1):
        assert session.take(Frame(number, b"\0anything\xff")) is None
    assert (session.relay, session.channel_mode, session.profile) == (False, False, "")
    assert session.selection.takes("DifxLoadMessage")


def test_switches_change_the_state_until_they_are_switched_back() -> None:
    session = Session()
    for number, payload in ((19, b""), (1, b"\0\0\0\2"), (17, b"SELECTED_MESSAGES\n")):
        session.take(Frame(number, payload))
    assert (session.channel_mode, session.relay) == (True, True)
    assert not session.selection.takes("DifxLoadMessage")
    for number, payload in ((20, b""), (1, b"\0\0\0\0"), (17, b"ALL_MESSAGES\n")):
        session.take(Frame(number, payload))
    assert (session.channel_mode, session.relay) == (False, False)
    assert session.selection.takes("DifxLoadMessage")


@pytest.mark.parametrize(
    ("path", "profile"),
    [
        ("rungeneric.DIFX-DEVEL", "DIFX-DEVEL"),
        ("/difx/bin/rungeneric.DIFX-2.6", "DIFX-2.6"),
        ("/difx/rungeneric.X/setup", ""),
        ("xrungeneric.DIFX", ""),
        ("rm -rf /", ""),
        ("", ""),
    ],
)
def test_a_setup_path_names_a_version(path: str, profile: str) -> None:
    assert profile_of(path) == profile


def test_a_profile_is_chosen_by_setup_path_or_label() -> None:
    session = Session(["DIFX-DEVEL", "DIFX-2.6"])
    session.take(Frame(13, b"/difx/bin/rungeneric.DIFX-2.6\n"))
    assert session.profile == "DIFX-2.6"
    session.take(Frame(15, b"DIFX-DEVEL"))
    assert session.profile == "DIFX-DEVEL"
    session.take(Frame(13, b""))
    assert session.profile == ""


@pytest.mark.parametrize("number", [13, 15])
def test_a_version_that_is_not_configured_changes_nothing(number: int) -> None:
    session = Session(["A", "B"])
    session.take(Frame(15, b"A"))
    with pytest.raises(
        PayloadError, match=r"names no version that is configured \(versions\): A, B"
    ):
        session.take(Frame(number, b"rungeneric.C"))
    with pytest.raises(PayloadError, match="there is none"):
        Session().take(Frame(number, b"x"))
    assert session.profile == "A"


def test_a_setup_path_is_shorter_than_4096_bytes() -> None:
    session = Session(["A"])
    path = b"/" * (4095 - len("rungeneric.A")) + b"rungeneric.A"
    session.take(Frame(13, path))
    assert session.profile == "A"
    with pytest.raises(PayloadError, match="4096 bytes are more than 4095"):
        session.take(Frame(13, b"/" + path))
    with pytest.raises(PayloadError, match="DIFX_RUN_LABEL: 4096 bytes are more than 4095"):
        session.take(Frame(15, b"A" * 4096))


@pytest.mark.parametrize(
    ("number", "payload", "error"),
    [
        (1, b"", PayloadError),
        (3, b"", DocumentError),
        (3, STOP.replace(b"DifxStop", b"DifxNothing"), UnknownTypeError),
        (7, b"224.2.2.1", PayloadError),
        (13, b"\xff", PayloadError),
        (14, b"", PayloadError),
        (22, b"", PayloadError),
        (23, b"", PayloadError),
        (24, b"", PayloadError),
    ],
)
def test_a_payload_that_cannot_be_read_is_an_error(
    number: int, payload: bytes, error: type[DifxError]
) -> None:
    with pytest.raises(error):
        Session().take(Frame(number, payload))


def test_the_limit_of_documents_is_the_clients() -> None:
    with pytest.raises(DocumentError, match="more than the 10 of max_document"):
        Session(max_document=10).take(Frame(3, STOP))


def test_a_chunk_may_have_as_many_bytes_as_any_payload() -> None:
    reader = primary_reader(max_packet=16)
    chunk = pack_frame(Packet.CHANNEL_DATA, b"\0\0\0\1" + b"x" * 16)
    (frame,) = reader.feed(chunk)
    assert Session().take(frame) == Chunk(1, b"x" * 16)


@settings(max_examples=60)
@given(st.integers(0, 26), st.binary(max_size=60))
def test_any_packet_is_a_request_nothing_or_an_error(number: int, payload: bytes) -> None:
    with contextlib.suppress(DifxError):
        Session(["A"]).take(Frame(number, payload))


GUI_CONNECTS = bytes.fromhex(
    "00000008 00000000"
    "00000011 0000000d 414c4c5f4d455353414745530a"  # ALL_MESSAGES, LF
    "00000001 00000004 00000001"
    "0000000d 00000015 72756e67656e657269632e444946582d444556454c"  # rungeneric.DIFX-DEVEL
    "0000000f 0000000a 444946582d444556454c"
    "00000014 00000000"
)
SCRIPT_CONNECTS = bytes.fromhex(
    "00000013 00000000"
    "00000008 00000000"
    "00000011 00000012 53454c45435445445f4d455353414745530a"  # SELECTED_MESSAGES, LF
    "00000001 00000004 00000001"
    "00000016 00000004 0000303a"  # a chunk without data
    "00000016 0000000b 0000303a 00000003 616263"  # size and data of an upload in one
)


def heard(data: bytes, cut: int) -> tuple[Session, list[object]]:
    session, reader = Session(["DIFX-DEVEL"]), primary_reader()
    frames = [*reader.feed(data[:cut]), *reader.feed(data[cut:])]
    requests = [session.take(frame) for frame in frames]
    return session, [request for request in requests if request is not None]


def test_the_gui_client_connects_as_it_does() -> None:
    for cut in range(len(GUI_CONNECTS)):
        session, requests = heard(GUI_CONNECTS, cut)
        assert requests == [VersionRequest(), RelaySwitch(True)]
        assert (session.relay, session.channel_mode) == (True, False)
        assert session.profile == "DIFX-DEVEL"


def test_the_script_client_connects_as_it_does_and_sends_data_at_once() -> None:
    for cut in range(len(SCRIPT_CONNECTS)):
        session, requests = heard(SCRIPT_CONNECTS, cut)
        assert requests == [
            VersionRequest(),
            RelaySwitch(True),
            Chunk(12346, b""),
            Chunk(12346, b"\0\0\0\3abc"),
        ]
        assert (session.relay, session.channel_mode) == (True, True)
        assert not session.selection.takes("DifxStatusMessage")
