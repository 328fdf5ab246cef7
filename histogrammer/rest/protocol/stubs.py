"""Requests for what SpecTcl has and Rustogramer has not, and the answers that say so. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from histogrammer.rest.protocol.answers import AnswerObject
from histogrammer.rest.protocol.routes import Need, QueryParameter, Route, ValueType

__all__ = ["STUBS", "STUB_ROUTES", "Stub"]

NOT_SPECTCL = "This is not SpecTcl"
_TEXT, _NUMBER = ValueType.TEXT, ValueType.NUMBER


@dataclass(frozen=True, slots=True)
class Stub:
    """A request that is always answered in the same way.

    Attributes:
        status: Text of its status.
        detail: Text of its detail, or an empty list.
        needs: Names and types of the parameters without which it is refused.
    """

    status: str
    detail: str | tuple[()] = NOT_SPECTCL
    needs: tuple[tuple[str, ValueType], ...] = ()

    @property
    def answer(self) -> AnswerObject:
        """Its answer."""
        return AnswerObject(
            status=self.status, detail=self.detail if isinstance(self.detail, str) else []
        )


def _needs(*names: str) -> tuple[tuple[str, ValueType], ...]:
    return tuple((name, _TEXT) for name in names)


_PIPELINES = "Pipeline management is not implemented"
_TREE_VARIABLES = "Tree variables are not implemented"
_PSEUDO = "Pseudo parameters are not implemented"
_ROOT_TREES = "Root Tree output is not supported"
_LIST_END = " - this is not SpecTcl"

STUBS: dict[str, Stub] = {
    "evbunpack/create": Stub("/spectcl/evbunpack/create is not implemented"),
    "evbunpack/add": Stub("/spectcl/evbunpack/add is not implemented"),
    "evbunpack/list": Stub(f"/spectcl/evbunpack/list is not implemented{_LIST_END}", ()),
    **{
        f"filter/{word}": Stub(f"/spectcl/filter/{word} is not implemented")
        for word in ("new", "delete", "enable", "disable", "regate", "file", "format")
    },
    "filter/list": Stub(f"/spectcl/filter/list is not implemented{_LIST_END}", ()),
    **{
        f"fit/{word}": Stub(f"/spectcl/fit/{word} is not supported", "This is not Spectcl")
        for word in ("create", "update", "delete", "proc")
    },
    "fit/list": Stub(f"/spectcl/fit/list is not implemented{_LIST_END}", ()),
    "pman/create": Stub(_PIPELINES, needs=_needs("name")),
    "pman/current": Stub(_PIPELINES),
    "pman/use": Stub(_PIPELINES, needs=_needs("name")),
    "pman/add": Stub(_PIPELINES, needs=_needs("pipeline", "processor")),
    "pman/rm": Stub(_PIPELINES, needs=_needs("pipeline", "processor")),
    "pman/clear": Stub(_PIPELINES, needs=_needs("pipeline")),
    "pman/clone": Stub(_PIPELINES, needs=_needs("source", "new")),
    "pman/list": Stub(f"Pipeline managment is not implemented{_LIST_END}", ()),  # its spelling
    "pman/ls": Stub(f"{_PIPELINES}{_LIST_END}", ()),
    "pman/lsall": Stub(f"{_PIPELINES}{_LIST_END}", ()),
    "pman/lsevp": Stub(f"{_PIPELINES}{_LIST_END}", ()),
    "pseudo/create": Stub(_PSEUDO, needs=_needs("pseudo")),
    "pseudo/delete": Stub(_PSEUDO, needs=_needs("name")),
    "pseudo/list": Stub(f"Psuedo parameters are not implemented{_LIST_END}", ()),  # its spelling
    "roottree/create": Stub(_ROOT_TREES, needs=_needs("tree")),
    "roottree/delete": Stub(_ROOT_TREES, needs=_needs("tree")),
    "roottree/list": Stub(f"Root tree output is not implemented{_LIST_END}", ()),
    "script": Stub("Script execution is not supported", needs=_needs("command")),
    "treevariable/list": Stub(f"{_TREE_VARIABLES}.  {NOT_SPECTCL}", ()),
    "treevariable/set": Stub(_TREE_VARIABLES, needs=(("name", _TEXT), ("value", _NUMBER))),
    "treevariable/check": Stub(_TREE_VARIABLES, needs=_needs("name")),
    "treevariable/setchanged": Stub(_TREE_VARIABLES, needs=_needs("name")),
    "treevariable/firetraces": Stub(_TREE_VARIABLES),
    "unbind/byid": Stub("Unbind by id is not implemented"),
    "rawparameter/delete": Stub(
        "Deletion of parameters is not supported", "This is rustogrammer not SpecTcl"
    ),
}
"""Path -> answer. Rustogramer has neither `pman/ls` nor `filter/format`, which its clients use."""


def _route(path: str, stub: Stub) -> Route:
    is_text = isinstance(stub.detail, str)
    return Route(
        path,
        "Say that only SpecTcl can do this.",
        str if is_text else list[str],
        "" if is_text else [],
        tuple(
            QueryParameter(name, kind, Need.REQUIRED, "needed, and not used")
            for name, kind in stub.needs
        ),
    )


STUB_ROUTES: tuple[Route, ...] = tuple(_route(path, stub) for path, stub in STUBS.items())
