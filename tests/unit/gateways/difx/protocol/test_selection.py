"""Selection of messages: each type alone, and what stays as it was."""

from __future__ import annotations

import pytest

from gateways.difx.errors import PayloadError
from gateways.difx.protocol.messages import MessageType
from gateways.difx.protocol.selection import KEYWORDS, Selection, write_selection

TABLE = {
    "ALERT_MESSAGES": "DifxAlertMessage",
    "COMMAND_MESSAGES": "DifxCommand",
    "FILEOPERATION_MESSAGES": "DifxFileOperation",
    "FILETRANSFER_MESSAGES": "DifxFileTransfer",
    "GETDIRECTORY_MESSAGES": "DifxGetDirectory",
    "MARK5COPY_MESSAGES": "DifxMark5Copy",
    "INFO_MESSAGES": "DifxInfoMessage",
    "LOAD_MESSAGES": "DifxLoadMessage",
    "MARK5STATUS_MESSAGES": "Mark5StatusMessage",
    "MACHINESDEFINITION_MESSAGES": "DifxMachinesDefinition",
    "MK5CONTROL_MESSAGES": "DifxMk5Control",
    "SMART_MESSAGES": "DifxSmartMessage",
    "STATUS_MESSAGES": "DifxStatusMessage",
    "STOP_MESSAGES": "DifxStop",
    "VEX2DIFXRUN_MESSAGES": "DifxVex2DifxRun",
}
ALL_TYPES = [*MessageType, "no type at all", ""]
START = Selection()


def taken(selection: Selection) -> list[str]:
    return [kind for kind in ALL_TYPES if selection.takes(kind)]


def test_a_new_client_gets_all_types() -> None:
    assert taken(START) == ALL_TYPES


@pytest.mark.parametrize(("keyword", "kind"), TABLE.items())
def test_each_type_comes_alone(keyword: str, kind: str) -> None:
    assert taken(START.read(f"SELECTED_MESSAGES\n{keyword}\n".encode())) == [kind]
    assert taken(START.read(f"{keyword}\nSELECTED_MESSAGES".encode())) == [kind]


def test_types_that_nobody_knows_have_a_keyword() -> None:
    selection = START.read(b"SELECTED_MESSAGES\nUNKNOWN_MESSAGES\n")
    assert taken(selection) == ["no type at all", ""]


def test_the_keyword_of_weights_selects_nothing() -> None:
    assert taken(START.read(b"SELECTED_MESSAGES\nWEIGHT_MESSAGES\n")) == []


def test_all_keywords_of_the_table_are_known() -> None:
    assert set(KEYWORDS) == {*TABLE, "WEIGHT_MESSAGES", "UNKNOWN_MESSAGES"}


def test_all_or_selected_stays_as_it_was_if_a_packet_does_not_say() -> None:
    assert taken(START.read(b"LOAD_MESSAGES\n")) == ALL_TYPES
    chosen = START.read(b"SELECTED_MESSAGES\nLOAD_MESSAGES\n")
    assert taken(chosen.read(b"ALERT_MESSAGES\n")) == ["DifxAlertMessage"]
    assert taken(chosen.read(b"")) == []


def test_all_messages_are_everything_again() -> None:
    chosen = START.read(b"SELECTED_MESSAGES\nLOAD_MESSAGES\n")
    assert taken(chosen.read(b"ALL_MESSAGES\n")) == ALL_TYPES


def test_a_line_only_contains_its_keyword() -> None:
    selection = START.read(b"  SELECTED_MESSAGES=1\r\nxMARK5STATUS_MESSAGESx\n\xff\nnonsense")
    assert taken(selection) == ["Mark5StatusMessage"]


def test_the_first_keyword_in_the_order_of_the_table_wins() -> None:
    selection = START.read(b"SELECTED_MESSAGES\nSTOP_MESSAGES LOAD_MESSAGES\n")
    assert taken(selection) == ["DifxLoadMessage"]


def test_a_selection_is_no_longer_than_keywords_are() -> None:
    assert taken(START.read(b"\n" * 8192)) == ALL_TYPES
    with pytest.raises(PayloadError, match="8193 bytes are more than the 8192"):
        START.read(b"\n" * 8193)


def test_a_selection_is_written_as_lines() -> None:
    assert write_selection(["SELECTED_MESSAGES", "LOAD_MESSAGES"]) == (
        b"SELECTED_MESSAGES\nLOAD_MESSAGES\n"
    )
