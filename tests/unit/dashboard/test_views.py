"""Saved views: room for those of all, and a disk that is full."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from fastapi import HTTPException
from support.full_disk import room_for

from dashboard.store import Store
from dashboard.views import MAX_OF_PERSON, TABLE, RemovedView, SavedView, Views
from groundwork.roles import Role
from player.endpoints.http.protocol.sessions import Person

ANN, BEN = (Person(key=name, role=Role.OBSERVE, token="t") for name in ("ann", "ben"))


@pytest.fixture
def views(tmp_path: Path) -> Iterator[Views]:
    views = Views(lambda path: path == "/")
    with closing(Store(tmp_path / "d.sqlite3", (TABLE,))) as views.store:
        yield views


def save(views: Views, person: Person, name: str, query: str = "") -> list[dict[str, Any]]:
    answer = asyncio.run(views.save(person, SavedView(name=name, address=f"/?{query}")))
    found: list[dict[str, Any]] = json.loads(answer.body)["views"]
    return found


def test_one_person_does_not_take_the_room_of_all(views: Views) -> None:
    for number in range(MAX_OF_PERSON):
        save(views, ANN, f"a{number}")
    with pytest.raises(HTTPException) as refused:
        save(views, ANN, "one more")
    assert (refused.value.status_code, "views of yours" in refused.value.detail) == (403, True)
    assert len(save(views, ANN, "a0", "other")) == MAX_OF_PERSON
    assert len(save(views, BEN, "b")) == MAX_OF_PERSON + 1


def test_a_full_disk_is_told_and_what_was_saved_stays(views: Views) -> None:
    save(views, ANN, "first")
    with room_for(4096), pytest.raises(HTTPException) as refused:
        save(views, ANN, "second", "x" * 3000)
    assert (refused.value.status_code, "cannot be written" in refused.value.detail) == (503, True)
    with room_for(4096), pytest.raises(HTTPException) as refused:
        asyncio.run(views.remove(ANN, RemovedView(name="first")))
    assert refused.value.status_code == 503
    assert [each["name"] for each in save(views, ANN, "third")] == ["first", "third"]
