"""Exports of an object, and a long call as seen from inside."""

from __future__ import annotations

import functools
import threading
from typing import Any

import pytest

from zmqjsonproxy.errors import OperationAbortedError
from zmqjsonproxy.handle import NULL_OPERATION, OperationHandle
from zmqjsonproxy.interface import (
    Interface,
    Keyword,
    MethodKind,
    command,
    current_operation,
    operation,
    query,
    running,
)
from zmqjsonproxy.protocol.operations import OperationRecord, OperationState


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
    assert (marks["read"].kind, marks["write"].kind, marks["start"].kind) == (
        MethodKind.QUERY,
        MethodKind.COMMAND,
        MethodKind.OPERATION,
    )
    assert (marks["stop"].urgent, marks["stop"].aborts) == (True, True)
    assert (marks["commit"].urgent, marks["commit"].aborts) == (True, False)
    assert marks["start"].answers_when_accepted
    assert interface.methods["read"].describe() == {
        "name": "read",
        "doc": "Reads.",
        "signature": "() -> int",
        "kind": "query",
        "urgent": False,
        "parameters": [],
        "returns": {"annotation": "int", "schema": {"type": "integer"}},
    }


def test_an_object_without_marks_exports_its_bound_methods_as_the_original_did() -> None:
    assert Interface.of("bank", Plain()).list_methods() == [["cat", "Cat process."]]


def test_no_object_exports_nothing() -> None:
    assert Interface.of("bank.roach", None).list_methods() == []


def test_what_overrides_a_marked_method_is_marked_as_it_until_it_is_taken_away() -> None:
    class Grandchild(Heir):
        write = None  # type: ignore[assignment]  # as one takes a method away

        def start(self) -> None: ...

        @query
        def stop(self) -> None: ...  # type: ignore[override]

    interface = Interface.of("bank", Grandchild())
    assert interface.methods["read"].mark.kind is MethodKind.QUERY
    assert interface.methods["read"].function() == 2
    assert interface.methods["start"].mark.answers_when_accepted
    assert interface.methods["stop"].mark.kind is MethodKind.QUERY
    assert "write" not in interface.methods
    assert list(Interface.of("bank", Heir()).methods) == [
        "commit",
        "read",
        "start",
        "stop",
        "write",
    ]


class EitherSide:
    """Marks above and below the decorators of Python's own."""

    @query
    @staticmethod
    def static_above() -> int:
        return 1

    @staticmethod
    @query
    def static_below() -> int:
        return 2

    @query
    @classmethod
    def class_above(cls) -> str:
        return cls.__name__

    @classmethod
    @query
    def class_below(cls) -> str:
        return cls.__name__

    def _base(self, number: int) -> int:
        return number

    partial = query(functools.partialmethod(_base, 5))

    @query
    @functools.lru_cache  # noqa: B019  one object
    def cached(self) -> int:
        return 6


class OverridesThem(EitherSide):
    @staticmethod
    def static_above() -> int:
        return 10

    def class_below(self) -> str:  # type: ignore[override]
        return "an ordinary method"


def test_marks_hold_on_either_side_of_pythons_own_decorators() -> None:
    def called(obj: object) -> dict[str, Any]:
        return {
            name: method.function() for name, method in Interface.of("bank", obj).methods.items()
        }

    assert called(EitherSide()) == {
        "cached": 6,
        "class_above": "EitherSide",
        "class_below": "EitherSide",
        "partial": 5,
        "static_above": 1,
        "static_below": 2,
    }
    assert called(OverridesThem()) == {
        "cached": 6,
        "class_above": "OverridesThem",
        "class_below": "an ordinary method",
        "partial": 5,
        "static_above": 10,
        "static_below": 2,
    }


def _marked_below(decorator: Any) -> type:
    class Trap:
        @decorator
        @query
        def value(self) -> int:
            raise AssertionError("it was run")

    return Trap


@pytest.mark.parametrize("decorator", [property, functools.cached_property])
def test_a_mark_on_a_property_is_refused_on_either_side(decorator: Any) -> None:
    with pytest.raises(TypeError, match="a property cannot be marked as a query"):
        query(decorator(lambda self: 1))
    with pytest.raises(TypeError, match=r"Trap\.value is a property, which callers cannot call"):
        Interface.of("bank", _marked_below(decorator)())


async def _coroutine(self: Any) -> int:
    return 1


async def _async_generator(self: Any) -> Any:
    yield 1


def _generator(self: Any) -> Any:
    yield 1


@pytest.mark.parametrize("mark", [query, command, operation, command(urgent=True)])
@pytest.mark.parametrize(
    "function", [_coroutine, _async_generator, _generator, staticmethod(_coroutine)]
)
def test_a_mark_on_what_returns_no_value_is_refused(mark: Any, function: Any) -> None:
    with pytest.raises(TypeError, match="is no plain function and cannot be marked"):
        mark(function)


def test_an_override_that_returns_no_value_is_refused_too() -> None:
    class Late(Marked):
        read = _coroutine  # type: ignore[assignment]  # as an override in asyncio's way

    with pytest.raises(TypeError, match="is no plain function"):
        Interface.of("bank", Late())


def test_fingerprint_changes_with_the_interface_and_only_with_it() -> None:
    class Other(Marked):
        @query
        def more(self) -> int:
            return 1

    assert Interface.of("bank", Marked()).fingerprint == Interface.of("bank", Marked()).fingerprint
    assert Interface.of("bank", Marked()).fingerprint != Interface.of("bank", Other()).fingerprint


def test_an_abort_ends_a_wait_and_is_heard_by_hooks_that_come_later() -> None:
    handle = OperationHandle(OperationRecord("1", "f", OperationState.RUNNING))
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
    handle = OperationHandle(OperationRecord("1", "f", OperationState.RUNNING), answers.append)
    handle.accept(1)
    handle.accept(2)
    assert answers == [1]
    assert handle.close_acceptance() is False


def test_code_outside_of_an_operation_has_a_handle_without_effect() -> None:
    assert current_operation() is NULL_OPERATION
    current_operation().progress(0.5, "x")
    current_operation().check()
    handle = OperationHandle(OperationRecord("1", "f", OperationState.RUNNING))
    with running(handle):
        assert current_operation() is handle
        current_operation().progress(7, "beyond")
    assert handle.record.progress[:2] == (1.0, "beyond")
    assert current_operation() is NULL_OPERATION


class Settable:
    def _keywords(self) -> list[Keyword]:
        told = [
            ("gain", "int | list[int]"),
            ("class", "int"),
            ("a b", "int"),
            ("first", "int"),
            ("power", "float"),
        ]
        return [
            Keyword(name=name, annotation=text, doc=f"Of {name}, W.\nIn M1.") for name, text in told
        ]

    @command(keywords=_keywords)
    def set_param(self, first: int = 1, **kvpairs: Any) -> bool:
        """Sets."""
        return bool(kvpairs)

    @command(keywords=lambda _self: [])
    def set_status(self, **kvpairs: Any) -> None: ...


def test_keywords_that_an_object_tells_are_in_signature_and_documentation() -> None:
    methods = Interface.of("bank", Settable()).methods
    told = methods["set_param"]
    expected = "(first: int = 1, *, gain: int | list[int] = ..., power: float = ...) -> bool"
    assert told.signature == expected  # what is no keyword, or is one of its own, is left out
    assert told.doc is not None
    assert told.doc.splitlines()[2:5] == ["Keywords:", "    gain: Of gain, W.", "        In M1."]
    assert told.function(power=1)
    assert methods["set_status"].signature == "(**kvpairs: Any) -> None"
    assert methods["set_status"].doc is None
