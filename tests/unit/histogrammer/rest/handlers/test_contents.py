"""Contents of large spectra: the same answers, few at once, in pieces if they are very large."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import numpy as np
import pytest
from support.rest_client import RestClient

from histogrammer.events.blocks import EventBlock
from histogrammer.rest import answering
from histogrammer.rest.answering import Answerer
from histogrammer.rest.handlers import contents
from histogrammer.rest.handlers.calls import Later
from histogrammer.rest.protocol.values import RequestValues

CHANNELS = [{"x": float(x), "y": 0.0, "v": 1.0 + x} for x in range(6)]


@pytest.fixture
def large(rest: RestClient, monkeypatch: pytest.MonkeyPatch) -> RestClient:
    """A spectrum that counts as large."""
    monkeypatch.setattr(contents, "SMALL_CELLS", 1)
    monkeypatch.setattr(contents, "PIECE_CELLS", 4)
    rest.book("h", "1", "a", "0 8 8")
    for x in range(6):
        rest.ok("channel/set", spectrum="h", xchannel=x, value=x + 1)
    return rest


@pytest.mark.parametrize("whole_cells", [5, 6])
def test_large_contents_are_written_as_small_ones_are(
    large: RestClient, monkeypatch: pytest.MonkeyPatch, whole_cells: int
) -> None:
    monkeypatch.setattr(contents, "WHOLE_CELLS", whole_cells)
    for _ in range(2):  # the second time of what is kept
        assert large.ok("spectrum/contents", name="h")["channels"] == CHANNELS
    kept = large.ok("spectrum/contents", name="h", xlow=5)["channels"]
    assert kept == CHANNELS[5:]


def test_a_large_answer_has_what_is_filled_before_its_copy_is_made(large: RestClient) -> None:
    answer = contents.ServedContents()
    given = {"name": "h", "xlow": None, "xhigh": None, "ylow": None, "yhigh": None}
    asked = answer(large.engine, RequestValues(given))
    assert isinstance(asked, Later)
    large.engine.fill(EventBlock({"a": 0}, np.full((1, 300), 7.5)))
    body = asked.copy(large.engine)()
    assert isinstance(body, bytes)
    assert json.loads(body)["detail"]["channels"] == [*CHANNELS, {"x": 7.0, "y": 0.0, "v": 300.0}]


def test_few_large_answers_are_written_and_sent_at_once(
    large: RestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "LARGE_AT_ONCE", 2)
    monkeypatch.setattr(contents, "WHOLE_CELLS", 1)
    answerer = Answerer(large.program)

    async def ask(held: AsyncExitStack, request: str) -> Any:
        asked = answerer.answering(request, b"name=h&spectrum=h&xchannel=1", "")
        return (await held.enter_async_context(asked)).body

    async def ask_many() -> list[Any]:
        async with AsyncExitStack() as first, AsyncExitStack() as others:
            bodies = [await ask(first, "spectrum/contents")]
            bodies.append(await ask(others, "spectrum/contents"))
            third = asyncio.create_task(ask(others, "spectrum/contents"))
            assert json.loads(await ask(others, "channel/get"))["detail"] == 2.0
            assert not third.done()
            await first.aclose()
            bodies.append(await third)
        return bodies

    with asyncio.Runner() as runner:
        for body in runner.run(ask_many()):
            assert isinstance(body, Iterator)
            assert json.loads(b"".join(body))["detail"]["channels"] == CHANNELS
