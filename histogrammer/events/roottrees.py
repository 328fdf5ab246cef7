"""Events of ROOT trees: each branch of single numbers is a parameter, each entry an event.

A value with the bits of `absent_bits` is absent, any other NaN is a value. Needs uproot, of the extra
`root`. Used by one thread; `stop`, `progress` and the accounts are for any.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from groundwork.regularfiles import NotRegularError, open_regular
from groundwork.truncation import cut
from histogrammer.errors import EventFileError
from histogrammer.events.blocks import BLOCK_EVENTS, EventBlock, Values, absent_bits, as_type
from histogrammer.events.blocksource import BlockSource
from histogrammer.events.decoder import MAX_CELLS, Part, RowOf
from histogrammer.rootfiles import classes_in, open_root

__all__ = ["RootTreeSource", "TreePath", "tree_path"]

_SIGNATURE = b"root"
_STEP_EVENTS = 1 << 17
"""Entries that are read at once: of fewer, what is compressed together would be unpacked twice."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TreePath:
    """A tree in a file.

    Attributes:
        name: As it was given.
        file: Where the file truly is.
        tree: Name of the tree; empty: the only one in it.
    """

    name: str
    file: Path
    tree: str = ""


def tree_path(path: str, find: Callable[[Path], Path]) -> TreePath | None:
    """Return the tree that a path names, `FILE` or `FILE:TREE`; None: the file is none of ROOT.

    Args:
        path: As a client gives it.
        find: Returns where a file truly is.

    Raises:
        NotRegularError: There is no such file, or it is not to be opened.
    """
    try:
        file, tree = find(Path(path)), ""
    except NotRegularError as error:
        name, _, tree = path.rpartition(":")
        try:
            file = find(Path(name))
        except NotRegularError:
            raise error from None
        if not name or not _is_root(file):
            raise
    return TreePath(path, file, tree) if _is_root(file) else None


def _is_root(file: Path) -> bool:
    descriptor = open_regular(file)
    try:
        return os.pread(descriptor, len(_SIGNATURE), 0) == _SIGNATURE
    finally:
        os.close(descriptor)


class _Tree:
    """A tree that is open.

    Args:
        path: Of it.

    Raises:
        EventFileError: There is none, or it has no branch of single numbers.

    Attributes:
        names: Of the branches that are parameters.
        left_out: Names of the others.
        entries: That all of them have.
        fault: Says why some of them have more; empty: they have not.
    """

    def __init__(self, path: TreePath) -> None:
        self._file: Any = None
        try:
            self._descriptor = open_regular(path.file)
        except NotRegularError as error:
            raise EventFileError(path.name, 0, str(error)) from error
        try:
            self._file = open_root(f"/proc/self/fd/{self._descriptor}")
            self._tree = _chosen(self._file, path)
            branches = {one.name: one for one in self._tree.branches}
            numbers = {name: kind for name, one in branches.items() if (kind := _dtype(one))}
            lengths = {name: int(branches[name].num_entries) for name in numbers}
            if not numbers:
                raise EventFileError(path.name, 0, "the tree has no branch of single numbers")
        except EventFileError:
            self.close()
            raise
        except ImportError as error:
            self.close()
            reason = "uproot is not there: pip install 'dealer-player[root]'"
            raise EventFileError(path.name, 0, reason) from error
        except Exception as error:  # whatever a damaged file makes of the library
            self.close()
            raise _damaged(path, 0, error) from error
        self.left_out = tuple(sorted(branches.keys() - numbers.keys()))
        if self.left_out:
            told = cut(", ".join(self.left_out), 400)
            log.warning("%s: no single numbers, left out: %s", path.name, told)
        self.names = tuple(numbers)
        self.entries = min(lengths.values())
        longest = max(lengths, key=lambda name: lengths[name])
        self.fault = ""
        if lengths[longest] != self.entries:
            self.fault = (
                f"branches have different lengths: {longest} has {lengths[longest]} entries; "
                f"the {self.entries} that all have were read"
            )
        is_single = all(np.can_cast(kind, np.float32) for kind in numbers.values())
        self._dtype = np.dtype(np.float32 if is_single else np.float64)

    def blocks(self, first: int, most: int) -> Iterator[EventBlock]:
        """Yield blocks of at most so many events, from an entry on."""
        step = max(1, min(_STEP_EVENTS, MAX_CELLS // len(self.names)))
        rows = {name: row for row, name in enumerate(self.names)}
        steps = self._tree.iterate(
            list(self.names),
            step_size=step,
            entry_start=first,
            entry_stop=self.entries,
            library="np",
        )
        for columns in steps:
            count = len(next(iter(columns.values())))
            for start in range(0, count, most):
                yield EventBlock(rows, self._values(columns, start, min(start + most, count)))

    def _values(self, columns: Mapping[str, npt.NDArray[Any]], start: int, stop: int) -> Values:
        values: Values = np.empty((len(self.names), stop - start), self._dtype)
        for row, name in zip(values, self.names, strict=True):
            column = columns[name][start:stop]
            if column.dtype == np.float32 and self._dtype == np.float64:
                row[:] = as_type(np.ascontiguousarray(column), np.float64)
            else:
                row[:] = column
        return values

    def close(self) -> None:
        """Close its file; may be called twice."""
        if self._file is not None:
            self._file.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _chosen(file: Any, path: TreePath) -> Any:
    classes = classes_in(file)
    trees = [key for key, name in classes.items() if name in ("TTree", "TNtuple", "TNtupleD")]
    if path.tree in trees:
        return file[path.tree]
    if path.tree or len(trees) != 1:
        there = cut(", ".join(trees) or "none", 400)
        wanted = (
            f"there is no tree {path.tree}" if path.tree else "name one of the trees, FILE:TREE"
        )
        raise EventFileError(path.name, 0, f"{wanted}; there are: {there}")
    return file[trees[0]]


def _dtype(branch: Any) -> np.dtype[Any] | None:
    """Return the type of a branch of single numbers; None: it is none."""
    dtype = getattr(branch.interpretation, "to_dtype", None)
    if not isinstance(dtype, np.dtype) or dtype.shape or dtype.kind not in "fiub":
        return None
    return dtype


def _damaged(path: TreePath, at: int, error: Exception) -> EventFileError:
    said = cut(" ".join(str(error).split()) or type(error).__name__, 300)
    return EventFileError(path.name, at, f"it is damaged: {said}")


class RootTreeSource(BlockSource):
    """Events of trees, one after the other; used as `EventSource` is.

    Args:
        paths: Of the trees; at least one. The first is opened here.
        row_of: Called with the name of each parameter.
        block_events: Largest number of events of a block.

    Raises:
        EventFileError: The first cannot be opened.
    """

    def __init__(
        self,
        paths: Sequence[TreePath],
        row_of: RowOf | None = None,
        *,
        block_events: int = BLOCK_EVENTS,
    ) -> None:
        self._paths, self._row_of, self._most = tuple(paths), row_of, block_events
        super().__init__([path.name for path in self._paths])
        self._entry = 0
        self._sizes = [_size(path) for path in self._paths]
        self._tree: _Tree | None = _Tree(self._paths[0])

    def _total_bytes(self) -> int | None:
        return sum(self._sizes)

    def assume(self, version: int) -> None:
        """Take a format of ring items, which trees have not."""

    def close(self) -> None:
        """Close files. To be called when no iteration is under way."""
        super().close()
        self._close_tree()

    def _close_tree(self) -> None:
        if self._tree is not None:
            self._tree.close()
            self._tree = None

    def _parts(self) -> Iterator[Part]:
        while not self._stop.is_set():
            path = self._paths[self._number]
            try:
                if self._tree is None:
                    self._tree = _Tree(path)
                yield from self._blocks(self._tree)
                if self._stop.is_set():
                    return
                if self._tree.fault:
                    raise EventFileError(path.name, self._sizes[self._number], self._tree.fault)
            except EventFileError:
                self._go_on()
                raise
            except Exception as error:  # whatever a damaged file makes of the library
                failure = _damaged(path, self._accounts[self._number].bytes, error)
                self._go_on()
                raise failure from error
            if not self._go_on():
                return

    def _blocks(self, tree: _Tree) -> Iterator[EventBlock]:
        account, size = self._accounts[self._number], self._sizes[self._number]
        account.left_out = tree.left_out
        for name in tree.names:
            if self._row_of is not None:
                self._row_of(name)
        for block in tree.blocks(self._entry, self._most):
            self._entry += len(block)
            bits = absent_bits(block.values)
            absent = int(np.count_nonzero(block.values.view(bits.dtype) == bits))
            account.events += len(block)
            account.values += block.values.size - absent
            account.used = account.values
            account.bytes = size * self._entry // tree.entries
            yield block
            if self._stop.is_set():
                return
        account.bytes = size

    def _go_on(self) -> bool:
        """Begin with the next tree, if there is one."""
        self._close_tree()
        if not self._has_next():
            return False
        self._number, self._entry = self._number + 1, 0
        return True


def _size(path: TreePath) -> int:
    try:
        return path.file.stat().st_size
    except OSError:  # the opening says why
        return 0
