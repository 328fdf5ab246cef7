"""Events by row, as blocks."""

from __future__ import annotations

import numpy as np
import pytest

from histogrammer.events.blocks import EventBlock
from histogrammer.events.tables import block_of_table, transpose, transpose_by_numpy


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("events", [0, 1, 64, 131])
def test_columns_of_a_block_are_those_of_the_table_to_the_bit(dtype: type, events: int) -> None:
    given: list[dict[str, float]] = [{"a": 1}, {"b": 2, "c": np.nan}, {"a": 3, "c": 4}]
    expected = EventBlock.of([{"a": 0, "b": 0, "c": 0}, *given * 50], dtype).values[:, 1:]
    table = np.asfortranarray(expected[:, :events].T)
    block = block_of_table(("a", "b", "c"), table)
    assert block.rows == {"a": 0, "b": 1, "c": 2}
    assert block.values.flags.c_contiguous
    assert block.values.tobytes() == expected[:, :events].tobytes()


def test_both_ways_are_the_same() -> None:
    table = np.arange(150 * 7, dtype=np.uint32).reshape(150, 7)
    compiled, by_numpy = np.zeros((7, 150), np.uint32), np.zeros((7, 150), np.uint32)
    transpose(table, compiled)
    transpose_by_numpy(table, by_numpy)
    assert (compiled == table.T).all()
    assert (by_numpy == table.T).all()


@pytest.mark.parametrize(
    ("names", "shape"), [(("a",), (4, 2)), (("a", "a"), (4, 2)), (("a", "b"), (2,))]
)
def test_a_table_needs_a_column_for_each_name(
    names: tuple[str, ...], shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="a column for each name"):
        block_of_table(names, np.zeros(shape))
