"""Records that a server gets, whatever happens to it, to the Player, and to the files."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sinks import Files, Points, Server

from player.sinks.base import HistoryPoint
from player.sinks.destination import Destination, RecordKind, SinkAwayError
from player.sinks.sending import MAX_PAGE, Sending, start_of


def sending(server: Destination, files: Files) -> Sending:
    made = Sending(server, tuple(RecordKind), lambda _seconds: False)
    made.follow_calls(files)
    return made


def sent(one: Sending) -> bool:
    """Send as a follower does; false: it has to be tried again."""
    try:
        one.send()
    except SinkAwayError:
        one.drop()
        return False
    return True


STEPS = st.lists(
    st.sampled_from(["call", "begin", "end", "send", "away", "back", "lost answer", "restart"]),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_a_server_has_all_that_the_files_have_whatever_happened(steps: list[str]) -> None:
    files, server = Files(), Server()
    one = sending(server, files)
    for step in steps:
        running = [number for number, call in files.calls.items() if call.outcome == "running"]
        if step in ("call", "begin"):
            files.add_call("done" if step == "call" else "running")
        elif step == "end" and running:
            files.end_call(running[0])
        elif step == "send":
            sent(one)
        elif step in ("away", "back"):
            server.is_away = step == "away"
        elif step == "lost answer":
            server.loses_answer = True
        elif step == "restart":
            one.drop()
            one = sending(server, files)
    server.is_away = server.loses_answer = False
    sent(one)
    assert sent(one)
    assert server.calls == files.calls
    assert server.lost == 0


def test_an_entry_is_sent_once_and_its_end_once_more() -> None:
    files, server = Files(), Server()
    one = sending(server, files)
    number = files.add_call("running")
    one.send()
    one.send()
    files.end_call(number)
    one.send()
    one.send()
    outcomes = [(call.number, call.outcome) for page in server.pages for call in page.calls]
    assert outcomes == [(number, "running"), (number, "done")]


def test_what_the_files_lost_meanwhile_is_counted_here_and_there() -> None:
    files, server = Files(), Server()
    one = sending(server, files)
    for _ in range(10):
        files.add_call()
    one.send()
    for _ in range(20):
        files.add_call()
    files.forget_until(25)
    one.drop()
    one.send()
    assert sorted(server.calls) == [*range(1, 11), *range(26, 31)]
    assert server.lost == 15
    assert one.counts() == {"journal": {"written": 15, "lost": 15, "behind": 0}}


def test_files_that_are_removed_while_the_server_is_connected_begin_anew() -> None:
    files, server = Files(), Server()
    one = sending(server, files)
    for _ in range(5):
        files.add_call()
    one.send()
    files.calls.clear()
    one.send()
    files.add_call("refused")  # number 1 of other files
    one.send()
    assert [page.position for page in server.pages] == [5, 1]
    assert (server.calls[1].outcome, server.lost) == ("refused", 0)


def test_what_the_files_lose_before_a_slow_server_has_it_is_counted() -> None:
    files, server = Files(), Server()
    one = sending(server, files)
    files.add_call()
    one.send()
    for _ in range(9):
        files.add_call()
    files.forget_until(7)
    one.send()
    assert (sorted(server.calls), server.lost) == ([1, 8, 9, 10], 6)


def test_a_record_that_is_refused_keeps_no_other_back() -> None:
    files, server = Files(), Server(refused=frozenset({3}))
    one = sending(server, files)
    for _ in range(5):
        files.add_call()
    one.send()
    assert sorted(server.calls) == [1, 2, 4, 5]
    assert server.lost == 1
    assert server.positions == {RecordKind.JOURNAL: 5}


def test_long_records_come_in_pages_and_the_end_asked_for_stops_between_them() -> None:
    points = [
        HistoryPoint(number=at, time_us=at, key="level", value=at)
        for at in range(1, 2 * MAX_PAGE + 2)
    ]
    server, is_ending = Server(), [False]
    one = Sending(server, tuple(RecordKind), lambda _seconds: is_ending[0])
    one.follow_points(Points(points))
    is_ending[0] = True
    one.send()
    assert [len(page) for page in server.pages] == [MAX_PAGE]
    is_ending[0] = False
    one.send()
    assert [len(page) for page in server.pages] == [MAX_PAGE, MAX_PAGE, 1]
    assert server.points == points


def test_a_kind_that_is_not_wanted_is_not_sent() -> None:
    files, server = Files(), Server()
    one = Sending(server, (RecordKind.HISTORY,), lambda _seconds: False)
    one.follow_calls(files)
    files.add_call()
    one.send()
    assert (server.pages, one.counts()) == ([], {})


@pytest.mark.parametrize(
    ("there", "oldest", "newest", "server", "expected"),
    [
        (None, 1, 50, Server(), (0, 0)),  # all that there is
        (None, 1, 50, Server(begins_now=True), (40, 0)),  # what this run has recorded
        (None, 1, 50, Server(begins_now=True, most_behind=5), (45, 0)),
        (48, 1, 50, Server(), (48, 0)),
        (20, 31, 50, Server(), (30, 10)),
        (20, 1, 50, Server(most_behind=25), (25, 5)),
        (70, 0, 0, Server(), (70, 0)),  # nothing is there yet
        (70, 1, 50, Server(), (0, 0)),  # the files were removed, and numbers began anew
    ],
)
def test_records_begin_where_the_server_ended(
    there: int | None, oldest: int, newest: int, server: Server, expected: tuple[int, int]
) -> None:
    assert start_of(there, oldest, newest, 40, server)[:2] == expected
