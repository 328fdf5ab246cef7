"""Messages that wait for one client of the relay: bounded, counted, final states never left out."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.difx.protocol.messagebodies import (
    Alert,
    Info,
    JobStateBody,
    Load,
    encoded,
    read_body,
)
from gateways.difx.protocol.messages import EncodedMessage, look_into, read_message
from gateways.difx.protocol.relayqueue import MAX_FINAL, RelayQueue


def info(text: str, sender: str = "n") -> EncodedMessage:
    """Return a free text."""
    return encoded(sender, Info(message=text))


def status(state: str, job: str = "j", *, is_final: bool = False) -> EncodedMessage:
    """Return a state of a job."""
    return encoded("gateway", JobStateBody(state=state), identifier=job, is_final=is_final)


def load(sender: str, number: int) -> EncodedMessage:
    """Return a load."""
    values = {"total_memory": 1, "used_memory": 1, "rx_rate": 0, "tx_rate": 0, "cores": 1}
    return encoded(sender, Load(cpu_load=number, **values))


def taken(queue: RelayQueue, now: float = 0.0) -> list[str]:
    """Take everything; of each its text, state or load."""
    found = []
    while (data := queue.take(now)) is not None:
        body = read_body(read_message(data))
        found.append(
            body.message
            if isinstance(body, Info)
            else body.state
            if isinstance(body, JobStateBody)
            else f"{body.cpu_load:g}"
            if isinstance(body, Load)
            else f"lost {_count(data)}"
        )
    return found


def _count(data: bytes) -> int:
    body = read_body(read_message(data))
    assert isinstance(body, Alert)
    assert body.severity == 3
    return int(body.text.split()[0])


def made(most: int = 3) -> RelayQueue:
    """Return a queue that takes all types."""
    return RelayQueue(most, lambda _kind: True, "gateway")


def test_messages_come_in_order_and_each_sender_has_its_numbers() -> None:
    queue = made(10)
    for sender in "aabab":
        queue.offer(info("x", sender))
    numbers = []
    while (data := queue.take(0.0)) is not None:
        message = read_message(data)
        numbers.append((message.header.sender, message.sequence))
    assert numbers == [("a", 1), ("a", 2), ("b", 1), ("a", 3), ("b", 2)]


def test_types_that_are_not_selected_are_neither_taken_nor_lost() -> None:
    queue = RelayQueue(1, lambda kind: kind == "DifxStatusMessage", "gateway")
    for _ in range(5):
        queue.offer(info("x"))
    queue.offer(status("Running"))
    assert taken(queue) == ["Running"]
    assert queue.lost == 0


def test_oldest_state_of_the_same_sender_and_type_is_replaced_first() -> None:
    queue = made(3)
    for message in (info("a"), load("n", 1), load("m", 2), load("n", 3)):
        queue.offer(message)
    assert taken(queue) == ["lost 1", "a", "2", "3"]


def test_without_such_a_state_the_oldest_message_goes() -> None:
    queue = made(2)
    for text in "abcd":
        queue.offer(info(text))
    assert taken(queue) == ["lost 2", "c", "d"]


def test_state_of_one_job_does_not_replace_that_of_another() -> None:
    queue = made(2)
    queue.offer(status("Running", "one"))
    queue.offer(status("Starting", "two"))
    queue.offer(status("Running", "two"))
    assert taken(queue) == ["lost 1", "Running", "Running"]


def test_final_state_arrives_once_among_ten_thousand_messages() -> None:
    queue = made(100)
    line, states = info("line"), [status("Running", f"job {number}") for number in range(500)]
    for _ in range(5000):
        queue.offer(line)
    queue.offer(status("Done", is_final=True))
    for number in range(5000):
        queue.offer(states[number % 500])
    got = taken(queue)
    assert got.count("Done") == 1
    assert got[0] == "lost 9900"
    assert len(got) == 102


def test_losses_are_told_once_per_second() -> None:
    queue = made(1)
    for text in "abc":
        queue.offer(info(text))
    assert queue.report_at is not None
    assert taken(queue, 10.0) == ["lost 2", "c"]
    for text in "de":
        queue.offer(info(text))
    assert taken(queue, 10.5) == ["e"]
    assert queue.report_at == 11.0
    for text in "fg":
        queue.offer(info(text))
    assert taken(queue, 11.0) == ["lost 2", "g"]
    assert queue.report_at is None


def test_report_counts_among_the_numbers_of_the_gateway() -> None:
    queue = made(1)
    queue.offer(status("Running"))
    assert read_message(queue.take(0.0) or b"").sequence == 1
    queue.offer(status("Running"))
    queue.offer(status("Running"))
    assert [read_message(queue.take(0.0) or b"").sequence for _ in range(2)] == [2, 3]


def test_datagrams_go_on_unchanged_and_take_no_number() -> None:
    queue = made(5)
    queue.offer(look_into(b"\xff no XML"))
    queue.offer(info("x", ""))
    assert queue.take(0.0) == b"\xff no XML"
    assert read_message(queue.take(0.0) or b"").sequence == 1


def test_final_states_are_bounded_too() -> None:
    queue = made(1)
    message = status("Done", is_final=True)
    for _ in range(MAX_FINAL + 5):
        queue.offer(message)
    assert (len(queue), queue.lost) == (MAX_FINAL, 5)


KINDS = st.lists(st.sampled_from("isSlf t"), max_size=60)


@given(KINDS, st.integers(1, 8))
@settings(max_examples=60)
def test_taken_waiting_and_lost_together_are_what_was_offered(kinds: list[str], most: int) -> None:
    queue, offered, got, finals = made(most), 0, 0, 0
    for number, kind in enumerate(kinds):
        if kind in " t":
            data = queue.take(float(number))
            got += data is not None and not re.search(rb"left out for this client", data)
            continue
        offered += 1
        finals += kind == "f"
        queue.offer(
            {
                "i": info("x"),
                "s": status("Running", "one"),
                "S": status("Running", "two"),
                "l": load("n", 1),
                "f": status("Done", is_final=True),
            }[kind]
        )
        assert got + len(queue) + queue.lost == offered
        assert len(queue) <= most + finals
