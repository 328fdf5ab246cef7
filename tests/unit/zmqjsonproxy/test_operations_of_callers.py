"""Operations at their caller's, over hubs without sockets: what is heard, and who is told."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, cast

import pytest
from support.fake_hub import FakeServer, FakeThreadHub

from zmqjsonproxy import AsyncHub, AsyncOperation, Operation, ThreadHub
from zmqjsonproxy.errors import OperationLostError, PeerLostError, ProtocolError, RefusedError
from zmqjsonproxy.hubs import BlockingHub, run
from zmqjsonproxy.operations import list_of, look, only

URL = "tcp://a:1"
GONE = PeerLostError(URL, "rpc.operation", "gone")


def told(state: str, **more: Any) -> dict[str, Any]:
    return {"id": "1", "method": "bank.set_mode", "state": state, **more}


def hub_of(*news: Any) -> FakeThreadHub:
    """A hub whose server tells these news, one at each look; the last stays."""
    left = list(news)

    def answer(*_args: Any) -> Any:
        return left.pop(0) if len(left) > 1 else left[0]

    return FakeThreadHub({URL: FakeServer({"rpc.operation": answer, "rpc.abort": told("aborted")})})


def operation(hub: FakeThreadHub, **settings: Any) -> Operation:
    return Operation(cast(ThreadHub, hub), URL, told("queued"), **settings)


class TaskHub(BlockingHub):
    """The same for tasks; each question lets the others go on."""

    __slots__ = ("__weakref__",)

    async def call_many(self, requests: Any, timeout: float) -> Any:
        await asyncio.sleep(0)
        return await super().call_many(requests, timeout)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(0)

    def spawn(self, work: Coroutine[object, None, None]) -> object:
        return asyncio.ensure_future(work)


def in_tasks(hub: FakeThreadHub) -> AsyncHub:
    return cast(AsyncHub, TaskHub(cast(ThreadHub, hub)))


def test_one_is_found_looked_at_waited_for_and_has_a_value() -> None:
    hub = hub_of(told("running", text="loading"), told("running"), told("done", value=3))
    found = Operation.find(cast(ThreadHub, hub), URL, "1", 5.0)
    assert (found.id, found.text) == ("1", "")  # asked again
    assert found.result(5.0) == 3
    assert found.exception() is None
    asked = len(hub.asked)
    assert (found.look() is found, found.wait(), found.done()) == (True, True, True)
    assert len(hub.asked) == asked  # it has ended


def test_one_that_is_found_in_another_shape_is_none() -> None:
    hub = hub_of()
    hub.servers[URL].answers["rpc.operation"] = lambda *_args: "nothing"
    with pytest.raises(ProtocolError, match="no description of an operation: nothing"):
        Operation.find(cast(ThreadHub, hub), URL, "1", 5.0)


def test_one_that_goes_on_is_waited_for_no_longer_than_was_said() -> None:
    waited = operation(hub_of(told("running")))
    assert waited.wait(0.0) is False
    with pytest.raises(TimeoutError, match="it is still running"):
        waited.result(0.0)


def test_a_server_that_is_silent_for_long_has_lost_it_and_one_that_refuses_has_forgotten() -> None:
    lost = operation(hub_of(GONE), lost_after=0.0)
    with pytest.raises(OperationLostError, match="has not answered"):
        lost.result()
    forgotten = operation(hub_of(RefusedError("unknown")))
    with pytest.raises(OperationLostError, match="its server has forgotten it"):
        forgotten.result()


def test_an_abort_that_was_not_heard_raises() -> None:
    hub = hub_of(told("running"))
    aborted = operation(hub)
    aborted.abort("enough")
    assert (hub.args, aborted.state) == (("1", "enough"), "aborted")
    hub.servers[URL].answers["rpc.abort"] = GONE
    with pytest.raises(PeerLostError):
        operation(hub).abort()


def test_what_a_server_lists_is_made_into_operations_or_raised() -> None:
    hub = hub_of(told("running"))
    hub.servers[URL].answers["rpc.operations"] = lambda _active: [told("done"), told("running")]
    over = BlockingHub(cast(ThreadHub, hub))

    def make(url: str, described: dict[str, Any]) -> Operation:
        return Operation(cast(ThreadHub, hub), url, described)

    found = run(list_of(over, make, URL, True, 5.0))
    assert [each.has_ended for each in found] == [True, False]
    for said in ("nothing", [told("done"), 3], [{"state": "done"}]):
        hub.servers[URL].answers["rpc.operations"] = lambda _active, said=said: said
        with pytest.raises(ProtocolError, match="no description of an operation"):
            run(list_of(over, make, URL, True, 5.0))
    hub.servers[URL].answers["rpc.operations"] = GONE
    with pytest.raises(PeerLostError):
        run(list_of(over, make, URL, True, 5.0))
    with pytest.raises(PeerLostError):
        only([GONE])
    run(look(over, []))


# those who want to hear


def test_a_thread_tells_of_progress_and_of_the_end_once_and_ends() -> None:
    hub = hub_of(*[told("running", fraction=f) for f in (0.1, 0.1, 0.5)], told("done", value=1))
    watched, ended, heard = operation(hub), threading.Event(), list[float | None]()
    begin = threading.Event()
    hub.on_pause = lambda: begin.wait(10)
    watched.on_progress(lambda o: heard.append(o.fraction))
    watched.on_progress(lambda _o: [][0])  # keeps nothing from the others
    watched.on_done(lambda _o: ended.set())
    other = operation(hub_of(told("done")))
    other.look()
    other.on_done(lambda _o: heard.append(-1.0))  # it has ended: here and now
    begin.set()
    assert ended.wait(10)
    assert heard.count(-1.0) == 1
    assert 0.5 in heard
    for thread in threading.enumerate():
        if thread.name == "operations":
            thread.join(10)
    again = threading.Event()
    second = operation(hub)
    second.on_done(lambda _o: again.set())  # by another thread
    assert again.wait(10)


def test_a_task_tells_of_progress_and_of_the_end_and_awaits_who_is_told() -> None:
    async def main() -> None:
        hub = in_tasks(hub_of(told("running", fraction=0.5), told("done", value=3)))
        found = await AsyncOperation.find(hub, URL, "1", 5.0)
        heard, done = list[Any](), asyncio.Event()

        async def tell(which: AsyncOperation) -> None:
            await asyncio.sleep(0)
            heard.append(which.state)
            done.set()

        found.on_progress(lambda _which: [][0])  # keeps nothing from the others
        found.on_done(tell)
        assert await found.result() == 3
        assert await found.exception() is None
        await asyncio.wait_for(done.wait(), 10)
        assert heard == ["done"]
        assert found.is_told
        assert (await found.look()) is found
        assert await found.wait(0.0)
        await found.abort()

    asyncio.run(main())


def test_a_watching_task_that_is_cancelled_tells_nobody_and_another_may_follow() -> None:
    hub = in_tasks(hub_of(*[told("running")] * 50, told("done", value=3)))

    async def leave() -> None:
        found = AsyncOperation(hub, URL, told("queued"))
        found.on_done(lambda _which: None)
        await asyncio.sleep(0)

    async def stay() -> None:
        found = AsyncOperation(hub, URL, told("queued"))
        done = asyncio.Event()
        found.on_done(lambda _which: done.set())
        await asyncio.wait_for(done.wait(), 10)

    asyncio.run(leave())
    asyncio.run(stay())
