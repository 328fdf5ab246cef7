"""Values that modes have in common, gathered into `[mode_defaults.*]` that they inherit; each mode
stays what it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from arrayconfig.files import has_key
from player.tomlfile import KeyPath
from spectrometer.backendnames import GUPPI_COHERENT, GUPPI_INCOHERENT, VEGAS_HBW, VEGAS_L1
from spectrometer.legacyconf.values import same

__all__ = ["FAMILIES", "share"]

FAMILIES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(VEGAS_HBW, ("vegas", "vegas_hbw")),
    **dict.fromkeys(VEGAS_L1, ("vegas", "vegas_lbw", "vegas_l1")),
    "l8/lbw1": ("vegas", "vegas_lbw", "vegas_l8"),
    "l8/lbw8": ("vegas", "vegas_lbw", "vegas_l8x8"),
    GUPPI_INCOHERENT: ("guppi", "guppi_inco"),
    GUPPI_COHERENT: ("guppi", "guppi_codd"),
}
"""Backend -> its defaults, from those of many modes to those of few."""

OF_A_MODE = frozenset(
    {"backend", "bof_file", "nchan", "filter_bw_mhz", "frequency_mhz", "hwexposr_s"}
)
"""What tells modes apart: in the defaults only if it is the same in all of them."""

Same = Callable[[Sequence[Any]], Any]


@dataclass(slots=True)
class _Node:
    name: str
    table: dict[str, Any]
    is_mode: bool = False
    inherits: str | None = None
    children: list[_Node] = field(default_factory=list)


def _same_in_all(values: Sequence[Any]) -> Any:
    return values[0] if all(same(value, values[0]) for value in values) else None


def _same_in_most(values: Sequence[Any]) -> Any:
    """Return what more than half of them are: the others may say otherwise, if they say
    anything."""
    text, count = Counter(map(repr, values)).most_common(1)[0]
    return (
        next(value for value in values if repr(value) == text) if 2 * count > len(values) else None
    )


def _common(tables: Sequence[Mapping[str, Any]], pick: Same, top: bool = True) -> dict[str, Any]:
    """Return what can stand in a table that all of these inherit: keys that every one of them
    has."""
    common: dict[str, Any] = {}
    for key in tables[0]:
        values = [table[key] for table in tables if key in table]
        if len(values) < len(tables):
            continue
        if all(isinstance(value, dict) for value in values):
            found: Any = _common(values, pick, top=False) or None
        else:
            found = (_same_in_all if top and key in OF_A_MODE else pick)(values)
        if found is not None:
            common[key] = found
    return common


def _without(table: Mapping[str, Any], common: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a table has to say beside what it inherits."""
    own: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict) and isinstance(common.get(key), dict):
            if rest := _without(value, common[key]):
                own[key] = rest
        elif key not in common or not same(value, common[key]):
            own[key] = value
    return own


def _gather(node: _Node) -> list[_Node]:
    """Put into a node what its children share; one that has nothing to hold gives way to them."""
    children = [
        found for child in node.children for found in ([child] if child.is_mode else _gather(child))
    ]
    if len(children) < 2:
        return children
    pick = _same_in_most if all(child.is_mode for child in children) else _same_in_all
    common = _common([child.table for child in children], pick)
    if not common:
        return children
    for child in children:
        child.table, child.inherits = _without(child.table, common), node.name
    node.table, node.children = common, children
    return [node]


def _order(table: Mapping[str, Any], inherits: str | None) -> dict[str, Any]:
    return dict(table) if inherits is None else {"inherits": inherits, **table}


def share(
    modes: Mapping[str, dict[str, Any]], comments: dict[KeyPath, list[str]]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (mode_defaults, modes).

    Args:
        modes: Whole tables by name.
        comments: Of their keys; those of keys that move go with them.
    """
    roots: dict[str, _Node] = {}
    leaves: dict[str, _Node] = {}
    for name, table in modes.items():
        leaves[name] = _Node(name, dict(table), is_mode=True)
        family = FAMILIES.get(str(table.get("backend")), ())
        level = roots
        node: _Node | None = None
        for step in family:
            if step not in level:
                level[step] = _Node(step, {})
                if node is not None:
                    node.children.append(level[step])
            node = level[step]
            level = {child.name: child for child in node.children if not child.is_mode}
        if node is not None:
            node.children.append(leaves[name])
    defaults: dict[str, Any] = {}
    parents: dict[str, _Node] = {}

    def collect(node: _Node) -> None:
        if not node.is_mode:
            parents[node.name] = node
            defaults[node.name] = _order(node.table, node.inherits)
            for child in node.children:
                collect(child)

    for root in roots.values():
        for found in _gather(root):
            collect(found)
    _move_comments(leaves, parents, comments)
    return defaults, {name: _order(leaf.table, leaf.inherits) for name, leaf in leaves.items()}


def _move_comments(
    leaves: Mapping[str, _Node], parents: Mapping[str, _Node], comments: dict[KeyPath, list[str]]
) -> None:
    for path in [path for path in comments if path[0] == "modes" and len(path) > 2]:
        node: _Node | None = leaves.get(str(path[1]))
        key = path[2:]
        if node is None or has_key(node.table, key):
            continue
        while node is not None and not has_key(node.table, key):
            node = parents.get(node.inherits or "")
        if node is not None:
            there = comments.setdefault(("mode_defaults", node.name, *key), [])
            there += [line for line in comments.pop(path) if line not in there]
