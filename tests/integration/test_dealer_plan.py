"""`dealer plan` as an observer uses it; and that a plan and a simulated Player answer the same
script alike."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.backends import SHIPPED
from support.player_run import DEADLINE, ROOT, PlayerRun, clean_environment, is_gone, poll, python
from support.spectrometer_array import write_array

from groundwork.addresses import split_url

REACHES = """
import asyncio, atexit, json, multiprocessing, os, subprocess, sys, threading, time
from pathlib import Path

import zmq

import dealer
from zmqjsonproxy import ZMQJSONProxyClient
from zmqjsonproxy.aio import AsyncProxyClient
from zmqjsonproxy.rpc.hub import ThreadHub

URL, DONE = CONSTANTS
CALLS = "from dealer import Dealer; Dealer({'BANKA': %r}).stop()" % URL
RAW = f"import zmq; s = zmq.Context().socket(zmq.REQ); s.linger = 0; s.connect({URL!r}); s.send(b'x')"
LATE = f"import time; time.sleep(0.5)\\ntry:\\n    {CALLS}\\nfinally:\\n    open({DONE!r}, 'w').close()"


def stop(comment=""):
    dealer.Dealer().stop()


async def ask():
    await AsyncProxyClient(None, "bank", URL).get_mode()


def tries(call, *args):
    try:
        call(*args)
    except Exception as error:
        print(type(error), error, file=sys.stderr)


def main():
    atexit.register(stop)
    proxy = ZMQJSONProxyClient(None, "bank", URL)
    print("set_mode", tries(proxy.set_mode, "MODE1"))
    tries(asyncio.run, ask())
    with ThreadHub() as hub:
        tries(hub.call, URL, "bank", "get_mode")
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.linger = 0
        tries(socket.connect, URL)
    quiet = {"stderr": subprocess.DEVNULL}
    for words in (["-c", CALLS], ["-E", "-c", CALLS], ["-c", RAW]):
        subprocess.run([sys.executable, *words], **quiet)
    subprocess.run([sys.executable, "-c", RAW], env={}, **quiet)
    subprocess.run([sys.executable, "-c", CALLS], env={"PYTHONPATH": os.environ["PYTHONPATH"]}, **quiet)
    os.system(f'{sys.executable} -m dealer.cli call BANKA stop 2> /dev/null')
    for way in ("spawn", "fork"):
        process = multiprocessing.get_context(way).Process(target=stop)
        process.start()
        process.join()
    subprocess.Popen([sys.executable, "-c", LATE], **quiet)
    threading.Thread(target=lambda: (time.sleep(30), stop("late"))).start()


if __name__ == "__main__":
    main()
"""


def test_nothing_of_a_plan_connects_to_a_player_or_lets_its_children_do_so(tmp_path: Path) -> None:
    config, script, done = tmp_path / "dibas.toml", tmp_path / "script.py", tmp_path / "done"
    url = write_array(config)["BANKA"]
    host, port = split_url(url)
    with socket.create_server((host, port)) as server:
        server.setblocking(False)
        script.write_text(REACHES.replace("CONSTANTS", repr((url, str(done)))))
        env = clean_environment(DIBAS_CONFIG=str(config))
        command = [
            sys.executable,
            "-m",
            "dealer.cli",
            "plan",
            str(script),
            "--json",
            "--show-output",
        ]
        planned = subprocess.run(
            command, capture_output=True, text=True, env=env, timeout=DEADLINE, check=False
        )
        poll(done.exists, "the child that outlives the script")
        with pytest.raises(BlockingIOError):
            server.accept()
        # so that the listener would have seen it
        live = "import dealer; dealer.Dealer().get_mode()"
        subprocess.run(
            [sys.executable, "-c", live],
            capture_output=True,
            env=env,
            timeout=DEADLINE,
            check=False,
        )
        server.accept()[0].close()
    found = json.loads(planned.stdout)
    rows = found["rows"]
    assert rows[0]["call"] == "set_mode('MODE1')"
    stops = [row for row in rows if row["call"] == "stop()" and row["banks"] == ["BANKA"]]
    assert [row["at"] > 30 for row in stops] == [
        False,
        True,
        True,
    ]  # in a fork; by a thread, and atexit
    assert "in a child of the script" in stops[0]["doubts"][0]
    refused = [row["fault"] for row in rows if row["call"] == "(connection)"]
    assert len(refused) == 8, (
        refused
    )  # the script's socket and seven children; the last may come too late
    assert all(str(port) in text for text in refused), refused


THREE_MISTAKES = """
import contextlib
import dealer

d = dealer.Dealer()
with contextlib.suppress(dealer.DealerError):
    d.set_mode("MODE99")
d.set_mode("MODE1")
with contextlib.suppress(dealer.DealerError):
    d.set_param(exposur=1.0)
with contextlib.suppress(dealer.DealerError):
    d.set_param(exposure=-1.0)
"""


def plan(tmp_path: Path, text: str | Path, *words: str) -> subprocess.CompletedProcess[str]:
    script = text if isinstance(text, Path) else tmp_path / "script.py"
    if isinstance(text, str):
        script.write_text(text)
    return python(
        "-m",
        "dealer.cli",
        "plan",
        script,
        *words,
        env=clean_environment(DIBAS_CONFIG=str(SHIPPED)),
        cwd=tmp_path,
    )


def document(tmp_path: Path, text: str | Path, *words: str) -> dict[str, Any]:
    done = plan(tmp_path, text, "--json", *words)
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (1 if found["faults"] else 0), done.stderr
    return found


@pytest.mark.parametrize("script", ["observe.py", "observe_async.py"])
def test_the_examples_are_planned_with_options_of_their_own(tmp_path: Path, script: str) -> None:
    found = document(
        tmp_path, ROOT / "examples" / script, "--", "--mode", "MODE4", "--scan-length", "7200"
    )
    assert [row["call"].partition("(")[0] for row in found["rows"]] == [
        "set_mode",
        "set_param",
        "prepare",
        "start",
    ]
    assert all(row["banks"] == [f"BANK{letter}" for letter in "ABCDEFGH"] for row in found["rows"])
    assert found["rows"][0]["call"] == "set_mode('MODE4')"
    assert found["rows"][3]["does"].endswith("7200 s")
    assert found["faults"] == 0
    # set_mode, the arm delay of 4 s with 0.3 s for asking, the scan, and what Bank and Dealer need
    # to see its end
    begins = found["rows"][3]["at"] + 4.3
    assert begins + 7201 <= found["seconds"] <= begins + 7204


def test_a_plan_as_json_is_nothing_else_whatever_is_written_to_standard_output(
    tmp_path: Path,
) -> None:
    text = (
        "import os, subprocess, sys\nprint('printed')\nsys.stdout.buffer.write(b'bytes')\nsys.__stdout__.write('a')\n"
        "os.write(1, b'descriptor')\nsubprocess.run(['echo', 'child'])\nos.system('echo shell')\ninput('prompt')\n"
    )
    words = ["printed", "bytes", "descriptor", "child", "shell", "prompt"]
    for shown in ([], ["--show-output"]):
        done = plan(tmp_path, text, "--json", "--limit", "30", *shown)
        assert json.loads(done.stdout)["faults"] == 0
        assert [word in done.stderr for word in words] == [bool(shown)] * len(words), done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_plan_that_is_ended_leaves_no_process_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    script, pids = tmp_path / "script.py", tmp_path / "pids"
    script.write_text(
        "import os, subprocess\nchild = subprocess.Popen(['sleep', '1000'])\n"
        f"with open({str(tmp_path / 'new')!r}, 'w') as file:\n    file.write(f'{{os.getpid()}} {{child.pid}}')\n"
        f"os.rename({str(tmp_path / 'new')!r}, {str(pids)!r})\nwhile True:\n    pass\n"
    )
    command = [sys.executable, "-m", "dealer.cli", "plan", str(script), "--limit", "1000"]
    with subprocess.Popen(
        command, env=clean_environment(DIBAS_CONFIG=str(SHIPPED)), stderr=subprocess.PIPE, text=True
    ) as process:
        poll(pids.exists, "the script")
        process.send_signal(number)
        _, said = process.communicate(timeout=DEADLINE)
    assert ("no Player has heard of it" in said) == (number == signal.SIGINT)
    for pid in map(int, pids.read_text().split()):
        poll(lambda pid=pid: is_gone(pid), "the end of what the plan has begun")


def test_a_script_that_goes_on_has_all_its_mistakes_listed_with_lines(tmp_path: Path) -> None:
    found = document(tmp_path, THREE_MISTAKES)
    faults = [(row["line"], row["call"], row["fault"]) for row in found["rows"] if "fault" in row]
    assert [fault[:2] for fault in faults] == [
        (7, "set_mode('MODE99')"),
        (10, "set_param(exposur=1.0)"),
        (12, "set_param(exposure=-1.0)"),
    ]
    assert "MODE99 is not supported" in faults[0][2]
    assert "exposur: no such parameter" in faults[1][2]
    assert "out of range" in faults[2][2]


def test_a_script_that_ends_at_its_first_mistake_has_this_one(tmp_path: Path) -> None:
    done = plan(
        tmp_path,
        THREE_MISTAKES.replace("with contextlib.suppress(dealer.DealerError):", "if True:"),
    )
    assert done.returncode == 1
    assert done.stdout.count("FAULT") == 1
    assert "1 fault" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_a_plan_without_script_or_configuration_says_what_is_missing(tmp_path: Path) -> None:
    assert plan(tmp_path, Path("none.py")).returncode == 2
    done = plan(tmp_path, "import dealer\n", "--config", "none.toml")
    assert done.returncode == 1
    assert "none.toml" in done.stderr


ANSWERS = """
import json
import dealer

d = dealer.Dealer()
found = []

def ask(method, *args, **kwargs):
    try:
        if method == "start":
            found.append([method, list(d.start())])
        else:
            found.append([method, getattr(d, method)(*args, **kwargs)])
    except Exception as error:
        found.append([method, type(error).__name__, str(error).partition("\\nremote traceback")[0]])

ask("start")
ask("get_mode")
ask("set_param", exposure=1.0)
for mode in ("MODE1", "MODE1", "MODE4", "MODE10", "MODE22", "COHERENT", "MODEX", None, 7):
    ask("set_mode", mode)
    ask("get_mode")
    ask("get_param")
    ask("set_param", exposure=0.5)
    ask("set_param", exposure="long")
    ask("set_param", exposure=-1, nonsense=2)
    ask("set_param", scan_length=1, filter_bw=1234)
    ask("set_param", filter_bw=450, noise_source=2)
    ask("set_param", source="x" * 100)
    ask("set_gbt_ss", 1.0, [[0.0, 0, 1, 0.01], [0.5, 1, 0, 0.01]])
    ask("set_gbt_ss", 1.0, [[0.5, 0, 1, 0.01]])
    ask("add_switching_state", -1.0)
    ask("prepare")
    ask("clear_switching_states")
    ask("prepare")
    ask("get_status", ["EXPOSURE", "NCHAN", "OBSNCHAN", "SCANLEN", "MODENUM", "SRC_NAME", "BASE_BW", "PROJID"])
ask("set_mode", "MODE1", 99999.0)
ask("set_mode", "MODE1", 1400.0)
ask("set_scan_number", -1)
ask("set_scan_number", 7)
ask("set_status", TOOLONGKEYWORD=1)
ask("get_status", "NOSUCH")
ask("stop")
ask("monitor")
ask("scan_status")
ask("stop")
ask("set_param", scan_length=1.0)
ask("prepare")
ask("start")
ask("start")
ask("prepare")
ask("set_mode", "MODE4")
ask("wait_for_scan")
ask("scan_status")
ask("stop")
ask("start")
ask("stop")
ask("help_param", "nonsense")
ask("set_mode", "MODE1", "fast")
ask("set_mode", "MODE1", extra=1)
with open(OUTPUT, "w") as file:
    json.dump(found, file)
"""


def test_a_plan_and_a_simulated_player_answer_alike(tmp_path: Path) -> None:
    config = tmp_path / "dibas.toml"
    urls = write_array(config, arm_delay_s=2.0)
    answers: dict[str, Any] = {}
    with PlayerRun(
        "BANKA", urls["BANKA"], "simulate", "--config", config, log=tmp_path / "log"
    ) as run:
        run.wait_ready()
        for name, command in {"player": [], "plan": ["-m", "dealer.cli", "plan"]}.items():
            output, script = tmp_path / f"{name}.json", tmp_path / f"{name}.py"
            script.write_text(ANSWERS.replace("OUTPUT", repr(str(output))))
            subprocess.run(
                [sys.executable, *command, str(script)],
                check=False,
                timeout=2 * DEADLINE,
                stdout=subprocess.DEVNULL,
                env=clean_environment(DIBAS_CONFIG=str(config)),
            )
            answers[name] = json.loads(output.read_text())
    differing = [
        (number, real, planned)
        for number, (real, planned) in enumerate(
            zip(answers["player"], answers["plan"], strict=True)
        )
        if _without_ports(real) != _without_ports(planned)
    ]
    assert differing == []


def _without_ports(answer: Any) -> str:
    """The answer as text, without where the board is, which is another one in simulation, who asked
    when, and how far a scan had come, which a busy machine decides."""
    text = re.sub(r" of [\w.]+:\d+", " of BOARD", json.dumps(answer))
    text = re.sub(r"a scan is (waiting|running);", "a scan is there;", text)
    return re.sub(r" for [\d:]+ UTC, by \S+;", " for then UTC, by somebody;", text)


def test_a_plan_that_is_ended_leaves_nothing_behind(tmp_path: Path) -> None:
    begun, script = tmp_path / "begun", tmp_path / "script.py"
    script.write_text(f"import threading\nopen({str(begun)!r}, 'w')\nthreading.Event().wait()\n")
    folder = tmp_path / "tmp"
    folder.mkdir()
    env = clean_environment(DIBAS_CONFIG=str(SHIPPED), TMPDIR=str(folder))
    command = [sys.executable, "-m", "dealer.cli", "plan", str(script)]
    with subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True) as process:
        poll(begun.exists, "the script")
        assert list(folder.iterdir())
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=DEADLINE)
    assert (process.returncode, list(folder.iterdir())) == (1, [])
    assert told == "dealer plan: interrupted; no Player has heard of it\n"
