"""Both clients, in both ways to carry data, against this project's gateway."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.difx_callers import KINDS, Caller
from support.difx_gateway import Gateway, gateway, program

from gateways.difx.client import (
    JobEnd,
    JobNodes,
    RequestRefusedError,
    TransferFaultError,
    conversation,
)
from gateways.difx.client.cli import main
from gateways.difx.errors import MonitorError

RUN = """
import sys, time
text = open(sys.argv[1]).read()
print("begun", flush=True)
if "bad" in text:
    print("it is bad", file=sys.stderr); sys.exit(3)
while "long" in text:
    time.sleep(0.05)
print("done")
"""
CHECK = "import sys; sys.exit('no channels' if 'invalid' in open(sys.argv[1]).read() else 0)"
PRODUCTS = """
import json, struct, sys, time
scan = {"name": "No1", "source": "3C84", "ra": 0.5, "dec": 0.25, "start_mjd": 61000.5, "integrations": 3}
form = {"frequency_mhz": 1650.0, "bandwidth_mhz": 8.0, "channels": 4, "polarization": 0}
head = {"format": "visibilities 1", "job": "job", "obs_code": "T", "integration_s": 1.0, "first": 0}
head |= {"scans": [scan], "products": [{"stations": ["A", "B"]} | form, {"stations": ["A", "A"]} | form]}
out = sys.stdout.buffer
out.write(json.dumps(head).encode() + b"\\n"); out.flush()
for number in range(3):
    out.write(struct.pack("<16f", *[1, 1] * 4, *[2, 0] * 4)); out.flush(); time.sleep(0.05)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    profile = {
        "run": [*program(RUN), "{input}"],
        "check": [*program(CHECK), "{input}"],
        "products": [*program(PRODUCTS), "{input}"],
        "grace": 0.5,
    }
    folder = tmp_path_factory.mktemp("gateway")
    with gateway(folder, runner={"DIFX-DEVEL": profile}) as one:
        for name in ("good", "bad", "long", "invalid", "watched long"):
            (one.root / f"{name.split()[0]}.input").write_text(name)
        yield one


@pytest.fixture(params=KINDS)
def call(request: pytest.FixtureRequest, served: Gateway) -> Iterator[Caller]:
    with Caller(request.param, served.port) as caller:
        yield caller


def test_the_handshake_tells_of_the_gateway(call: Caller) -> None:
    info = call("info")
    assert info.versions == ["DIFX-DEVEL"]
    assert info.environment["DIFX_BASE"] == "/"
    assert info.can_multiplex
    call("select_version", "DIFX-DEVEL", info)


def test_binary_files_go_there_and_back(call: Caller, served: Gateway, tmp_path: Path) -> None:
    data = os.urandom(200_000) + bytes(5000)
    (tmp_path / "here").write_bytes(data)
    (served.root / "old").write_bytes(b"old")
    call("put", tmp_path / "here", "/old")
    assert (served.root / "old").read_bytes() == data
    call("get", "/old", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data
    call("write", "/empty", b"")
    assert call("read", "/empty") == b""
    call("rm", "/old")
    call("rm", "/empty")
    assert not any(name.startswith((".", "old", "empty")) for name in os.listdir(served.root))


def test_files_are_changed_and_listed(call: Caller, served: Gateway) -> None:
    call("mkdir", "/m/n")
    call("touch", "/m/f x")
    call("cp", "/m/f x", "/m/g")
    call("mv", "/m/g", "/m/h;$(id)")
    assert [one.path for one in call("entries", "/m")] == ["/m/f x", "/m/h;$(id)", "/m/n"]
    assert call("ls", "/m", "-p") == ["f x", "h;$(id)", "n/"]
    call("rmdir", "/m/n")
    call("rm", "/m", recursive=True)
    assert not (served.root / "m").exists()


def test_refusals_come_with_their_reasons(
    call: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "GRACE_S", 0.05)
    with pytest.raises(TransferFaultError) as absent:
        call("get", "/none", tmp_path / "x")
    assert absent.value.code == -2
    with pytest.raises(TransferFaultError):
        call("get", "/../../etc/passwd", tmp_path / "x")
    with pytest.raises(RequestRefusedError, match="rm"):
        call("rm", "/", recursive=True)
    assert os.listdir(tmp_path) == []


def test_jobs_run_check_and_fail(call: Caller) -> None:
    nodes = JobNodes(manager="head", sources=("a",), processors=(("p", 1),))
    lines: list[str] = []
    good = call("run", "/good.input", nodes=nodes, on_event=lambda one: lines.append(one.text))
    assert good.end is JobEnd.DONE
    assert {"begun", "done"} <= set(lines)
    bad = call("run", "/bad.input", nodes=nodes)
    assert (bad.end, bad.errors > 0) == (JobEnd.FAILED, True)
    check = call("run", "/invalid.input", nodes=nodes, function="CONFIG_ONLY")
    assert check.end is JobEnd.BAD_CONFIGURATION
    absent = call("run", "/none.input", nodes=nodes)
    assert absent.end is JobEnd.REFUSED
    (state,) = call("job_status", "/good.input")
    assert state.state in ("Done", "MpiDone")


def test_a_job_runs_once_and_is_stopped(call: Caller) -> None:
    nodes = JobNodes(manager="head", sources=("a",), processors=(("p", 1),))
    stream = call("start", "/long.input", nodes=nodes)
    while call.next(stream).text != "begun":
        pass
    second = call("run", "/long.input", nodes=nodes)
    assert (second.end, "job long runs already" in second.reason) == (JobEnd.REFUSED, True)
    call("stop", "/long.input")
    last = None
    while (event := call.next(stream)) is not None:
        last = event
    assert last is not None
    assert last.name == "JOB_TERMINATED"
    assert call("stop", "/long.input") != []  # it does not run any more


def test_live_products_of_a_running_job(call: Caller) -> None:
    nodes = JobNodes(manager="head", sources=("a",), processors=(("p", 1),))
    with pytest.raises(MonitorError):
        call("monitor", "/none.input")
    stream = call("start", "/watched.input", nodes=nodes, function="RUN_MONITOR")
    while call.next(stream).text != "begun":
        pass
    monitor = call("monitor", "/watched.input")
    products = monitor.products.products
    assert [(one.name, one.channels) for one in products] == [("A-B", 4), ("A", 4)]
    call("request", products[:1], of=monitor, fft_size=16)
    block = call.next(monitor)
    assert (block.scan, block.product.name) == ("No1", "A-B")
    np.testing.assert_allclose(block.amplitude, [2**0.5] * 4, rtol=1e-6)
    np.testing.assert_allclose(block.phase, [45.0] * 4, rtol=1e-6)
    assert len(block.lag.magnitudes) == 16
    call("close", of=monitor)
    call("stop", "/watched.input")
    while call.next(stream) is not None:
        pass


@pytest.mark.parametrize("way", [[], ["--tcp"]])
def test_a_capture_is_answered_alike_when_it_is_played_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], way: list[str]
) -> None:
    capture = tmp_path / "capture"
    with gateway(tmp_path, {"capture": str(capture)}) as one:
        (one.root / "file").write_bytes(os.urandom(3000))
        where = ["--host", "127.0.0.1", "--port", str(one.port), *way]
        assert main(["ls", "/", *where]) == 0
        assert main(["get", "/file", str(tmp_path / "got"), *where]) == 0
        assert main(["put", str(tmp_path / "got"), "/copy", *where]) == 0
    (tmp_path / "root" / "copy").unlink()
    capsys.readouterr()
    with gateway(tmp_path) as other:
        where = ["--host", "127.0.0.1", "--port", str(other.port)]
        status = main(["replay", str(capture), *where])
        told = capsys.readouterr()
        assert (status, told.err) == (0, ""), told
        assert told.out.startswith("3 clients, ")
        (other.root / "file").write_bytes(b"another")
        assert main(["replay", str(capture), *where, "--timeout", "1"]) == 1
        assert "was answered, and now" in capsys.readouterr().out
