"""Messages that are missing, found by sequence numbers."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.difx.protocol.messages import look_into
from gateways.difx.protocol.sequences import SequenceWatch


def take(watch: SequenceWatch, number: int, sender: str = "n", process: int = 0) -> int:
    """Take a message."""
    text = f"<from>{sender}</from><mpiProcessId>{process}</mpiProcessId><seqNumber>{number}</seqNumber>"
    return watch.take(look_into(text.encode()), "127.0.0.1")


def test_gap_is_counted_and_told_at_its_end() -> None:
    watch = SequenceWatch()
    assert [take(watch, number) for number in (5, 6, 9, 10)] == [0, 0, 2, 0]
    assert watch.dropped == 2


def test_message_that_comes_late_or_twice_is_not_missing() -> None:
    watch = SequenceWatch()
    for number in (1, 2, 4, 3, 5, 5):
        take(watch, number)
    assert watch.dropped == 0


def test_sender_that_begins_anew_has_lost_nothing() -> None:
    watch = SequenceWatch()
    for number in (1000, 1001, 1, 2, 4_000_000_000):
        take(watch, number)
    assert watch.dropped == 0


def test_senders_and_processes_are_counted_apart() -> None:
    watch = SequenceWatch()
    for number in range(3):
        take(watch, number, "a", 0)
        take(watch, 100 + number, "a", 1)
        take(watch, 200 + number, "b", 0)
    assert watch.dropped == 0


def test_text_without_a_number_is_passed_over() -> None:
    assert SequenceWatch().take(look_into(b"\xff"), "127.0.0.1") == 0


@given(st.sets(st.integers(1, 50)))
@settings(max_examples=40)
def test_received_and_missing_are_what_was_sent(lost: set[int]) -> None:
    watch = SequenceWatch()
    sent = range(52)
    for number in sent:
        if number not in lost:
            take(watch, number)
    assert watch.dropped == len(lost)
