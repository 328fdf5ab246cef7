"""Spectrometer Banks in real Players as clients of the original see them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from support.original_client import OriginalClient
from support.player_run import bank_of, poll
from support.spectrometer_players import SpectrometerArray


@pytest.fixture
def rehearsing(tmp_path: Path) -> Iterator[SpectrometerArray]:
    with SpectrometerArray(tmp_path, "simulate") as array:
        yield array


def test_clients_of_the_original_get_its_shapes(rehearsing: SpectrometerArray) -> None:
    with zmq.Context() as context, context.socket(zmq.REQ) as socket:
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVTIMEO, 20_000)
        socket.connect(rehearsing.urls["BANKA"])

        def ask(proc: str, *args: Any, **kwargs: Any) -> Any:
            socket.send(
                json.dumps({"name": "bank", "proc": proc, "args": args, "kwargs": kwargs}).encode()
            )
            return json.loads(socket.recv())

        assert ask("get_mode") is None
        assert (
            ask("get_status")
            is ask("get_status", "SCANNUM")
            is ask("get_status", ["SCANNUM"])
            is None
        )
        assert ask("start")[0] is False
        assert "no mode is set" in ask("earliest_start")[1]
        assert ask("set_mode", "NOPE")[0] is False
        assert ask("set_mode", None)[0] is False
        assert ask("set_mode", "MODE1") == [True, "new mode MODE1 set!"]
        kept = "mode MODE1 is already set, use force; parameters and switching states are kept"
        assert ask("set_param", source="KEPT") is True
        assert ask("set_mode", "MODE1", 1500.0) == [False, kept]
        assert ask("get_param", "source") == "KEPT"
        assert {"MODE1", "MODE29", "INCO_MODE_64"} <= set(ask("list_modes"))
        assert ask("set_param", filter_bw=800)[0] is False
        assert ask("set_param", exposure=0.1) is True
        assert "EXCEPTION" in ask("set_param", nonsense=1)
        assert ask("get_param", "exposure") == 0.1
        assert "Hz" in ask("help_param", "cal_freq")
        assert ask("set_gbt_ss", 0.1, [[0.0, 0, 1, 0.002], [0.5, 0, 0, 0.002]]) == [True, 4]
        assert ask("clear_switching_states") == [True, 0]
        assert ask("add_switching_state", 0.5, False, True) == [True, 1]
        assert ask("prepare") is None
        assert ask("scan_status")[0] is False
        assert ask("stop") == [False, "No scan running!"]
        assert ask("monitor")[0] is True
        assert ask("stop") == [True, "Ending monitor mode."]
        assert ask("set_status", OBSID="night 7", LST=1.5) is None
        assert ask("get_status", ["OBSID", "LST", "NOSUCH"]) == {"OBSID": "night 7", "LST": "1.5"}
        assert ask("get_status", "OBSID") == "night 7"
        assert "KeyError" in ask("get_status", "NOSUCH")["EXCEPTION"][0]
        assert ask("set_param", scan_length=1.0) is True
        answer = ask("start", None)
        assert answer[0] is True
        assert "Starting at" in answer[1]
        assert ask("scan_status")[0] is True
        assert ask("earliest_start")[0] is True  # the original's Dealer unpacks a time
        assert ask("start")[0] is False
        assert ask("stop") == [True, "Scan ended"]
        socket.send(b'{"name": "bank.roach", "proc": "list_methods", "args": [], "kwargs": {}}')
        assert {"listdev", "progdev", "read_int", "write_int"} <= {
            name for name, _doc in json.loads(socket.recv())
        }
        socket.send(b'{"name": "bank.valon", "proc": "get_frequency", "args": [0], "kwargs": {}}')
        assert json.loads(socket.recv()) == 1500.0


def test_a_start_of_the_original_is_answered_when_the_board_is_armed_and_others_meanwhile(
    rehearsing: SpectrometerArray,
) -> None:
    url = rehearsing.urls["BANKA"]
    with OriginalClient(url) as old, OriginalClient(url) as other, bank_of(url) as bank:
        bank.set_mode("MODE1")
        bank.set_param(scan_length=1000.0)
        bank.prepare()
        message = {"name": "bank", "proc": "start", "args": [], "kwargs": {}}
        old.socket.send(json.dumps(message).encode())
        poll(lambda: other.ask("get_status", "ARMSTATE") == "waiting", "the start")
        assert other.ask("get_mode") == "MODE1"
        assert old.socket.poll(0) == 0 or other.ask("get_status", "ARMSTATE") == "armed"
        assert json.loads(old.socket.recv())[0] is True
        assert other.ask("get_status", "ARMSTATE") == "armed"
        assert other.ask("stop") == [True, "Scan ended"]


def test_status_values_are_texts_for_clients_of_the_original_only(
    rehearsing: SpectrometerArray,
) -> None:
    texts = {  # Python 2 wrote floats with 12 digits
        "NCHAN": "1024",
        "EXPOSURE": "1.000341504",
        "FPGACLK": "187500000.0",
        "CHAN_BW": "1464843.75",
        "EFSAMPFR": "3000000000.0",
        "NUMPHASE": "1",
        "_SPHS_01": "0.0",
        "_SSRF_01": "0",
        "FLAG": "True",
        "LONG": "1.00034149867",
        "TINY": "1e-20",
        "LARGE": "1.23456789012e+12",
    }
    url = rehearsing.urls["BANKA"]
    with OriginalClient(url) as old, bank_of(url) as bank:
        bank.set_mode("MODE1")
        more: dict[str, Any] = {"LARGE": 1234567890123.4, "TEXT": "0.10", "TAKEN": 1.5}
        old.ask("set_status", FLAG=True, LONG=1.0003414986666668, TINY=1e-20, **more)
        with rehearsing.status("BANKA") as program:
            program.update({"DAQNINT": 7, "TAKEN": 2.5})
        values, given = bank.get_status(), old.ask("get_status")
        assert {key: given[key] for key in texts} == texts
        assert (values["FLAG"], values["LONG"], given["TEXT"]) == (1, 1.0003414986666668, "0.10")
        assert type(values["EXPOSURE"]) is float
        assert (given["DAQNINT"], given["TAKEN"]) == (7, 2.5)  # another wrote it last
        assert old.ask("get_status", "NCHAN") == "1024"
        assert given.keys() == values.keys()
