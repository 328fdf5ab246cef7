"""Messages that wait while large ones are decoded: their order, and their bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zmqjsonproxy.rpc.inbox import Inbox


def message(client: str, size: int) -> list[bytes]:
    return [client.encode(), b"x" * size]


def test_a_client_has_one_message_of_any_size_and_no_more_than_its_bytes() -> None:
    inbox = Inbox(100)
    assert inbox.put(message("a", 1000))
    assert not inbox.put(message("a", 1))
    assert inbox.take() == message("a", 1000)
    assert not inbox.has(b"a")
    assert inbox.put(message("b", 60))
    assert not inbox.put(message("b", 60))
    assert inbox.put(message("b", 40))


def test_many_clients_with_one_message_each_have_a_bound_together() -> None:
    inbox = Inbox(100)
    assert [inbox.put(message(client, 60)) for client in "abcdef"] == [True] * 3 + [False] * 3


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 60)), max_size=40))
def test_those_of_a_client_keep_their_order_and_nothing_is_left(
    sent: list[tuple[str, int]],
) -> None:
    inbox = Inbox(100)
    kept = [message(*each) for each in sent if inbox.put(message(*each))]
    assert [inbox.take() for _ in kept] == kept
    assert not inbox.waiting
    assert not any(inbox.has(client) for client in (b"a", b"b", b"c"))
