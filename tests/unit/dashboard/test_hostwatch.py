"""View of the hosts: asked for while somebody looks, and once for all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dashboard import hostwatch
from dashboard.hostwatch import HostWatch
from dashboard.protocol.topics import KeyTopic
from dealer.hosts import Installation
from dealer.supervision import HostsReport


class Supervisors:
    """Stands for all supervisords.

    Attributes:
        asked: How often they were.
        trouble: What is raised; None: nothing.
    """

    def __init__(self) -> None:
        self.asked = 0
        self.trouble: Exception | None = None

    def __call__(self, *_args: object) -> Supervisors:
        return self

    def status(self) -> HostsReport:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return HostsReport([], {"hpc1": "nobody answers"})


@pytest.fixture
def supervisors(monkeypatch: pytest.MonkeyPatch) -> Supervisors:
    made = Supervisors()
    monkeypatch.setattr(hostwatch, "Supervision", made)
    return made


def watched(supervisors: Supervisors, *looks: bool) -> dict[str, Any]:
    """Look at the hosts some times, and then ask for what is known."""

    async def run() -> dict[str, Any]:
        topic = KeyTopic("hosts")
        watch = HostWatch(Installation({}, {}), topic)
        try:
            for is_wanted in looks:
                watch.look(is_wanted)
            await watch.renew()
        finally:
            watch.close()
        return topic.values

    return asyncio.run(run())


def test_hosts_are_asked_once_for_all_who_look(supervisors: Supervisors) -> None:
    told = watched(supervisors, False, True, True, True)
    assert supervisors.asked == 1
    assert told.pop("asked") > 0
    assert told == {
        "programs": [],
        "unreachable": {"hpc1": "nobody answers"},
        "without_supervisor": {},
        "without_banks": [],
        "error": "",
    }


def test_hosts_that_nobody_looks_at_are_not_asked_until_somebody_wants_to_know(
    supervisors: Supervisors,
) -> None:
    assert watched(supervisors, False)["error"] == ""
    assert supervisors.asked == 1


def test_trouble_is_told(supervisors: Supervisors) -> None:
    supervisors.trouble = ValueError("no such answer")
    assert "no such answer" in watched(supervisors)["error"]


def test_without_supervisords_it_is_said_how_to_name_them() -> None:
    async def run() -> dict[str, Any]:
        topic = KeyTopic("hosts")
        watch = HostWatch(None, topic)
        watch.look(True)
        await watch.renew()
        watch.close()
        return topic.values

    assert "[hosts.X]" in asyncio.run(run())["error"]
