"""Files of ROOT trees that are written while events are analyzed: a branch for each parameter, an
entry for each event. Absent values are NaN, with the bits of `absent_bits`. Needs uproot."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt

from groundwork.closing import Closing
from histogrammer.events.blocks import EventBlock, Values, absent_bits, as_type

__all__ = ["TreeFile"]


class TreeFile(Closing):
    """A file that is written.

    Args:
        file: Descriptor of it, open for reading and writing, and empty; closed with it.
        tree: Name of the tree.
        parameters: Names of those that are written.

    Raises:
        ImportError: uproot is not installed.
        Exception: The tree cannot be made of these names, or the file not be written; the
            descriptor is the caller's then.

    Attributes:
        events: Events that were written.
    """

    def __init__(self, file: int, tree: str, parameters: Sequence[str]) -> None:
        import uproot  # late: of an extra, and a second

        self.events = 0
        self._parameters, self._tree = tuple(parameters), tree
        self._raw = os.fdopen(file, "r+b", closefd=False)
        self._descriptor = file
        try:
            self._file: Any = uproot.recreate(self._raw)
            self._file.mktree(tree, dict.fromkeys(self._parameters, np.float64))
        except BaseException:
            with suppress(Exception):  # what is in its buffer would go to the next such descriptor
                self._raw.close()
            raise

    def write(self, block: EventBlock, truth: npt.NDArray[np.bool_]) -> None:
        """Write the events of a block for which a gate is true.

        Raises:
            Exception: It cannot be.
        """
        chosen = np.flatnonzero(truth)
        if len(chosen):
            columns = {name: _column(block, name)[chosen] for name in self._parameters}
            self._file[self._tree].extend(columns)
            self._raw.flush()
            self.events += len(chosen)

    def close(self) -> None:
        """Close it; may be called twice."""
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            try:
                self._file.close()
                self._raw.flush()
            finally:
                with suppress(Exception):
                    self._raw.close()
                os.close(descriptor)


def _column(block: EventBlock, name: str) -> Values:
    if name in block.rows:
        row = block.row(name)
        return row if row.dtype == np.float64 else as_type(row, np.float64)
    absent: Values = np.empty(len(block))
    absent.view(np.uint64)[:] = absent_bits(absent)
    return absent
