"""Places of the blocks of a GUPPI raw file in time, by PKTIDX. Pure arithmetic; opens no file.

PKTIDX counts packets of PKTSIZE bytes for some recorders, PIPERBLK steps a block or whole blocks
for others. No step from block to block is less than a block, and where all of a file are more than
its header says, the step that it usually has is one block, as rawspec takes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from spectrometer.daq.protocol.guppiraw import BlockHeader

__all__ = ["BlockPlace", "block_places", "steps_of_a_block"]


@dataclass(frozen=True, slots=True)
class BlockPlace:
    """Place of a block, in samples of a channel."""

    position: int
    """Of its first new sample, since the first sample of the file."""
    skip: int
    """Samples at its beginning that the block before has, too."""
    missing: int
    """Samples that are missing before it."""
    follows: bool
    """It continues the block before."""


def steps_of_a_block(header: BlockHeader, indices: Sequence[int]) -> int:
    """By how much PKTIDX grows from one block to the next if nothing is missing; 0: nobody can say.

    Args:
        header: Of the first block.
        indices: PKTIDX of all blocks.
    """
    said = header.steps or header.packets
    steps = [after - before for before, after in pairwise(indices) if after > before]
    if not steps:
        return said
    least, (usual, count) = min(steps), Counter(steps).most_common(1)[0]
    is_constant = count >= 2 and 2 * count > len(steps)
    if is_constant and usual == said:  # whatever is wrong with a single number
        return said
    return least if not 0 < said <= least or (is_constant and usual == least) else said


def block_places(
    header: BlockHeader, indices: Sequence[int | None], lost: Collection[int] = ()
) -> list[BlockPlace]:
    """Places of all blocks of which something came; all blocks are of one size.

    Args:
        header: Of the first block.
        indices: PKTIDX of all blocks; None where a header has none. If one has none, or they do not
            grow, blocks follow each other as they are.
        lost: Numbers of those of which nothing came: where they are is a gap.
    """
    known = [index for index in indices if index is not None]
    grow = len(known) == len(indices) and any(after > before for before, after in pairwise(known))
    unit = steps_of_a_block(header, known) if grow else 0
    new = header.samples - header.overlap
    places: list[BlockPlace] = []
    end = 0
    origin, begin = (known[0] if unit else 0), 0  # what PKTIDX is at which position
    for number in range(len(indices)):
        follows, start = number > 0, number * new
        if unit and number:
            follows = known[number] > known[number - 1]
            if not follows:  # nobody knows where a block is whose PKTIDX goes back
                origin, begin = known[number], end
            start = begin + round((known[number] - origin) * new / unit)
        if number in lost:
            continue
        skip, missing = max(end - start, 0), max(start - end, 0)
        places.append(BlockPlace(start + skip, skip, missing, follows=follows and not missing))
        end = start + header.samples
    return places
