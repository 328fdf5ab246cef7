"""Parameters: all or none are set, and everything wrong is named."""

from __future__ import annotations

from typing import Any

import pytest
from support.backends import make_backend
from support.memory import private_status

from spectrometer.backends.parameters import (
    Legal,
    ModeParameter,
    ParameterSet,
    choice,
    integer,
    keywords,
    number,
    position,
    text,
)
from spectrometer.errors import ParameterError
from zmqjsonproxy.errors import RefusedError


def refused(value: Any) -> Any:
    raise RefusedError(f"{value} is no filter")


def make() -> ParameterSet:
    return ParameterSet(
        [
            ModeParameter("exposure", 1.0, number(0), "s"),
            ModeParameter("nchan", 1024, integer(8, 4096), "channels"),
            ModeParameter("filter_bw", 450, Legal(refused, "int"), "MHz"),
        ]
    )


def test_all_are_set_or_none_and_all_faults_are_named() -> None:
    parameters = make()
    with pytest.raises(ParameterError) as caught:
        parameters.update({"exposure": 2.0, "nchan": 4, "colour": "red", "filter_bw": 7})
    assert set(caught.value.problems) == {"nchan", "colour", "filter_bw"}
    assert caught.value.problems["colour"].endswith("there are exposure, filter_bw, nchan")
    with pytest.raises(
        ParameterError, match=r"there are exposure, filter_bw, nchan; did you mean exposure\?"
    ):
        parameters.update({"exposre": 2.0})
    assert parameters["exposure"] == 1.0
    assert not parameters.is_set("exposure")
    parameters.update({"exposure": 2, "nchan": 2048.0})
    assert parameters.get(None) == {"exposure": 2.0, "filter_bw": 450, "nchan": 2048}


def test_what_the_original_refuses_is_a_refusal() -> None:
    with pytest.raises(RefusedError, match="filter_bw: 7 is no filter"):
        make().update({"filter_bw": 7})


def test_help_and_value_of_an_unknown_name_list_the_legal_ones() -> None:
    for method in (make().get, make().help):
        with pytest.raises(ParameterError, match="there are exposure, filter_bw, nchan"):
            method("colour")
    assert make().help("nchan") == "channels; 8 to 4096."
    assert make().help("") == {
        "exposure": "s; more than 0.",
        "filter_bw": "MHz",
        "nchan": "channels; 8 to 4096.",
    }


@pytest.mark.parametrize(
    ("convert", "value"),
    [
        (number(0), "x"), (number(0), 0), (number(0), float("nan")), (number(0), float("inf")), (number(0), True),
        (number(0), None), (integer(0, 1), 2), (integer(0, 1), 0.5), (integer(0, 1), "on"), (integer(0, 9), None),
        (integer(0, 9), float("inf")), (choice(("SELF", "CROSS")), "BOTH"), (choice(("SELF",)), 3), (text, 5),
        (text, "x" * 69), (text, "a\nb"), (text, "ü"), (position, "nowhere"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_are_value_errors(convert: Any, value: Any) -> None:
    with pytest.raises(ValueError):
        convert(value)


def test_values_are_converted() -> None:
    assert number(0)("2.5") == 2.5
    assert integer(0, 9)("7") == 7
    assert choice(("SELF", "CROSS"))("cross") == "CROSS"


def test_values_of_any_kind_are_refused_by_name_and_never_break_the_set() -> None:
    with private_status() as status:
        backend = make_backend(status, "MODE1")
        before = backend.parameters.get(None)
        for name in backend.parameters.names:
            for value in (None, 10**400, float("nan"), [1, [2]], {"a": 1}, "'" * 40):
                with pytest.raises((ParameterError, RefusedError), match=f"^{name}: "):
                    backend.parameters.update({name: value})
        assert backend.parameters.get(None) == before
        for unknown in ([1], {"a": 1}, 5):
            with pytest.raises(ParameterError, match="no such parameter; there are"):
                backend.parameters.get(unknown)


def test_callers_are_told_of_the_parameters_of_all_modes() -> None:
    def one(legal: Legal, text: str = "What.", name: str = "what") -> ParameterSet:
        return ParameterSet([ModeParameter(name, None, legal, text)])

    sets = {f"M{n}": one(number(0)) for n in (1, 2, 10, 3)}
    sets |= {
        "M4": one(choice(("A", "B"))),
        "M5": one(number(0)),
        "X7": one(number(0)),
        "X8": one(text, "", "_hidden"),
    }
    (told,) = keywords(sets)
    assert (told.name, told.annotation) == ("what", "float | Literal['A', 'B']")
    assert told.doc == "What; more than 0. In M1 to M3, M5, M10, X7.\nWhat. In M4."
    (everywhere,) = keywords({"A": one(integer(0, 9)), "B": one(integer(0, 9))})
    assert everywhere.doc == "What; 0 to 9."
