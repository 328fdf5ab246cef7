"""Carrying out of acts, where it does not begin."""

from __future__ import annotations

import errno
from functools import partial
from typing import Any

import pytest

from dashboard.acts.book import ActBook
from dashboard.acts.doing import Doer, stop
from dashboard.protocol.topics import KeyTopic
from player.endpoints.http.protocol.sessions import Person
from zmqjsonproxy.rights import Role


class NoSeats:
    def of(self, _person: Person) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")


def test_an_act_for_which_there_are_no_sockets_does_not_go_on_for_ever() -> None:
    book, seats = ActBook(KeyTopic("acts")), NoSeats()
    doer = Doer(seats, book)  # type: ignore[arg-type]  # it has what is called
    ann = Person(key="ann", role=Role.OPERATE, token="t")
    with pytest.raises(OSError, match="Too many open files"):
        doer.begin(ann, "stop", "stop()", ["BANKA"], partial(stop, show=book.show))
    assert book.of("ann") == []
