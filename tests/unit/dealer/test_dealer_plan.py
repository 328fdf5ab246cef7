"""Plans made in this process: what scripts do wrong, what is doubtful, virtual time, and that
nothing stays of it."""

from __future__ import annotations

import asyncio
import datetime
import itertools
import json
import time
import warnings
from collections.abc import Callable
from multiprocessing import forkserver
from pathlib import Path

import pytest
from support.backends import SHIPPED
from support.player_run import DEADLINE

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

    def planned(text: str, *words: str, limit: float = DEADLINE) -> Plan:
        script = tmp_path / "script.py"
        script.write_text(text)
        return plan_script(script, words, SHIPPED, limit=limit)

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
            5,
            "too early",
        ),
    ],
)
def test_what_goes_wrong_is_one_fault_with_its_line(
    run: Run, text: str, line: int, words: str
) -> None:
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
    plan = run(
        f"{HEAD}d.set_mode('MODE1')\nd.set_param(exposure=0.0001, scan_length=90000)\nd.prepare()\n"
    )
    (long, rounded) = [doubt for _, doubt in plan.doubts]
    assert "25.0 h" in long
    assert "the hardware takes an exposure of" in rounded


def test_many_scans_take_their_time_in_the_plan_only(run: Run) -> None:
    plan = run(
        "import time\nfrom datetime import datetime, timedelta, timezone\nimport dealer\nd = dealer.Dealer()\n"
        "d.set_mode('MODE1')\nfor n in range(100):\n    d.set_param(scan_length=60.0, source=f'S{n}')\n"
        "    d.prepare()\n    d.start(datetime.now(timezone.utc) + timedelta(minutes=30))\n    d.wait_for_scan()\n"
        "    time.sleep(3600)\n",
    )
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


@pytest.mark.parametrize(
    ("before", "hangs", "lines"),
    [
        ("import time", "end = time.time() + 60\nwhile time.time() < end:\n    pass\n", {6, 7}),
        (
            "",
            "while True:\n    try:\n        1 / 0\n    except:\n        end = 1\n",
            {5, 6, 7, 8, 9},
        ),
        ("import threading", "threading.Event().wait()\n", {5}),
        ("import multiprocessing as m", "m.SimpleQueue().get()\n", {5}),
    ],
)
def test_a_script_that_hangs_is_ended_and_its_line_is_told(
    run: Run, before: str, hangs: str, lines: set[int]
) -> None:
    *rows, fault = run(f"{HEAD}{before}\nd.set_mode('MODE1')\n{hangs}", limit=1.5).rows
    assert (fault.is_fault, "not at its end after 1.5 s of real time" in fault.text) == (True, True)
    if rows:  # else the machine is so slow that it has not come so far
        assert (fault.line in lines, [row.call for row in rows]) == (True, ["set_mode('MODE1')"])


@pytest.mark.parametrize(
    ("end", "text"),
    [("os.kill(os.getpid(), 9)", "was ended by SIGKILL"), ("os.kill(os.getpid(), 15)", "SIGTERM")],
)
def test_a_script_whose_process_is_killed_has_its_rows_in_the_plan(
    run: Run, end: str, text: str
) -> None:
    (set_mode, fault) = run(f"{HEAD}import os\nd.set_mode('MODE1')\n{end}\n").rows
    assert set_mode.text == "MODE1, VEGAS, 1500 MHz"
    assert text in fault.text


def test_a_script_may_end_at_once(run: Run) -> None:
    plan = run(f"{HEAD}import os\nd.set_mode('MODE1')\nd.prepare()\nd.start()\nos._exit(0)\n")
    assert [row.call for row in plan.rows] == ["set_mode('MODE1')", "prepare()", "start()", "(end)"]
    assert plan.faults == []


THREADS = "import queue, threading, time\nfrom concurrent.futures import ThreadPoolExecutor\nbegun = time.monotonic()\n"
SLEEPERS = "[threading.Thread(target=time.sleep, args=(60,)) for _ in range(4)]"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (f"threads = {SLEEPERS}\nfor one in threads:\n    one.start()\nfor one in threads:\n    one.join()\n", 60),
        (f"for one in {SLEEPERS}:\n    one.start()\n", 60),
        (f"for one in {SLEEPERS}:\n    one.start()\n    one.join(10)\n", 90),
        ("with ThreadPoolExecutor(4) as pool:\n    list(pool.map(time.sleep, [60] * 8))\n", 120),
        ("assert not threading.Event().wait(30)\nlock = threading.Lock()\nassert lock.acquire()\n"
         "assert not lock.acquire(timeout=12)\n", 42),
        ("import select\nselect.select([], [], [], 25)\n", 25),
        ("come = threading.Event()\nthreading.Timer(20, come.set).start()\nassert come.wait(30)\n", 20),
        ("q = queue.Queue()\nthreading.Timer(20, q.put, [1]).start()\ntry:\n    q.get(timeout=5)\n"
         "except queue.Empty:\n    q.get(timeout=50)\n", 20),
        ("import asyncio\nasync def both():\n    await asyncio.gather(asyncio.to_thread(time.sleep, 60),\n"
         "        asyncio.to_thread(time.sleep, 50), asyncio.sleep(40))\nasyncio.run(both())\n", 60),
    ],
)  # fmt: skip
def test_the_clock_moves_when_all_threads_wait(run: Run, text: str, seconds: float) -> None:
    plan = run(THREADS + text)
    assert (plan.rows, plan.seconds) == ([], pytest.approx(seconds))


def test_many_threads_with_dealers_take_the_same_time_in_each_plan(run: Run) -> None:
    text = (
        f"{HEAD}import queue, random, threading, time\nd.set_mode('MODE1')\ndef work(number):\n"
        "    rng = random.Random(number)\n    for _ in range(20):\n        time.sleep(rng.random())\n"
        "        d.set_status(OBSERVER=f'{number}')\n        assert d.get_mode()[0]\n"
        "def make():\n    for number in range(50):\n        q.put(number)\n        time.sleep(0.01)\n"
        "q = queue.Queue(2)\nthreading.Thread(target=make).start()\n"
        "for number in range(8):\n    threading.Thread(target=work, args=(number,)).start()\n"
        "assert [q.get() for _ in range(50)] == list(range(50))\n"
    )
    one, other = run(text), run(text)
    assert one.faults == one.doubts == []
    assert len(one.rows) == 161
    assert [(row.at, row.line) for row in one.rows] == [(row.at, row.line) for row in other.rows]


def test_times_are_doubtful_where_a_thread_waits_for_something_else(run: Run) -> None:
    plan = run(
        "import os, threading, time\nread, write = os.pipe()\n"
        "threading.Thread(target=lambda:\n    os.read(read, 1)).start()\n"
        "time.sleep(60)\ntime.sleep(60)\nos.write(write, b'x')\n"
    )
    assert (plan.seconds, [(row.line, row.call) for row in plan.rows]) == (120, [(4, "(thread)")])
    assert "times from here on are doubtful" in plan.doubts[0][1]


def test_a_pool_of_processes_does_its_work_and_comes_to_an_end(run: Run) -> None:
    plan = run(
        "import multiprocessing, time\nif __name__ == '__main__':\n    with multiprocessing.Pool(2) as pool:\n"
        "        assert pool.map(abs, [-1, 2]) == [1, 2]\n        time.sleep(60)\n        pool.map(time.sleep, [30])\n"
    )
    assert (plan.faults, plan.seconds) == ([], 60)
    assert {row.call for row in plan.rows} == {
        "(thread)",
        "(child)",
    }  # both say that the times are doubtful


def test_another_task_may_end_a_scan_that_is_waited_for(run: Run) -> None:
    plan = run(
        "import asyncio, contextlib, dealer\nasync def main():\n    async with dealer.AsyncDealer() as d:\n"
        "        await d.set_mode('MODE1')\n        await d.set_param(scan_length=3600)\n        await d.start()\n"
        "        async def end():\n            await asyncio.sleep(30)\n            await d.stop()\n"
        "        await asyncio.gather(d.wait_for_scan(), end(), return_exceptions=True)\nasyncio.run(main())\n"
    )
    assert plan.rows[-1].call == "stop()"
    assert 30 < plan.seconds < 60


def test_another_thread_may_end_a_scan_that_is_waited_for(run: Run) -> None:
    plan = run(
        f"{HEAD}import threading\nd.set_mode('MODE1')\nd.set_param(scan_length=3600)\nd.prepare()\nd.start()\n"
        "threading.Timer(30, lambda: d.stop()).start()\ntry:\n    d.wait_for_scan()\nexcept dealer.DealerError:\n"
        "    pass\n"
    )
    assert plan.rows[-1].call == "stop()"
    assert 30 < plan.seconds < 60


def test_status_that_scripts_wait_for_changes_in_the_order_of_live(
    run: Run, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    plan = run(
        f"{HEAD}import json, time\nd.set_mode('MODE1')\nd.set_param(scan_length=5)\nd.prepare()\nd.start()\n"
        "states, state, bank = [], None, d['BANKA']\nwhile not state or state[0] != 'scan terminated':\n"
        "    time.sleep(0.01)\n    found = bank.get_status(['SCANREM', 'ARMSTATE', 'DISKSTAT', 'SCANSTAT'])\n"
        "    state = [*found.values(), bank.scan_status()[0]]\n"
        "    if not states or state != states[-1][1]:\n        states.append([time.time(), state])\n"
        f"open({str(seen)!r}, 'w').write(json.dumps(states))\nd.prepare()\n"
    )
    assert plan.faults == []
    times, states = zip(*json.loads(seen.read_text()), strict=True)
    counted = [state[0] for state in states if isinstance(state[0], int)]
    assert counted == sorted(counted, reverse=True)
    assert set(counted) == set(range(counted[0] + 1))
    assert times[-1] - times[0] == pytest.approx(counted[0] + 1, abs=1.5)  # by the virtual clock
    assert list(dict.fromkeys(state[1] for state in states)) == ["waiting", "armed", "idle"]
    assert [state[2:] for state in states[-3:]] == [
        ["-", "running", True],
        ["-", "stopped", True],
        ["-", "stopped", False],
    ]


def test_questions_to_a_person_are_answered_with_nothing_and_told(run: Run) -> None:
    plan = run("assert input('ready? ') == ''\n")
    assert (plan.faults, [(row.line, row.call) for row in plan.rows]) == (
        [],
        [(1, "input('ready? ')")],
    )
    (fault,) = run("while input('ready? ') != 'yes':\n    pass\n").faults
    assert (fault.line, "EOFError" in fault.text) == (1, True)


def test_all_that_tells_the_time_tells_that_of_the_plan(run: Run) -> None:
    plan = run(
        "import datetime, pickle, time\nfrom datetime import date, datetime as when\n"
        "time.sleep(86400 * 3 + 0.25)\nday = time.strftime('%Y-%m-%d')\n"
        "assert day == str(date.today()) == str(datetime.date.today()) == str(when.today())[:10]\n"
        "assert time.ctime() == time.asctime() == time.asctime(time.localtime(time.time()))\n"
        "assert time.clock_gettime(time.CLOCK_REALTIME) == time.time() == when.now().timestamp()\n"
        "assert abs(time.time_ns() / 1e9 - time.time()) < 1e-6\n"
        "assert time.clock_gettime_ns(time.CLOCK_MONOTONIC) == time.monotonic_ns() == time.perf_counter_ns()\n"
        "assert isinstance(pickle.loads(pickle.dumps(when.now())), date) and pickle.loads(pickle.dumps(time.sleep))\n"
        "assert time.strftime('%Y', time.gmtime(0)) == '1970'\n"
    )
    assert plan.faults == []


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
    with pytest.raises(
        DealerError, match=r"pip install 'dealer-player\[player\]' \(.*no_such_package"
    ):
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
        (10, "exposure=0.1"),
        (9, "exposure=0.2"),
        (7, "exposure=0.3"),
    ]
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
        (7, ("BANKB",), False),
        (10, ("tcp://nowhere:1",), True),
    ]


def test_children_are_marked_whatever_environment_they_are_given(run: Run, tmp_path: Path) -> None:
    with warnings.catch_warnings():  # a test before may have ended what Python keeps beside it
        warnings.simplefilter("ignore")
        forkserver.ensure_running()  # the plan's process inherits it, and is not its parent
    seen = tmp_path / "seen"
    tell = f"import os; open({str(seen)!r}, 'a').write(os.environ.get('DEALER_PLAN', 'none') + chr(10))"
    plan = run(
        f"import multiprocessing, os, shlex, subprocess, sys\nTELL = {tell!r}\n"
        "WORDS = [sys.executable, '-S', '-c', TELL]\n\n"
        "def tell():\n    exec(TELL)\n\n"
        "if __name__ == '__main__':\n    subprocess.run(WORDS)\n    subprocess.run(WORDS, env={})\n"
        "    subprocess.run(WORDS, env={}, close_fds=False)\n    subprocess.run(WORDS, env={b'PYTHONPATH': b'x'})\n"
        "    os.waitpid(os.posix_spawn(sys.executable, WORDS, {}), 0)\n    os.spawnve(os.P_WAIT, WORDS[0], WORDS, {})\n"
        "    kept = dict(os.environ)\n    os.environ.clear()\n    subprocess.run(WORDS)\n"
        "    os.spawnv(os.P_WAIT, WORDS[0], WORDS)\n    os.system(shlex.join(WORDS))\n"
        "    os.environ.update(kept)\n"
        "    for way in ('spawn', 'forkserver', 'fork'):\n"
        "        child = multiprocessing.get_context(way).Process(target=tell)\n        child.start()\n"
        "        child.join()\n        assert child.exitcode == 0\n"
    )
    assert plan.faults == []
    marks = seen.read_text().split()
    assert (len(marks), len(set(marks)), "none" in marks) == (12, 1, False)


def test_neither_banks_nor_supervisors_are_reached_in_other_ways(run: Run) -> None:
    plan = run(
        "from arrayconfig.hosts import SupervisorAddress\nfrom dealer.supervisord import Supervisord, SupervisorError\n"
        "import player, time, zmq\n"
        "try:\n    Supervisord(SupervisorAddress('h', 'unix:///none'), time.monotonic() + 9).processes()\n"
        "except SupervisorError as error:\n    assert 'dealer plan' in str(error)\n"
        "try:\n    player.Bank('BANKA')\nexcept Exception as error:\n    assert 'dealer plan' in str(error)\n"
        "try:\n    zmq.Context().socket(zmq.SUB).connect('ipc:///none')\n"
        "except zmq.ZMQError as error:\n    assert 'dealer plan' in str(error)\n"
    )
    assert [row.text.partition("wants to ")[2] for row in plan.faults] == [
        "ask the supervisord of h for getAllProcessInfo",
        "open BANKA, unless it is simulated",
        "connect to ipc:///none",
    ]


def test_dealers_of_one_script_share_the_players(run: Run) -> None:
    plan = run(
        f"{HEAD}d.set_mode('MODE1')\nwith dealer.Dealer() as other:\n    assert other.get_mode() == (True, 'MODE1')\n"
    )
    assert plan.faults == []


def test_control_is_rehearsed_and_another_dealer_of_the_script_is_refused(run: Run) -> None:
    plan = run(
        f"{HEAD}import time\n"
        "with d.control('pointing run', minutes=30):\n"
        "    d.set_mode('MODE1')\n"
        "    with dealer.Dealer() as other:\n"
        "        try:\n"
        "            other.set_mode('MODE2')\n"
        "        except dealer.PlayersError as error:\n"
        "            assert 'pointing run' in str(error)\n"
        "d.take_control('short', 1)\n"
        "time.sleep(61)\n"
        "d.set_mode('MODE2')\n"
    )
    assert [(row.call, row.is_fault) for row in plan.rows] == [
        ("take_control('pointing run')", False),
        ("set_mode('MODE1')", False),
        ("set_mode('MODE2')", True),
        ("release_control()", False),
        ("take_control('short')", False),
        ("set_mode('MODE2')", True),
    ]
    assert "its time was over" in plan.rows[-1].text
    assert "until" in plan.rows[0].text


def test_the_outcome_of_a_call_that_never_was_is_unknown(run: Run) -> None:
    plan = run(f"{HEAD}assert d.outcome_of('none-1')['BANKA'].state == 'unknown'\n")
    assert plan.faults == []


def test_arguments_reach_the_script(run: Run) -> None:
    assert (
        run("import sys\nassert sys.argv[1:] == ['--fast', 'x'], sys.argv\n", "--fast", "x").faults
        == []
    )


def test_everything_is_as_before_afterwards(run: Run) -> None:
    def world() -> tuple[object, ...]:
        return (
            dealer.Dealer,
            dealer.AsyncDealer,
            time.time,
            time.sleep,
            datetime.datetime,
            asyncio.get_event_loop_policy(),
        )

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
    assert (
        fault.line,
        "of the kind toy bring no model; there are models of spectrometer" in fault.text,
    ) == (2, True)
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        plan_script(script, (), tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.0"), (59.96, "1:00.0"), (3661.25, "1:01:01.2")]
)
def test_times_are_shown_as_people_write_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


SCAN = f"{HEAD}d.set_mode('MODE1')\nd.set_param(exposure=0.5, scan_length=10.0)\nd.prepare()\n"


def test_a_subscription_follows_the_scan_of_the_plan(run: Run) -> None:
    plan = run(
        f"""{SCAN}
modes = []
told = d.subscribe("mode", modes.append)
with d.subscribe(["scan", "daq"]) as sub:
    assert sub.next(1).name == "scan"
    assert sub.next(1).value["program"]
    d.start()
    end = sub.wait_for(lambda u: u.name == "scan" and u.value["is_over"], 60)
    assert end.value["outcome"] == "done"
    try:
        sub.next(5)
    except TimeoutError:
        pass
    sub.modify("mode")
    assert sub.next(0).value["mode"] == "MODE1"
d.set_mode("MODE2")
told.close()
""",
    )
    assert [row.text for row in plan.faults] == []
    assert 15 < plan.seconds < 40  # the arm delay, the scan, and the five seconds


def test_a_task_follows_the_scan_of_the_plan(run: Run) -> None:
    plan = run(
        """import asyncio, dealer
async def main():
    async with dealer.AsyncDealer() as d:
        await d.set_mode("MODE1")
        await d.set_param(exposure=0.5, scan_length=10.0)
        await d.prepare()
        with d.subscribe("scan") as sub:
            await d.start()
            async for update in sub:
                if update.value["start_id"] and update.value["is_over"]:
                    return
asyncio.run(main())
""",
    )
    assert [row.text for row in plan.faults] == []
    assert 10 < plan.seconds < 40


def test_what_a_model_does_not_publish_is_a_doubt(run: Run, tmp_path: Path) -> None:
    plan = run(
        f"""{HEAD}
sub = d.subscribe("status.*", _banks=["BANKA"])
assert sub.events[-1].kind == "absent"
found = d.BANKA.fetch("DATA/scan.fits", {str(tmp_path)!r})
assert (found.size, found.path.name) == (0, "scan.fits")
""",
    )
    assert [row.text for row in plan.faults] == []
    (first, _), (second, _) = plan.doubts
    assert (first.call, second.call) == ("subscribe('status.*')", "fetch('DATA/scan.fits')")
    assert all("not rehearsed: " in doubt for _, doubt in plan.doubts)
    assert not (tmp_path / "scan.fits").exists()


def test_a_wait_for_what_never_comes_is_a_fault(run: Run) -> None:
    (fault,) = run(f"{HEAD}d.subscribe('scan').wait_for(lambda u: False)\n").faults
    assert (fault.line, "more than 30 days" in fault.text) == (3, True)
