"""Files as sources of events: one, several, one that grows; stops, ends, errors, accounts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.ringfiles import definitions, event, events_of, item

from histogrammer.errors import EventFileError
from histogrammer.events import blocksource
from histogrammer.events.inputs import FileInput, FollowedInput
from histogrammer.events.sources import EventSource
from histogrammer.events.stopsign import StopSign

HEAD = definitions([(1, "a"), (2, "b")])
ONE = HEAD + event(0, [(1, 1.0)]) + item(20, b"") + event(1, [(2, 2.0), (9, 9.0)])
TWO = event(2, [(1, 3.0)]) + event(3, [(1, 4.0)])
THREE = HEAD + event(4, [(2, 5.0)])


def write(path: Path, data: bytes) -> FileInput:
    path.write_bytes(data)
    return FileInput(path)


def test_file_is_read_to_its_end_and_then_ends_at_once(tmp_path: Path) -> None:
    with EventSource([write(tmp_path / "one", ONE)], kept=()) as source:
        assert events_of(source) == [{"a": 1.0}, {"b": 2.0}]
        assert list(source) == []
        progress = source.progress
    assert (progress.position, progress.bytes_read, progress.bytes_total) == (len(ONE),) * 3
    assert (progress.events, progress.items) == (2, 4)
    assert not source.accounts[0].lines()[0].startswith(": ")


def test_source_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    data = HEAD + b"".join(event(k, [(1, float(k))]) for k in range(10))
    with EventSource([write(tmp_path / "f", data)], block_events=2, kept=()) as source:
        found: list[object] = []
        while not found or source.was_stopped:
            for part in source:
                found.append(part)
                source.stop()
            assert len(found) < 10
    assert events_of(found) == [{"a": float(k)} for k in range(10)]


def test_stop_while_a_row_is_waited_for_ends_before_the_end_of_the_file(tmp_path: Path) -> None:
    def row_of(name: str) -> int:
        source.stop()
        return int(name == "b")

    with EventSource([write(tmp_path / "f", HEAD + TWO)], row_of, kept=()) as source:
        assert events_of(source) == [{"a": 3.0}, {"a": 4.0}]
        assert not source.is_over
        assert list(source) == []
        assert source.is_over


def test_loop_that_is_left_loses_nothing(tmp_path: Path) -> None:
    data = HEAD + b"".join(event(k, [(1, float(k))]) for k in range(5))
    found: list[object] = []
    with EventSource([write(tmp_path / "f", data)], block_events=2, kept=()) as source:
        for part in source:
            found.append(part)
            break
        found += source
    assert events_of(found) == [{"a": float(k)} for k in range(5)]


def test_stop_from_before_does_not_hold(tmp_path: Path) -> None:
    with EventSource([write(tmp_path / "f", ONE)]) as source:
        source.stop()
        assert len(events_of(source)) == 2


def test_accounts_add_up_over_three_files_of_which_the_second_is_cut(tmp_path: Path) -> None:
    inputs = [
        write(tmp_path / "one", ONE),
        write(tmp_path / "two", TWO[:-1]),
        write(tmp_path / "three", THREE),
    ]
    found: list[object] = []
    with EventSource(inputs, kept=()) as source:
        with pytest.raises(EventFileError) as raised:
            found.extend(source)
        assert raised.value.source == str(tmp_path / "two")
        assert (raised.value.offset, raised.value.reason) == (
            36,
            "cut within an item: 35 of 36 bytes",
        )
        found += source
        accounts, progress = source.accounts, source.progress
    assert events_of(found) == [{"a": 1.0}, {"b": 2.0}, {"a": 3.0}, {"b": 5.0}]
    assert [each.source for each in accounts] == [
        str(tmp_path / n) for n in ("one", "two", "three")
    ]
    assert [each.bytes for each in accounts] == [len(ONE), 36, len(THREE)]
    assert [each.events for each in accounts] == [2, 1, 1]
    assert [each.values for each in accounts] == [3, 1, 1]
    assert [each.used for each in accounts] == [2, 1, 1]
    assert [sum(each.dropped.values()) for each in accounts] == [1, 0, 0]
    assert [dict(each.skipped) for each in accounts] == [{20: 1}, {}, {}]
    assert (progress.events, progress.bytes_read) == (4, len(ONE) + 36 + len(THREE))


def test_order_of_files_is_that_given(tmp_path: Path) -> None:
    inputs = [write(tmp_path / "z", THREE), write(tmp_path / "a", TWO)]
    with EventSource(inputs, kept=()) as source:
        assert events_of(source) == [{"b": 5.0}, {"a": 3.0}, {"a": 4.0}]


def test_last_file_that_was_cut_goes_on_when_it_has_grown(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with EventSource([write(path, THREE[:-5])], kept=()) as source:
        for _ in range(2):
            with pytest.raises(EventFileError, match=f"f: byte {len(HEAD)}: cut within an item"):
                list(source)
        path.write_bytes(THREE + TWO)
        assert events_of(source) == [{"b": 5.0}, {"a": 3.0}, {"a": 4.0}]


def test_events_before_an_error_are_delivered(tmp_path: Path) -> None:
    found: list[object] = []
    with EventSource([write(tmp_path / "f", THREE + b"\xff" * 12)]) as source:
        with pytest.raises(EventFileError, match="no ring item"):
            found.extend(source)
    assert events_of(found) == [{"b": 5.0}]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda _path: None, "No such file"),
        (lambda path: path.mkdir(), "is no regular file"),
        (os.mkfifo, "is no regular file"),
    ],
)
def test_what_cannot_be_opened_is_said_at_once(
    tmp_path: Path, make: Callable[[Path], None], reason: str
) -> None:
    make(tmp_path / "f")
    with pytest.raises(EventFileError, match=reason) as raised:
        EventSource([FileInput(tmp_path / "f")])
    assert raised.value.source == str(tmp_path / "f")


def test_file_of_a_series_that_is_missing_is_told_and_passed_over(tmp_path: Path) -> None:
    inputs = [
        write(tmp_path / "one", ONE),
        FileInput(tmp_path / "none"),
        write(tmp_path / "three", THREE),
    ]
    with EventSource(inputs) as source:
        assert source.progress.bytes_total is None
        with pytest.raises(EventFileError, match="none: byte 0: No such file"):
            list(source)
        assert events_of(source) == [{"b": 5.0}]


class _Writer(StopSign):
    """A sign at whose waits the next piece is written; after the last one it is set."""

    path: Path
    pieces: Iterator[bytes]

    def wait(self, timeout_s: float | None, *_descriptors: int) -> None:
        assert timeout_s is not None
        assert timeout_s <= 0.2
        piece = next(self.pieces, None)
        if piece is None:
            self.set()
        else:
            with self.path.open("ab") as file:
                file.write(piece)


@pytest.mark.parametrize("stop_at", [3, 11, 12, 20, len(HEAD) - 1, len(HEAD) + 30, len(ONE)])
def test_writer_that_stops_within_head_or_body_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_at: int
) -> None:
    monkeypatch.setattr(blocksource, "StopSign", _Writer)
    path = tmp_path / "f"
    path.write_bytes(ONE[:stop_at])
    with EventSource([FollowedInput(path)], kept=()) as source:
        assert isinstance(source._stop, _Writer)
        source._stop.path = path
        source._stop.pieces = iter([ONE[stop_at : stop_at + 2], ONE[stop_at + 2 :] + TWO[:7]])
        assert events_of(source) == [{"a": 1.0}, {"b": 2.0}]
        assert source.was_stopped
        source._stop.pieces = iter([TWO[7:]])
        assert events_of(source) == [{"a": 3.0}, {"a": 4.0}]
        assert source.progress.bytes_read == len(ONE + TWO)


def test_events_are_delivered_before_a_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocksource, "StopSign", _Writer)
    path = tmp_path / "f"
    path.write_bytes(ONE)
    with EventSource([FollowedInput(path)], kept=()) as source:
        parts = iter(source)
        assert events_of([next(parts)]) == [{"a": 1.0}, {"b": 2.0}]


def test_followed_file_that_becomes_shorter_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocksource, "StopSign", _Writer)
    path = tmp_path / "f"
    path.write_bytes(ONE)
    with EventSource([FollowedInput(path)]) as source:
        found: list[object] = [part for _, part in zip(range(3), source, strict=False)]
        os.truncate(path, 10)
        with pytest.raises(EventFileError, match="became shorter: it has 10 bytes now"):
            found += source
    assert events_of(found) == [{"a": 1.0}, {"b": 2.0}]


def test_closed_source_yields_nothing_and_may_be_stopped(tmp_path: Path) -> None:
    source = EventSource([write(tmp_path / "f", ONE)])
    source.close()
    source.close()
    source.stop()
    assert list(source) == []


def test_read_error_of_the_system_is_told_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> int:
        raise OSError(5, "Input/output error")

    with EventSource([write(tmp_path / "f", ONE)]) as source:
        monkeypatch.setattr(FileInput, "read_into", fail)
        with pytest.raises(EventFileError, match="f: byte 0: Input/output error"):
            list(source)
