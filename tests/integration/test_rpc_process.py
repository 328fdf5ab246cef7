"""Connections and their process: its end with calls under way, its children, and attempts to take a
Dealer along."""

from __future__ import annotations

import copy
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zmq
from support.dealers import eventually
from support.rpc_bank import Bank, serving

from dealer import AsyncDealer, Dealer
from zmqjsonproxy import (
    AsyncHub,
    AsyncProxyClient,
    ServerSettings,
    ThreadHub,
    ZMQJSONProxyClient,
    ZMQJSONProxyServer,
)

ROOT = Path(__file__).resolve().parents[2]


def run(script: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run a script to its end."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=ROOT,
        **options,
    )


LARGE = "'x' * 15_000_000"
ENDS = {
    "a Dealer": f"d = dealer.Dealer({{'A': url}}); d['A'].add(2, 3); later = d['A'].call_later('echo', {LARGE})",
    "a Dealer in a function": f"def f(): d = dealer.Dealer({{'A': url}}); d['A'].add(2, 3); "
    f"return d['A'].call_later('echo', {LARGE})\nlater = f()",
    "an exception": f"d = dealer.Dealer({{'A': url}}); d['A'].add(2, 3); d['A'].call_later('echo', {LARGE}); 1 / 0",
    "a context of the program": f"hub = ThreadHub(zmq.Context()); hub.call(url, 'bank', 'add', [2, 3]); "
    f"later = hub.begin(url, 'bank', 'echo', [{LARGE}])",
    "the context of all programs": f"hub = ThreadHub(zmq.Context.instance()); hub.call(url, 'bank', 'add', [2, 3]); "
    f"later = hub.begin(url, 'bank', 'echo', [{LARGE}])",
    "a thread that waits": f"hub = ThreadHub(); hub.call(url, 'bank', 'add', [2, 3]); "
    f"threading.Thread(target=hub.call, args=(url, 'bank', 'hold'), daemon=True).start(); "
    f"later = hub.begin(url, 'bank', 'echo', [{LARGE}])",
    "asyncio": f"""
async def run():
    global hub, later
    hub = AsyncHub()
    await hub.call(url, 'bank', 'add', (2, 3))
    later = hub.begin(url, 'bank', 'echo', ({LARGE},))
    await asyncio.sleep(0)
asyncio.run(run())
""",
}


@pytest.mark.parametrize("script", ENDS.values(), ids=ENDS.keys())
def test_a_program_that_ends_with_a_large_call_under_way_ends_in_order(
    served: tuple[str, Bank], script: str
) -> None:
    head = "import asyncio, dealer, sys, threading, zmq\n"
    head += "from zmqjsonproxy import AsyncHub, ThreadHub\nurl = sys.argv[1]\n"
    ended = run(head + script, served[0])
    assert ended.returncode == int("1 / 0" in script)
    assert "Error" not in ended.stderr.replace("ZeroDivisionError", "")


SERVES = """
import sys, threading, zmq
from zmqjsonproxy import ZMQJSONProxyServer, query
class Bank:
    @query
    def large(self):
        asked.set()
        return "x" * 60_000_000
asked = threading.Event()
server = ZMQJSONProxyServer(zmq.Context(), "tcp://127.0.0.1:*")
server.expose("bank", Bank())
threading.Thread(target=server.run_loop, daemon=True).start()
print(server.url, flush=True)
asked.wait()
"""


def test_a_program_that_ends_while_it_serves_a_large_result_ends_in_order() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVES], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        with zmq.Context() as context, context.socket(zmq.DEALER) as slow:
            slow.linger, slow.rcvhwm = 0, 1
            slow.connect(process.stdout.readline().strip())
            slow.send(
                json.dumps(
                    {"jsonrpc": "2.0", "id": 1, "method": "bank.large", "params": []}
                ).encode()
            )
            assert process.wait(60) == 0


FORKS = """
import asyncio, json, multiprocessing, os, sys, threading, time
from dealer import AsyncDealer, Dealer
from zmqjsonproxy import AsyncProxyClient, ThreadHub, PeerLostError, ZMQJSONProxyClient

url, absent = sys.argv[1:]
d = Dealer({"BANKA": url, "GONE": absent}, timeout=20)
d["BANKA"].add(2, 3)
own = ZMQJSONProxyClient(None, "bank", url, 20.0)
later = d["BANKA"].call_later("hold")
# While a thread leads the socket, and another one follows:
for _ in range(2):
    threading.Thread(target=lambda: d["BANKA"].hold(_timeout=60), daemon=True).start()
while d._hub._lead.take() or not d._hub._lead.followers:
    time.sleep(0.01)

async def meet():
    global tasks
    tasks = AsyncDealer({"BANKA": url})
    return await tasks.add(2, 3)

asyncio.run(meet())

def kind(function):
    try:
        return function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"

def child(pipe):
    operation = d["BANKA"].begin("count", 3)
    pipe.send({
        "verb": d.add(2, 3),
        "proxy": own.add(2, 3),
        "future": kind(later.result),
        "absent": kind(lambda: d._hub.call(absent, "bank", "add", [2, 3], timeout=20)),
        "time": kind(lambda: d["BANKA"].sleep(30, _timeout=0.3)),
        "asyncio": asyncio.run(tasks.add(2, 3)),
        "is its own": operation.client.endswith(f":{os.getpid()}"),
        "batch": d._hub.call_batch(url, "bank", [("add", [n, 1], {}) for n in range(3)])[2].value,
    })

def once(n):
    return d["BANKA"].add(n, 1)

fork = multiprocessing.get_context("fork")
here, there = fork.Pipe()
process = fork.Process(target=child, args=(there,))
process.start()
found = here.recv() if here.poll(60) else "nothing"
process.join(20)
with fork.Pool(2) as pool:
    found["pool"] = pool.map(once, range(4))
found["status"] = process.exitcode
found["parent"] = d["BANKA"].add(2, 3)
print(json.dumps(found))
"""


def test_a_child_has_connections_of_its_own_and_every_deadline_holds(
    served: tuple[str, Bank],
) -> None:
    url, bank = served
    ended = run(
        FORKS, url, "tcp://127.0.0.1:9", env={"PYTHONWARNINGS": "ignore", "PYTHONPATH": str(ROOT)}
    )
    bank.go_on.set()
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found.pop("future").startswith("PeerLostError: bank.hold: no server at")
    assert found.pop("absent").startswith("PeerLostError: ")
    assert found.pop("time").startswith("CallTimeoutError: bank.sleep")
    assert found == {
        "verb": {"BANKA": 5},
        "proxy": 5,
        "asyncio": {"BANKA": 5},
        "is its own": True,
        "batch": 3,
        "pool": [1, 2, 3, 4],
        "status": 0,
        "parent": 5,
    }


POOL = """
import multiprocessing
from dealer import Dealer, PlayersError

def ask(url):
    with Dealer({"BANKA": url}, timeout=20) as d:
        return d.get_mode()

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        try:
            pool.map(ask, ["tcp://127.0.0.1:9"])
        except PlayersError as failed:
            print(type(failed.failed["BANKA"].error).__name__)
"""


def test_a_pool_hears_of_a_player_that_is_away(tmp_path: Path) -> None:
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    ended = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=600, cwd=ROOT
    )
    assert ended.stdout == "PeerLostError\n", ended.stderr


def test_the_call_of_a_parent_is_not_ended_by_its_child(served: tuple[str, Bank]) -> None:
    url, bank = served
    script = """
import os, sys
from zmqjsonproxy import ThreadHub
hub = ThreadHub()
hub.call(sys.argv[1], "bank", "add", [2, 3])
later = hub.begin(sys.argv[1], "bank", "write", [1])
if os.fork() == 0:
    hub.close()
    sys.exit()
os.wait()
print(hub.call(sys.argv[1], "bank", "add", [2, 3]), later.result(20))
"""
    with ThreadHub() as other:
        assert other.call(url, "bank", "add", [2, 3]) == 5
        held = other.begin(url, "bank", "hold")
        assert bank.begun.wait(20)
        with subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", script, url],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        ) as process:
            eventually(bank.waiting)
            bank.go_on.set()
            assert process.communicate(timeout=600)[0] == "5 None\n"
        assert held.result() == "held"
    assert bank.written == [1]


def test_whatever_has_connections_says_how_to_make_another_where_it_is_needed() -> None:
    with serving() as (url, _), Dealer({"BANKA": url}) as d, zmq.Context() as context:
        others = [AsyncHub(), AsyncProxyClient(None, "bank", url), AsyncDealer({"BANKA": url})]
        server = ZMQJSONProxyServer(context, "tcp://127.0.0.1:*", ServerSettings())
        own = ZMQJSONProxyClient(None, "bank", url)
        bank = d["BANKA"]
        kept = [
            d,
            bank,
            d._hub,
            bank.batch(),
            bank.call_later("add", 2, 3),
            bank.begin("count", 1),
            server,
            own,
        ]
        for one in kept + others:
            for take in (pickle.dumps, copy.copy, copy.deepcopy):
                with pytest.raises(
                    TypeError,
                    match="cannot be pickled or copied; make another one where it is needed",
                ):
                    take(one)
        with pytest.raises(TypeError, match=rf"Dealer\({{'BANKA': '{url}'}}\)"):
            pickle.dumps(d.get_mode)
        with pytest.raises(TypeError, match=rf"ZMQJSONProxyClient\(None, 'bank', '{url}'\)"):
            pickle.dumps(d["BANKA"])
        own.close()
        server.close()
        for other in others:
            other.end_with_process() if isinstance(
                other, AsyncHub
            ) else other._hub.end_with_process()


def test_a_program_that_destroys_the_context_of_all_leaves_ours_alone(
    served: tuple[str, Bank],
) -> None:
    script = """
import sys, zmq
from dealer import Dealer
d = Dealer({"BANKA": sys.argv[1]})
d.add(2, 3)
zmq.Context.instance().destroy()
print(d.add(2, 3))
with Dealer({"BANKA": sys.argv[1]}) as other:
    print(other.add(2, 3))
"""
    assert run(script, served[0]).stdout == "{'BANKA': 5}\n{'BANKA': 5}\n"


def test_a_program_ends_though_it_dropped_a_hub_that_it_never_closed(
    served: tuple[str, Bank],
) -> None:
    script = """
import gc, sys
from zmqjsonproxy import ThreadHub
gc.disable()
hub = ThreadHub()
print(hub.call(sys.argv[1], "bank", "add", [2, 3]), hub.call_each([sys.argv[1]] * 2, "bank", "add", [2, 3])[1].value)
del hub
"""
    assert run(script, served[0]).stdout == "5 5\n"
