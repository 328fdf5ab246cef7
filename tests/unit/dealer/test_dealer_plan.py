"""Plans made in this process: what scripts do wrong, what is doubtful, virtual time, and that nothing stays of it."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.backends import SHIPPED

import dealer
from dealer import rehearsal
from dealer.errors import ConfigurationError, DealerError
from dealer.plan import Plan, plan_script
from dealer.plancommand import as_json, as_text, duration

Run = Callable[..., Plan]
HEAD = "import dealer\nd = dealer.Dealer()\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("DIBAS_CONFIG", str(SHIPPED))

    def planned(text: str, *words: str) -> Plan:
        script = tmp_path / "script.py"
        script.write_text(text)
        return plan_script(script, words, SHIPPED)

    return planned


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (f"{HEAD}\nd.set_mood('MODE1')\n", 4, "set_mode"),
        (f"{HEAD}d.set_mode('MODE1', colour=1)\n", 3, "colour"),
        (f"{HEAD}d.players['BANKA'].set_mood('MODE1')\n", 3, "has no method set_mood"),
        (f"{HEAD}d.set_mode('MODE1')\nd.set_param(source={{1, 2}})\n", 4, "JSON"),
        (f"{HEAD}d.add_active_player('BANKZ')\n", 3, "no such Player: BANKZ"),
        (f"{HEAD}d.start()\n", 3, "no mode is set"),
        (f"{HEAD}d.begin('set_mode', 'MODE99')\n", 3, "MODE99 is not supported"),
        (f"{HEAD}d.set_mode('MODE1', _timeout=0.5)\n", 3, "_timeout"),
        ("import dealer\n\nd = dealer.Dealer(timeout=-1)\n", 3, "a reply time-out is 0 s"),
        ("import dealer\n\n1 / 0\n", 3, "ZeroDivisionError"),
        ("import dealer\nd = dealer.Dealer(\n", 2, "SyntaxError"),
        ("import dealer\n\nd = dealer.Dealer({'BANKZ': 'tcp://h:1'})\n", 3, "BANKZ"),
        ("import sys\n\nsys.exit('no source is up')\n", 3, "no source is up"),
        (
            "from datetime import UTC, datetime, timedelta\n"
            f"{HEAD}d.set_mode('MODE1')\nd.start(datetime.now(UTC) + timedelta(seconds=1))\n",
            5, "too early",
        ),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_one_fault_with_its_line(run: Run, text: str, line: int, words: str) -> None:
    (fault,) = run(text).faults
    assert fault.line == line
    assert words in fault.text


@pytest.mark.parametrize("timeout", [None, 0])
def test_a_dealer_without_a_time_out_has_the_default_one(run: Run, timeout: float | None) -> None:
    plan = run(
        f"import asyncio, dealer\nd = dealer.Dealer(timeout={timeout})\nd.set_mode('MODE1')\nd.prepare()\n"
        "assert (d.timeout, d['BANKA'].get_request_reply_timeout()) == (180, 180)\n"
        f"async def main():\n    async with dealer.AsyncDealer(timeout={timeout}) as a:\n        await a.prepare()\n"
        "        assert a.timeout == 180\nasyncio.run(main())\n"
    )
    assert plan.faults == []


def test_what_is_allowed_but_doubtful_is_told_and_the_plan_is_good(run: Run) -> None:
    plan = run(f"{HEAD}d.set_mode('MODE1')\nd.set_param(exposure=0.7, scan_length=10)\nd.start()\n")
    assert plan.faults == []
    doubts = {row.line: row.doubts for row in plan.rows if row.doubts}
    assert "no multiple of exposure" in doubts[4][0]
    assert "set after the last prepare" in doubts[5][0]
    assert "nobody waits for its end" in doubts[0][0]
    assert as_json(plan)["doubts"] == len(plan.doubts) == 3
    assert "no faults, 3 doubts" in as_text(plan)


def test_an_exposure_that_the_hardware_rounds_far_off_is_doubtful(run: Run) -> None:
    plan = run(f"{HEAD}d.set_mode('MODE1')\nd.set_param(exposure=0.0001, scan_length=90000)\nd.prepare()\n")
    (long, rounded) = [doubt for _, doubt in plan.doubts]
    assert "25.0 h" in long
    assert "the hardware takes an exposure of" in rounded


def test_many_scans_take_their_time_in_the_plan_only(run: Run) -> None:
    plan = run(
        "import time\nfrom datetime import datetime, timedelta, timezone\nimport dealer\nd = dealer.Dealer()\n"
        "d.set_mode('MODE1')\nfor n in range(100):\n    d.set_param(scan_length=60.0, source=f'S{n}')\n"
        "    d.prepare()\n    d.start(datetime.now(timezone.utc) + timedelta(minutes=30))\n    d.wait_for_scan()\n"
        "    time.sleep(3600)\n",
    )  # fmt: skip
    starts = [row.at for row in plan.rows if row.call == "start()"]
    assert len(starts) == 100
    gaps = {round(late - early) for early, late in itertools.pairwise(starts)}
    assert gaps <= {1800 + 60 + 3600 + more for more in range(5)}
    assert plan.seconds > starts[-1] + 1800 + 60 + 3600
    assert plan.faults == []


def test_a_scan_in_every_mode_of_the_shipped_file_is_planned(run: Run) -> None:
    plan = run(
        f"{HEAD}d.add_active_player(*d.list_available_players())\nfor mode in d.list_modes():\n    d.set_mode(mode)\n"
        "    d.set_param(scan_length=20.0)\n    d.prepare()\n    d.start()\n    d.wait_for_scan()\n"
        "    assert all(report['outcome'] == 'done' for report in d.scan_report().values())\n"
    )
    assert plan.faults == []
    assert sum(row.call == "start()" for row in plan.rows) == 45
    assert all(len(row.banks) == 8 for row in plan.rows)


def test_operations_are_begun_watched_and_waited_for(run: Run) -> None:
    plan = run(
        f"{HEAD}import sys\nop = d.begin('set_mode', 'MODE1')\nassert not op.done()\nassert op.wait()\n"
        "assert op.result() == {'BANKA': (True, 'new mode MODE1 set!')}, op.result()\n"
    )
    assert plan.faults == []
    assert plan.seconds >= 1.0


def test_a_script_that_asks_without_pause_comes_to_its_end(run: Run) -> None:
    plan = run(
        f"{HEAD}d.set_mode('MODE1')\nd.set_param(scan_length=2.0)\nd.prepare()\nd.start()\n"
        "while d.scan_status()['BANKA'][0]:\n    pass\n"
    )
    assert plan.faults == []
    assert plan.doubts == []


def test_a_script_that_never_ends_is_a_fault_whatever_it_catches(run: Run) -> None:
    text = "import time\nwhile True:\n    try:\n        time.sleep(3600)\n    except Exception:\n        pass\n"
    (fault,) = run(text).faults
    assert (fault.line, "does it ever end" in fault.text) == (4, True)


def test_a_script_for_asyncio_is_planned_with_its_tasks(run: Run) -> None:
    plan = run(
        "import asyncio\nimport dealer\n\nasync def main():\n    async with dealer.AsyncDealer() as d:\n"
        "        ops = await d.begin('set_mode', 'MODE1')\n        await ops.result()\n"
        "        exposure = d.players['BANKA'].call_later('get_param', 'exposure')\n"
        "        assert await exposure == 1.0\n"
        "        await d.players['BANKA'].set_param(scan_length=20)\n        await d.prepare()\n"
        "        await asyncio.gather(d.start(), asyncio.sleep(100))\n        await d.stop()\n\n"
        "asyncio.run(main())\n"
    )
    (fault,) = plan.faults
    assert (fault.line, fault.call, fault.text) == (13, "stop()", "No scan running!")
    assert 100 < plan.seconds < 105


def test_what_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rehearsal.BUILT_IN, "absent", "no_such_package.rehearsal:rehearse")
    with pytest.raises(DealerError, match=r"pip install 'dealer-player\[player\]' \(.*no_such_package"):
        rehearsal.factory_of("absent")


def test_what_outlives_a_script_is_part_of_the_plan_in_the_order_of_live(run: Run) -> None:
    plan = run(
        f"{HEAD}import atexit, threading, time\nd.set_mode('MODE1')\n"
        "class Last:\n    def __del__(self):\n        d.set_param(exposure=0.3)\nlast = Last()\n"
        "atexit.register(lambda: d.set_param(exposure=0.2))\n"
        "threading.Thread(target=lambda: (time.sleep(60), d.set_param(exposure=0.1))).start()\n"
    )
    assert plan.faults == []
    assert [(row.line, row.text) for row in plan.rows[1:]] == [
        (10, "exposure=0.1"), (9, "exposure=0.2"), (7, "exposure=0.3"),
    ]  # fmt: skip
    assert plan.rows[1].at > 60


def test_proxies_of_a_plan_ask_the_models_by_address(run: Run) -> None:
    plan = run(
        "from zmqjsonproxy import ZMQJSONProxyClient as Proxy\n"
        "from dealer.players import find_players\nurls = find_players()\nimport dealer\nd = dealer.Dealer()\n"
        "bank = Proxy(None, 'bank', urls['BANKB'])\nassert bank.set_mode('MODE2')[0]\n"
        "assert dealer.Dealer().available_players['BANKB'].get_mode() == 'MODE2'\n"
        "try:\n    Proxy(None, 'bank', 'tcp://nowhere:1').stop()\nexcept dealer.PeerLostError:\n    pass\n"
    )
    assert [(row.line, row.banks, row.is_fault) for row in plan.rows] == [
        (7, ("BANKB",), False), (10, ("tcp://nowhere:1",), True),
    ]  # fmt: skip


def test_dealers_of_one_script_share_the_players(run: Run) -> None:
    plan = run(
        f"{HEAD}d.set_mode('MODE1')\nwith dealer.Dealer() as other:\n    assert other.get_mode() == (True, 'MODE1')\n"
    )
    assert plan.faults == []


def test_arguments_reach_the_script(run: Run) -> None:
    assert run("import sys\nassert sys.argv[1:] == ['--fast', 'x'], sys.argv\n", "--fast", "x").faults == []


def test_everything_is_as_before_afterwards(run: Run) -> None:
    def world() -> tuple[object, ...]:
        return (
            dealer.Dealer, dealer.AsyncDealer, time.time, time.sleep, datetime.datetime, asyncio.get_event_loop_policy()
        )  # fmt: skip

    before = world()
    run("import dealer\nassert dealer.Dealer.__mro__[1].__name__ == 'PlannedDealer'\n1 / 0\n")
    assert world() == before


def test_tasks_take_turns_in_virtual_time(run: Run) -> None:
    plan = run(
        "import asyncio, datetime, time\nbegun, seen = time.time(), []\n"
        "async def ticks(name, every, count):\n    for _ in range(count):\n        await asyncio.sleep(every)\n"
        "        seen.append((name, round(time.time() - begun)))\n"
        "async def both():\n    await asyncio.gather(ticks('slow', 3600.0, 2), ticks('fast', 2000.0, 3))\n"
        "asyncio.run(both())\ntime.sleep(800.0)\n"
        "assert abs(datetime.datetime.now(datetime.UTC).timestamp() - begun - 8000) < 1e-3\n"
        "assert isinstance(datetime.datetime.now(), datetime.datetime)\n"
        "try:\n    time.sleep(-1)\nexcept ValueError as error:\n    assert 'non-negative' in str(error)\n"
        "assert seen == [('fast', 2000), ('slow', 3600), ('fast', 4000), ('fast', 6000), ('slow', 7200)], seen\n"
    )
    assert (plan.faults, plan.seconds) == ([], pytest.approx(8000))


def test_kinds_without_a_model_and_wrong_files_are_named(tmp_path: Path) -> None:
    config, script = tmp_path / "dibas.toml", tmp_path / "script.py"
    script.write_text("")
    config.write_text('[banks.BANKA]\nkind = "toy"\nhpc_host = "localhost"\n')
    script.write_text("import dealer\nd = dealer.Dealer()\n")
    (fault,) = plan_script(script, (), config).faults
    assert (fault.line, "of the kind toy bring no model; there are models of spectrometer" in fault.text) == (2, True)
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        plan_script(script, (), tmp_path / "none.toml")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00.0"), (59.96, "1:00.0"), (3661.25, "1:01:01.2")])
def test_times_are_shown_as_people_write_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
