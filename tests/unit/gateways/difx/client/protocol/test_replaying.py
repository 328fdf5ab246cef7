"""Plans of captures, and differences of answers."""

from __future__ import annotations

import struct
from datetime import UTC, datetime

from gateways.difx.client.protocol.replaying import ReplayedAnswers, differences, plans_of
from gateways.difx.protocol.capture import Captured, MessageDirection

NOW = datetime(2026, 11, 21, tzinfo=UTC)
ASKED, TOLD, NOTE = MessageDirection.REQUEST, MessageDirection.REPLY, MessageDirection.NOTE


def record(client: int, direction: MessageDirection, data: bytes, **place: int) -> Captured:
    return Captured(time=NOW, client=client, direction=direction, data=data, **place)  # type: ignore[arg-type]


CHUNK = struct.pack(">i", 12346)
RECORDS = [
    record(1, NOTE, b"connected 127.0.0.1:1"),
    record(1, ASKED, b"", packet=8),
    record(1, TOLD, b"3.1", packet=8),
    record(2, ASKED, b"x", packet=3),
    record(1, TOLD, b"<relayed/>", packet=1),
    record(1, TOLD, CHUNK + b"ab", packet=22),
    record(1, TOLD, CHUNK + b"cd", packet=22),
    record(1, ASKED, b"y", packet=3),
    record(2, TOLD, b"data", port=50300),
    record(2, ASKED, b"size", port=50300),
]


def test_each_packet_is_sent_when_as_much_was_answered() -> None:
    first, second = plans_of(RECORDS)
    assert [step.captured.data for step in first.steps] == [b"", b"y"]
    assert first.steps[0].after == {}
    assert first.steps[1].after == {"packets": 1, "channel 12346": 4}
    assert (first.ports, second.ports) == (set(), {50300})
    assert second.steps[1].after == {"task 50300": 4}


def test_the_same_answers_are_no_difference_however_chunks_are_cut() -> None:
    (plan, _) = plans_of(RECORDS)
    found = ReplayedAnswers()
    found.take_packet(22, CHUNK + b"abcd")
    assert not found.reaches({"packets": 1})
    found.take_packet(8, b"3.1")
    assert found.reaches(plan.expected.sizes)
    assert list(differences(plan, found)) == []


def test_differences_are_shown_where_a_stream_begins_to_differ() -> None:
    (plan, _) = plans_of(RECORDS)
    found = ReplayedAnswers()
    found.take_packet(8, b"3.2")
    found.take_packet(6, b"no")
    told = {(one.stream, one.place): (one.expected, one.found) for one in differences(plan, found)}
    assert told == {
        ("packets", 1): ("'8 3.1'", "'8 3.2'"),
        ("diagnostics", 1): ("", "'6 no'"),
        ("channel 12346", 1): ("'abcd'", ""),
    }


def test_times_are_not_compared() -> None:
    (plan,) = plans_of(
        [record(1, TOLD, b"Tue Nov 21 02:00:09 2026Done 2024-01-31 12:00:00", packet=4)]
    )
    found = ReplayedAnswers()
    found.take_packet(4, b"Wed Dec  2 03:10:09 2026Done 2025-02-03 11:22:33")
    assert list(differences(plan, found)) == []
