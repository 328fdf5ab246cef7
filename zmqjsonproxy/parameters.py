"""Parameters of exported methods as they travel: names, how each is passed, types, defaults, units.

A client makes signatures, completion and forms of them and runs nothing of them; so what cannot
stand in a signature is not taken.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = [
    "NO_DEFAULT",
    "MethodParameter",
    "Passing",
    "read_parameters",
    "signature_text",
    "summary",
]

_MAX_PARAMETERS = 10_000


class Passing(StrEnum):
    """Ways to pass an argument, in the order in which they stand in a signature."""

    POSITION = "position"
    EITHER = "position or keyword"
    POSITIONS = "further positions"
    KEYWORD = "keyword"
    KEYWORDS = "further keywords"


_ORDER = {passing: place for place, passing in enumerate(Passing)}
_BY_VALUE = {passing.value: passing for passing in Passing}
_SEVERAL = (Passing.POSITIONS, Passing.KEYWORDS)


class _NoDefault:
    def __repr__(self) -> str:
        return "..."


NO_DEFAULT = _NoDefault()
"""Default of what must be given, and of what may be left out and then is as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodParameter:
    """One parameter of an exported method.

    Attributes:
        name: As callers write it.
        passing: How it is given.
        required: It must be given.
        default: What it is if it is not given; NO_DEFAULT: the method decides.
        annotation: Its type as Python writes it; empty: not said.
        schema: JSON Schema of its values, with ranges; empty: anything.
        unit: Of its values; empty: none, or not said.
        doc: What it is.
        secret: Its values are shown to nobody.
    """

    name: str
    passing: Passing
    required: bool = False
    default: Any = NO_DEFAULT
    annotation: str = ""
    schema: Mapping[str, Any] = field(default_factory=dict)
    unit: str = ""
    doc: str = ""
    secret: bool = False

    def describe(self) -> dict[str, Any]:
        """Return what a native client is told; what is empty is left out."""
        told = {
            "name": self.name,
            "passing": self.passing.value,
            "required": self.required,
            "annotation": self.annotation,
            "schema": dict(self.schema),
            "unit": self.unit,
            "doc": self.doc,
            "secret": self.secret,
        }
        found = {key: value for key, value in told.items() if value or key == "required"}
        return found if self.default is NO_DEFAULT else found | {"default": self.default}


def read_parameters(told: Any) -> tuple[MethodParameter, ...] | None:
    """Read what a server says of the parameters of a method; None: nothing that can be taken."""
    if not isinstance(told, list) or len(told) > _MAX_PARAMETERS:
        return None
    found: list[MethodParameter] = []
    for each in told:
        parameter = _read(each) if isinstance(each, Mapping) else None
        if parameter is None:
            return None
        found.append(parameter)
    return tuple(found) if _fit_together(found) else None


def _read(told: Mapping[str, Any]) -> MethodParameter | None:
    name, passing = told.get("name"), _BY_VALUE.get(_text(told.get("passing")))
    if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
        return None
    if passing is None:
        return None
    schema = told.get("schema")
    return MethodParameter(
        name=name,
        passing=passing,
        required=told.get("required") is True,
        default=told.get("default", NO_DEFAULT),
        annotation=_text(told.get("annotation")),
        schema=schema if isinstance(schema, Mapping) else {},
        unit=_text(told.get("unit")),
        doc=_text(told.get("doc")),
        secret=told.get("secret") is True,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _fit_together(parameters: Sequence[MethodParameter]) -> bool:
    """Tell whether they can stand in one signature."""
    places = [_ORDER[p.passing] for p in parameters]
    several = [p.passing for p in parameters if p.passing in _SEVERAL]
    by_position = [
        p.required for p in parameters if p.passing in (Passing.POSITION, Passing.EITHER)
    ]
    return (
        places == sorted(places)
        and len({p.name for p in parameters}) == len(parameters)
        and len(set(several)) == len(several)
        and by_position == sorted(by_position, reverse=True)
    )


def signature_text(parameters: Sequence[MethodParameter] | None, returns: str = "") -> str:
    """Return parameters and the type of a result as Python writes them; None: anything goes."""
    if parameters is None:
        return "(*args, **kwargs)"
    words: list[str] = []
    before = Passing.POSITION
    star = False
    for index, p in enumerate(parameters):
        if before is Passing.POSITION and p.passing is not Passing.POSITION and index:
            words.append("/")
        if p.passing is Passing.KEYWORD and not star:
            words.append("*")
        star = star or p.passing in (Passing.POSITIONS, Passing.KEYWORD)
        before = p.passing
        words.append(_parameter_text(p))
    if parameters and before is Passing.POSITION:
        words.append("/")
    return f"({', '.join(words)})" + (f" -> {returns}" if returns else "")


def _parameter_text(p: MethodParameter) -> str:
    stars = {Passing.POSITIONS: "*", Passing.KEYWORDS: "**"}.get(p.passing, "")
    text = f"{stars}{p.name}" + (f": {p.annotation}" if p.annotation else "")
    if p.required or stars:
        return text
    return f"{text} = {p.default!r}" if p.annotation else f"{text}={p.default!r}"


def summary(doc: str | None) -> str:
    """Return the first paragraph of a documentation as one line; empty if there is none."""
    return " ".join((doc or "").strip().partition("\n\n")[0].split())
