"""The OpenRPC document: schemas out of annotations, and what docstrings say of each parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import jsonschema
import pytest

from zmqjsonproxy.engine.openrpc import openrpc_document
from zmqjsonproxy.interface import Interface, Keyword, command, query
from zmqjsonproxy.schemas import schema_of

NUMBER, TEXT = {"type": "number"}, {"type": "string"}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        ("int", {"type": "integer"}), ("float", NUMBER), ("str", TEXT), ("bool", {"type": "boolean"}),
        ("None", {"type": "null"}), ("'float'", NUMBER), ("Any", {}), ("object", {}), ("", {}), ("a b", {}),
        ("list", {"type": "array"}), ("list[float]", {"type": "array", "items": NUMBER}),
        ("collections.abc.Sequence[str]", {"type": "array", "items": TEXT}), ("dict", {"type": "object"}),
        ("dict[str, float]", {"type": "object", "additionalProperties": NUMBER}),
        ("dict[str, Any]", {"type": "object"}),
        ("tuple[float, str]", {"type": "array", "items": [NUMBER, TEXT], "minItems": 2, "maxItems": 2}),
        ("tuple[float, ...]", {"type": "array", "items": NUMBER}),
        ("Literal['A', 2, None]", {"enum": ["A", 2, None]}), ("Literal[x]", {}),
        ("Optional[float]", {"type": ["number", "null"]}),
        ("float | str | None", {"type": ["number", "string", "null"]}),
        ("Union[float, list[float]]", {"anyOf": [NUMBER, {"type": "array", "items": NUMBER}]}),
        ("float | list[float] | None", {"anyOf": [NUMBER, {"type": "array", "items": NUMBER}, {"type": "null"}]}),
        ("float | Any", {}), ("float | float", NUMBER), ("Annotated[float, 'Hz']", NUMBER), ("open('x')", {}),
        ("tuple[()]", {"type": "array", "maxItems": 0}), ("list[()]", {"type": "array"}), ("Annotated[()]", {}),
        ("Union[()]", {}), ("|".join(["int"] * 5000), {}), ("|".join(["int"] * 500), {}),
    ],
)  # fmt: skip
def test_annotations_become_schemas(annotation: str, schema: dict[str, Any]) -> None:
    assert schema_of(annotation) == schema
    jsonschema.Draft7Validator.check_schema(schema)


class Toy:
    @query
    def find(
        self,
        place: Sequence[float],
        /,
        how: Literal["near", "far"] = "near",
        *more: int,
        limit: int | None = None,
    ) -> list[str]:
        """Find names.

        Args:
            place: Right ascension and declination,
                degrees.
            how: Which: near or far.
            *more: Numbers.

        Returns:
            name: is none of the parameters.
        """
        return []

    @command(
        keywords=lambda _self: [
            Keyword(name="power", annotation="float", doc="Power, W; 0 to 5.\nIn M1.")
        ]
    )
    def set_param(self, **kvpairs: Any) -> None:
        """Set."""

    @command
    def odd(self, value: object = object()) -> None: ...  # its default does not travel


def test_the_document_has_a_schema_and_the_words_of_the_docstring_for_each_parameter() -> None:
    document = openrpc_document([Interface.of("bank", Toy())], title="toy")
    find, odd, set_param = document["methods"]
    assert find["params"] == [
        {
            "name": "place",
            "required": True,
            "schema": {"type": "array", "items": NUMBER},
            "x-annotation": "Sequence[float]",
            "description": "Right ascension and declination, degrees.",
        },
        {
            "name": "how",
            "required": False,
            "schema": {"enum": ["near", "far"], "default": "near"},
            "x-annotation": "Literal['near', 'far']",
            "description": "Which: near or far.",
        },
        {
            "name": "more",
            "required": False,
            "schema": {"type": "integer"},
            "x-annotation": "int",
            "description": "Numbers.",
        },
        {
            "name": "limit",
            "required": False,
            "schema": {"type": ["integer", "null"], "default": None},
            "x-annotation": "int | None",
        },
    ]
    assert find["result"]["schema"] == {"type": "array", "items": TEXT}
    assert [(p["name"], p["required"]) for p in odd["params"]] == [("value", False)]
    assert set_param["params"] == [
        {
            "name": "power",
            "required": False,
            "schema": NUMBER,
            "x-annotation": "float",
            "description": "Power, W; 0 to 5.\nIn M1.",
        }
    ]
