"""Recordings of a Dealer and a Player, answered again by the recording alone."""

from __future__ import annotations

import json
import resource
import signal
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import zmq
from support.dealers import eventually
from support.keyring import ClientRing, ServerRing
from support.native_player import NativePlayer
from support.original_client import OriginalClient
from support.original_server import OriginalPlayer
from support.player_process import PlayerProcess
from support.rpc_bank import serving

from dealer import Dealer
from zmqjsonproxy import ThreadHub
from zmqjsonproxy.errors import ProxyError
from zmqjsonproxy.recording import Recorder, load_recording, main
from zmqjsonproxy.recording.protocol.record import MessageDirection


class Recording(PlayerProcess):
    """`python -m zmqjsonproxy` as a process."""

    def __init__(
        self, command: str, file: Path, *options: str, listen: str = "tcp://127.0.0.1:*"
    ) -> None:
        super().__init__("zmqjsonproxy", [command, "--listen", listen, *options, str(file)])

    def end(self) -> None:
        """End it as a user does, so that its file is complete; it must end well."""
        self.process.send_signal(signal.SIGINT)
        status, trouble = self.wait()
        assert (trouble, status) == ("", 0)


def observe(url: str) -> list[Any]:
    """An observing script: what it was answered, errors included."""
    answers: list[Any] = []

    def note(call: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        try:
            answers.append(call(*args, **kwargs))
        except ProxyError as error:
            answers.append([type(error).__name__, str(error).replace(url, "URL")])

    with Dealer({"BANKA": url}, timeout=5.0) as d:
        bank = d.add_active_player("BANKA") and d["BANKA"]
        note(bank.get_mode)
        note(bank.set_mode, "MODE99")
        note(bank.set_mode, "MODE2")
        note(bank.get_mode)
        note(bank.set_param, exposure=0.5)
        note(bank.prepare)
        note(bank.get_status, ["NETSTAT", "BANKNAM"])
        note(bank.set_scan_number, 7)
        note(bank.increment_scan_number)
        note(bank.get_status, "SCANNUM")
        note(bank.get_status, "NOSUCHKEY")
        note(bank.scan_status)
        note(bank.stop)
    return answers


@pytest.mark.parametrize("player", [NativePlayer, OriginalPlayer])
def test_a_script_gets_the_same_answers_from_player_recorder_and_recording(
    player: type[PlayerProcess], tmp_path: Path
) -> None:
    file = tmp_path / "scan.jsonl"
    with player() as straight:
        expected = observe(straight.url)
    with player() as server, Recording("record", file, "--server", server.url) as recorder:
        assert observe(recorder.url) == expected
        recorder.end()
    with Recording("replay", file) as replay:
        assert observe(replay.url) == expected
        replay.end()
    assert expected[3] == "MODE2" or expected[3] == [True, "MODE2"]


def test_all_clients_at_once_are_recorded_in_their_own_bytes(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    with NativePlayer() as server, Recording("record", file, "--server", server.url) as recorder:
        with Dealer({"BANKA": recorder.url}) as d, OriginalClient(recorder.url) as old:
            assert d["BANKA"].list_modes() == old.ask("list_modes") == ["MODE1", "MODE2", "MODE3"]
            assert "get_mode" in old.methods()
            batch = [{"jsonrpc": "2.0", "id": n, "method": "bank.list_modes"} for n in (5, 6)]
            assert [a["id"] for a in old.raw(json.dumps(batch).encode())] == [5, 6]
            assert old.raw(b"{no JSON")["EXCEPTION"][0] == "ProtocolError"
        recorder.end()
    recording = load_recording(file)
    assert recording.server == server.url
    requests = [r for r in recording.records if r.direction is MessageDirection.REQUEST]
    assert requests[-1].frames == (b"", b"{no JSON")
    assert {r.peer for r in requests} == {1, 2}
    assert [r.has_delimiter for r in requests if r.peer == requests[0].peer] == [
        True,
        False,
    ]  # a hub's hello, and on
    notes = [
        (r.peer, r.frames[0]) for r in recording.records if r.direction is MessageDirection.NOTE
    ]
    assert sorted(notes) == [
        (1, b"the connection of this client ended"),
        (2, b"the connection of this client ended"),
    ]
    with Recording("replay", file) as replay, OriginalClient(replay.url) as old:
        assert old.raw(b"{no JSON")["EXCEPTION"][0] == "ProtocolError"
        batch = [{"jsonrpc": "2.0", "id": n, "method": "bank.list_modes"} for n in (8, 9)]
        assert [a["id"] for a in old.raw(json.dumps(batch).encode())] == [8, 9]


def test_the_recorder_is_there_only_while_the_server_is(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    with NativePlayer() as first:
        url = first.url
        recorder = Recording("record", file, "--server", url)
        with recorder, Dealer({"BANKA": recorder.url}, timeout=5.0) as d:
            bank = d["BANKA"]
            assert bank.get_mode() is None
            first.kill()
            outcomes: list[str] = []

            def is_lost() -> bool:
                outcomes.append(type(d.outcomes("get_mode")["BANKA"].error).__name__)
                return "PeerLostError" in outcomes

            d.add_active_player("BANKA")
            eventually(is_lost)
            with NativePlayer(url, mode="MODE3"):
                eventually(lambda: d.outcomes("get_mode")["BANKA"].value == "MODE3")
                recorder.end()
    notes = [
        r.frames[0].decode()
        for r in load_recording(file).records
        if r.direction is MessageDirection.NOTE
    ]
    assert [n for n in notes if "gone" in n]
    assert "the server is there: connected" in notes


def test_many_clients_that_come_and_go_leave_nothing_behind(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    with (
        OriginalPlayer(mode="MODE1") as server,
        Recording("record", file, "--server", server.url) as recorder,
    ):
        files = Path(f"/proc/{recorder.process.pid}/fd")
        for _ in range(3):
            with OriginalClient(recorder.url) as client:
                client.ask("get_mode")
        before = len(list(files.iterdir()))
        for _ in range(30):
            with OriginalClient(recorder.url) as client:
                client.ask("get_mode")
        eventually(lambda: len(list(files.iterdir())) <= before)
        recorder.end()
    assert len({r.peer for r in load_recording(file).records} - {0}) == 33


def test_a_message_without_answer_reaches_the_server_after_its_client_has_gone(
    tmp_path: Path,
) -> None:
    file = tmp_path / "f.jsonl"
    with NativePlayer() as server, Recording("record", file, "--server", server.url) as recorder:
        with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
            socket.connect(recorder.url)
            call = {"jsonrpc": "2.0", "method": "bank.set_status", "params": {"NETSTAT": "told"}}
            socket.send(json.dumps(call).encode())
            socket.close(linger=2000)
        with OriginalClient(server.url) as client:
            eventually(lambda: client.ask("get_status", "NETSTAT") == "told")
        recorder.end()


FRAMES = [
    [b"plain"],
    [b"", b"in an envelope"],
    [b"", b"{}", b"\x00\xff" * 40_000, b""],
    [b"\xc3", b"\r\n", "µ".encode()],
]


def test_frames_pass_unchanged_both_ways_and_stand_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    with (
        zmq.Context() as context,
        context.socket(zmq.ROUTER) as server,
        context.socket(zmq.DEALER) as client,
    ):
        server.linger = client.linger = 0
        server.rcvtimeo = client.rcvtimeo = 10_000
        server.bind("tcp://127.0.0.1:*")
        url = server.get(zmq.LAST_ENDPOINT).rstrip(b"\0").decode()
        with Recording("record", file, "--server", url) as recorder:
            client.connect(recorder.url)
            for frames in FRAMES:
                client.send_multipart(frames)
                rid, *arrived = server.recv_multipart()
                assert arrived == frames
                server.send_multipart([rid, *reversed(frames)])
                assert client.recv_multipart() == frames[::-1]
            recorder.end()
    messages = [
        r.frames for r in load_recording(file).records if r.direction is not MessageDirection.NOTE
    ]
    assert messages == [tuple(f) for frames in FRAMES for f in (frames, frames[::-1])]


def test_a_full_disk_ends_the_recording_and_not_the_observation(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    with (
        NativePlayer(mode="MODE1") as server,
        Recording("record", file, "--server", server.url) as recorder,
    ):
        with OriginalClient(recorder.url) as client:
            assert client.ask("get_mode") == "MODE1"
            eventually(lambda: len(load_recording(file).records) >= 2)
            limit = file.stat().st_size + 20
            resource.prlimit(recorder.process.pid, resource.RLIMIT_FSIZE, (limit, limit))
            for _ in range(3):
                assert client.ask("get_mode") == "MODE1"
        recorder.process.send_signal(signal.SIGTERM)
        status, trouble = recorder.wait()
        assert status == 1
        assert "File too large; from here on messages are passed on and not recorded" in trouble
    recording = load_recording(file)
    assert (len(recording.records), recording.was_cut) == (2, True)


@pytest.mark.parametrize("named", ["address", "Bank"])
def test_the_command_dealer_records_and_replays(tmp_path: Path, named: str) -> None:
    file, config = tmp_path / "f.jsonl", tmp_path / "dibas.toml"
    with NativePlayer(mode="MODE1") as server:
        where = server.url if named == "address" else "banka"
        port = server.url.rpartition(":")[2]
        bank = f'[banks.BANKA]\nhpc_host = "127.0.0.1"\nplayer_port = {port}\n'
        config.write_text(f'[dealer]\nplayers = ["BANKA"]\n{bank}')
        words = ["--config", str(config), "record", "--server", where, str(file)]
        with PlayerProcess("dealer.cli", words) as recorder:
            with OriginalClient(recorder.url) as client:
                assert client.ask("get_mode") == "MODE1"
            recorder.process.send_signal(signal.SIGTERM)
            assert recorder.wait() == (0, "")
    with (
        PlayerProcess("dealer.cli", ["replay", str(file)]) as replay,
        OriginalClient(replay.url) as client,
    ):
        assert client.ask("get_mode") == "MODE1"


def test_delays_are_kept_on_demand(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    with (
        NativePlayer(slow=["set_mode=0.4"]) as server,
        Recording("record", file, "--server", server.url) as recorder,
    ):
        with Dealer({"BANKA": recorder.url}) as d:
            d["BANKA"].set_mode("MODE1")
        recorder.end()

    def seconds(*options: str) -> float:
        with Recording("replay", file, *options) as replay, Dealer({"BANKA": replay.url}) as d:
            d.add_active_player("BANKA")
            outcome = d.outcomes("set_mode", "MODE1")["BANKA"]
            assert outcome.ok
            return float(outcome.delay_s)

    assert seconds("--delays") >= 0.4
    assert seconds() < 0.3


@pytest.mark.parametrize("player", [NativePlayer, OriginalPlayer])
def test_a_recorded_scan_can_be_started_again(
    player: Callable[..., PlayerProcess], tmp_path: Path
) -> None:
    file = tmp_path / "f.jsonl"

    def scan(url: str) -> Any:
        with Dealer({"BANKA": url}, timeout=10.0) as d:
            d.add_active_player("BANKA")
            d.set_mode("MODE1")
            started = d.start()
            return started, d.wait_for_scan()

    server = player(earliest_in=1.5, scan_length=0.5)
    with server, Recording("record", file, "--server", server.url) as recorder:
        started, end = scan(recorder.url)
        recorder.end()
    with Recording("replay", file, "--now") as replay:
        again, end_again = scan(replay.url)
        assert set(again) == set(started)
        assert end_again == end


def test_what_was_not_recorded_is_answered_with_what_was(tmp_path: Path) -> None:
    file = tmp_path / "f.jsonl"
    with NativePlayer() as server, Recording("record", file, "--server", server.url) as recorder:
        with Dealer({"BANKA": recorder.url}) as d:
            d["BANKA"].set_mode("MODE1")
        recorder.end()
    with Recording("replay", file) as replay, Dealer({"BANKA": replay.url}) as d:
        with pytest.raises(
            ProxyError, match=r'bank.set_mode\("MODE2"\) is not in .*f.jsonl.*with: \("MODE1"\)'
        ):
            d["BANKA"].set_mode("MODE2")
        with pytest.raises(ProxyError, match=r"it has calls of: bank.set_mode"):
            d["BANKA"].get_mode()


@pytest.mark.parametrize(
    ("command", "content", "text"),
    [
        (["record", "--server", "tcp://127.0.0.1:1"], "there", "exists already"),
        (["replay"], "", "the file is empty"),
        (["replay"], '{"format":"dealer-player recording","version":9}\n', "version 9"),
        (["replay"], None, "cannot be read"),
    ],
)
def test_a_file_that_is_of_no_use_is_said_in_a_line(
    command: list[str], content: str | None, text: str, tmp_path: Path
) -> None:
    file = tmp_path / "f.jsonl"
    if content is not None:
        file.write_text(content)
    with pytest.raises(RuntimeError, match=text) as caught:
        Recording(command[0], file, *command[1:])
    assert "Traceback" not in str(caught.value)


def test_traffic_of_a_server_with_keys_is_recorded_with_the_keys_of_whoever_records(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ring = ServerRing()
    with serving(keys=ring.keys()) as (url, _), ExitStack() as stack:

        def recorded(file: Path, keys: ClientRing | None) -> str:
            context: zmq.Context[Any] = zmq.Context()
            stack.callback(context.destroy, linger=0)
            recorder = Recorder(context, "tcp://127.0.0.1:*", url, file, keys)
            thread = threading.Thread(target=recorder.run)
            thread.start()
            stack.callback(thread.join)
            stack.callback(recorder.quit)
            return recorder.url

        with ThreadHub() as hub:
            at = recorded(tmp_path / "keys.jsonl", ring.client("anna"))
            assert hub.call(at, "bank", "add", (1, 2), timeout=60.0) == 3
        recorded(tmp_path / "plain.jsonl", None)
        eventually(lambda: "--with-keys" in caplog.text)
    kept = load_recording(tmp_path / "keys.jsonl").records
    assert any(b"bank.add" in record.frames[-1] for record in kept)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--listen", "tcp://0.0.0.0:*"], "would have your rights"),
        ([], "no keys for it are known here"),
    ],
)
def test_keys_are_lent_to_this_host_alone_and_have_to_be_there(
    options: list[str],
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DIBAS_KEYS", "")
    server = ["--server", "tcp://127.0.0.1:1", "--with-keys"]
    assert main(["record", *server, *options, str(tmp_path / "x.jsonl")]) == 1
    assert text in capsys.readouterr().err
