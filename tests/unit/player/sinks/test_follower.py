"""The thread of a sink: it sends what it is told of, tries again, and ends."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from support.player_run import poll
from support.sinks import Files, Server

from player.sinks.destination import RecordKind
from player.sinks.follower import FileFollower


@dataclass
class Broken(Server):
    """A server that raises what nobody expects, once."""

    is_broken: bool = True

    def open(self) -> Mapping[RecordKind, int]:
        if self.is_broken:
            self.is_broken = False
            raise KeyError("of a bug")
        return super().open()


@contextmanager
def following(server: Server, files: Files) -> Iterator[FileFollower]:
    made = FileFollower(server, gather_s=0.0, retry_s=0.01)
    made.follow_calls(files)
    try:
        yield made
    finally:
        made.close()


def test_a_server_that_is_away_gets_all_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    files, server = Files(), Server(is_away=True)
    with following(server, files) as one:
        for _ in range(3):
            files.add_call()
            one.take_calls([])
        poll(lambda: one.state()["trouble"] == "away", "it is away")
        assert one.state()["up"] is False
        server.is_away = False
        poll(lambda: one.state()["journal"] == {"written": 3, "lost": 0, "behind": 0}, "all")
        poll(lambda: one.state()["trouble"] == "", "it is well")
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 2  # once away, once back, however often it was tried


def test_an_error_that_nobody_expected_is_logged_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    files, server = Files(), Broken()
    with following(server, files) as one:
        files.add_call()
        one.take_calls([])
        poll(lambda: len(server.calls) == 1, "it was sent")
    assert [record.exc_info is not None for record in caplog.records].count(True) == 1


def test_the_last_records_are_sent_before_it_ends() -> None:
    files, server = Files(), Server()
    with following(server, files) as one:
        files.add_call()
        one.take_calls([])
        poll(lambda: len(server.calls) == 1, "it was sent")
        files.add_call()
    poll(lambda: len(server.calls) == 2 and not server.is_open, "the last was sent")


def test_one_that_was_told_nothing_ends_at_once_and_connects_never() -> None:
    server = Server()
    with following(server, Files()):
        pass
    assert not server.pages
