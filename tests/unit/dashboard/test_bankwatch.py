"""Watch over one Bank, whose Player is played by a stand-in."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from types import SimpleNamespace
from typing import Any

import pytest

from dashboard.bankstate import WatchedBank
from dashboard.bankwatch import FINDINGS_EVERY, INTERFACE_EVERY, BankWatch
from dashboard.protocol.liveness import LivenessState
from dashboard.protocol.topics import KeyTopic, LineTopic
from zmqjsonproxy import (
    InterfaceDescription,
    MethodDescription,
    PeerLostError,
    RefusedError,
    RemoteError,
)
from zmqjsonproxy.errors import KeysNeededError

URL = "tcp://hpc1:6667"


def described(*methods: str, native: bool = True, objects: Any = ("bank",)) -> InterfaceDescription:
    known = {name: MethodDescription(name) for name in methods}
    return InterfaceDescription(native, known, objects=tuple(objects))


class Player:
    """Stands for a hub and the Player behind it.

    Attributes:
        answers: `object.method` -> its answer, or what is raised.
        objects: What each offers.
        asked: What was asked.
        process: Number of its process.
    """

    def __init__(self) -> None:
        self.objects = {
            "bank": described(
                "get_overview", "get_kind", "get_findings", "list_properties", objects=["bank"]
            )
        }
        self.answers: dict[str, Any] = {
            "bank.get_overview": {"mode": "MODE1"},
            "bank.get_kind": "toy",
            "bank.get_findings": [],
            "bank.list_properties": [{"name": "level", "kind": "result"}],
            "rpc.ping": {"instance": "one", "time": 50.0},
            "rpc.operations": [],
        }
        self.asked: list[str] = []
        self.process = 0

    def generation(self, _url: str) -> int:
        return self.process

    async def describe(self, _url: str, name: str, _within: float) -> InterfaceDescription:
        self.asked.append(f"{name}?")
        found = self.objects[name]
        if isinstance(found, Exception):
            raise found
        return found

    async def call(
        self, _url: str, name: str, method: str, _args: Any, _kwargs: Any, timeout: float
    ) -> Any:
        self.asked.append(f"{name}.{method}")
        answer = self.answers[f"{name}.{method}"]
        if isinstance(answer, Exception):
            raise answer
        return answer


class Subscription:
    """Stands for a subscription, of which nothing comes."""

    def __init__(self, patterns: list[str]) -> None:
        self.patterns, self.is_closed = patterns, False
        self.stale: dict[str, str] = {}
        self.reopened = self.lost = self.dropped = 0

    def modify(self, *patterns: str, **_limits: Any) -> None:
        self.patterns = list(patterns)

    def close(self) -> None:
        self.is_closed = True

    async def __aiter__(self) -> AsyncIterator[Any]:
        for nothing in ():
            yield nothing


class Scene:
    """A watch, and what it sees."""

    def __init__(self) -> None:
        self.player, self.now = Player(), 10.0
        self.begun: dict[str, Subscription] = {}
        topics = KeyTopic("o"), KeyTopic("v"), KeyTopic("p"), LineTopic("log")
        self.state = WatchedBank("BANKA", URL, "hpc1", topics, 1010.0)
        player: Any = self.player
        subscriptions: Any = self
        self.watch = BankWatch(
            self.state, player, subscriptions, lambda: self.now, lambda: 1000 + self.now
        )

    def begin(self, _players: Any, name: str, patterns: list[str], **_more: Any) -> Subscription:
        made = self.begun[name] = Subscription(patterns)
        return made

    async def look(self) -> LivenessState:
        """Let the watch go round once, without its pause."""
        running = asyncio.create_task(self.watch.run())
        for _ in range(200):
            await asyncio.sleep(0)
        running.cancel()
        self.watch.tick()
        return self.state.liveness.state


@pytest.fixture(autouse=True)
def _pauses_have_no_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a slow machine from going round twice in one look."""
    monkeypatch.setattr("dashboard.bankwatch.EVERY_S", 3600.0)


def played(act: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    async def run() -> None:
        scene = Scene()
        try:
            await act(scene)
        finally:
            scene.watch.close()

    asyncio.run(run())


def test_a_player_is_described_once_and_subscribed_to() -> None:
    async def act(scene: Scene) -> None:
        assert await scene.look() is LivenessState.LIVE
        assert scene.begun["bank"].patterns == ["level"]
        assert (scene.state.kind, scene.state.overview) == ("toy", {"mode": "MODE1"})
        assert (scene.state.instance, scene.state.offset) == ("one", 50.0 - 1010.0)
        scene.player.asked.clear()
        await scene.look()
        assert scene.player.asked == ["bank.get_overview"]

    played(act)


def test_other_questions_are_asked_from_time_to_time() -> None:
    async def act(scene: Scene) -> None:
        for _ in range(2 * INTERFACE_EVERY):
            await scene.look()
        asked = scene.player.asked
        assert asked.count("bank.get_overview") == 2 * INTERFACE_EVERY
        assert asked.count("bank.get_findings") == 2 * INTERFACE_EVERY / FINDINGS_EVERY
        assert asked.count("bank.list_properties") == 2
        assert asked.count("bank?") == 1

    played(act)


def test_methods_that_raise_keep_nobody_from_looking() -> None:
    async def act(scene: Scene) -> None:
        broken = RemoteError("ValueError", "no")
        for method in ("get_overview", "get_kind", "get_findings"):
            scene.player.answers[f"bank.{method}"] = broken
        scene.player.answers["rpc.operations"] = RefusedError("no")
        assert await scene.look() is LivenessState.LIVE
        assert scene.begun["bank"].patterns == ["level"]
        scene.player.answers["bank.list_properties"] = broken
        scene.player.process = 1
        assert await scene.look() is LivenessState.LIVE
        assert not scene.begun["bank"].is_closed

    played(act)


def test_another_process_is_asked_anew_and_its_new_results_are_subscribed_to() -> None:
    async def act(scene: Scene) -> None:
        await scene.look()
        scene.player.process = 1
        scene.player.answers["bank.list_properties"] = [
            {"name": "level", "kind": "result"},
            {"name": "status.A", "kind": "result"},
        ]
        scene.player.answers["bank.get_kind"] = "other"
        await scene.look()
        assert scene.begun["bank"].patterns == ["level", "status.*"]
        assert (scene.state.kind, scene.state.interface.number) == ("other", 2)

    played(act)


def test_what_another_process_has_not_published_yet_is_not_shown_of_the_one_before() -> None:
    async def act(scene: Scene) -> None:
        told: dict[str, Any] = {"kind": "result", "number": 1}
        names = {"name": "scan"}, {"name": "level"}
        scene.player.answers["bank.list_properties"] = [told | each for each in names]
        await scene.look()
        for name in ("scan", "level"):
            update: Any = SimpleNamespace(kind="result", name=name, value=1, time=9.0, number=1)
            scene.state.take("bank", update, scene.now)
        scene.player.process = 1
        scene.player.answers["bank.list_properties"] = [
            {"name": "scan", "kind": "result"},
            told | {"name": "level"},
        ]
        await scene.look()
        assert list(scene.state.values) == ["level"]

    played(act)


def test_parts_that_are_gone_are_not_subscribed_to_any_more() -> None:
    async def act(scene: Scene) -> None:
        scene.player.objects["bank"] = described("list_properties", objects=["bank", "bank.dial"])
        scene.player.objects["bank.dial"] = described("list_properties")
        scene.player.answers["bank.dial.list_properties"] = [{"name": "turns", "kind": "result"}]
        await scene.look()
        assert scene.begun["bank.dial"].patterns == ["turns"]
        scene.player.objects["bank"] = described("list_properties")
        scene.player.process = 1
        await scene.look()
        assert scene.begun["bank.dial"].is_closed
        assert not scene.begun["bank"].is_closed

    played(act)


def test_updates_that_do_not_come_make_a_bank_stale_and_are_asked_for_again() -> None:
    async def act(scene: Scene) -> None:
        await scene.look()
        scene.begun["bank"].stale = {"BANKA": "no answer for 3 s"}
        assert await scene.look() is LivenessState.STALE
        assert scene.state.liveness.reason == "no answer for 3 s"
        scene.player.asked.clear()
        scene.begun["bank"].stale, scene.begun["bank"].reopened = {}, 1
        scene.begun["bank"].lost = 4
        assert await scene.look() is LivenessState.LIVE
        await scene.look()
        assert "bank.list_properties" in scene.player.asked
        assert scene.state.missed == 4

    played(act)


def test_a_player_that_is_not_there_or_lets_nobody_in_says_why() -> None:
    async def act(scene: Scene) -> None:
        there: Any = scene.player.objects["bank"]
        objects: dict[str, Any] = scene.player.objects
        objects["bank"] = PeerLostError(URL, "hello", "connection refused")
        assert await scene.look() is LivenessState.CONNECTING
        assert "connection refused" in scene.state.liveness.reason
        objects["bank"] = KeysNeededError("keys are needed here")
        assert await scene.look() is LivenessState.REFUSED
        assert scene.state.liveness.reason == "keys are needed here"
        objects["bank"] = there
        assert await scene.look() is LivenessState.LIVE

    played(act)


def test_answers_that_nobody_can_read_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    async def act(scene: Scene) -> None:
        scene.player.answers["rpc.ping"] = {"time": "noon"}
        with caplog.at_level(logging.ERROR):
            for _ in range(3):
                await scene.look()
        assert caplog.text.count("cannot be read") == 1

    played(act)


def test_a_player_of_the_original_is_asked_for_its_status_alone() -> None:
    async def act(scene: Scene) -> None:
        scene.player.objects["bank"] = described("get_status", "get_mode", native=False)
        scene.player.answers["bank.get_mode"] = [True, "MODE2"]
        scene.player.answers["bank.get_status"] = {"SCANNUM": 7}
        assert await scene.look() is LivenessState.LIVE
        assert scene.state.dialect == "original"
        assert (scene.state.overview["mode"], scene.state.overview["SCANNUM"]) == ("MODE2", 7)
        assert scene.state.values["status.SCANNUM"] == [7, 1010.0, 1]
        assert scene.begun == {}
        scene.player.asked.clear()
        await scene.look()
        assert scene.player.asked == ["bank.get_status"]

    played(act)
