"""Questions of viewers to a Player, with a hub that answers from a table."""

from __future__ import annotations

import asyncio
from typing import Any

from player.endpoints.http.questions import Questions


class Hub:
    """Answers like a Bank of which one property cannot be read."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    async def call(
        self, _url: str, _object: str, method: str, _args: object, **options: Any
    ) -> Any:
        self.asked.append((method, options["token"]))
        if method == "list_properties":
            return [{"name": name, "kind": "result"} for name in ("level", "uptime")]
        return {"level": 3.0, "cannot_be_read": {"uptime": {"reason": "OSError: no sensor"}}}


def test_a_property_that_cannot_be_read_is_told_beside_the_others() -> None:
    told = asyncio.run(Questions(Hub(), "tcp://x").properties("bank"))
    assert told == [
        {"name": "level", "kind": "result", "value": 3.0},
        {"name": "uptime", "kind": "result", "problem": "OSError: no sensor"},
    ]


def test_a_question_is_asked_for_each_person_once_and_with_its_token() -> None:
    hub = Hub()

    async def ask() -> None:
        questions = Questions(hub, "tcp://x")
        for token in "ann", "bob", "ann", "":
            await questions.properties("bank", token=token)

    asyncio.run(ask())
    methods = "list_properties", "get_properties"
    assert hub.asked == [(method, token) for token in ("ann", "bob", "") for method in methods]
