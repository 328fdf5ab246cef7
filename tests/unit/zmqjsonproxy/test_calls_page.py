"""docs/protocols/calls.md says what the code does."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from zmqjsonproxy.rpc.hub import HubSettings
from zmqjsonproxy.rpc.protocol import original
from zmqjsonproxy.rpc.protocol.dialect import MessageLimits, Request, read_message
from zmqjsonproxy.rpc.protocol.jsonrpc import Code, error_from
from zmqjsonproxy.rpc.server import ServerSettings

PAGE = Path(__file__).parents[3] / "docs" / "protocols" / "calls.md"
TEXT = PAGE.read_text(encoding="utf-8")
REQUESTS = re.findall(r"^    -> (.*)$", TEXT, re.MULTILINE)
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in TEXT.splitlines()
    if line.startswith("| ")
]


@pytest.mark.parametrize("example", REQUESTS)
def test_the_requests_shown_are_requests(example: str) -> None:
    assert isinstance(read_message(example.encode(), MessageLimits()), Request)


def test_the_hello_shown_is_the_one_that_is_sent() -> None:
    (hello,) = (json.loads(example) for example in REQUESTS if "list_methods" in example)
    assert hello == json.loads(original.hello("bank", "ann@host:4711"))


def test_the_error_codes_shown_are_all_there_are_and_raise_what_is_said() -> None:
    shown = {int(row[0]): row[2] for row in ROWS if re.fullmatch(r"-32\d{3}", row[0])}
    assert set(shown) == {int(code) for code in Code}
    for code, classes in shown.items():
        types = (
            ["NoSuchInterfaceError", "NoSuchMethodError"] if "NoSuch" in classes else ["ValueError"]
        )
        errors = [
            error_from({"code": code, "message": "m", "data": {"type": type_, "text": "t"}})
            for type_ in types
        ]
        found = {type(error).__name__ for error in errors}
        assert found == set(re.findall(r"\w+Error", classes))


def test_the_limits_shown_are_the_defaults() -> None:
    shown = {
        row[0].strip("`"): row[1]
        for row in ROWS
        if row[0].strip("`") in {f.name for f in fields(ServerSettings)}
    }
    defaults = ServerSettings()
    assert shown == {
        "max_message_bytes": f"{defaults.max_message_bytes // 2**20} MiB",
        "max_json_bytes": f"{defaults.max_json_bytes // 2**20} MiB",
        "max_values": str(defaults.max_values),
        "max_parts": str(defaults.max_parts),
        "max_depth": str(defaults.max_depth),
        "max_batch": str(defaults.max_batch),
        "max_batch_reply_bytes": f"{defaults.max_batch_reply_bytes // 2**20} MiB",
        "max_unread_bytes": f"{defaults.max_unread_bytes // 2**20} MiB",
        "max_waiting_bytes": f"{defaults.max_waiting_bytes // 2**20} MiB",
        "max_queued_calls": f"{defaults.max_queued_calls} of each client",
    }
    hub = HubSettings()
    assert (
        f"every {hub.heartbeat_every:g} s (`HubSettings`) | after {hub.heartbeat_timeout:g} s of silence"
        in TEXT
    )
    assert (
        f"not tried again for {hub.retry_first:g} s, which doubles up to {hub.retry_most:g} s"
        in TEXT
    )
