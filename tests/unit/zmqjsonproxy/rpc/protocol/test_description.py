"""Description of a server's objects, in either dialect, and in what it has changed."""

from __future__ import annotations

from typing import Any

import pytest

from zmqjsonproxy.errors import NoSuchInterfaceError, ProtocolError
from zmqjsonproxy.parameters import MethodParameter, Passing
from zmqjsonproxy.rpc.protocol.description import (
    InterfaceDescription,
    MethodDescription,
    interface_changes,
    read_description,
)

ONE = {
    "name": "one",
    "doc": "Says one.",
    "kind": "query",
    "parameters": [{"name": "count", "passing": "keyword"}],
    "returns": {"annotation": "int"},
}


def read(message: Any) -> Any:
    return read_description(message, url="here", generation=3)


def test_the_answer_of_an_original_server_names_methods_and_documentation() -> None:
    found = read([["one", "Says one."], ["two", None], "nonsense"])
    assert (found.native, list(found.methods), found.generation) == (False, ["one", "two"], 3)
    assert found.methods["one"].doc == "Says one."
    assert isinstance(read(["Interface error", "bank"]), NoSuchInterfaceError)


def test_a_native_answer_has_parameters_kinds_and_identity() -> None:
    found = read(
        {
            "methods": [ONE, {"doc": "no name"}, {"name": "two", "returns": 1}],
            "instance": "x",
            "fingerprint": "y",
            "objects": ["bank", "bank.roach"],
        }
    )
    one, two = found.methods["one"], found.methods["two"]
    assert (found.native, found.instance, found.objects) == (True, "x", ("bank", "bank.roach"))
    assert (one.kind, one.returns, one.keywords) == ("query", "int", ["count"])
    assert (one.takes("count"), one.takes("other"), two.parameters, two.returns) == (
        True,
        False,
        None,
        "",
    )
    assert one.signature.endswith("-> int")
    assert read({"methods": [], "objects": 5}).objects == ()


@pytest.mark.parametrize("message", [None, 7, "text", {}, {"methods": 3}])
def test_an_answer_that_is_none_says_so(message: Any) -> None:
    error = read(message)
    assert isinstance(error, ProtocolError)
    assert "here: the answer to list_methods is none" in str(error)


def test_an_error_in_the_place_of_an_answer_is_that_error() -> None:
    error = {"code": -32601, "data": {"type": "NoSuchInterfaceError", "text": "none"}}
    assert isinstance(read({"error": error}), NoSuchInterfaceError)


def test_changes_are_told_in_words() -> None:
    other = (MethodParameter(name="count", passing=Passing.KEYWORD),)
    before = InterfaceDescription(
        True, {"one": MethodDescription("one", parameters=()), "gone": MethodDescription("gone")}
    )
    after = InterfaceDescription(
        True, {"one": MethodDescription("one", parameters=other), "new": MethodDescription("new")}
    )
    assert interface_changes(before, after) == "new: new; gone: gone; other arguments: one"
    assert interface_changes(before, before) == ""
    assert "arguments" not in interface_changes(before, InterfaceDescription(False, after.methods))
