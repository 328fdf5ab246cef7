"""What an object exports, and how a long call is seen from inside."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from zmqjsonproxy.errors import OperationAbortedError
from zmqjsonproxy.handle import NULL_OPERATION, OperationHandle
from zmqjsonproxy.interface import Interface, Keyword, Kind, command, current_operation, operation, query, running
from zmqjsonproxy.protocol.operations import OperationRecord, State


class Marked:
    @query
    def read(self) -> int:
        """Reads."""
        return 1

    @command
    def write(self, value: int) -> None: ...

    @command(urgent=True)
    def stop(self) -> None: ...

    @command(urgent=True, aborts=False)
    def commit(self) -> None: ...

    @operation(answers_when_accepted=True, refusal_pair=True)
    def start(self) -> None: ...

    def unmarked(self) -> None: ...

    @property
    def trap(self) -> Any:
        raise AssertionError("a property was run")


class Plain:
    attribute = 3

    def cat(self) -> None:
        """Cat process."""

    def _hidden(self) -> None: ...

    @staticmethod
    def helper() -> None: ...


class Heir(Marked):
    def read(self) -> int:
        return 2


def test_marked_methods_only_are_exported_with_what_they_are() -> None:
    interface = Interface.of("bank", Marked())
    assert list(interface.methods) == ["commit", "read", "start", "stop", "write"]
    marks = {name: method.mark for name, method in interface.methods.items()}
    assert (marks["read"].kind, marks["write"].kind, marks["start"].kind) == (Kind.QUERY, Kind.COMMAND, Kind.OPERATION)
    assert (marks["stop"].urgent, marks["stop"].aborts) == (True, True)
    assert (marks["commit"].urgent, marks["commit"].aborts) == (True, False)
    assert marks["start"].answers_when_accepted
    assert interface.methods["read"].describe() == {
        "name": "read", "doc": "Reads.", "signature": "() -> 'int'", "kind": "query", "urgent": False,
    }  # fmt: skip


def test_an_object_without_marks_exports_its_bound_methods_as_the_original_did() -> None:
    assert Interface.of("bank", Plain()).list_methods() == [["cat", "Cat process."]]


def test_no_object_exports_nothing() -> None:
    assert Interface.of("bank.roach", None).list_methods() == []


def test_a_method_that_is_overridden_without_a_mark_is_not_exported() -> None:
    assert "read" not in Interface.of("bank", Heir()).methods


def test_fingerprint_changes_with_the_interface_and_only_with_it() -> None:
    class Other(Marked):
        @query
        def more(self) -> int:
            return 1

    assert Interface.of("bank", Marked()).fingerprint == Interface.of("bank", Marked()).fingerprint
    assert Interface.of("bank", Marked()).fingerprint != Interface.of("bank", Other()).fingerprint


def test_an_abort_ends_a_wait_and_is_heard_by_hooks_that_come_later() -> None:
    handle = OperationHandle(OperationRecord("1", "f", State.RUNNING))
    heard: list[str] = []
    handle.on_abort(lambda: heard.append("early"))
    waiting = threading.Event()

    def abort() -> None:
        waiting.wait(5)
        handle.abort("stop was called")

    thread = threading.Thread(target=abort)
    thread.start()
    waiting.set()
    with pytest.raises(OperationAbortedError, match="stop was called"):
        handle.wait(30)
    thread.join()
    handle.on_abort(lambda: heard.append("late"))
    assert heard == ["early", "late"]
    with pytest.raises(OperationAbortedError):
        handle.check()


def test_only_the_first_acceptance_answers() -> None:
    answers: list[Any] = []
    handle = OperationHandle(OperationRecord("1", "f", State.RUNNING), answers.append)
    handle.accept(1)
    handle.accept(2)
    assert answers == [1]
    assert handle.close_acceptance() is False


def test_code_outside_of_an_operation_has_a_handle_without_effect() -> None:
    assert current_operation() is NULL_OPERATION
    current_operation().progress(0.5, "x")
    current_operation().check()
    handle = OperationHandle(OperationRecord("1", "f", State.RUNNING))
    with running(handle):
        assert current_operation() is handle
        current_operation().progress(7, "beyond")
    assert handle.record.progress[:2] == (1.0, "beyond")
    assert current_operation() is NULL_OPERATION


class Settable:
    def _keywords(self) -> list[Keyword]:
        told = [("gain", "int | list[int]"), ("class", "int"), ("a b", "int"), ("first", "int"), ("power", "float")]
        return [Keyword(name=name, annotation=text, doc=f"Of {name}, W.\nIn M1.") for name, text in told]

    @command(keywords=_keywords)
    def set_param(self, first: int = 1, **kvpairs: Any) -> bool:
        """Sets."""
        return bool(kvpairs)

    @command(keywords=lambda _self: [])
    def set_status(self, **kvpairs: Any) -> None: ...


def test_keywords_that_an_object_tells_are_in_signature_and_documentation() -> None:
    methods = Interface.of("bank", Settable()).methods
    told = methods["set_param"]
    expected = "(first: 'int' = 1, *, gain: 'int | list[int]' = ..., power: 'float' = ...) -> 'bool'"
    assert told.signature == expected  # what is no keyword, or is one of its own, is left out
    assert told.doc is not None
    assert told.doc.splitlines()[2:5] == ["Keywords:", "    gain: Of gain, W.", "        In M1."]
    assert told.function(power=1)
    assert methods["set_status"].signature == "(**kvpairs: 'Any') -> 'None'"
    assert methods["set_status"].doc is None
