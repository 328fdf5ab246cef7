"""A gateway as a Bank: a Dealer drives its parts, and jobs are operations whoever starts them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from support.difx_jobs import HANG_S, INPUT, shell
from support.difx_units import Recorder
from support.player_run import poll

from dealer import Dealer
from gateways.difx.bank import DifxBank
from gateways.difx.protocol.jobs import JobEventKind, JobRequest, JobState
from player.config import load
from player.host import Host
from player.ports import port_of
from player.testing import HostedBank
from zmqjsonproxy.errors import OperationAbortedError, ProxyError, RemoteError

SLOW = shell("trap 'exit 0' INT; echo up; while :; do sleep 0.01; done")
PREPARE = [
    "/bin/sh",
    "-c",
    'touch "$1.input"; echo FILE "$1.input"; echo FILE /etc/passwd; echo ready',
    "sh",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("difx")
    (made / "scans" / "scan1").mkdir(parents=True)
    (made / "medium").mkdir()
    for name, size in (("scan_1.vdif", 10), ("scan_2.vdif", 20), ("notes.txt", 3)):
        (made / "medium" / name).write_bytes(b"x" * size)
    return made


@pytest.fixture(scope="module")
def host(folder: Path) -> Iterator[Host]:
    with HostedBank(Recorder, {"files": {"M1": str(folder / "medium")}}, name="RECORDER") as unit:
        runner = {
            "DEVEL": {"run": shell("echo $1"), "prepare": [*PREPARE, "{file}"]},
            "SLOW": {"run": SLOW},
            "REMOTE": {"player": "RECORDER", "method": "correlate"},
        }
        report = {"player": "rec*", "call": "smart_report", "arguments": ["disks"]}
        bank = {
            "kind": "difx",
            "hpc_host": "localhost",
            "root": str(folder / "scans"),
            "runner": runner,
            "commands": {"getsmart": report, "bad": {**report, "arguments": ["tapes"]}},
        }
        other = {
            "kind": "support.difx_units:Recorder",
            "hpc_host": "localhost",
            "player_port": port_of(unit.url),
        }
        path = folder / "site.toml"
        path.write_text(tomlkit.dumps({"banks": {"DIFX": bank, "RECORDER": other}}))
        with Host(load(path), "DIFX", "tcp://127.0.0.1:*", data_root=folder) as host:
            host.open()
            host.wait_until_ready()
            yield host


@pytest.fixture
def difx(host: Host) -> Iterator[Any]:
    with Dealer({"DIFX": host.url}) as dealer:
        yield dealer["DIFX"]


@pytest.fixture
def job(folder: Path) -> Iterator[Path]:
    path = folder / "scans" / "scan1" / "job.input"
    path.write_text("input")
    yield path
    for made in path.parent.iterdir():
        made.unlink()


def service_of(host: Host) -> Any:
    assert isinstance(host.bank, DifxBank)
    return host.bank.service


def test_a_dealer_runs_a_job_and_sees_what_became_of_it(difx: Any, job: Path) -> None:
    with difx.subscribe(["job", "jobs"]) as told:
        told.wait_for(lambda update: update.name == "jobs", HANG_S)
        done = difx.jobs.start("scan1/job.input")
        final = told.wait_for(lambda u: u.name == "job" and u.value["is_final"], HANG_S).value
    assert (done["state"], done["exit_status"], done["name"]) == ("finished", 0, "job")
    assert (final["id"], final["difx_states"]) == (done["id"], ["Done", "MpiDone"])
    operation = difx.operation(done["id"])
    assert (operation.method, operation.state) == ("bank.jobs.start", "done")
    told = difx.jobs.messages(done["id"])
    assert (told["messages"][-1]["text"], told["earlier"]) == ("job job is done", 0)
    assert difx.get_overview()["state"] == "finished"
    assert difx.jobs.status("/scan1/*.input")[INPUT][0][24:].startswith("MpiDone")


def test_a_job_of_an_endpoint_is_an_operation_that_a_dealer_aborts(
    host: Host, difx: Any, job: Path
) -> None:
    started = service_of(host).start(JobRequest(input=INPUT, profile="SLOW"), "client 127.0.0.1")
    with started.follow() as events:
        for event in events:
            if event.text == "up":
                break
        operation = difx.operation(started.id)
        assert (operation.state, operation.client) == ("running", "client 127.0.0.1")
        operation.abort("not now")
        with pytest.raises(OperationAbortedError, match="not now"):
            operation.result(HANG_S)
        last = list(events)[-1]
    assert (last.kind, last.state, last.text) == (
        JobEventKind.ENDED,
        JobState.STOPPED,
        "not now",
    )


def test_jobs_are_stopped_by_their_input_beside_each_other(
    difx: Any, job: Path, folder: Path
) -> None:
    (job.parent / "two.input").touch()
    paths = ["scan1/job.input", "scan1/two.input"]
    begun = [difx.jobs.start.begin(path, profile="SLOW") for path in paths]
    poll(lambda: all(operation.look().state == "running" for operation in begun), "both run")
    with pytest.raises(RemoteError, match="job runs already"):
        difx.jobs.start(paths[0])
    assert all(difx.jobs.stop(path) for path in paths)
    for operation in begun:
        with pytest.raises(OperationAbortedError, match="stopped by"):
            operation.result(HANG_S)
    assert not difx.jobs.stop(paths[0])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"input": "scan1/nothing.input"}, "No such file"),
        ({"input": "scan1/job.input", "profile": "NONE"}, "is no runner profile"),
        ({"input": "scan1/job.input", "mode": "fast"}, "mode is 'fast'"),
        ({"input": "scan1/job.input", "banks": []}, "no head node"),
        ({"input": 5}, "is no path"),
    ],
)
def test_a_start_that_cannot_be_is_refused_with_a_sentence(
    difx: Any, job: Path, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(ProxyError, match=says):
        difx.jobs.start(**arguments)


def test_another_player_runs_a_job(difx: Any, job: Path) -> None:
    assert difx.jobs.start("scan1/job.input", profile="REMOTE")["state"] == "finished"
    assert job.with_suffix(".difx").read_text() == "input"
    job.write_text("bad")
    with pytest.raises(RemoteError, match="the input is bad"):
        difx.jobs.start("scan1/job.input", profile="REMOTE", force=True)
    job.write_text("")
    begun = difx.jobs.start.begin("scan1/job.input", profile="REMOTE", force=True)
    poll(lambda: "half of it" in begun.look().text, "progress")
    begun.abort("enough")
    with pytest.raises(OperationAbortedError, match="enough"):
        begun.result(HANG_S)


def test_files_are_a_part_of_the_bank(difx: Any, folder: Path) -> None:
    files = difx.part("files")
    files.mkdir("scan2/a")
    assert files.put("scan2/a/data", b"\0\xff") == 2
    files.cp("scan2/a/data", "scan2/b")
    files.mv("scan2/b", "scan2/c")
    assert [each["path"] for each in files.list("scan2")] == ["/scan2/a", "/scan2/c"]
    assert bytes(files.get("scan2/c")) == b"\0\xff"
    with pytest.raises(RemoteError, match="leads out of the folders"):
        files.get("../site.toml")
    assert files.rm("scan2", "-rf") == 1
    assert not (folder / "scans" / "scan2").exists()


def test_machines_are_assigned_and_those_that_do_not_answer_left_out(difx: Any, job: Path) -> None:
    given = ("scan1/job.input", "head", ["ds1", "ds2"])
    made = difx.jobs.assign(*given, [["p1", 3], ["head", 2]])
    assert made["failed"] == []
    assert job.with_suffix(".machines").read_text() == "head\nds1\nds2\np1\nhead\n"
    assert job.with_suffix(".threads").read_text() == "NUMBER OF CORES:    2\n3\n1\n"
    made = difx.jobs.assign(*given, [["RECORDER", 3], ["nobody", 2]], test=True)
    assert made["failed"] == ["nobody"]
    assert job.with_suffix(".machines").read_text() == "head\nds1\nds2\nRECORDER\n"
    with pytest.raises(RemoteError, match="there is no processor"):
        difx.jobs.assign(*given, [["nobody", 2]], test=True)


def test_a_preparation_tells_the_files_that_it_made(difx: Any, job: Path) -> None:
    (job.parent / "exp.v2d").touch()
    assert difx.jobs.prepare("scan1", "exp.v2d") == ["/scan1/exp.v2d.input"]
    assert difx.jobs.prepare("scan1", "exp_*", model_only=True) == ["/scan1/exp_*.input"]
    for file, says in (("none.v2d", "No such file"), ("../exp.v2d", "is no name of a file")):
        with pytest.raises(RemoteError, match=says):
            difx.jobs.prepare("scan1", file)
    with pytest.raises(RemoteError, match="the profile prepares no jobs"):
        difx.jobs.prepare("scan1", "exp.v2d", profile="SLOW")


def test_recordings_of_a_recorder_are_listed_and_exported(difx: Any, folder: Path) -> None:
    head, *lines = difx.recorder.directory("RECORDER", "M1")
    assert head.split()[:3] == ["M1", "3", "A"]
    assert [line.split()[-1] for line in lines] == ["notes.txt", "scan_1.vdif", "scan_2.vdif"]
    assert [line.split()[:2] for line in lines] == [["0", "3"], ["3", "10"], ["13", "20"]]
    files = difx.part("files")
    files.mkdir("copies")
    paths = difx.recorder.export("RECORDER", "M1", "2,scan_2*", "copies")
    assert paths == ["/copies/scan_1.vdif", "/copies/scan_2.vdif"]
    assert (folder / "scans" / "copies" / "scan_2.vdif").read_bytes() == b"x" * 20
    for arguments, says in (
        (("RECORDER", "M2", "", "copies"), "no area"),
        (("RECORDER", "M1", "9", "copies"), "has no recording '9'"),
        (("NOBODY", "M1", "", "copies"), "is no Bank"),
        (("RECORDER", "M1", "", "../medium"), "leads out of"),
    ):
        with pytest.raises(RemoteError, match=says):
            difx.recorder.export(*arguments)


def test_commands_are_those_of_the_configuration(difx: Any) -> None:
    assert difx.unit.command("getsmart") == {"RECORDER": {"value": "all disks are well"}}
    assert "has no report" in difx.unit.command("bad", "recorder")["RECORDER"]["error"]
    for arguments, says in (
        (("reboot",), "is no command that clients may give; there are getsmart, bad"),
        (("getsmart", "DIFX"), "is no Player that it is for; it is for RECORDER"),
    ):
        with pytest.raises(RemoteError, match=says):
            difx.unit.command(*arguments)


def test_a_list_has_the_times_of_recordings_themselves(difx: Any, job: Path) -> None:
    def frame(seconds: int, number: int) -> bytes:
        """Of 32 bytes; epoch 0 begins on 2000-01-01, MJD 51544."""
        return struct.pack("<4I", seconds, number, 4, 0).ljust(32, b"\0")

    for name, first in (("late.vdif", 86400 + 7200), ("early.vdif", 86400)):
        data = b"".join(frame(first + n // 2, n % 2) for n in range(8))
        (job.parent / name).write_bytes(data)
    files = difx.part("files")
    given = (["scan1/late.vdif", "scan1/early.vdif", "scan1/job.input"], "scan1/list", "VDIF8192")
    *good, bad = files.make_filelist(*given)
    assert "is no" in bad or "has" in bad
    assert (job.parent / "list").read_text().splitlines() == [
        "/scan1/early.vdif 51545.00000000 51545.00004630",
        "/scan1/late.vdif 51545.08333333 51545.08337963",
    ]
    assert sorted(good) == (job.parent / "list").read_text().splitlines()
    with pytest.raises(RemoteError, match="is there already; overwrite it"):
        files.make_filelist(*given)
    with pytest.raises(RemoteError, match="'MKIV': no reader of this format"):
        files.make_filelist(given[0], given[1], "MKIV")
