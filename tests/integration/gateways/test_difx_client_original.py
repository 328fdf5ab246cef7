"""Both clients, in both ways to carry data, against a stand-in of the original guiServer."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from support.difx_callers import KINDS, Caller
from support.original_guiserver import HOLD, NORMAL_RUN, OriginalGuiServer
from support.player_run import poll

from gateways.difx.client import (
    AsyncDifxClient,
    DifxClient,
    GatewayConnectionLostError,
    JobEnd,
    JobNodes,
    JobStatus,
    NoGatewayAnswerError,
    RequestRefusedError,
    TransferFaultError,
    conversation,
)
from gateways.difx.errors import MonitorError

CHANNEL_KINDS = [kind for kind in KINDS if kind.endswith("channels")]
BLOCKING_KINDS = [kind for kind in KINDS if kind.startswith("blocking")]
RUNNING = [*NORMAL_RUN[:7], (114, "begun\n"), (HOLD, ""), *NORMAL_RUN[7:]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OriginalGuiServer]:
    with OriginalGuiServer(tmp_path) as one:
        yield one


@pytest.fixture(params=KINDS)
def call(request: pytest.FixtureRequest, server: OriginalGuiServer) -> Iterator[Caller]:
    with Caller(request.param, server.port) as caller:
        yield caller


def test_the_handshake_tells_of_the_server(
    call: Caller, server: OriginalGuiServer, tmp_path: Path
) -> None:
    info = call("info")
    assert (info.version, info.base, info.user) == ("3.1", str(tmp_path), "difx")
    assert info.versions == ["DIFX-2.6", "DIFX-DEVEL"]
    assert info.environment == {"DIFX_BASE": str(tmp_path), "HOSTNAME": "head"}
    assert info.can_multiplex
    call("select_version", "DIFX-2.6", info)
    poll(lambda: (15, b"DIFX-2.6") in server.received, "the label")
    assert (13, f"{tmp_path}/bin/rungeneric.DIFX-2.6".encode()) in server.received
    with pytest.raises(RequestRefusedError, match=r"those are: DIFX-2\.6, DIFX-DEVEL"):
        call("select_version", "DIFX-1.0", info)


def test_channels_are_switched_on_before_anything_else(server: OriginalGuiServer) -> None:
    with DifxClient("127.0.0.1", server.port) as client:
        client.info()
    assert [number for number, _ in server.received] == [19, 8]


def test_files_are_listed(call: Caller, tmp_path: Path) -> None:
    (tmp_path / "ab").mkdir()
    (tmp_path / "abc").write_bytes(b"12345")
    os.utime(tmp_path / "abc", (86400, 86400))
    assert call("ls", str(tmp_path)) == ["ab", "abc"]
    assert call("ls", f"{tmp_path}/ab*", "-d -p") == [f"{tmp_path}/ab/", f"{tmp_path}/abc"]
    assert call("ls", f"{tmp_path}/none") == []
    folder, file = call("entries", str(tmp_path))
    assert (folder.path, folder.is_folder) == (f"{tmp_path}/ab", True)
    assert (file.path, file.size, file.modified) == (f"{tmp_path}/abc", 5, "1970-01-02 00:00:00")
    assert call("stat", f"{tmp_path}/ab").is_folder
    assert call("stat", f"{tmp_path}/none") is None


def test_operations_that_have_no_answer_are_checked(call: Caller, tmp_path: Path) -> None:
    call("mkdir", f"{tmp_path}/a/b")
    call("touch", f"{tmp_path}/a/f")
    call("cp", f"{tmp_path}/a/f", f"{tmp_path}/a/g")
    call("mv", f"{tmp_path}/a/g", f"{tmp_path}/a/h")
    assert sorted(os.listdir(tmp_path / "a")) == ["b", "f", "h"]
    call("rm", f"{tmp_path}/a/?", recursive=True)
    call("rmdir", f"{tmp_path}/a")
    assert os.listdir(tmp_path) == []


def test_an_operation_that_failed_silently_is_told(
    server: OriginalGuiServer, tmp_path: Path
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with Caller("blocking channels", server.port, patience=0.05) as call:
        with pytest.raises(NoGatewayAnswerError, match=r"rmdir .*full: it is still there"):
            call("rmdir", f"{tmp_path}/full")
        with pytest.raises(NoGatewayAnswerError, match="the file is not there"):
            call("touch", f"{tmp_path}/none/x")


@pytest.mark.parametrize("size", [0, 5000, 200_000])
def test_files_go_there_and_back(call: Caller, tmp_path: Path, size: int) -> None:
    data = bytes(n % 255 + 1 for n in range(size))
    (tmp_path / "here").write_bytes(data)
    told: list[tuple[int, int]] = []
    assert call("put", tmp_path / "here", f"{tmp_path}/there", lambda *p: told.append(p)) == size
    assert (tmp_path / "there").read_bytes() == data
    assert call("get", f"{tmp_path}/there", tmp_path / "back", lambda *p: told.append(p)) == size
    assert (tmp_path / "back").read_bytes() == data
    assert call("read", f"{tmp_path}/there") == data
    assert sorted(os.listdir(tmp_path)) == ["back", "here", "there"]
    assert told[-1:] == [(size, size)] * bool(size)


def test_an_upload_that_the_original_cuts_at_nul_bytes_leaves_the_old_file(
    server: OriginalGuiServer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    for kind in ("blocking channels", "asyncio tcp"):
        with Caller(kind, server.port, patience=0.3) as call:
            with pytest.raises(TransferFaultError, match=r"stored 3 of 2048 bytes; .* NUL"):
                call("write", f"{tmp_path}/file", b"abc" + bytes(2045))
            assert (tmp_path / "file").read_bytes() == b"old"
            poll(lambda: os.listdir(tmp_path) == ["file"], "the part file to go")


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [("none", -1, "not absolute"), ("/none/nowhere", -2, "there is no such file")],
)
def test_faults_of_downloads_have_their_codes(
    call: Caller, tmp_path: Path, path: str, code: int, words: str
) -> None:
    (tmp_path / "old").write_bytes(b"old")
    with pytest.raises(TransferFaultError, match=words) as told:
        call("get", path, tmp_path / "old")
    assert told.value.code == code
    assert (tmp_path / "old").read_bytes() == b"old"


def test_faults_of_uploads_have_their_codes(call: Caller, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path, code in (("none", -1), (f"{tmp_path}/none/x", -2), (f"{tmp_path}/file/x", -5)):
        with pytest.raises(TransferFaultError) as told:
            call("write", path, b"data")
        assert told.value.code == code
    with pytest.raises(TransferFaultError, match="it is a folder"):
        call("write", str(tmp_path), b"data")


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_whose_size_is_announced_and_nothing_sent_is_no_file(
    server: OriginalGuiServer, tmp_path: Path, kind: str
) -> None:
    (tmp_path / "folder").mkdir()
    with Caller(kind, server.port) as call:
        call("info")
        if kind.endswith("channels"):  # nothing else can tell
            call.set_timeout(0.3)
        with pytest.raises((NoGatewayAnswerError, GatewayConnectionLostError)):
            call("get", f"{tmp_path}/folder", tmp_path / "got")
    assert os.listdir(tmp_path) == ["folder"]


def test_a_job_runs_to_its_end(call: Caller, tmp_path: Path) -> None:
    (tmp_path / "job.input").touch()
    seen: list[str] = []
    result = call("run", f"{tmp_path}/job.input", on_event=lambda event: seen.append(event.text))
    assert (result.end, result.warnings, result.errors) == (JobEnd.DONE, 1, 0)
    assert [text for text in seen if text] == ["checking", "50 %", "late"]
    refused = call("run", f"{tmp_path}/none.input")
    assert (refused.end, refused.reason) == (JobEnd.REFUSED, "the input file does not exist")
    assert "running mpifxcorr" in [each.text for each in call.client.diagnostics]


def test_a_job_is_stopped_while_another_task_goes_on(
    call: Caller, server: OriginalGuiServer, tmp_path: Path
) -> None:
    path = f"{tmp_path}/job.input"
    (tmp_path / "job.input").touch()
    server.jobs["job.input"] = RUNNING
    stream = call("start", path)
    while call.next(stream).text != "begun":
        pass
    assert call("ls", str(tmp_path)) == ["job.input"]
    call("stop", path)
    last = None
    while (event := call.next(stream)) is not None:
        last = event
    assert last is not None
    assert last.name == "JOB_TERMINATED"


@pytest.mark.parametrize("kind", BLOCKING_KINDS)
def test_threads_share_a_client(server: OriginalGuiServer, tmp_path: Path, kind: str) -> None:
    (tmp_path / "job.input").touch()
    server.jobs["job.input"] = RUNNING
    with Caller(kind, server.port) as call, ThreadPoolExecutor(4) as pool:
        job = pool.submit(call, "run", f"{tmp_path}/job.input")
        lists = [pool.submit(call, "ls", str(tmp_path)) for _ in range(20)]
        assert [each.result(30) for each in lists] == [["job.input"]] * 20
        server.released.set()
        assert job.result(30).end is JobEnd.DONE


def test_states_of_jobs_are_told(call: Caller, tmp_path: Path) -> None:
    for name in ("a.input", "b.input", "c.input"):
        (tmp_path / name).touch()
    head = "Tue Nov 21 02:00:09 2026   0 head"
    (tmp_path / "b.difxlog").write_text(f"{head}  STATUS Running\n{head}  STATUS Done  all ok\n")
    (tmp_path / "c.difxlog").write_text(f"{head}  WEIGHTS 0.5\n")
    assert call("job_status", f"{tmp_path}/*.input") == [
        JobStatus(f"{tmp_path}/a.input"),
        JobStatus(f"{tmp_path}/b.input", "Tue Nov 21 02:00:09 2026", "Done", "all ok"),
        JobStatus(f"{tmp_path}/c.input"),
    ]


def test_machines_and_preparation_have_their_files(call: Caller) -> None:
    nodes = JobNodes(manager="head", sources=("ds1",), processors=(("p1", 3), ("p2", 1)))
    made = call("assign", "/d/job.input", nodes, test_processors=True)
    assert (made.machines_file, made.threads_file) == ("/d/job.machines", "/d/job.threads")
    assert made.tested == (("p2", False), ("p1", True))
    assert call("prepare", "/d", "x.v2d") == ["/d/x_1.input", "/d/x_1.im"]


def test_recorders_answer(call: Caller) -> None:
    assert call("directory", "m1", "NRAO+001").lines == ("NRAO+001 1 A", "0 scan1")
    assert call("directory", "m1", "NONE+000").fault == "there is no directory of this medium"
    copied = call("copy_scans", "m1", "NRAO+001", "1", "/data")
    assert (copied.files, copied.errors, copied.is_done) == (
        ("/data/scan1",),
        ("slow disk",),
        False,
    )
    answer = call("unit_command", "getsmart", "m1")
    assert (answer.lines, answer.errors) == (("getsmart done",), ("hot",))


def test_a_file_list_that_exists_is_kept_or_overwritten(call: Caller, tmp_path: Path) -> None:
    place = f"{tmp_path}/list"
    lines = ("/a 61000.5 61000.6", "/b 61000.5 61000.6")
    assert call("make_filelist", ["/a", "/b"], place, "VDIF").lines == lines
    (tmp_path / "list").touch()
    assert "exists already" in call("make_filelist", ["/a"], place, "VDIF").fault
    assert call("make_filelist", ["/a", "/b"], place, "VDIF", overwrite=True).lines == lines
    assert call("make_filelist", ["/a"], place, "TAPE").fault == "the format is unknown: TAPE"


def test_live_products_come_whole_though_their_sizes_are_announced_short(
    call: Caller, tmp_path: Path
) -> None:
    (tmp_path / "job.input").touch()
    monitor = call("monitor", f"{tmp_path}/job.input")
    assert [one.name for one in monitor.products.products] == ["EF-WB", "EF"]
    for size in (16, 64):
        call("request", of=monitor, fft_size=size)
        for number in (0, 1):
            block = call.next(monitor)
            assert (block.scan, block.source, block.product.number) == ("No0001", "3C84", number)
            np.testing.assert_allclose(block.amplitude, number + np.arange(4))
            np.testing.assert_allclose(block.mean_lag.magnitudes, np.arange(size))
            assert (block.lag.peak, block.lag.delay_us, block.lag.snr) == (3, 0.25, 17.5)
    assert monitor.remarks == ["reading the input file", "data will follow", "data will follow"]
    call("close", of=monitor)
    with pytest.raises(MonitorError, match="input file not found"):
        call("monitor", f"{tmp_path}/none.input")


def test_messages_are_relayed_as_they_come(call: Caller, server: OriginalGuiServer) -> None:
    stream = call("relay", ["STATUS_MESSAGES", "ALERT_MESSAGES"])
    server.publish(
        b"<difxMessage><header><from>head</from><identifier>job</identifier>"
        b"<type>DifxStatusMessage</type></header><body><difxStatus><state>Running</state>"
        b'<weight ant="0" wt="0.500"/></difxStatus></body></difxMessage>'
    )
    server.publish(b"no XML at all")
    message, strange = call.next(stream), call.next(stream)
    assert (message.type, message.sender, message.identifier) == (
        "DifxStatusMessage",
        "head",
        "job",
    )
    assert message.values == {"state": "Running"}
    assert {"ant": "0", "wt": "0.500"} in [each.attributes for each in message.elements]
    assert (strange.type, strange.data) == ("unknown", b"no XML at all")
    call("close", of=stream)
    assert (17, b"SELECTED_MESSAGES\nSTATUS_MESSAGES\nALERT_MESSAGES\n") in server.received
    poll(lambda: (1, bytes(4)) in server.received, "the end of the relay")


def test_documents_go_out_as_they_are(call: Caller, server: OriginalGuiServer) -> None:
    call("send_to_multicast", "<any/>")
    call("set_multicast", "224.2.2.2", 50201)
    with pytest.raises(ValueError, match="'STATUS' is no type of messages"):
        call("relay", ["STATUS"])
    poll(lambda: (7, b"224.2.2.2\n50201") in server.received, "the settings")
    assert (2, b"<any/>") in server.received


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_says_nothing_is_told_by_the_time_out(
    server: OriginalGuiServer, kind: str
) -> None:
    server.silent |= {3, 14}
    with Caller(kind, server.port, timeout=0.2) as call:
        with pytest.raises(
            NoGatewayAnswerError, match=r"ls /: no answer from 127\.0\.0\.1:\d+ within 0\.2 s"
        ):
            call("ls", "/")
        with pytest.raises(NoGatewayAnswerError, match=r"monitor /x\.input: no answer"):
            call("monitor", "/x.input")


def test_an_error_instead_of_a_task_is_the_answer(
    call: Caller, server: OriginalGuiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "GRACE_S", 0.05)
    server.refused[3] = "observers may not (operators)"
    with pytest.raises(RequestRefusedError, match=r"run /x\.input: refused .* \(operators\)"):
        call("run", "/x.input")
    with pytest.raises(RequestRefusedError, match=r"\(operators\)"):
        call("mkdir", "/x")


def test_a_server_that_goes_away_ends_what_waits(
    call: Caller, server: OriginalGuiServer, tmp_path: Path
) -> None:
    (tmp_path / "job.input").touch()
    server.jobs["job.input"] = [*NORMAL_RUN[:3], (114, "begun\n")]  # and no end
    stream = call("start", f"{tmp_path}/job.input")
    while call.next(stream).text != "begun":
        pass
    server.hang_up()
    with pytest.raises(GatewayConnectionLostError):
        call.next(stream)
    with pytest.raises(GatewayConnectionLostError):
        call("ls", "/")


def test_nobody_there_is_told(call: Caller) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(GatewayConnectionLostError, match=f"127.0.0.1:{port}: .*refused"):
        DifxClient("127.0.0.1", port)


def test_only_the_server_is_taken_at_the_listening_port(server: OriginalGuiServer) -> None:
    server.silent.add(3)

    def intrude() -> None:
        document = poll(lambda: [data for n, data in server.received if n == 3], "the command")
        port = int(document[0].partition(b"<port>")[2].partition(b"<")[0])
        with socket.create_connection(("127.0.0.1", port), 30, ("127.0.0.2", 0)) as stranger:
            stranger.recv(1)
        server.hang_up()

    with Caller("asyncio tcp", server.port, timeout=30.0) as call:
        thread = threading.Thread(target=intrude)
        thread.start()
        with pytest.raises(GatewayConnectionLostError) as told:
            call("ls", "/")
        thread.join(30)
    assert told.value.__notes__ == ["connections came from 127.0.0.2 instead"]


@pytest.mark.parametrize("channels", [True, False])
def test_a_cancelled_task_leaves_the_client_usable(
    server: OriginalGuiServer, tmp_path: Path, channels: bool
) -> None:
    (tmp_path / "job.input").touch()
    server.jobs["job.input"] = RUNNING

    async def work() -> list[str]:
        begun = asyncio.Event()
        async with AsyncDifxClient("127.0.0.1", server.port, channels=channels) as client:
            job = asyncio.create_task(
                client.run(f"{tmp_path}/job.input", on_event=lambda _event: begun.set())
            )
            await begun.wait()
            job.cancel()
            await asyncio.gather(job, return_exceptions=True)
            server.released.set()  # late chunks come now
            return await client.ls(str(tmp_path))

    assert asyncio.run(work()) == ["job.input"]


@pytest.mark.parametrize("kind", CHANNEL_KINDS)
def test_callbacks_that_fail_do_not_end_the_connection(
    server: OriginalGuiServer, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "job.input").touch()

    def fail(_diagnostic: object) -> None:
        raise RuntimeError("a fault of the caller")

    with Caller(kind, server.port, on_diagnostic=fail) as call:
        assert call("run", f"{tmp_path}/job.input").end is JobEnd.DONE
    assert "a fault of the caller" in caplog.text


def test_a_client_that_is_closed_ends_what_other_threads_wait_for(
    server: OriginalGuiServer,
) -> None:
    client = DifxClient("127.0.0.1", server.port)
    messages = client.relay()
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(next, messages)
        client.close()
        with pytest.raises(GatewayConnectionLostError):
            waiting.result(30)
    messages.close()
    with pytest.raises(GatewayConnectionLostError, match="it was closed"):
        client.ls("/")
