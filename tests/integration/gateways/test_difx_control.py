"""Control of a gateway's Bank, and its journal, as clients of a guiServer have them."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from support.difx_clients import ScriptClient
from support.difx_gateway import gateway
from support.player_run import poll

from dealer import Dealer
from zmqjsonproxy import ZMQJSONProxyClient

ENVIRONMENT = "<env>PASS=sesame</env>"


def test_clients_change_nothing_of_a_bank_that_others_control_and_the_journal_says_so(
    tmp_path: Path,
) -> None:
    with (
        gateway(tmp_path, state_dir=tmp_path / "state") as served,
        Dealer(served.hosted.players) as d,
        ScriptClient(served.port) as client,
        ZMQJSONProxyClient(None, "journal", served.hosted.url) as journal,
    ):
        (served.root / "job.input").touch()

        def change(operation: str, folder: str) -> None:
            body = f"<operation>{operation}</operation><path>/{folder}</path>"
            client.command("DifxFileOperation", body)

        change("mkdir", "mine")
        change("rmdir", "none")
        client.wait_for_errors()
        with d.control("night"):
            change("mkdir", "theirs")
            *_, refused = client.wait_for_errors(2)
            assert refused.startswith("DifxFileOperation: ")
            assert "night" in refused
            start = f"<input>/job.input</input>{ENVIRONMENT}{{there}}"
            channel = client.task_channel("DifxStart", start)
            assert client.sub_packet(channel)[0] == 100  # the farewell of a job
            *_, refused = client.wait_for_errors(3)
            assert refused.startswith("DifxStart: ")
            assert "night" in refused
            up = "<direction>to DiFX</direction><destination>/up</destination>{there}"
            channel = client.task_channel("DifxFileTransfer", up, struct.pack(">i", 3), b"abc")
            assert client.integer(channel) < 0
            *_, refused = client.wait_for_errors(4)
            assert "night" in refused
            ls = client.task_channel(
                "DifxFileOperation", "<operation>ls</operation><path>/</path>{there}"
            )
            assert sorted(client.lines(ls)) == [b"job.input\n", b"mine\n"]
        channel = client.task_channel("DifxFileTransfer", up, struct.pack(">i", 3), b"abc")
        assert client.integer(channel) == 3
        assert (served.root / "up").read_bytes() == b"abc"
        client.settle()

        def ended() -> list[dict[str, Any]]:  # the client is answered before its upload has ended
            entries: list[dict[str, Any]] = journal.read(method="guiserver.*")["entries"]
            return [] if any(one["outcome"] == "running" for one in entries) else entries

        told = poll(ended, "the end of all changes")
    assert [(one["method"].partition(".")[2], one["outcome"]) for one in told] == [
        ("DifxFileOperation", "done"),
        ("DifxFileOperation", "failed"),
        ("DifxFileOperation", "refused"),
        ("DifxStart", "refused"),
        ("DifxFileTransfer", "refused"),
        ("DifxFileTransfer", "done"),
    ]
    assert {one["host"] for one in told} == {"127.0.0.1"}
    assert told[0]["arguments"]["kwargs"]["path"] == "/mine"
    assert "sesame" not in str(told)
