"""Every exception of every package can be pickled and copied: a Pool, a cache or a queue may take
it elsewhere."""

from __future__ import annotations

import copy
import importlib
import inspect
import pickle
import pkgutil
import types
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from support.packages import PACKAGES

from arrayconfig.files import Fault
from dealer.outcome import Outcome, Outcomes, Values
from portmanager import Allocation
from zmqjsonproxy.errors import RefusedError, RemoteError

OUTCOME = Outcome(
    "BANKA",
    None,
    RefusedError("20 s is not within 0 to 10", peer="tcp://hpc1:6667", method="start"),
    0.5,
)
ARGUMENTS: dict[Any, Any] = {
    str: "a text",
    int: 7,
    float: 1.5,
    bool: True,
    object: [True, "done"],
    Path: Path("/data"),
    Outcome: OUTCOME,
    Allocation: Allocation(30000, "BANKA", "vegas"),
    Fault: Fault("dibas.toml", 3, "banks.BANKA", "no such key"),
}
TRIPS: dict[str, Callable[[Any], Any]] = {
    **{
        f"pickle {n}": lambda one, n=n: pickle.loads(pickle.dumps(one, n))
        for n in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}


def exceptions() -> Iterator[type[BaseException]]:
    """Every class of exceptions that a package defines."""
    for root in (*PACKAGES, "benchmarks"):
        package = importlib.import_module(root)
        for found in pkgutil.walk_packages(package.__path__, f"{root}."):
            if not found.name.endswith("__main__"):
                module = importlib.import_module(found.name)
                yield from (
                    one
                    for one in vars(module).values()
                    if isinstance(one, type)
                    and issubclass(one, BaseException)
                    and one.__module__ == found.name
                )


def argument(annotation: Any) -> Any:
    """A value for a parameter of a constructor."""
    if annotation in ARGUMENTS:
        return ARGUMENTS[annotation]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return list(annotation)[-1]
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (types.UnionType, typing.Union):
        return argument(next(part for part in parts if part is not type(None)))
    if issubclass(origin, typing.Mapping):
        return {"BANKA": argument(parts[1])}
    return [argument(parts[0])]


def made(kind: type[BaseException]) -> BaseException:
    """An exception as its constructor makes it, with an attribute and notes of its own."""
    if not isinstance(kind.__init__, types.FunctionType):
        error = kind("a text")
    else:
        hints = typing.get_type_hints(kind.__init__)
        parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
        positional = [argument(hints[p.name]) for p in parameters if p.kind is not p.KEYWORD_ONLY]
        error = kind(
            *positional,
            **{p.name: argument(hints[p.name]) for p in parameters if p.kind is p.KEYWORD_ONLY},
        )
    error.add_note("below the traceback")
    error.own = ("something", 1)  # type: ignore[attr-defined]  # as whoever catches it may do
    return error


@pytest.mark.parametrize(
    "kind",
    sorted(set(exceptions()), key=repr),
    ids=lambda kind: f"{kind.__module__}.{kind.__name__}",
)
def test_an_exception_arrives_as_it_was(kind: type[BaseException]) -> None:
    error = made(kind)
    for name, trip in TRIPS.items():
        arrived = trip(error)
        assert type(arrived) is kind, name
        assert str(arrived) == str(error), name
        assert repr(arrived) == repr(error), name
        assert sorted(vars(arrived)) == sorted(vars(error)), name
        for key, value in vars(error).items():  # in whatever order: `distributed` has its own
            assert repr(vars(arrived)[key]) == repr(value), (name, key)
        assert arrived.__notes__[-1] == "below the traceback", name


@pytest.mark.parametrize("trip", TRIPS.values(), ids=TRIPS.keys())
def test_outcomes_and_values_arrive_as_they_were(trip: Callable[[Any], Any]) -> None:
    outcomes = Outcomes(BANKA=OUTCOME, BANKB=Outcome("BANKB", (True, "new mode"), None, 0.25))
    values = Values(BANKA={"SCANLEN": 30.0}, BANKB={})
    for one in (OUTCOME, outcomes, values):
        arrived = trip(one)
        assert type(arrived) is type(one)
        assert repr(arrived) == repr(one)
    remote = trip(RemoteError("ValueError", "too hot", ["  File x\n"], peer="tcp://hpc1:6667"))
    assert (remote.args[0], remote.type, remote.traceback) == (
        ["ValueError", "too hot", ["  File x\n"]],
        "ValueError",
        ["  File x\n"],
    )
    assert isinstance(trip(OUTCOME).error, RefusedError)
