"""Requests `filter/` and `roottree/`, by the rules of SpecTcl."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from groundwork.regularfiles import NotRegularError
from histogrammer.engine import Engine
from histogrammer.errors import FilterError, HistogrammerError, RequestFailedError
from histogrammer.events.filterfiles import FilterFile
from histogrammer.events.treefiles import TreeFile
from histogrammer.filters import EventFilter
from histogrammer.patterns import select
from histogrammer.rest.handlers.calls import Handlers, InThread, InWorker, failing
from histogrammer.rest.program import Program
from histogrammer.rest.protocol.spectclanswers import FILTER_FORMAT, FilterObject, TreeObject
from histogrammer.rest.protocol.values import RequestValues

__all__ = ["HANDLERS"]

_FAILED, _TREE_FAILED = "'filter' command failed", "'roottree' command failed"


def create(engine: Engine, values: RequestValues) -> str:
    """Create a filter."""
    with failing(_FAILED):
        engine.filters.create(
            values.text("name"),
            values.text("gate"),
            values.texts("parameter"),
            conditions=engine.conditions,
            known=engine.parameters,
        )
    return ""


def delete(engine: Engine, values: RequestValues) -> str:
    """Delete a filter, and close its file."""
    with failing(_FAILED):
        engine.filters.delete(values.text("name"))
    return ""


def enable(engine: Engine, values: RequestValues) -> str:
    """Have a filter write."""
    with failing(_FAILED):
        engine.filters.enable(values.text("name"))
    return ""


def disable(engine: Engine, values: RequestValues) -> str:
    """Have a filter write no more, until it is enabled again."""
    with failing(_FAILED):
        engine.filters.enable(values.text("name"), False)
    return ""


def regate(engine: Engine, values: RequestValues) -> str:
    """Give a filter another gate."""
    with failing(_FAILED):
        engine.filters.regate(values.text("name"), values.text("gate"), engine.conditions)
    return ""


def set_file(program: Program, values: RequestValues) -> str:
    """Give a filter a new file. Nothing that is there is written over: it may be precious."""
    name, path = values.text("name"), values.text("file")
    with failing(_FAILED):
        program.worker.ask(lambda engine: engine.filters.named(name))
        try:
            file = program.roots.create(path)
        except NotRegularError as error:
            raise RequestFailedError(_FAILED, f"{path}: {error}") from error
        with closed_unless_done(file):
            program.worker.ask(
                lambda engine: engine.filters.write_into(
                    name, path, lambda parameters: FilterFile(file, parameters)
                )
            )
    return ""


@contextmanager
def closed_unless_done(file: int) -> Iterator[None]:
    """Close a descriptor if what is done within fails."""
    try:
        yield
    except BaseException:
        os.close(file)
        raise


def set_format(engine: Engine, values: RequestValues) -> str:
    """Take the format of the file of a filter, of which there is one."""
    form = values.text("format")
    with failing(_FAILED):
        engine.filters.named(values.text("name"))
        if form.lower() != FILTER_FORMAT:
            raise HistogrammerError(
                f"format {form} is not there: files of filters are ring items, format "
                f"{FILTER_FORMAT}, which attach/attach reads"
            )
    return ""


def list_filters(engine: Engine, values: RequestValues) -> list[FilterObject]:
    """Return the filters that a pattern selects."""
    with failing(_FAILED, has_text=False):
        names = select(engine.filters, values.text("pattern"))
    return [_object(engine.filters[name]) for name in names]


def create_tree(program: Program, values: RequestValues) -> str:
    """Write the events of all that is analyzed from now on into a ROOT tree."""
    tree, gate = values.text("tree"), values.maybe_text("gate") or None
    with failing(_TREE_FAILED):
        program.worker.ask(lambda engine: _new_tree(engine, tree, gate, values.texts("parameter")))
        try:
            _open_tree(program, tree)
        except HistogrammerError:
            program.worker.ask(lambda engine: engine.trees.delete(tree))
            raise
    return ""


def _new_tree(engine: Engine, tree: str, gate: str | None, patterns: Sequence[str]) -> None:
    if not tree or "/" in tree or tree.startswith("."):
        raise FilterError(f"{tree} is no name of a tree: its file is called after it")
    names = [name for pattern in patterns for name in select(engine.parameters, pattern)]
    if not names:
        raise FilterError(f"there is no parameter {', '.join(patterns)}")
    engine.trees.create(tree, gate, names, conditions=engine.conditions, known=engine.parameters)


def _open_tree(program: Program, tree: str) -> None:
    """Give a tree a new file in the first folder in which clients may write."""
    folder = next(iter(program.roots.folders), Path())
    path = str(folder / f"{tree}.root")
    try:
        file = program.roots.create(path)
    except NotRegularError as error:
        raise FilterError(f"{path}: {error}") from error

    def begin(engine: Engine) -> None:
        engine.trees.write_into(tree, path, lambda parameters: TreeFile(file, tree, parameters))
        engine.trees.enable(tree)

    with closed_unless_done(file):
        program.worker.ask(begin)


def delete_tree(engine: Engine, values: RequestValues) -> str:
    """Write a ROOT tree no more, and close its file."""
    with failing(_TREE_FAILED):
        engine.trees.delete(values.text("tree"))
    return ""


def list_trees(engine: Engine, values: RequestValues) -> list[TreeObject]:
    """Return the ROOT trees that are written, and that a pattern selects."""
    with failing(_TREE_FAILED, has_text=False):
        names = select(engine.trees, values.text("pattern"))
    return [
        TreeObject(tree=name, params=list(one.parameters), gate=one.gate or "")
        for name in names
        for one in [engine.trees[name]]
    ]


def _object(found: EventFilter) -> FilterObject:
    """Return a filter."""
    return FilterObject(
        name=found.name,
        gate=found.gate or "",
        file=found.path,
        parameters=list(found.parameters),
        enabled="enabled" if found.is_enabled else "disabled",
        format=FILTER_FORMAT,
    )


HANDLERS: Handlers = {
    "filter/new": InWorker(create),
    "filter/delete": InWorker(delete),
    "filter/enable": InWorker(enable),
    "filter/disable": InWorker(disable),
    "filter/regate": InWorker(regate),
    "filter/file": InThread(set_file),
    "filter/format": InWorker(set_format),
    "filter/list": InWorker(list_filters),
    "roottree/create": InThread(create_tree),
    "roottree/delete": InWorker(delete_tree),
    "roottree/list": InWorker(list_trees),
}
