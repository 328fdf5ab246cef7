"""Parameters as servers tell them and clients read them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zmqjsonproxy.interface import Interface, Keyword, command
from zmqjsonproxy.parameters import (
    NO_DEFAULT,
    MethodParameter,
    Passing,
    read_parameters,
    signature_text,
)


class Lamp:
    def _keywords(self) -> list[Keyword]:
        schema = {"type": "number", "exclusiveMinimum": 0, "maximum": 5}
        return [Keyword(name="power", annotation="float", doc="Power.", unit="W", schema=schema)]

    @command(keywords=_keywords)
    def set_param(self, step: int, quick: bool = False, **kvpairs: Any) -> bool:
        """Set.

        Args:
            step: Number of the step,
                from 0.
        """
        return bool(kvpairs)


class Door:
    @command(secret=["pin"])
    def unlock(self, pin: str, password: str, gate: int = 0) -> None:
        """Unlock."""


def test_a_server_tells_what_is_secret() -> None:
    (method,) = Interface.of("door", Door()).methods.values()
    told = method.describe()["parameters"]
    assert isinstance(told, list)
    parameters = read_parameters(told)
    assert parameters is not None
    assert {each.name: each.secret for each in parameters} == {
        "pin": True,
        "password": True,
        "gate": False,
    }
    assert [isinstance(each, dict) and "secret" in each for each in told] == [True, True, False]


def test_a_server_tells_names_types_units_ranges_and_documentation() -> None:
    (method,) = Interface.of("bank", Lamp()).methods.values()
    assert method.describe()["parameters"] == [
        {
            "name": "step",
            "passing": "position or keyword",
            "required": True,
            "annotation": "int",
            "schema": {"type": "integer"},
            "doc": "Number of the step, from 0.",
        },
        {
            "name": "quick",
            "passing": "position or keyword",
            "required": False,
            "annotation": "bool",
            "schema": {"type": "boolean"},
            "default": False,
        },
        {
            "name": "power",
            "passing": "keyword",
            "required": False,
            "annotation": "float",
            "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": 5},
            "unit": "W",
            "doc": "Power.",
        },
    ]
    assert read_parameters(method.describe()["parameters"]) == method.parameters


PARAMETERS = st.lists(
    st.builds(
        MethodParameter,
        name=st.from_regex(r"[a-h][a-z]{0,3}", fullmatch=True).filter(
            lambda n: n not in ("as", "def", "del", "elif", "else", "for", "from", "and", "assert")
        ),
        passing=st.sampled_from(Passing),
        required=st.booleans(),
        default=st.none() | st.integers() | st.text() | st.just(NO_DEFAULT),
        annotation=st.sampled_from(["", "int", "list[float] | None"]),
        unit=st.sampled_from(["", "s"]),
        doc=st.text(max_size=5),
    ),
    max_size=6,
)


@given(PARAMETERS)
def test_what_is_read_is_what_was_told_and_stands_in_a_signature(
    told: list[MethodParameter],
) -> None:
    found = read_parameters([parameter.describe() for parameter in told])
    if found is not None:
        assert found == tuple(told)
        with_defaults = signature_text(found).replace("...", "None")
        compile(f"def f{with_defaults}: pass", "signature", "exec")


def told(**members: Any) -> list[dict[str, Any]]:
    return [{"name": "x", "passing": "keyword", **members}]


@pytest.mark.parametrize(
    "message",
    [
        None,
        {},
        [1],
        told(name="a b"),
        told(name="class"),
        told(name=7),
        told(passing="by post"),
        told(passing=[]),
        told() * 2,
        told(passing="further keywords") + told(name="y"),
        told(passing="further keywords") + told(name="y", passing="further keywords"),
        [
            {"name": "a", "passing": "position", "required": False},
            {"name": "b", "passing": "position", "required": True},
        ],
        told() * 10_001,
    ],
)
def test_what_can_stand_in_no_signature_is_not_taken(message: Any) -> None:
    assert read_parameters(message) is None


def test_members_of_other_types_are_left_out() -> None:
    (found,) = read_parameters(told(annotation=1, schema=[], unit=None, doc={})) or ()
    assert found == MethodParameter(name="x", passing=Passing.KEYWORD)
